package webhook

import (
	"io"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

// downAfter is how many tries in a row must fail for an endpoint to count as down. Tries
// of one and the same delivery count once: a body that the receiver cannot digest is no
// sign that it cannot digest any.
const downAfter = 5

// health is the condition of the endpoint as the tries of this run change it.
type health struct {
	store.Endpoint
	changed   bool
	recovered bool                // was down and accepted something
	bursting  map[string]struct{} // events whose burst has failed so far, with nothing accepted since
}

// crowded reports that so many bursts are failing that their outcome is awaited before
// another delivery is begun.
func (h *health) crowded() bool { return len(h.bursting) >= downAfter && h.State == store.EndpointUp }

// note takes in the result of a try.
func (h *health) note(r *result, now time.Time, random io.Reader) {
	switch {
	case r.aborted, r.ours, h.State == store.EndpointDisabled:
	case r.delivered():
		h.accept()
	case r.status == http.StatusGone && r.protocol.Gone:
		h.State, h.DownSince, h.Hold = store.EndpointDisabled, time.Time{}, time.Time{}
		h.LastEvent, h.LastError, h.changed = r.item.Event, r.err, true
	default:
		h.refuse(r, now, random)
	}
}

func (h *health) accept() {
	clear(h.bursting)
	if h.State == store.EndpointUp && h.Fails == 0 {
		return
	}
	if h.State == store.EndpointDown {
		h.recovered = true
	}
	h.State, h.Fails, h.LastEvent = store.EndpointUp, 0, ""
	h.DownSince, h.Hold, h.changed = time.Time{}, time.Time{}, true
}

func (h *health) refuse(r *result, now time.Time, random io.Reader) {
	if r.retryAfter > 0 {
		h.holdUntil(now.Add(r.retryAfter))
		h.changed = true
	}
	if h.State == store.EndpointUp && r.inBurst() {
		if h.bursting == nil {
			h.bursting = make(map[string]struct{})
		}
		h.bursting[r.item.Event] = struct{}{}
		return // the last one of it counts
	}
	if h.LastEvent != r.item.Event {
		h.Fails++
	}
	h.LastEvent, h.LastError, h.changed = r.item.Event, r.err, true
	if h.Fails >= downAfter {
		if h.State == store.EndpointUp {
			h.State, h.DownSince = store.EndpointDown, now
		}
		h.holdUntil(now.Add(early(r.protocol.Probe(now.Sub(h.DownSince)), random)))
	}
}

func (h *health) holdUntil(t time.Time) {
	if t.After(h.Hold) {
		h.Hold = t
	}
}

// open reports whether a post may begin.
func (h *health) open(now time.Time) bool {
	return h.State != store.EndpointDisabled && !now.Before(h.Hold)
}
