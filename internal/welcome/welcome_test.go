package welcome_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/welcome"
)

func mounted() http.Handler {
	mux := http.NewServeMux()
	welcome.Mount(mux, welcome.Facts{
		BaseURL: "http://127.0.0.1:8080", Simulator: "http://127.0.0.1:9", Version: "v1<2", Icon: "/icon.svg", HTTPS: true,
	})
	return mux
}

func get(t *testing.T, h http.Handler, method, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestPageForPeople: it tells what there is, runs nothing, loads nothing from elsewhere and cannot be framed.
func TestPageForPeople(t *testing.T) {
	t.Parallel()
	h := mounted()
	got := get(t, h, http.MethodGet, "/", "text/html,application/xhtml+xml,*/*;q=0.8")
	body := got.Body.String()
	if got.Code != http.StatusOK || got.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("status %d, %v", got.Code, got.Header())
	}
	for _, text := range []string{
		"http://127.0.0.1:8080/openapi.json", "http://127.0.0.1:8080/openapi-yandexpay.json", "http://127.0.0.1:9/ledger",
		"4000 0000 0000 0408", "4000 0000 0000 0002", "4000 0000 0000 0416", "/api/v1/payments", "/api/merchant/v1/orders", "v1&lt;2",
	} {
		if !strings.Contains(body, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	for _, text := range []string{"<script", " style=", "onclick", "<form", "v1<2"} {
		if strings.Contains(body, text) {
			t.Errorf("the page holds %q", text)
		}
	}
	policy := got.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'none'", "frame-ancestors 'none'", "style-src 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy %q lacks %q", policy, part)
		}
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
		"Strict-Transport-Security": "max-age=31536000", "Vary": "Accept",
	} {
		if got.Header().Get(name) != want {
			t.Errorf("%s: %q", name, got.Header().Get(name))
		}
	}
	style := regexp.MustCompile(`/static/welcome/[0-9a-f]+\.css`).FindString(body)
	if css := get(t, h, http.MethodGet, style, "text/css"); css.Code != http.StatusOK || !strings.HasPrefix(css.Header().Get("Content-Type"), "text/css") {
		t.Errorf("style %q: status %d", style, css.Code)
	}
}

func TestFactsForPrograms(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"", "*/*", "application/json", "text/html;q=0.1,application/json"} {
		got := get(t, mounted(), http.MethodGet, "/", accept)
		var facts struct {
			BaseURL string `json:"baseUrl"`
			APIs    []struct{ OpenAPI string }
			Cards   []any  `json:"testCards"`
			Payment string `json:"firstPayment"`
		}
		if err := json.Unmarshal(got.Body.Bytes(), &facts); err != nil || got.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("%q: %v, %v", accept, err, got.Header())
		}
		if facts.BaseURL != "http://127.0.0.1:8080" || len(facts.APIs) != 2 || len(facts.Cards) != 3 || !strings.HasPrefix(facts.Payment, "curl -s http://127.0.0.1:8080/") {
			t.Errorf("%q: %+v", accept, facts)
		}
	}
}

func TestNothingElseIsAnswered(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/index.html", "/static/welcome/x.css", "/x"} {
		if got := get(t, mounted(), http.MethodGet, path, "text/html"); got.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, got.Code)
		}
	}
}
