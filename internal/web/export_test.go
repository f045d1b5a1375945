package web

import (
	"log"
	"log/slog"
)

// Complain is the log of the standard library's server.
func Complain(l *slog.Logger) *log.Logger { return log.New(&complaints{l}, "", 0) }
