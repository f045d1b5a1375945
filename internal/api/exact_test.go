package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/sluicepay/sluice/internal/api"
)

func TestExactLeavesPathsAlone(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/base/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("base " + r.URL.EscapedPath() + " " + r.Pattern))
	})
	mux.HandleFunc("/other/", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("other " + r.URL.EscapedPath())) })
	mux.HandleFunc("GET /only", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/base/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("page")) })
	served := api.Exact(mux, func(w http.ResponseWriter, _ *http.Request, status int) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte("absent " + w.Header().Get("Allow")))
	}, "/base")
	for path, want := range map[string]string{
		"/base/a//b":      "200 base /base/a//b /base/",
		"/base/..":        "200 base /base/.. /base/",
		"/base/../other/": "200 base /base/../other/ /base/",
		"/base/a%2Fb":     "200 base /base/a%2Fb /base/",
		"/base/":          "200 base /base/ /base/",
		"/other/a":        "200 other /other/a",
		"/other/a/":       "200 other /other/a/",
		"/other/a//b":     "404 absent ",
		"/other/../base/": "404 absent ",
		"/":               "404 absent ",
		"//":              "404 absent ",
		"///":             "404 absent ",
		"//base/a":        "404 absent ",
		"/nothing":        "404 absent ",
		"/only":           "405 absent GET, HEAD",
		"/base/page":      "200 page",
		"/base//page":     "200 base /base//page /base/",
		"/base/page/.":    "200 base /base/page/. /base/",
		"/base":           "307 ",
		"/basement/":      "404 absent ",
	} {
		u, err := url.Parse("http://sluice" + path)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.URL = u
		w := httptest.NewRecorder()
		served.ServeHTTP(w, r)
		if got := w.Result().Status[:4] + w.Body.String(); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
