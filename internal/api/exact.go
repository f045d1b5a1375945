package api

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Nothing answers a request for which there is nothing: status is 404, or 405 for a path that has other methods, which the
// header Allow names then.
type Nothing func(w http.ResponseWriter, r *http.Request, status int)

// Exact serves requests with mux, but for paths that a mux answers by a redirect to another path: those with an empty
// segment or with dots. Below one of the bases, such as /api/merchant, they go to the handler that mux has for base/,
// for in some APIs such a segment is somebody's id, and an unknown path has an answer in the form of its API. Wherever
// else there is nothing, absent answers.
func Exact(mux *http.ServeMux, absent Nothing, bases ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.URL.EscapedPath()
		switch {
		case r.Method == http.MethodConnect || r.RequestURI == "*":
			mux.ServeHTTP(w, r)
			return
		case isClean(given):
			serveKnown(mux, absent, w, r)
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
		absent(w, r, http.StatusNotFound)
	})
}

// serveKnown serves what mux has a pattern for.
func serveKnown(mux *http.ServeMux, absent Nothing, w http.ResponseWriter, r *http.Request) {
	refuse, pattern := mux.Handler(r)
	if pattern != "" {
		mux.ServeHTTP(w, r)
		return
	}
	refused := refusal{header: make(http.Header), status: http.StatusNotFound}
	refuse.ServeHTTP(&refused, r)
	if refused.status != http.StatusNotFound && refused.status != http.StatusMethodNotAllowed {
		mux.ServeHTTP(w, r) // a redirect, say: whatever it is, it is not nothing
		return
	}
	if allow := refused.header["Allow"]; len(allow) > 0 {
		w.Header()["Allow"] = allow
	}
	absent(w, r, refused.status)
}

// refusal keeps what a mux would have answered, but for its body.
type refusal struct {
	header http.Header
	status int
}

func (f *refusal) Header() http.Header         { return f.header }
func (f *refusal) WriteHeader(status int)      { f.status = status }
func (f *refusal) Write(p []byte) (int, error) { return len(p), nil }

// isClean reports whether a mux takes the path as it is.
func isClean(given string) bool {
	if given == "" || given[0] != '/' {
		return false
	}
	clean := path.Clean(given)
	return clean == given || clean+"/" == given && clean != "/"
}
