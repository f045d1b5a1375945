package gateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// bare is the dialect on an engine that has nothing but a clock.
func bare(log *slog.Logger) *gateway.Gateway {
	now := func() time.Time { return time.Date(2030, 12, 25, 10, 11, 12, 595e6, time.UTC) }
	e := engine.New(engine.Config{Now: now, Log: log})
	return gateway.New(e, nil, api.NewAuth(e), log)
}

func TestErrorsOfEveryKind(t *testing.T) {
	t.Parallel()
	const entry = `{"timestamp":"2030-12-25T10:11:12.595+00:00","status":400,"error":"Bad Request","message":"%s",` +
		`"errors":[%s],"path":"/api/v1/payments"}`
	const other = `{"status":%d,"error":"%s","message":"%s","timestamp":"2030-12-25T10:11:12.595+00:00","path":"/api/v1/payments"}`
	for _, c := range []struct {
		name   string
		err    error
		status int
		body   string
		header map[string]string
		logged bool
	}{
		{"unavailable", fmt.Errorf("x: %w", engine.ErrUnavailable), 503, fmt.Sprintf(other, 503, "Service Unavailable", "Temporarily unavailable"),
			map[string]string{"Retry-After": "1"}, false},
		{"caller gone", context.Canceled, 503, fmt.Sprintf(other, 503, "Service Unavailable", "Temporarily unavailable"), nil, false},
		{"unknown error", errors.New("SELECT secret"), 500, fmt.Sprintf(other, 500, "Internal Server Error", "The request could not be processed"), nil, true},
		{"another shop's business", engine.ErrForbidden, 403, fmt.Sprintf(other, 403, "Forbidden", "The shop is inactive or not allowed to do this"), nil, false},
		{"busy payment", payment.ErrBusy, 400, fmt.Sprintf(entry, "1.00 Illegal Workflow State", ""), nil, false},
		{"refusal without a field", &payment.Refusal{Code: payment.CodeWrongState, Detail: "inner"}, 400, fmt.Sprintf(entry, "1.00 Illegal Workflow State", ""), nil, false},
		{"refusal of a field", fmt.Errorf("x: %w", &payment.Refusal{Code: payment.CodeInvalidAmount, Field: "amount", Detail: "too \"much\""}), 400,
			fmt.Sprintf(entry, "1.08 Invalid Amount", `{"codes":["InvalidAmount.paymentRequest.amount","InvalidAmount.amount",`+
				`"InvalidAmount.java.math.BigDecimal","InvalidAmount"],"arguments":[{"codes":["paymentRequest.amount","amount"],"defaultMessage":"amount"}],`+
				`"defaultMessage":"too \"much\"","objectName":"paymentRequest","field":"amount","bindingFailure":false}`), nil, false},
		{"missing data", &payment.Missing{Field: "card"}, 400,
			fmt.Sprintf(entry, "Validation failed for object='paymentRequest'. Error count: 1", `{"codes":["NotNull.paymentRequest.card","NotNull.card",`+
				`"NotNull.com.neopay.model.Card","NotNull"],"arguments":[{"codes":["paymentRequest.card","card"],"defaultMessage":"card"}],`+
				`"defaultMessage":"must not be null","objectName":"paymentRequest","field":"card","bindingFailure":false}`), nil, false},
		{"cut off body", api.ErrIncomplete, 400, `{"timestamp":"2030-12-25T10:11:12.595+00:00","status":400,"error":"Bad Request",` +
			`"message":"The request body is incomplete","path":"/api/v1/payments"}`, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			w := httptest.NewRecorder()
			bare(slog.New(slog.NewTextHandler(&logs, nil))).Fail(w, httptest.NewRequest(http.MethodPost, payments, nil), c.err)
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			if diff := cmp.Diff(c.body, w.Body.String()); diff != "" {
				t.Error(diff)
			}
			for name, want := range c.header {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if logged := logs.Len() > 0; logged != c.logged {
				t.Errorf("logged %q", logs.String())
			}
			contractFor(t).check(t, exchange{method: http.MethodPost, pattern: payments, status: w.Code, header: w.Header(), body: w.Body.Bytes()})
		})
	}
}

func TestPanicIsAnsweredInTheFormOfTheDialect(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	mux := http.NewServeMux()
	e := engine.New(engine.Config{Now: time.Now})
	gateway.New(e, nil, nil, slog.New(slog.NewTextHandler(&logs, nil))).Mount(mux) // without authentication nothing can work
	r := httptest.NewRequest(http.MethodGet, payments, nil)
	r.Header.Set("Authorization", "Bearer "+id.NewSource(time.Now, rand.Reader).APIKey(false))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || !strings.Contains(logs.String(), "panic") {
		t.Errorf("%d %s, logged %q", w.Code, w.Body, logs.String())
	}
	contractFor(t).check(t, exchange{method: http.MethodGet, pattern: payments, status: w.Code, header: w.Header(), body: w.Body.Bytes()})
}

func TestTooManyRequestsAtATime(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, "sqlite"), nil)
	g := gateway.New(c.app.Engine, c.app.Records, api.NewAuth(c.app.Engine), c.app.Log)
	g.Gate = api.NewGate(1, time.Now)
	mux := http.NewServeMux()
	g.Mount(mux)
	get := func() *httptest.ResponseRecorder {
		return c.serveOn(mux, httptest.NewRequest(http.MethodGet, payments, nil))
	}
	before := get()
	other := &shop.Shop{ID: "another"}
	if err := g.Gate.Enter(nil, httptest.NewRequest(http.MethodGet, payments, nil), other, false); err != nil {
		t.Fatal(err)
	}
	full := get()
	g.Gate.Leave(other)
	after := get()

	if before.Code != http.StatusOK || full.Code != http.StatusTooManyRequests || after.Code != http.StatusOK {
		t.Errorf("%d, %d, %d; want 200, 429, 200", before.Code, full.Code, after.Code)
	}
	if full.Header().Get("Retry-After") != "1" {
		t.Errorf("429 with Retry-After %q", full.Header().Get("Retry-After"))
	}
	c.contract.check(t, exchange{method: http.MethodGet, pattern: payments, status: full.Code, header: full.Header(), body: full.Body.Bytes()})
}

// TestSlowBodiesTakeNoPlaces: however many bodies come in drops, requests that are there are served.
func TestSlowBodiesTakeNoPlaces(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, "sqlite"), nil)
	g := gateway.New(c.app.Engine, c.app.Records, api.NewAuth(c.app.Engine), c.app.Log)
	g.Gate = api.NewGate(2, time.Now)
	mux := http.NewServeMux()
	g.Mount(mux)
	const slow = 50
	inside, leave := make(chan struct{}), make(chan struct{})
	answers := make([]*httptest.ResponseRecorder, slow)
	var done sync.WaitGroup
	for i := range slow {
		body := &gate{inside: inside, leave: leave, rest: strings.NewReader(deposit)}
		done.Go(func() { answers[i] = c.serveOn(mux, httptest.NewRequest(http.MethodPost, payments, body)) })
		<-inside
	}
	served := 0
	for range 10 {
		if c.serveOn(mux, httptest.NewRequest(http.MethodPost, payments, strings.NewReader(deposit))).Code == http.StatusOK {
			served++
		}
	}
	if served != 10 {
		t.Errorf("%d of 10 were served beside %d bodies that are not there yet", served, slow)
	}
	close(leave)
	done.Wait()
	for _, w := range answers { // all at once now: there is a place for some
		if w.Code != http.StatusOK && w.Code != http.StatusTooManyRequests {
			t.Errorf("a slow one: %d %s", w.Code, w.Body)
		}
	}
}

func TestRateLimitOfAShop(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, "sqlite"), func(s *shop.Shop) { s.Settings.RateLimit = &shop.RateLimit{PerSecond: 2, Burst: 3} })
	g := gateway.New(c.app.Engine, c.app.Records, api.NewAuth(c.app.Engine), c.app.Log)
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	g.Gate = api.NewGate(0, func() time.Time { return now })
	mux := http.NewServeMux()
	g.Mount(mux)
	post := func() *httptest.ResponseRecorder {
		return c.serveOn(mux, httptest.NewRequest(http.MethodPost, payments, strings.NewReader(deposit)))
	}
	for i := range 3 {
		if w := post(); w.Code != http.StatusOK {
			t.Errorf("request %d of the burst: %d %s", i, w.Code, w.Body)
		}
	}
	w := post()
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Errorf("one too many: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	c.contract.check(t, exchange{method: http.MethodPost, pattern: payments, status: w.Code, header: w.Header(), body: w.Body.Bytes()})
	now = now.Add(time.Second)
	for i := range 3 {
		if w, want := post(), map[bool]int{true: 200, false: 429}[i < 2]; w.Code != want {
			t.Errorf("request %d a second later: %d, want %d", i, w.Code, want)
		}
	}
}

func (c *client) serveOn(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	r.Header.Set("Authorization", "Bearer "+c.shop.APIKey)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// gate is a body that tells when it is read and waits until it may go on.
type gate struct {
	inside chan<- struct{}
	leave  <-chan struct{}
	rest   *strings.Reader
	passed bool
}

func (g *gate) Read(p []byte) (int, error) {
	if !g.passed {
		g.passed = true
		g.inside <- struct{}{}
		<-g.leave
	}
	return g.rest.Read(p)
}
