package przelewy24_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/przelewy24"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// TestRequestsAndAnswersArePublished holds what the connector sends, and what the double answers, against the specification that Przelewy24
// publishes at https://developers.przelewy24.pl, whose licence does not let it stand here: SLUICE_SPEC_PRZELEWY24 names the file.
func TestRequestsAndAnswersArePublished(t *testing.T) {
	file := os.Getenv("SLUICE_SPEC_PRZELEWY24")
	if file == "" {
		setting.Missing(t, "SLUICE_TEST_SPECIFICATIONS_REQUIRED", "SLUICE_SPEC_PRZELEWY24 does not name the published specification")
	}
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A member that it requires and does not have, and that the page made of it leaves out.
	registration := doc.Components.Schemas["TransactionRequestBody1"].Value
	registration.Required = slices.DeleteFunc(registration.Required, func(name string) bool { return registration.Properties[name] == nil })

	s := open(t)
	seen, violations := map[string]int{}, 0
	s.RequestsTo(watch(s.Handler(), func(r *http.Request, sent []byte, answer *httptest.ResponseRecorder) {
		op, at := operation(doc, r)
		if op == nil {
			t.Errorf("%s %s is not published", r.Method, r.URL.Path)
			violations++
			return
		}
		seen[fmt.Sprintf("%s %s %d", r.Method, at, answer.Code)]++
		response := op.Responses.Status(answer.Code)
		if op.RequestBody != nil {
			violations += visit(t, at+" request", op.RequestBody.Value.Content.Get("application/json").Schema.Value, sent)
		}
		if response == nil {
			t.Errorf("%s: status %d is not published", at, answer.Code)
			violations++
			return
		}
		violations += visit(t, fmt.Sprintf("%s answer %d", at, answer.Code), response.Value.Content.Get("application/json").Schema.Value, answer.Body.Bytes())
	}))
	exchanges(t, s)
	total := 0
	for _, n := range seen {
		total += n
	}
	t.Logf("%d exchanges of %d kinds, %d violations: %v", total, len(seen), violations, seen)
	if len(seen) < 14 {
		t.Errorf("only %d kinds of exchanges were seen", len(seen))
	}
}

// exchanges makes every kind of request, with every kind of answer that the double has.
func exchanges(t *testing.T, s *server) {
	t.Helper()
	conn := connect(t, s.URL, s.Now)
	if err := conn.(connector.Prober).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := conn.(connector.Chooser).Banks(t.Context(), connector.Choice{Method: payment.PayByLink, Currency: "PLN"}); err != nil {
		t.Error(err)
	}
	for _, op := range []string{double.OpRegister, double.OpCharge, double.OpQuery, double.OpVerify, double.OpRefund, double.OpRefunds} {
		kinds := []frame.Kind{"", frame.Unauthorized, frame.Rejected}
		if op == double.OpRefund {
			kinds = append(kinds, frame.Decline, frame.Pending)
		}
		if op == double.OpRefunds {
			kinds = []frame.Kind{"", frame.Unauthorized}
		}
		for _, kind := range kinds {
			q := sale()
			s.Strike(frame.Fault{Op: op, Kind: kind, Code: "Insufficient funds available"})
			_, _ = conn.Start(t.Context(), q)
			s.Double.Finish(q.Key, true)
			_, _ = conn.Status(t.Context(), refOf(&q))
			_, _ = conn.Status(t.Context(), refOf(&q))
			back := connector.Request{Key: key(), Amount: q.Amount, Currency: q.Currency, NoticeURL: q.NoticeURL, Original: refOf(&q)}
			_, _ = conn.(connector.Refunder).Refund(t.Context(), back)
			_, _ = conn.(connector.Refunder).Refund(t.Context(), back)
			ref := refOf(&back)
			ref.Kind, ref.Of = payment.AttemptRefund, connector.Original{Key: q.Key}
			_, _ = conn.Status(t.Context(), ref)
		}
	}
	link := sale()
	link.Method, link.Means, link.Browser = payment.PayByLink, &instrument.Bank{ID: "25"}, payment.Browser{}
	if _, err := conn.Start(t.Context(), link); err != nil {
		t.Error(err)
	}
	_, _ = conn.Status(t.Context(), refOf(&link))
}

// operation is what is published for a request, and its path there.
func operation(doc *openapi3.T, r *http.Request) (*openapi3.Operation, string) {
	for path, item := range doc.Paths.Map() {
		path, _, _ = strings.Cut(path, "?")
		want, got := strings.Split(path, "/"), strings.Split(r.URL.Path, "/")
		fits := len(want) == len(got)
		for i := 0; fits && i < len(want); i++ {
			fits = want[i] == got[i] || strings.HasPrefix(want[i], "{") && got[i] != ""
		}
		if op := item.GetOperation(r.Method); fits && op != nil {
			return op, path
		}
	}
	return nil, ""
}

func visit(t *testing.T, what string, schema *openapi3.Schema, body []byte) int {
	t.Helper()
	var value any
	err := json.Unmarshal(body, &value)
	if err == nil {
		err = schema.VisitJSON(value)
	}
	if err != nil {
		t.Errorf("%s: %v in %s", what, err, body)
		return 1
	}
	return 0
}

// watch shows every exchange with what answers.
func watch(h http.Handler, see func(*http.Request, []byte, *httptest.ResponseRecorder)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		see(r, body, answer)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}
