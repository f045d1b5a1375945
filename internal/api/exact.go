package api

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Exact serves requests with mux, but for paths that a mux answers by a redirect to another path: those with an empty
// segment or with dots. Below one of the bases, such as /api/merchant, they go to the handler that mux has for base/,
// for in some APIs such a segment is somebody's id, and an unknown path has an answer in the form of its API; anywhere
// else there is nothing under such a path.
func Exact(mux *http.ServeMux, bases ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.URL.EscapedPath()
		if r.Method == http.MethodConnect || r.RequestURI == "*" || isClean(given) {
			mux.ServeHTTP(w, r)
			return
		}
		for _, base := range bases {
			if strings.HasPrefix(given, base+"/") {
				inner, pattern := mux.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: base + "/"}})
				r.Pattern = pattern
				inner.ServeHTTP(w, r)
				return
			}
		}
		http.NotFound(w, r)
	})
}

// isClean reports whether a mux takes the path as it is.
func isClean(given string) bool {
	if given == "" || given[0] != '/' {
		return false
	}
	clean := path.Clean(given)
	return clean == given || clean+"/" == given && clean != "/"
}
