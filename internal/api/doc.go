// Package api owns what the merchant APIs (the dialects, one folder each) share: who is calling, the strict reading of
// JSON requests, the idempotency header, and the writing of an answer with its security headers.
//
// It does not know any route, field or error body: those are a dialect's. It takes no decision about payments, which
// is package engine's. Read decode.go for how requests are read, auth.go for how callers are known, then the dialect
// in gateway/routes.go.
package api

import "net/http"

// Dialect is one merchant API: it translates requests into the engine's commands, and the engine's results and errors
// into its own answers.
type Dialect interface {
	// Name is the dialect's name in configuration and logs.
	Name() string
	// Mount registers the dialect's routes. A dialect answers everything below its own base path, unknown paths
	// included, in its own form.
	Mount(mux *http.ServeMux)
}
