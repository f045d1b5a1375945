package checkout_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/checkout"
	"github.com/sluicepay/sluice/internal/limit"
)

// TestPagesHaveAPace: one payment's addresses, or all of one client, may be opened so often; whoever comes sooner is asked to
// wait, and nobody else.
func TestPagesHaveAPace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mux := http.NewServeMux()
	checkout.New(checkout.Deps{
		Engine: h.engine, Log: slog.New(slog.DiscardHandler), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Rates: checkout.Rates{Payment: limit.Rate{PerSecond: 0.001, Burst: 3}, Client: limit.Rate{PerSecond: 0.001, Burst: 6}},
	}).Mount(mux)
	do := func(method, at, client string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, at, nil) // of 192.0.2.1
		if client != "" {
			r.Header.Set("X-Forwarded-For", client)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	refused := func(w *httptest.ResponseRecorder) bool {
		t.Helper()
		if w.Code != http.StatusTooManyRequests {
			return false
		}
		if w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "<html") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("429 with Retry-After %q and %s", w.Header().Get("Retry-After"), w.Body)
		}
		return true
	}
	pageOf := func() string { _, page := h.deposit(); return "/payment/" + path.Base(page) }
	one, another := pageOf(), pageOf()
	var statuses []string
	for _, at := range []string{one, one + "/return", one + "/return?x=1", one + "/return?x=2", one + "/continue", another} {
		statuses = append(statuses, fmt.Sprint(do("GET", at, "203.0.113.1").Code))
	}
	if got := strings.Join(statuses, " "); got != "200 303 303 429 429 200" {
		t.Errorf("addresses of two payments: %s", got)
	}
	if !refused(do("GET", another, "203.0.113.1")) || !refused(do("GET", "/payment/unknown", "203.0.113.1")) {
		t.Error("a client that opens more than it may is served")
	}
	if refused(do("GET", another, "203.0.113.2")) || refused(do("GET", another, "")) {
		t.Error("another client is refused")
	}
	if !refused(do("POST", another, "203.0.113.3")) {
		t.Error("a payment of which more is opened than may be is served")
	}
	for range 20 { // a proxy in a private network that nobody has named: all customers are behind it
		if refused(do("GET", "/payment/unknown", "10.1.2.3")) {
			t.Fatal("a proxy is refused")
		}
	}
}
