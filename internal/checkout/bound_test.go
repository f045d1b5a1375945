package checkout_test

import (
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// TestOpeningAddressesWritesNothingMore: whoever has the address of a payment and opens all that is below it, again and
// again, in every state, has its provider asked once at the return and then when a check is due; the payment changes as
// often as that, and no more.
func TestOpeningAddressesWritesNothingMore(t *testing.T) {
	h := newHouse(t)
	version := func(id payment.ID) (v int64) {
		t.Helper()
		err := h.db.View(t.Context(), func(tx *store.Tx) error {
			p, err := tx.Payments().Get(h.shop.ID, id)
			v = p.Version
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	asked := func() int {
		h.bank.mu.Lock()
		defer h.bank.mu.Unlock()
		return h.bank.asked
	}
	// storm opens everything; the first round may ask so often, and the payment changes with the question and the answer.
	storm := func(when string, id payment.ID, page string, asks, changes int) {
		t.Helper()
		was, from := asked(), version(id)
		for range 20 {
			for _, at := range []string{"GET ", "HEAD ", "POST ", "POST /cancel", "GET /continue", "POST /continue", "GET /return", "HEAD /return",
				"POST /return", "GET /nowhere", "GET /return/x"} {
				for i := range at {
					if at[i] == ' ' {
						h.do(at[:i], page+at[i+1:], nil)
					}
				}
			}
		}
		if n, v := asked()-was, version(id)-from; n != asks || v != int64(changes) {
			t.Errorf("%s: asked %d times, changed %d times, want %d and %d", when, n, v, asks, changes)
		}
	}
	id, page := h.deposit()
	storm("in the checkout", id, page, 0, 0)
	h.do("POST", page, h.card(page, challenge)) // leads on to the bank, which is recorded at once
	storm("at the bank", id, page, 1, 2)
	storm("after the return", id, page, 0, 0)
	h.clock.Advance(time.Minute)
	storm("when a check is due", id, page, 1, 2)
	h.bank.settles(payment.ClassDeclinedHard)
	h.clock.Advance(time.Minute)
	storm("when it is declined", id, page, 1, 2)
	storm("in the end", id, page, 0, 0)
	h.clock.Advance(1000 * time.Hour)
	storm("long after", id, page, 0, 0)

	h.bank.settles(payment.ClassUnknown)
	id, page = h.deposit()
	h.do("POST", page, h.card(page, unheard))
	storm("while nobody knows", id, page, 1, 2)
	h.clock.Advance(30 * 24 * time.Hour) // the ladder has ended
	storm("after a month", id, page, 1, 2)
	storm("and again", id, page, 0, 0)
}
