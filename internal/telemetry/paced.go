package telemetry

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// mostLines is how many lines of one kind a paced logger lets through in a minute.
const mostLines = 20

// kinds are the attributes that, with the message and the level, tell what a line is about. Their values come from small
// sets, whatever strangers send.
var kinds = []string{"about", "route", "status"}

// Paced returns a logger for what strangers can cause: of lines of one kind it writes twenty a minute, and with the first of
// the next minute how many were left out. Lines below Info are not counted: whoever asks for them wants them all.
func Paced(l *slog.Logger, now func() time.Time) *slog.Logger {
	return slog.New(&pacedHandler{Handler: l.Handler(), pace: &Pace{Most: mostLines}, now: now})
}

type pacedHandler struct {
	slog.Handler
	pace *Pace
	now  func() time.Time
	kind string // by attributes that every line has
}

// Handle writes the line, if it is time for one of its kind.
func (h *pacedHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo {
		return h.Handler.Handle(ctx, r)
	}
	var about strings.Builder
	about.WriteString(r.Level.String() + "\x00" + r.Message + h.kind)
	r.Attrs(func(a slog.Attr) bool {
		if slices.Contains(kinds, a.Key) {
			about.WriteString("\x00" + a.Value.String())
		}
		return true
	})
	more, due := h.pace.Due(about.String(), h.now())
	if !due {
		return nil
	}
	if more > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("left_out", more))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *pacedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.Handler = h.Handler.WithAttrs(attrs)
	for _, a := range attrs {
		if slices.Contains(kinds, a.Key) {
			c.kind += "\x00" + a.Value.String()
		}
	}
	return &c
}

// WithGroup implements slog.Handler.
func (h *pacedHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.Handler = h.Handler.WithGroup(name)
	return &c
}
