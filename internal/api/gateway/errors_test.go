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
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// bare is the dialect on an engine that has nothing but a clock.
func bare(log *slog.Logger) *gateway.Gateway {
	now := func() time.Time { return time.Date(2030, 12, 25, 10, 11, 12, 595e6, time.UTC) }
	e := engine.New(engine.Config{Now: now, Log: log})
	return gateway.New(e, api.NewAuth(e), log)
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
	gateway.New(e, nil, slog.New(slog.NewTextHandler(&logs, nil))).Mount(mux) // without authentication nothing can work
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
	g := gateway.New(c.app.Engine, api.NewAuth(c.app.Engine), c.app.Log)
	g.MaxInFlight = 1
	mux := http.NewServeMux()
	g.Mount(mux)

	inside, leave := make(chan struct{}), make(chan struct{})
	body := &gate{inside: inside, leave: leave, rest: strings.NewReader(deposit)}
	var first *httptest.ResponseRecorder
	var done sync.WaitGroup
	done.Go(func() { first = c.serveOn(mux, httptest.NewRequest(http.MethodPost, payments, body)) })
	<-inside
	second := c.serveOn(mux, httptest.NewRequest(http.MethodGet, payments, nil))
	close(leave)
	done.Wait()
	third := c.serveOn(mux, httptest.NewRequest(http.MethodGet, payments, nil))

	if first.Code != http.StatusOK || second.Code != http.StatusTooManyRequests || third.Code != http.StatusOK {
		t.Errorf("%d, %d, %d; want 200, 429, 200", first.Code, second.Code, third.Code)
	}
	if second.Header().Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	c.contract.check(t, exchange{method: http.MethodGet, pattern: payments, status: second.Code, header: second.Header(), body: second.Body.Bytes()})
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
