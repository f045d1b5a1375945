package web

import (
	"log/slog"
	"strings"
)

// complaints takes what the server of the standard library logs by itself, which strangers can cause: broken handshakes, a
// panic in a handler, no descriptor for one more connection. What it is about stands apart from addresses and numbers, so
// that lines about the same can be told.
type complaints struct{ log *slog.Logger }

// Write takes one line, such as "http: Accept error: accept tcp 127.0.0.1:1: too many open files; retrying in 5ms".
func (c *complaints) Write(line []byte) (int, error) {
	about, detail, _ := strings.Cut(strings.TrimPrefix(strings.TrimRight(string(line), "\n"), "http: "), ":")
	if at := strings.Index(about, " from "); at > 0 {
		about = about[:at]
	}
	if strings.HasPrefix(about, "panic serving") {
		about = "panic serving"
	}
	c.log.Warn("http server", "about", about, "detail", strings.TrimSpace(detail)) // it has no context
	return len(line), nil
}
