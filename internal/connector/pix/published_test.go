package pix_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/pix"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// specification is what Banco Central publishes of the operations used here: testdata/openapi.json says where it is from.
type specification struct {
	t      *testing.T
	doc    *openapi3.T
	router routers.Router

	mu        sync.Mutex
	exchanges map[string]int
	wrong     int
}

func publishedBy(t *testing.T) *specification {
	t.Helper()
	openapi3filter.RegisterBodyDecoder("application/problem+json", openapi3filter.JSONBodyDecoder)
	raw, err := os.ReadFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	s := &specification{t: t, exchanges: map[string]int{}}
	if s.doc, err = openapi3.NewLoader().LoadFromData(raw); err == nil {
		s.router, err = legacy.NewRouter(s.doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// watch judges every exchange with what answers.
func (s *specification) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if r.URL.Path != "/oauth/token" {
			r.Body = io.NopCloser(bytes.NewReader(body))
			s.judge(r, answer)
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func (s *specification) judge(r *http.Request, answer *httptest.ResponseRecorder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	route, params, err := s.router.FindRoute(r)
	if err != nil {
		s.fault(r, err)
		return
	}
	s.exchanges[r.Method+" "+route.Path]++
	options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		s.fault(r, err)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: answer.Code, Header: answer.Header(), Options: options}
	out.SetBodyBytes(answer.Body.Bytes())
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		s.fault(r, err)
	}
}

func (s *specification) fault(r *http.Request, err error) {
	s.wrong++
	s.t.Errorf("%s %s: %s", r.Method, r.URL.Path, err)
}

// TestRequestsAndAnswersAreWhatBancoCentralPublishes: those of the connector, and those of the double by which it is judged.
func TestRequestsAndAnswersAreWhatBancoCentralPublishes(t *testing.T) {
	spec := publishedBy(t)
	s := open(t)
	s.requestsTo(spec.watch(s.Handler()))
	conn := s.connect(t, s.url, `"payer":true`)
	want := func(class payment.Class) func(payment.Fact, error) payment.Fact {
		return func(f payment.Fact, err error) payment.Fact {
			t.Helper()
			if err != nil || f.Class != class {
				t.Errorf("%+v, %v; want %s", f, err, class)
			}
			return f
		}
	}
	sale := sale(1)
	sale.Until = s.now().Add(20 * time.Minute)
	sale.Customer = payment.Customer{FirstName: "Ana", LastName: "Ávila", DocumentType: "BR_CPF", DocumentNumber: "52998224725"}
	want(payment.ClassWaiting)(conn.Start(t.Context(), sale))
	ref := connector.Ref{Kind: payment.AttemptDeposit, Key: sale.Key, Amount: sale.Amount, Currency: sale.Currency}
	want(payment.ClassWaiting)(conn.Status(t.Context(), ref))
	if err := s.finish(sale.Key, true); err != nil {
		t.Fatal(err)
	}
	paid := want(payment.ClassApproved)(conn.Status(t.Context(), ref))
	want(payment.ClassApproved)(conn.Start(t.Context(), sale)) // the same once more: refused, and asked about
	want(payment.ClassApproved)(conn.Fence(t.Context(), ref))
	of := connector.Ref{Kind: payment.AttemptDeposit, Key: sale.Key, ProviderRef: paid.ProviderRef}
	back := connector.Request{Key: key(2), Amount: money.MustParse("4.5"), Currency: "BRL", Original: of}
	want(payment.ClassApproved)(conn.Refund(t.Context(), back))
	want(payment.ClassApproved)(conn.Refund(t.Context(), back))
	want(payment.ClassRejected)(conn.Refund(t.Context(), connector.Request{Key: key(3), Amount: money.MustParse("7"), Currency: "BRL", Original: of}))
	s.Strike(frame.Fault{Op: double.OpReturn, Kind: frame.Pending})
	back.Key, back.Amount = key(4), money.MustParse("1")
	want(payment.ClassWaiting)(conn.Refund(t.Context(), back))
	s.Settle(said(back.Key), false)
	want(payment.ClassDeclinedHard)(conn.Status(t.Context(), connector.Ref{Kind: payment.AttemptRefund, Key: back.Key, Of: connector.Original{Key: sale.Key}}))
	for n := range 2 {
		never := connector.Ref{Kind: payment.AttemptDeposit, Key: key(10 + n), Amount: sale.Amount, Currency: "BRL"}
		want(payment.ClassRejected)(conn.Fence(t.Context(), never))
		want(payment.ClassRejected)(conn.Fence(t.Context(), never))
	}
	nobody := sale
	nobody.Key, nobody.Customer.DocumentType, nobody.Customer.DocumentNumber = key(20), "BR_CNPJ", "12ABC34501DE35"
	want(payment.ClassWaiting)(conn.Start(t.Context(), nobody))
	s.Strike(frame.Fault{Op: double.OpCharge, Kind: frame.Rejected})
	nobody.Key = key(21)
	want(payment.ClassRejected)(conn.Start(t.Context(), nobody))
	if err := conn.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	var notice any
	if err := json.Unmarshal(s.Notice(), &notice); err != nil {
		t.Fatal(err)
	}
	if err := spec.doc.Components.RequestBodies["WebhookPixBody"].Value.Content["application/json"].Schema.Value.VisitJSON(notice); err != nil {
		t.Error("notice: ", err)
	}
	total := 0
	for op, n := range spec.exchanges {
		t.Log(n, op)
		total += n
	}
	if len(spec.exchanges) != 5 {
		t.Errorf("%d operations were used", len(spec.exchanges))
	}
	t.Logf("%d exchanges of %d operations, %d violations", total, len(spec.exchanges), spec.wrong)
}
