// Package web owns how this process listens to HTTP: the one server with its limits and its orderly stop, and what
// every request passes through, whichever area it is for: a request id, the access log, recovery from a panic, the
// security headers, the caller's address, a bounded body.
//
// It knows no route and no payment. Error bodies belong to the areas (a merchant API, the payment page), which hand in
// their own writers. Start at New in server.go, then Wrap in middleware.go.
package web
