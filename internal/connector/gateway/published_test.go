package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/gateway"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// judges hold what is sent against the document of our own dialect, which has been held against what is published, and answers against the
// published document itself. Neither knows a member beyond those that are written there.
type judges struct {
	t              *testing.T
	own, published *openapi3.T

	mu        sync.Mutex
	exchanges map[string]int
}

func judgesFor(t *testing.T) *judges {
	t.Helper()
	load := func(path string) *openapi3.T {
		doc, err := openapi3.NewLoader().LoadFromFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range doc.Components.Schemas {
			if no := false; ref.Value.Type.Is("object") && ref.Value.AdditionalProperties.Schema == nil {
				ref.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
			}
		}
		return doc
	}
	return &judges{
		t: t, own: load("../../api/gateway/openapi.json"), published: load("../../api/gateway/testdata/gateway-payments.openapi.json"),
		exchanges: map[string]int{},
	}
}

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
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/payments"), "/")
	op := r.Method
	if len(parts) > 1 {
		parts[1] = "{id}"
		op += strings.Join(parts, "/")
	}
	request, ok := map[string]string{
		"GET": "", "POST": "PaymentRequest", "GET/{id}": "", "PATCH/{id}": "DepositPatchRequest", "POST/{id}/capture": "CaptureRequest", "POST/{id}/void": "",
	}[op]
	j.mu.Lock()
	defer j.mu.Unlock()
	j.exchanges[op]++
	if !ok || request == "" && len(body) > 0 {
		j.t.Errorf("%s is not published so", op)
	}
	if request != "" {
		j.fits(op+": request", j.own, request, body)
	}
	whole := answer.Body.Bytes()
	if name := map[int]string{http.StatusBadRequest: "BadRequestError", http.StatusUnauthorized: "UnauthorizedError"}[answer.Code]; name != "" {
		j.fits(op+": answer", j.published, name, whole)
		return
	}
	if op != "GET" { // the published list shows the same payments, of which the other answers have one
		var one map[string]json.RawMessage
		if err := json.Unmarshal(whole, &one); err != nil {
			j.t.Error(op, err)
			return
		}
		one["result"], one["hasMore"] = []byte("["+string(one["result"])+"]"), []byte("false")
		whole, _ = json.Marshal(one)
	}
	j.fits(op+": answer", j.published, "PaymentListResponse", whole)
}

func (j *judges) fits(what string, doc *openapi3.T, schema string, body []byte) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		j.t.Errorf("%s: %v", what, err)
		return
	}
	if err := doc.Components.Schemas[schema].Value.VisitJSON(value); err != nil {
		j.t.Errorf("%s: %v", what, err)
	}
}

// TestRequestsAndAnswersAreWhatIsPublished: those of the connector, and those of the double by which it is judged.
func TestRequestsAndAnswersAreWhatIsPublished(t *testing.T) {
	j, s := judgesFor(t), open(t, false)
	s.RequestsTo(j.watch(s.Handler()))
	c := connect(t, s.URL)
	want := func(class payment.Class) func(payment.Fact, error) payment.Fact {
		return func(f payment.Fact, err error) payment.Fact {
			t.Helper()
			if err != nil || f.Class != class {
				t.Errorf("%+v, %v; want %s", f, err, class)
			}
			return f
		}
	}
	follow := func(key string, of connector.Request, f payment.Fact) connector.Request {
		return connector.Request{
			Key: key, Amount: of.Amount, Currency: of.Currency, NoticeURL: of.NoticeURL, Original: connector.Ref{Key: of.Key, ProviderRef: f.ProviderRef},
		}
	}
	width, java := int64(1280), true
	full := sale(t, "full")
	full.Description, full.StartRecurring = `two "coffees" & more`, true
	full.Customer = payment.Customer{FirstName: "Jane", LastName: "Doe", Email: "jane@shop.example", Phone: "44 2072243688", Locale: "en"}
	full.Billing = payment.BillingAddress{AddressLine1: "1 High St", AddressLine2: "b", City: "Town", CountryCode: "GB", PostalCode: "AB1 2CD", State: "X"}
	full.Browser = payment.Browser{
		IP: "192.0.2.7", IPCountryCode: "GB", UserAgent: "x", WindowWidth: &width, WindowHeight: &width, ScreenWidth: &width, ScreenHeight: &width,
		ColorDepth: &width, Language: "en-GB", JavaEnabled: &java, TimezoneOffset: &width,
	}
	paid := want(payment.ClassApproved)(c.Start(t.Context(), full))
	next := sale(t, "next")
	next.Means = &instrument.Credential{Handle: paid.Credential}
	want(payment.ClassApproved)(c.Start(t.Context(), next))
	want(payment.ClassApproved)(c.Refund(t.Context(), follow("back", full, paid)))
	want(payment.ClassRejected)(c.Refund(t.Context(), follow("more", full, paid)))
	for number, class := range map[string]payment.Class{double.Bad: payment.ClassDeclinedSoft, double.Challenged: payment.ClassWaiting} {
		r := sale(t, number)
		r.Means = connectortest.Card(t, number)
		want(class)(c.Start(t.Context(), r))
		want(class)(c.Status(t.Context(), deposit(r)))
	}
	for _, of := range []string{"taken", "voided"} {
		hold := sale(t, of)
		hold.PreAuth = true
		held := want(payment.ClassAuthorized)(c.Start(t.Context(), hold))
		f := follow(of+"-then", hold, held)
		f.Amount = money.MustParse("4.5")
		if of == "taken" {
			want(payment.ClassApproved)(c.Capture(t.Context(), f))
		} else {
			want(payment.ClassApproved)(c.Void(t.Context(), f))
		}
		ref := deposit(hold)
		ref.ProviderRef = held.ProviderRef
		if _, err := c.Status(t.Context(), ref); err != nil {
			t.Error(err)
		}
	}
	check := sale(t, "check")
	check.Amount, check.Verify = money.Amount{}, true
	want(payment.ClassApproved)(c.Verify(t.Context(), check))
	out := sale(t, "out")
	want(payment.ClassApproved)(c.Payout(t.Context(), out))
	out.Key, out.Means, out.Method = "to-account", nil, payment.OpenBanking
	out.Customer = payment.Customer{AccountNumber: "GB33BUKB20201555555555", AccountName: "Jane Doe", AccountType: "SAVINGS", Bank: "B", BankCode: "1"}
	want(payment.ClassApproved)(c.Payout(t.Context(), out))
	s.Strike(frame.Fault{Op: double.OpRefund, Kind: frame.Unauthorized})
	want(payment.ClassRejected)(c.Refund(t.Context(), follow("no", full, paid)))
	bank := sale(t, "bank")
	bank.Means, bank.Method = nil, payment.PayByLink
	want(payment.ClassWaiting)(c.Start(t.Context(), bank))
	if err := c.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	total := 0
	for _, n := range j.exchanges {
		total += n
	}
	if len(j.exchanges) != 6 {
		t.Errorf("only %v were used", j.exchanges)
	}
	t.Logf("%d exchanges of %d operations", total, len(j.exchanges))
}
