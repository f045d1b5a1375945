package engine_test

import (
	"testing"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// TestWhatIsRememberedDecidesNothing: another process has changed a payment that this one has just made. Commands see it as
// it is, whether it allows less than what is remembered, or more.
func TestWhatIsRememberedDecidesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		other := h.other(func(*engine.Config) {})
		ended := h.create(h.newDeposit("10.00", cardApproved))
		if _, err := other.Cancel(t.Context(), h.target(ended.ID)); err != nil {
			t.Fatal(err)
		}
		_, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(ended.ID)})
		refused(t, err, payment.CodeWrongState, "")

		c := h.newDeposit("10.00", cardApproved)
		c.Means, c.PreAuth = nil, true
		held := h.create(c)
		o, err := other.Execute(t.Context(), engine.Execute{Target: h.target(held.ID), Means: cardOf(t, cardApproved)})
		if err != nil || o.Payment.State() != payment.Authorized {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		o, err = h.Engine.Capture(t.Context(), h.target(held.ID), amount("4.00")) // remembered in its checkout
		if err != nil || o.Payment.State() != payment.Completed {
			t.Errorf("%s %v, want COMPLETED", o.Payment.State(), err)
		}
		h.agree()
	})
}

// TestARememberedPaymentIsNotReadAgain: that is what it is remembered for.
func TestARememberedPaymentIsNotReadAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.execute(h.create(h.newDeposit("10.00", cardApproved)).ID) // reads the shop, which is remembered, too
		p := h.create(h.newDeposit("10.00", cardApproved))
		reads := 0
		h.hook.set(func(at store.FaultPoint, _ []string) error {
			if at == store.FaultRead {
				reads++
			}
			return nil
		})
		o, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
		h.hook.set(nil)
		if err != nil || o.Payment.State() != payment.Completed {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		if reads > 0 {
			t.Errorf("%d reads between the creation and the outcome", reads)
		}
	})
}
