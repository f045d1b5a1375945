// Package vault keeps what must not be seen: what customers pay with between the request that
// brought it and the provider call that uses it, the keys of this installation, and
// what is sealed by them in the database. A security code stays in memory only and is wiped
// after use; it never reaches a database, a log or a message, in any form. A card number reaches
// a database sealed, while its payment needs it, and nothing else.
//
// It does not decide who may use a card, and does not talk to providers or to the
// database. Read Pack for what is kept of a card, Holder for its code, Keyring for keys, Safe for what is sealed and
// Masters for the key that wraps.
package vault

import (
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// Hold is how long means of a customer wait in memory for their payment to be executed.
const Hold = payment.MeansHold

// Holder keeps in memory, by payment and for at most Hold, what stands nowhere else: security codes, each as a card without a
// number, and means that could not be sealed. They are lost with the process: the customer is then asked again. Safe for concurrent use.
type Holder struct {
	now   func() time.Time
	after func(time.Duration, func()) // calls back once so much time has passed
	mu    sync.Mutex
	means map[payment.ID]held
	waits bool // a sweep is set; never without means
}

type held struct {
	means instrument.Means
	until time.Time
}

// NewHolder returns an empty holder. What it holds is wiped when its time is over by now's clock, whether or not anybody comes
// for it; while none is held nothing waits.
func NewHolder(now func() time.Time) *Holder {
	return newHolder(now, func(d time.Duration, f func()) { time.AfterFunc(d, f) })
}

func newHolder(now func() time.Time, after func(time.Duration, func())) *Holder {
	return &Holder{now: now, after: after, means: make(map[payment.ID]held)}
}

// Put keeps what a payment is to be made with, replacing and wiping what was there. The holder
// owns it from then on.
func (h *Holder) Put(id payment.ID, m instrument.Means) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(id)
	h.means[id] = held{m, h.now().Add(Hold)}
	h.sweepLater(Hold)
}

// Get returns a copy of the payment's means, which the caller wipes, or nil.
func (h *Holder) Get(id payment.ID) instrument.Means {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, ok := h.means[id]
	if !ok {
		return nil
	}
	if !h.now().Before(k.until) {
		h.drop(id)
		return nil
	}
	return instrument.Clone(k.means)
}

// Has reports whether something is held for the payment.
func (h *Holder) Has(id payment.ID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, ok := h.means[id]
	return ok && h.now().Before(k.until)
}

// Drop wipes and forgets what is held for the payment.
func (h *Holder) Drop(id payment.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(id)
}

func (h *Holder) drop(id payment.ID) {
	if k, ok := h.means[id]; ok {
		instrument.Wipe(k.means)
		delete(h.means, id)
	}
}

// leastWait keeps a clock that runs more slowly than time from being looked at without pause.
const leastWait = time.Second

// sweepLater sets the next sweep, unless one is set. The caller holds the lock.
func (h *Holder) sweepLater(wait time.Duration) {
	if !h.waits {
		h.waits = true
		h.after(max(wait, leastWait), h.sweep)
	}
}

// sweep wipes what has waited too long, and comes again when the next has.
func (h *Holder) sweep() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits = false
	now, next := h.now(), time.Time{}
	for id, k := range h.means {
		switch {
		case !now.Before(k.until):
			h.drop(id)
		case next.IsZero() || k.until.Before(next):
			next = k.until
		}
	}
	if !next.IsZero() {
		h.sweepLater(next.Sub(now))
	}
}
