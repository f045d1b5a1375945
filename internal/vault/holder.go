// Package vault keeps what must not be seen: card data between the request that
// brought it and the provider call that uses it, and the keys of this installation.
// Card data stays in memory only and is wiped after use; it never reaches a
// database, a log or a message.
//
// It does not decide who may use a card and does not talk to providers. Read Holder
// for cards, Keyring for keys.
package vault

import (
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// Hold is how long card data waits for its payment to be executed.
const Hold = 15 * time.Minute

// Holder keeps card data in memory, by payment, for at most Hold. It is lost with
// the process: the customer is then asked again. Safe for concurrent use.
type Holder struct {
	now   func() time.Time
	mu    sync.Mutex
	cards map[payment.ID]held
	swept time.Time // when everything was last looked through
}

type held struct {
	card  *payment.Card
	until time.Time
}

// NewHolder returns an empty holder.
func NewHolder(now func() time.Time) *Holder {
	return &Holder{now: now, cards: make(map[payment.ID]held)}
}

// Put keeps a card for a payment, replacing and wiping an earlier one. The holder
// owns the card from then on.
func (h *Holder) Put(id payment.ID, c *payment.Card) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sweep()
	h.drop(id)
	h.cards[id] = held{c, h.now().Add(Hold)}
}

// Get returns a copy of the payment's card, which the caller wipes, or nil.
func (h *Holder) Get(id payment.ID) *payment.Card {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sweep()
	k, ok := h.cards[id]
	if !ok {
		return nil
	}
	if !h.now().Before(k.until) {
		h.drop(id)
		return nil
	}
	return k.card.Clone()
}

// Drop wipes and forgets the payment's card.
func (h *Holder) Drop(id payment.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(id)
}

func (h *Holder) drop(id payment.ID) {
	if k, ok := h.cards[id]; ok {
		k.card.Wipe()
		delete(h.cards, id)
	}
}

// sweep wipes, at most once a minute, what has waited too long.
func (h *Holder) sweep() {
	now := h.now()
	if now.Before(h.swept.Add(time.Minute)) {
		return
	}
	h.swept = now
	for id, k := range h.cards {
		if !now.Before(k.until) {
			h.drop(id)
		}
	}
}
