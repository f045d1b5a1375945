package adyen_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// specification is what Adyen publishes of the operations and webhooks used here: testdata/openapi.json says where it is from.
type specification struct {
	t      *testing.T
	ops    map[string]operation
	kinds  map[string]string // of events: their schemas
	calls  *openapi3.T
	events *openapi3.T

	mu        sync.Mutex
	exchanges map[string]int
	wrong     int
}

type operation struct {
	Request, Response string
	Status            int
}

func publishedBy(t *testing.T) *specification {
	t.Helper()
	raw, err := os.ReadFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Operations            map[string]operation
		Events                map[string]string
		Schemas, EventSchemas map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &kept); err != nil {
		t.Fatal(err)
	}
	load := func(schemas map[string]json.RawMessage) *openapi3.T {
		whole, err := json.Marshal(map[string]any{
			"openapi": "3.1.0", "info": map[string]any{"title": "x", "version": "x"}, "paths": map[string]any{}, "components": map[string]any{"schemas": schemas},
		})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openapi3.NewLoader().LoadFromData(whole)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	return &specification{
		t: t, ops: kept.Operations, kinds: kept.Events, calls: load(kept.Schemas), events: load(kept.EventSchemas), exchanges: map[string]int{},
	}
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
		if !strings.HasPrefix(r.URL.Path, "/threeDS/") { // a customer's
			s.judge(r, body, answer)
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

var aReference = regexp.MustCompile(`/DBL\d+/`)

func (s *specification) judge(r *http.Request, body []byte, answer *httptest.ResponseRecorder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := r.Method + " " + aReference.ReplaceAllString(r.URL.Path, "/{paymentPspReference}/")
	o, known := s.ops[op]
	if !known {
		s.fault(op, "it is not published")
		return
	}
	s.exchanges[op]++
	if key := r.Header.Get("Idempotency-Key"); len(key) > 64 {
		s.fault(op, "its key is too long")
	}
	s.fits(op+" request", s.calls, o.Request, body)
	schema := o.Response
	if answer.Code != o.Status {
		schema = "ServiceError"
	}
	s.fits(op+" answer", s.calls, schema, answer.Body.Bytes())
}

func (s *specification) fits(what string, doc *openapi3.T, schema string, body []byte) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		s.fault(what, err)
		return
	}
	if err := doc.Components.Schemas[schema].Value.VisitJSON(value); err != nil {
		s.fault(what, err)
	}
}

func (s *specification) fault(what string, why any) {
	s.wrong++
	s.t.Errorf("%s: %v", what, why)
}

// TestRequestsAndAnswersAreWhatAdyenPublishes: all that the connector sends, all that the double answers, and all that it tells.
func TestRequestsAndAnswersAreWhatAdyenPublishes(t *testing.T) {
	spec := publishedBy(t)
	s := open(t)
	s.RequestsTo(spec.watch(s.Handler()))
	conn := connect(t, s.URL)
	want := func(class payment.Class) func(payment.Fact, error) payment.Fact {
		t.Helper()
		return func(f payment.Fact, err error) payment.Fact {
			t.Helper()
			if err != nil || f.Class != class {
				t.Errorf("%+v, %v; want %s", f, err, class)
			}
			return f
		}
	}
	full := sale(t, "full")
	full.Description, full.StartRecurring = "two coffees", true
	full.Billing = payment.BillingAddress{AddressLine1: "1 High St", City: "Town", CountryCode: "GB", PostalCode: "AB1 2CD", State: "ENG"}
	full.Customer = payment.Customer{Email: "jane@shop.example"}
	n := func(v int64) *int64 { return &v }
	full.Browser = payment.Browser{
		IP: "192.0.2.1", UserAgent: `Mozilla/5.0 "quoted"`, Language: "en-GB", ScreenWidth: n(1920), ScreenHeight: n(1080), ColorDepth: n(24), TimezoneOffset: n(-60),
	}
	sold := want(payment.ClassApproved)(conn.Start(t.Context(), full))
	want(payment.ClassApproved)(conn.Start(t.Context(), full)) // as before
	charge := sale(t, "charge")
	charge.Means, charge.ReturnURL = &instrument.Credential{Handle: sold.Credential}, ""
	want(payment.ClassApproved)(conn.Start(t.Context(), charge))
	follow := func(key string, of payment.Fact) connector.Request {
		return connector.Request{Key: key, Amount: full.Amount, Currency: full.Currency, Original: connector.Ref{ProviderRef: of.ProviderRef}}
	}
	want(payment.ClassWaiting)(conn.(connector.Refunder).Refund(t.Context(), follow("back", sold)))
	for number, key := range map[string]string{"4111111111111111": "take", "5555555555554444": "void"} {
		hold := sale(t, "hold-"+key)
		hold.PreAuth, hold.Means = true, connectortest.Card(t, number)
		held := want(payment.ClassAuthorized)(conn.Start(t.Context(), hold))
		change := conn.(connector.Capturer).Capture
		if key == "void" {
			change = conn.(connector.Voider).Void
		}
		want(payment.ClassWaiting)(change(t.Context(), follow(key, held)))
		want(payment.ClassRejected)(change(t.Context(), follow(key+"-2", payment.Fact{ProviderRef: "DBL9999999999999"})))
	}
	s.Fail("back")
	s.Fail("take")
	s.Dispute("full")
	check := sale(t, "check")
	check.Verify, check.Amount = true, money.Amount{}
	want(payment.ClassApproved)(conn.(connector.Verifier).Verify(t.Context(), check))
	refused := sale(t, "refused")
	refused.Means.(*instrument.Card).Holder = "DECLINED"
	want(payment.ClassDeclinedSoft)(conn.Start(t.Context(), refused))
	blik := sale(t, "blik")
	blik.Method, blik.Currency, blik.Means = payment.Blik, "PLN", &instrument.Code{Digits: "777123"}
	want(payment.ClassWaiting)(conn.Start(t.Context(), blik))
	s.Double.Finish("blik", true)
	for _, key := range []string{"asked", "gone"} {
		asked := sale(t, key)
		asked.Means = connectortest.Card(t, "4212345678901237")
		f := want(payment.ClassWaiting)(conn.Start(t.Context(), asked))
		if key == "asked" {
			want(payment.ClassApproved)(resume(t, conn, asked.Key, f.Next.URL, "complete"))
		}
	}
	if err := conn.(connector.Prober).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	s.Advance(13 * time.Hour)
	spec.hears(s.Events())
	total := 0
	for op := range spec.ops {
		if spec.exchanges[op] == 0 {
			t.Errorf("%s was never used", op)
		}
		total += spec.exchanges[op]
	}
	told := 0
	for event := range spec.kinds {
		if spec.exchanges[event] == 0 {
			t.Errorf("%s was never told", event)
		}
		told += spec.exchanges[event]
	}
	t.Logf("%d exchanges of %d operations, %d webhooks of %d events, %d violations", total, len(spec.ops), told, len(spec.kinds), spec.wrong)
}

// hears judges webhooks.
func (s *specification) hears(bodies [][]byte) {
	for _, body := range bodies {
		var told struct {
			Items []struct {
				Item struct{ EventCode string } `json:"NotificationRequestItem"`
			} `json:"notificationItems"`
		}
		if err := json.Unmarshal(body, &told); err != nil || len(told.Items) != 1 {
			s.fault("webhook", fmt.Sprint(err, len(told.Items)))
			continue
		}
		event := told.Items[0].Item.EventCode
		s.exchanges[event]++
		if s.kinds[event] == "" {
			s.fault(event, "it is not published")
			continue
		}
		if event == "OFFER_CLOSED" { // its schema does not have the signature that its published example has
			body = regexp.MustCompile(`"hmacSignature":"[^"]*"`).ReplaceAll(body, nil)
		}
		s.fits(event, s.events, s.kinds[event], body)
	}
}
