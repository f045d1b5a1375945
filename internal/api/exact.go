package api

import (
	"net/http"
	"net/url"
	"strings"
)

// Exact serves requests with mux, except that those below base, such as /api/merchant, go to the handler that mux has
// for base/ whatever their path looks like. A mux alone answers a path with an empty segment or with dots by a
// redirect to another path, and in some APIs such a segment is somebody's id.
func Exact(mux *http.ServeMux, base string) http.Handler {
	probe := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: base + "/"}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.EscapedPath(), base+"/") {
			mux.ServeHTTP(w, r)
			return
		}
		inner, pattern := mux.Handler(probe)
		r.Pattern = pattern
		inner.ServeHTTP(w, r)
	})
}
