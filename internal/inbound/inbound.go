// Package inbound is where providers post their notices: one address for each terminal.
// It bounds and passes on the raw bytes and answers; it does not verify, read or book
// notices: the terminal's connector and the engine do.
package inbound

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/web"
)

// maxBody is the largest notice, in bytes. A compressed body is refused: what it holds
// cannot be bounded by its length.
const maxBody = 64 << 10

// bodyOwner is whose memory the bodies of notices take while they are read: that of all notices together, because it is
// not known yet whether a provider sent them. Whoever does not name a terminal takes none.
const bodyOwner = "notices"

// Notices answers providers.
type Notices struct {
	engine *engine.Engine
	log    *slog.Logger
	now    func() time.Time
	pace   telemetry.Pace // of lines about terminals that cannot take notices
}

// New returns the handler of all notices.
func New(e *engine.Engine, log *slog.Logger, now func() time.Time) *Notices {
	return &Notices{engine: e, log: log, now: now}
}

// appended is what Yandex Pay, and whoever speaks its API, appends to the address that it was given. It takes 200 for taken, and nothing else.
const appended = "/v1/webhook"

// Mount adds the addresses to mux.
func (n *Notices) Mount(mux *http.ServeMux) {
	for _, path := range []string{"", appended} {
		mux.Handle("POST /notices/{terminal}"+path, web.Recover(http.HandlerFunc(n.receive), n.log, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "internal error", http.StatusInternalServerError)
		}))
	}
}

// receive answers 204, or the words that the provider wants to read, when the notice is kept, or was before. Providers try again
// after anything else.
func (n *Notices) receive(w http.ResponseWriter, r *http.Request) {
	web.SetAPIHeaders(w.Header())
	terminal := r.PathValue("terminal")
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		http.Error(w, "compressed bodies are not taken", http.StatusUnsupportedMediaType)
		return
	}
	receipt := ""
	err := n.engine.Notice(r.Context(), engine.Post{
		Terminal: terminal, URL: r.URL, Header: r.Header, At: n.now(), Receipt: &receipt, Read: func() ([]byte, error) { return read(w, r) },
	})
	if err == nil && receipt != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, receipt) // the provider may have gone, and sends it again
		return
	}
	n.answer(w, r, terminal, err)
}

// errIncomplete: the provider broke off, or was too slow.
var errIncomplete = errors.New("incomplete notice")

func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := web.ReadBody(w, r, maxBody, bodyOwner)
	if err == nil || errors.Is(err, web.ErrBodyTooLarge) || errors.Is(err, web.ErrBusy) {
		return body, err //nolint:wrapcheck // it says all
	}
	return nil, fmt.Errorf("%w: %w", errIncomplete, err)
}

func (n *Notices) answer(w http.ResponseWriter, r *http.Request, terminal string, err error) {
	switch {
	case err == nil && strings.HasSuffix(r.URL.Path, appended):
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"success"}`)) // the provider may have gone
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, web.ErrBodyTooLarge):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	case errors.Is(err, errIncomplete):
		http.Error(w, "incomplete", http.StatusBadRequest)
	case errors.Is(err, payment.ErrNotFound):
		http.Error(w, "not found", http.StatusNotFound)
	case errors.Is(err, engine.ErrForged):
		http.Error(w, "not signed as agreed", http.StatusUnauthorized)
	case errors.Is(err, engine.ErrUnreadable):
		http.Error(w, "not understood", http.StatusBadRequest)
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, web.ErrBusy):
		if errors.Is(err, web.ErrBusy) {
			web.Wanted(w) // strangers can cause it
		}
		w.Header().Set("Retry-After", "1")
		http.Error(w, "temporarily unavailable", http.StatusServiceUnavailable)
	default:
		if more, due := n.pace.Due(terminal, n.now()); due {
			n.log.ErrorContext(r.Context(), "notice not booked", "terminal_id", terminal, "error", err, "left_out", more)
		}
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}
