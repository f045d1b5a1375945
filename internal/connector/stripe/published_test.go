package stripe_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// specification is what Stripe publishes of the operations used here: testdata/openapi.json says where it is from.
type specification struct {
	t   *testing.T
	doc *openapi3.T
	ops map[string]bool

	mu        sync.Mutex
	exchanges map[string]int
	wrong     int
}

func publishedBy(t *testing.T) *specification {
	t.Helper()
	raw, err := os.ReadFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Operations map[string]struct{ Request, Response json.RawMessage }
		Schemas    map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &kept); err != nil {
		t.Fatal(err)
	}
	s := &specification{t: t, ops: map[string]bool{}, exchanges: map[string]int{}}
	for op, o := range kept.Operations {
		s.ops[op] = true
		kept.Schemas[nameOf(op)+"_request"], kept.Schemas[nameOf(op)+"_response"] = o.Request, o.Response
	}
	whole, err := json.Marshal(map[string]any{
		"openapi": "3.0.0", "info": map[string]any{"title": "x", "version": "x"}, "paths": map[string]any{}, "components": map[string]any{"schemas": kept.Schemas},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.doc, err = openapi3.NewLoader().LoadFromData(whole); err != nil {
		t.Fatal(err)
	}
	return s
}

func nameOf(op string) string { return regexp.MustCompile(`[^a-zA-Z_]+`).ReplaceAllString(op, "_") }

func (s *specification) schema(name string) *openapi3.Schema {
	ref := s.doc.Components.Schemas[name]
	if ref == nil {
		s.t.Fatal("no schema ", name)
	}
	return ref.Value
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
		s.judge(r, body, answer)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

var anID = regexp.MustCompile(`/(pi|seti|re)_[0-9A-Za-z]+`)

func (s *specification) judge(r *http.Request, body []byte, answer *httptest.ResponseRecorder) {
	param := map[string]string{"pi": "/{intent}", "seti": "/{intent}", "re": "/{refund}"}
	op := r.Method + " " + anID.ReplaceAllStringFunc(r.URL.Path, func(id string) string { return param[strings.SplitN(id[1:], "_", 2)[0]] })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exchanges[op]++
	if !s.ops[op] {
		s.fault(op, "it is not published")
		return
	}
	text := string(body)
	if r.Method == http.MethodGet {
		text = r.URL.RawQuery
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		s.fault(op, err)
	}
	request := s.schema(nameOf(op) + "_request")
	value, err := typed(nested(form), request)
	if err == nil {
		err = request.VisitJSON(value)
	}
	if err != nil {
		s.fault(op, "request: ", err)
	}
	name := nameOf(op) + "_response"
	if answer.Code != http.StatusOK {
		name = "error"
	}
	var told any
	if err := json.Unmarshal(answer.Body.Bytes(), &told); err != nil {
		s.fault(op, err)
	} else if err := s.schema(name).VisitJSON(told); err != nil {
		s.fault(op, "answer: ", err)
	}
}

func (s *specification) fault(op string, what ...any) {
	s.wrong++
	s.t.Errorf("%s: %s", op, fmt.Sprint(what...))
}

// nested makes a[b]=c into objects and a[]=c into lists.
func nested(form url.Values) any {
	root := map[string]any{}
	for name, values := range form {
		parts := strings.Split(strings.ReplaceAll(name, "]", ""), "[")
		at := root
		for _, part := range parts[:len(parts)-1] {
			if parts[len(parts)-1] == "" && part == parts[len(parts)-2] {
				break
			}
			next, is := at[part].(map[string]any)
			if !is {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		if last := parts[len(parts)-1]; last != "" {
			at[last] = values[0]
			continue
		}
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v
		}
		at[parts[len(parts)-2]] = list
	}
	return root
}

// typed reads texts as what the schema says they are. A name that the schema does not have is an error, as Stripe has it.
func typed(value any, schema *openapi3.Schema) (any, error) {
	for _, one := range schema.AnyOf {
		if v, err := typed(value, one.Value); err == nil && one.Value.VisitJSON(v) == nil {
			return v, nil
		}
	}
	switch v := value.(type) {
	case string:
		switch {
		case schema.Type.Is("integer"):
			n, err := strconv.ParseInt(v, 10, 64)
			return float64(n), err
		case schema.Type.Is("boolean"):
			return strconv.ParseBool(v)
		}
		return v, nil
	case []any:
		if schema.Items == nil {
			return nil, fmt.Errorf("a list where none may be")
		}
		for i := range v {
			one, err := typed(v[i], schema.Items.Value)
			if err != nil {
				return nil, err
			}
			v[i] = one
		}
	case map[string]any:
		for name, inner := range v {
			of := schema.Properties[name]
			if of == nil && schema.AdditionalProperties.Schema != nil {
				of = schema.AdditionalProperties.Schema
			}
			if of == nil {
				return nil, fmt.Errorf("unknown parameter %s", name)
			}
			one, err := typed(inner, of.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			v[name] = one
		}
	}
	return value, nil
}

// TestRequestsAndAnswersAreWhatStripePublishes: those of the connector, and those of the double by which it is judged.
func TestRequestsAndAnswersAreWhatStripePublishes(t *testing.T) {
	spec := publishedBy(t)
	s := open(t)
	s.RequestsTo(spec.watch(s.Handler()))
	conn := connect(t, s.URL, s.Now, `"threeDSecure":"any"`)
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
		return connector.Request{Key: key, Amount: of.Amount, Currency: of.Currency, Original: connector.Ref{Key: of.Key, ProviderRef: f.ProviderRef}}
	}
	full := sale(t, "sale")
	full.Description, full.StartRecurring = "two coffees & more", true
	full.Billing = payment.BillingAddress{AddressLine1: "1 High St", City: "Town", CountryCode: "GB", PostalCode: "AB1 2CD", State: "X"}
	paid := want(payment.ClassApproved)(conn.Start(t.Context(), full))
	next := sale(t, "next")
	next.Means = &instrument.Credential{Handle: paid.Credential}
	want(payment.ClassApproved)(conn.Start(t.Context(), next))
	back := follow("back", full, paid)
	want(payment.ClassApproved)(conn.(connector.Refunder).Refund(t.Context(), back))
	want(payment.ClassRejected)(conn.(connector.Refunder).Refund(t.Context(), follow("more", full, paid)))
	for _, number := range []string{"4000000000000002", "4000000000003220"} {
		r := sale(t, number)
		r.Means = connectortest.Card(t, number)
		if _, err := conn.Start(t.Context(), r); err != nil {
			t.Error(err)
		}
		ref := refOf(r, payment.AttemptDeposit, s.Now())
		for range 2 { // as it is, and cancelled
			if _, err := conn.(connector.Fencer).Fence(t.Context(), ref); err != nil {
				t.Error(err)
			}
		}
	}
	hold := sale(t, "hold")
	hold.PreAuth = true
	held := want(payment.ClassAuthorized)(conn.Start(t.Context(), hold))
	take := follow("take", hold, held)
	take.Amount = money.MustParse("4.5")
	want(payment.ClassApproved)(conn.(connector.Capturer).Capture(t.Context(), take))
	want(payment.ClassRejected)(conn.(connector.Voider).Void(t.Context(), follow("late", hold, held)))
	other := sale(t, "other")
	other.PreAuth = true
	void := follow("void", other, want(payment.ClassAuthorized)(conn.Start(t.Context(), other)))
	want(payment.ClassApproved)(conn.(connector.Voider).Void(t.Context(), void))
	check := sale(t, "check")
	check.Verify, check.Amount, check.StartRecurring = true, money.Amount{}, true
	want(payment.ClassApproved)(conn.(connector.Verifier).Verify(t.Context(), check))
	asked := check
	asked.Key, asked.Means = "asked", connectortest.Card(t, "4000000000003220")
	want(payment.ClassWaiting)(conn.(connector.Verifier).Verify(t.Context(), asked))
	want(payment.ClassRejected)(conn.(connector.Fencer).Fence(t.Context(), refOf(asked, payment.AttemptDeposit, s.Now())))
	blik := sale(t, "blik")
	blik.Method, blik.Currency, blik.Means = payment.Blik, "PLN", &instrument.Code{Digits: "777123"}
	want(payment.ClassWaiting)(conn.Start(t.Context(), blik))
	for kind, r := range map[payment.AttemptKind]connector.Request{payment.AttemptDeposit: full, payment.AttemptCapture: take, payment.AttemptVoid: void, payment.AttemptRefund: back} {
		ref := refOf(r, kind, s.Now())
		want(payment.ClassApproved)(conn.Status(t.Context(), ref))
		if kind == payment.AttemptRefund {
			list := s.Booked(r.Key)
			if len(list) != 1 || list[0].Moved != frame.Returned {
				t.Error(list)
			}
		}
	}
	ref := refOf(back, payment.AttemptRefund, s.Now())
	ref.ProviderRef = want(payment.ClassApproved)(conn.Status(t.Context(), ref)).ProviderRef
	want(payment.ClassApproved)(conn.Status(t.Context(), ref))
	want(payment.ClassApproved)(conn.Status(t.Context(), refOf(check, payment.AttemptDeposit, s.Now())))
	for _, r := range []connector.Request{sale(t, "never"), {Key: "nor-this", Currency: "EUR"}} {
		want(payment.ClassRejected)(conn.(connector.Fencer).Fence(t.Context(), refOf(r, payment.AttemptDeposit, s.Now())))
	}
	if err := conn.(connector.Prober).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	total := 0
	for op := range spec.ops {
		if spec.exchanges[op] == 0 {
			t.Errorf("%s was never used", op)
		}
		total += spec.exchanges[op]
	}
	t.Logf("%d exchanges of %d operations, %d violations", total, len(spec.ops), spec.wrong)
}
