package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// Recover keeps a panic in next from taking more down than its request. The panic is logged with its stack, and write
// answers in the shape of the area; it must answer 500 with a fixed text. Where the answer had begun already, the
// connection is cut instead, so that half an answer is not read as whole.
func Recover(next http.Handler, logger *slog.Logger, write http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { //nolint:contextcheck // the request carries it
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // the server, too, compares this very value
				panic(cause)
			}
			logger.LogAttrs(r.Context(), slog.LevelError, "panic in a handler",
				slog.String("request_id", RequestID(r.Context())),
				slog.String("route", routeOf(r)),
				slog.String("cause", fmt.Sprint(cause)),
				slog.String("stack", string(debug.Stack())),
			)
			if begun(w) {
				panic(http.ErrAbortHandler)
			}
			write(w, r)
		}()
		next.ServeHTTP(w, r)
	})
}

// begun reports whether the header of the answer was written.
func begun(w http.ResponseWriter) bool {
	e := exchangeOf(w)
	return e != nil && e.status != 0
}
