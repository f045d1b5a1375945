package payu_test

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
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/payu"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// specification is what PayU publishes of the operations used here: testdata/openapi.json says where it is from.
type specification struct {
	t   *testing.T
	doc *openapi3.T
	ops map[string]published

	mu    sync.Mutex
	seen  map[string]int
	wrong int
}

type published struct {
	Request   json.RawMessage
	Responses map[string]json.RawMessage
}

func publishedBy(t *testing.T) *specification {
	t.Helper()
	raw, err := os.ReadFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Operations map[string]published
		Schemas    map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &kept); err != nil {
		t.Fatal(err)
	}
	for op, o := range kept.Operations {
		if o.Request != nil {
			kept.Schemas[nameOf(op, "request")] = o.Request
		}
		for status, schema := range o.Responses {
			kept.Schemas[nameOf(op, status)] = schema
		}
	}
	whole, err := json.Marshal(map[string]any{
		"openapi": "3.0.0", "info": map[string]any{"title": "x", "version": "x"}, "paths": map[string]any{}, "components": map[string]any{"schemas": kept.Schemas},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &specification{t: t, ops: kept.Operations, seen: map[string]int{}}
	if s.doc, err = openapi3.NewLoader().LoadFromData(whole); err != nil {
		t.Fatal(err)
	}
	return s
}

func nameOf(op, what string) string {
	return strings.NewReplacer(" ", "_", "/", "_", "{", "", "}", "").Replace(op) + "_" + what
}

// watch judges every exchange with what answers.
func (s *specification) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		s.judge(r, body, answer)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func (s *specification) judge(r *http.Request, body []byte, answer *httptest.ResponseRecorder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := s.operation(r)
	s.seen[op+" "+strconv.Itoa(answer.Code)]++
	if op == "" {
		s.fault(r.URL.Path, "is not published")
		return
	}
	if s.ops[op].Request != nil {
		var sent any
		if r.Header.Get("Content-Type") == "application/json" {
			if err := json.Unmarshal(body, &sent); err != nil {
				s.fault(op, err)
			}
		} else {
			form, err := url.ParseQuery(string(body))
			if err != nil {
				s.fault(op, err)
			}
			flat := map[string]any{}
			for name := range form {
				flat[name] = form.Get(name)
			}
			sent = flat
		}
		s.visit(op, "request", sent)
	}
	var got any
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		s.fault(op, err)
	}
	s.visit(op, strconv.Itoa(answer.Code), got)
}

// visit holds a value against its schema, and of a request that nothing is sent that is not published.
func (s *specification) visit(op, what string, value any) {
	ref := s.doc.Components.Schemas[nameOf(op, what)]
	if ref == nil {
		s.fault(op, what+" is not published")
		return
	}
	if err := ref.Value.VisitJSON(value); err != nil {
		s.fault(op, fmt.Sprintf("%s: %v in %v", what, err, value))
	}
	sent, is := value.(map[string]any)
	for name := range sent {
		if is && what == "request" && len(ref.Value.Properties) > 0 && ref.Value.Properties[name] == nil {
			s.fault(op, name+" is not published")
		}
	}
}

func (s *specification) fault(op string, why any) {
	s.wrong++
	s.t.Errorf("%s: %v", op, why)
}

func (s *specification) operation(r *http.Request) string {
	for op := range s.ops {
		method, path, _ := strings.Cut(op, " ")
		want, got := strings.Split(path, "/"), strings.Split(r.URL.Path, "/")
		fits := method == r.Method && len(want) == len(got)
		for i := 0; fits && i < len(want); i++ {
			fits = want[i] == got[i] || strings.HasPrefix(want[i], "{") && got[i] != ""
		}
		if fits {
			return op
		}
	}
	return ""
}

// TestRequestsAndAnswersArePublished holds what the connector sends, and what the double answers, against PayU's own specification.
func TestRequestsAndAnswersArePublished(t *testing.T) {
	for _, manual := range []bool{false, true} {
		spec, s := publishedBy(t), open(t, manual)
		s.Double = double.New(double.Config{Now: s.Now, POS: pos, ClientID: pos, Secret: secret, SecondKey: secondKey, URL: s.URL, Manual: manual, Lists: true})
		s.RequestsTo(spec.watch(s.Handler()))
		exchanges(t, s)
		total := 0
		for _, n := range spec.seen {
			total += n
		}
		t.Logf("%d exchanges of %d kinds, %d violations: %v", total, len(spec.seen), spec.wrong, spec.seen)
		if len(spec.seen) < 13 {
			t.Errorf("only %d kinds of exchanges were seen", len(spec.seen))
		}
	}
}

// exchanges makes every kind of request, with every kind of answer that the double has.
func exchanges(t *testing.T, s *server) {
	t.Helper()
	conn := connect(t, s, s.URL)
	if err := conn.(connector.Prober).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	for _, op := range []string{double.OpOrder, double.OpQuery, double.OpConfirm, double.OpCancel, double.OpRefund} {
		for _, kind := range []frame.Kind{"", frame.Rejected} {
			q := sale()
			s.Strike(frame.Fault{Op: op, Kind: kind})
			started, _ := conn.Start(t.Context(), q)
			again, _ := conn.Start(t.Context(), q)
			s.Double.Finish(q.Key, kind == "" || op != double.OpQuery)
			ref := refOf(&q, s.name(q.Key))
			_, _ = conn.Status(t.Context(), ref)
			_, _ = conn.Status(t.Context(), ref)
			back := connector.Request{Key: key(), Amount: q.Amount, Currency: q.Currency, Original: ref}
			_, _ = conn.(connector.Refunder).Refund(t.Context(), back)
			_, _ = conn.Status(t.Context(), connector.Ref{Kind: payment.AttemptRefund, Key: back.Key, Of: connector.Original{Key: q.Key, ProviderRef: ref.ProviderRef}})
			given := sale()
			given.Method, given.Means = payment.PayByLink, &instrument.Bank{ID: "m"}
			if op == double.OpCancel {
				_, _ = conn.Start(t.Context(), given)
			}
			_, _ = conn.(connector.Fencer).Fence(t.Context(), refOf(&given, s.name(given.Key)))
			if started.Class == payment.ClassApproved || again.Class == payment.ClassApproved {
				t.Error("an order is approved before anybody has paid")
			}
		}
	}
}
