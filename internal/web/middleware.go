package web

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

const requestIDHeader = "X-Request-Id"

const maxRequestID = 64

// Common configures Wrap. Logger, Now and NewID are required.
type Common struct {
	Logger *slog.Logger
	// AccessLevel is the level of the access log; answers of 500 and more are logged at slog.LevelError instead, unless they
	// are Wanted, or the caller had gone: then it may be that very thing that failed.
	AccessLevel slog.Level
	// Now is the clock for durations.
	Now func() time.Time
	// NewID makes the id of a request that brought none.
	NewID func() string
	// Observe, if set, is told of every answer. The route is a pattern, or empty where none matched.
	Observe func(route string, status int, took time.Duration)
}

// Wrap puts around next what every request of this process passes through: it takes the caller's X-Request-Id (1 to 64
// of letters, digits, dot, underscore, hyphen) or makes one, always answers it, and writes one line to the access log
// with the route's pattern. Paths, queries and bodies are never logged, because they hold tokens and personal data.
func Wrap(next http.Handler, c Common) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := c.Now()
		e := &exchange{ResponseWriter: w, id: requestID(r, c.NewID)}
		w.Header()[requestIDHeader] = []string{e.id}
		inner := r.WithContext(&exchangeContext{Context: r.Context(), exchange: e}) //nolint:contextcheck // it wraps the given one
		returned := false
		defer func() {
			// A panic that no area recovered goes on after it was counted; the connection is cut by it.
			if !returned && e.status == 0 {
				e.status = http.StatusInternalServerError
			}
			c.finish(inner, e, c.Now().Sub(started))
		}()
		next.ServeHTTP(e, inner)
		returned = true
	})
}

func (c *Common) finish(r *http.Request, e *exchange, took time.Duration) {
	status := e.status
	if status == 0 {
		status = http.StatusOK
	}
	route := routeOf(r)
	if c.Observe != nil {
		c.Observe(route, status, took)
	}
	level := c.AccessLevel
	if status >= http.StatusInternalServerError && !e.wanted && r.Context().Err() == nil { // else nobody waited for the answer
		level = slog.LevelError
	}
	if !c.Logger.Enabled(r.Context(), level) {
		return
	}
	c.Logger.LogAttrs(r.Context(), level, "request",
		slog.String("request_id", e.id),
		slog.String("method", methodOf(r)),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Duration("took", took),
		slog.Int64("bytes", e.bytes),
	)
}

// routeOf returns the pattern that the request matched without its method, or "" where none did. It is known only
// after the request was served, and only if no handler in between passed on a copy of the request.
func routeOf(r *http.Request) string {
	if at := strings.IndexByte(r.Pattern, '/'); at > 0 {
		return r.Pattern[at:]
	}
	return r.Pattern
}

// methodOf keeps invented methods out of the log.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// RequestID returns the id of the request that ctx belongs to, or "" outside of one.
func RequestID(ctx context.Context) string {
	if e, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return e.id
	}
	return ""
}

func requestID(r *http.Request, newID func() string) string {
	if given := r.Header[requestIDHeader]; len(given) == 1 && validRequestID(given[0]) {
		return given[0]
	}
	return newID()
}

func validRequestID(id string) bool {
	if len(id) == 0 || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// exchange is one request and its answer as seen from outside the areas. It counts what is written.
type exchange struct {
	http.ResponseWriter
	id     string
	status int // 0 until the answer's header is written
	bytes  int64
	wanted bool
}

// Wanted says that the answer tells the truth and nothing has failed, whatever its status: a process that is asked whether it
// is ready says that it is not, somebody for whom there is no room is asked to come again. Such an answer is no error.
func Wanted(w http.ResponseWriter) {
	if e := exchangeOf(w); e != nil {
		e.wanted = true
	}
}

// exchangeOf returns the exchange that the writer leads to, or nil.
func exchangeOf(w http.ResponseWriter) *exchange {
	for {
		if e, ok := w.(*exchange); ok {
			return e
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = u.Unwrap()
	}
}

func (e *exchange) WriteHeader(status int) {
	if e.status == 0 && status >= http.StatusOK {
		e.status = status
	}
	e.ResponseWriter.WriteHeader(status)
}

func (e *exchange) Write(p []byte) (int, error) {
	if e.status == 0 {
		e.status = http.StatusOK
	}
	n, err := e.ResponseWriter.Write(p)
	e.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

type exchangeKey struct{}

// exchangeContext carries the exchange; as a type of its own it spares the lookup chain of context.WithValue.
type exchangeContext struct {
	context.Context //nolint:containedctx // it is a context
	exchange        *exchange
}

func (c *exchangeContext) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return c.exchange
	}
	return c.Context.Value(key)
}
