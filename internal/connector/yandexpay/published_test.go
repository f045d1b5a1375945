package yandexpay_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// judges hold what is sent and answered against the document of our own dialect, which is held against real clients of the API.
type judges struct {
	t   *testing.T
	doc *openapi3.T

	mu        sync.Mutex
	exchanges map[string]int
}

// shapes are what the operations take and answer, by their paths.
var shapes = map[string][2]string{
	"POST /v1/orders":              {"OrderIn", "OrderLinkAnswer"},
	"GET /v1/orders/{id}":          {"", "OrderAnswer"},
	"POST /v1/subscriptions":       {"SubscriptionIn", "SubscriptionLinkAnswer"},
	"POST /v1/subscriptions/recur": {"RecurIn", "RecurAnswer"},
	"POST /v1/orders/{id}/capture": {"CaptureIn", "OperationAnswer"},
	"POST /v1/orders/{id}/cancel":  {"CancelIn", "OperationAnswer"},
	"POST /v2/orders/{id}/refund":  {"RefundV2In", "OperationAnswer"},
	"GET /v1/operations/{id}":      {"", "OperationAnswer"},
}

var anID = regexp.MustCompile(`(/orders/|/operations/)[^/]+`)

// watch judges every exchange with what answers.
func (j *judges) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			j.t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		j.judge(r, body, answer)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func (j *judges) judge(r *http.Request, body []byte, answer *httptest.ResponseRecorder) {
	op := r.Method + " " + anID.ReplaceAllString(r.URL.Path[len("/api/merchant"):], "$1{id}")
	shape, ok := shapes[op]
	j.mu.Lock()
	defer j.mu.Unlock()
	j.exchanges[op]++
	if !ok || (shape[0] == "") != (len(body) == 0) {
		j.t.Errorf("%s is not published so", op)
		return
	}
	if shape[0] != "" {
		j.fits(op+": request", shape[0], body)
	}
	if answer.Code != http.StatusOK {
		return // its form is read by the connector, and published in part only
	}
	j.fits(op+": answer", shape[1], answer.Body.Bytes())
}

func (j *judges) fits(what, schema string, body []byte) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		j.t.Errorf("%s: %v", what, err)
		return
	}
	if err := j.doc.Components.Schemas[schema].Value.VisitJSON(value); err != nil {
		j.t.Errorf("%s: %v", what, err)
	}
}

// TestRequestsAndAnswersAreWhatIsPublished: those of the connector, and those of the double by which it is judged.
func TestRequestsAndAnswersAreWhatIsPublished(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("../../api/yandexpay/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	j := &judges{t: t, doc: doc, exchanges: map[string]int{}}
	want := func(class payment.Class) func(payment.Fact, error) payment.Fact {
		return func(f payment.Fact, err error) payment.Fact {
			t.Helper()
			if err != nil || f.Class != class {
				t.Errorf("%+v, %v; want %s", f, err, class)
			}
			return f
		}
	}
	for _, twoStage := range []bool{false, true} {
		s := open(t, twoStage)
		s.RequestsTo(j.watch(s.Handler()))
		c := connect(t, s.URL, s.Now, map[bool]string{true: `"twoStage":true`, false: `"tax":6`}[twoStage])
		sale := connector.Request{
			Key: "sale", Amount: money.MustParse("11.12"), Currency: "RUB", Method: payment.BasicCard, PreAuth: twoStage, StartRecurring: !twoStage,
			Description: `two "coffees"`, ReturnURL: "https://shop.example/back", Until: s.Now().Add(20 * 60e9),
			Customer: payment.Customer{Email: "jane@shop.example", Phone: "7 9161234567"},
		}
		ref := connector.Ref{Kind: payment.AttemptDeposit, Key: "sale", Amount: sale.Amount, Currency: "RUB"}
		want(payment.ClassWaiting)(c.Start(t.Context(), sale))
		want(payment.ClassWaiting)(c.Status(t.Context(), ref))
		s.Finish("sale", true)
		then := connector.Request{Key: "then", Amount: money.MustParse("4.5"), Currency: "RUB", Original: connector.Ref{Key: "sale"}}
		if twoStage {
			want(payment.ClassAuthorized)(c.Status(t.Context(), ref))
			want(payment.ClassApproved)(c.Capture(t.Context(), then))
			other := sale
			other.Key, then.Key, then.Original.Key = "other", "void", "other"
			want(payment.ClassWaiting)(c.Start(t.Context(), other))
			s.Finish("other", true)
			want(payment.ClassApproved)(c.Void(t.Context(), then))
			continue
		}
		paid := want(payment.ClassApproved)(c.Status(t.Context(), ref))
		next := sale
		next.Key, next.StartRecurring, next.Means = "next", false, &instrument.Credential{Handle: paid.Credential}
		want(payment.ClassApproved)(c.Start(t.Context(), next))
		want(payment.ClassApproved)(c.Refund(t.Context(), then))
		want(payment.ClassApproved)(c.Refund(t.Context(), then)) // it is done already, and is read
		plain := sale
		plain.Key, plain.StartRecurring = "plain", false
		want(payment.ClassWaiting)(c.Start(t.Context(), plain))
	}
	total := 0
	for _, n := range j.exchanges {
		total += n
	}
	if len(j.exchanges) != len(shapes) {
		t.Errorf("only %v were used", j.exchanges)
	}
	t.Logf("%d exchanges of %d operations", total, len(j.exchanges))
}
