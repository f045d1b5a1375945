// Package published holds exchanges with a server that stands for a provider against what that provider publishes: each request of a connector and
// each answer of a double, by an independent validator. Only tests import it.
package published

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// Specification is an OpenAPI document of version 3.0.
type Specification struct {
	Doc    *openapi3.T
	t      *testing.T
	router routers.Router

	mu        sync.Mutex
	exchanges map[string]int
	wrong     int
}

// Read reads a document. Its servers say which paths are its own.
func Read(t *testing.T, document []byte) *Specification {
	t.Helper()
	openapi3filter.RegisterBodyDecoder("application/problem+json", openapi3filter.JSONBodyDecoder)
	s := &Specification{t: t, exchanges: map[string]int{}}
	var err error
	if s.Doc, err = openapi3.NewLoader().LoadFromData(document); err == nil {
		s.router, err = legacy.NewRouter(s.Doc, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation(), openapi3.DisableSchemaPatternValidation())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Watch judges every exchange with what answers, but for requests that the document does not speak of.
func (s *Specification) Watch(h http.Handler, beside func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if !beside(r) {
			r.Body = io.NopCloser(bytes.NewReader(body))
			s.judge(r, answer)
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // the client may have gone
	})
}

func (s *Specification) judge(r *http.Request, answer *httptest.ResponseRecorder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	route, params, err := s.router.FindRoute(r)
	if err != nil {
		s.fault(r, err)
		return
	}
	s.exchanges[r.Method+" "+route.Path]++
	options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		s.fault(r, err)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: answer.Code, Header: answer.Header(), Options: options}
	out.SetBodyBytes(answer.Body.Bytes())
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		s.fault(r, err)
	}
}

func (s *Specification) fault(r *http.Request, err error) {
	s.wrong++
	s.t.Errorf("%s %s: %s", r.Method, r.URL.Path, err)
}

// Report logs how many exchanges there were and wants that many operations to have been used.
func (s *Specification) Report(operations int) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for op, n := range s.exchanges {
		s.t.Log(n, op)
		total += n
	}
	if len(s.exchanges) != operations {
		s.t.Errorf("%d operations were used, want %d", len(s.exchanges), operations)
	}
	s.t.Logf("%d exchanges of %d operations, %d violations", total, len(s.exchanges), s.wrong)
}
