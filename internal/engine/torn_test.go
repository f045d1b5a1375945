package engine_test

import (
	"testing"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// TestAPaymentChangedWhileItIsReadIsReadAgain: a payment's row and its attempts are two reads. What an answer changed between them is
// no payment of its own: its return would be passed over, and a repetition be told PENDING.
func TestAPaymentChangedWhileItIsReadIsReadAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.execute(h.create(h.newDeposit("10.00", cardChallenge)).ID)
		class := func(c payment.Class) { h.d.Exec(`UPDATE attempt SET class = '` + string(c) + `'`) }
		read := func() (found payment.Payment, reads int) {
			h.hook.set(func(at store.FaultPoint, _ []string) error {
				if at == store.FaultRead {
					if reads++; reads == 2 {
						class(payment.ClassWaiting)
					}
				}
				return nil
			})
			defer h.hook.set(nil)
			err := h.DB.View(t.Context(), func(tx *store.Tx) (err error) {
				found, err = tx.Payments().Get(h.shop.ID, p.ID)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return found, reads
		}
		if found, reads := read(); reads != 1 || found.Torn() {
			t.Errorf("as it is: %d reads, torn %t", reads, found.Torn())
		}
		class(payment.ClassApproved) // as if the answer came after the row was read
		if found, reads := read(); reads != 2 || found.Torn() || found.LiveAttempt().Class != payment.ClassWaiting {
			t.Errorf("changed in between: %d reads, torn %t, %+v", reads, found.Torn(), found.LiveAttempt())
		}
		class(payment.ClassApproved)
		h.hook.set(nil)
		if found, err := h.Engine.Get(t.Context(), h.shop.ID, p.ID); err != nil || !found.Torn() { // it ends
			t.Errorf("for good: %v, torn %t", err, found.Torn())
		}
		class(payment.ClassWaiting)
		if err := h.Simulator.Decide(p.LiveAttempt().Key, "00"); err != nil {
			t.Fatal(err)
		}
		if back, err := h.Engine.Return(t.Context(), h.target(p.ID), nil); err != nil || back.State() != payment.Completed {
			t.Errorf("%s %v, want COMPLETED", back.State(), err)
		}
		h.agree()
	})
}
