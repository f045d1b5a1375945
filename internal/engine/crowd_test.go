package engine_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// TestCrowdOnOneDeposit: however many come at once for one deposit, each is served or refused by what is left; nobody
// is sent away because others were faster.
func TestCrowdOnOneDeposit(t *testing.T) {
	t.Parallel()
	sizes := []int{100}
	if os.Getenv("SLUICE_TEST_ROUNDS") != "" { // takes minutes where other programs want the processors too
		sizes = append(sizes, 500)
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, h *house) {
				p := h.deposit(fmt.Sprintf("%d.00", n-n/10)) // the last tenth finds nothing left
				patient := h.other(func(c *engine.Config) { c.Owner, c.Timeout = h.Engine.Config().Owner, time.Minute })
				ids := make([]payment.ID, n)
				errs := make([]error, n)
				together(n, func(i int) {
					o, err := patient.Create(t.Context(), h.newRefund(p.ID, "1.00"))
					ids[i], errs[i] = o.Payment.ID, err
				})
				made := 0
				for i, err := range errs {
					if err != nil {
						refused(t, err, payment.CodeInvalidAmount, "amount")
						continue
					}
					made++
					h.settleByClock(ids[i])
				}
				if left := h.get(p.ID); made != n-n/10 || left.Refunded != left.Captured {
					t.Errorf("%d refunds were made, %s of %s refunded", made, left.Refunded, left.Captured)
				}
				h.agree()
				if lines := h.DB.Stats().Lines; lines != 0 {
					t.Errorf("%d lines are left", lines)
				}
				t.Logf("%+v", h.DB.Stats())
			})
		})
	}
}

// TestCrowdOfCommandsOnOneHold: captures and voids of one hold, all at once: one wins, the others hear why they did not.
func TestCrowdOfCommandsOnOneHold(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.hold("50.00")
		errs := make([]error, 100)
		together(len(errs), func(i int) {
			if i%2 == 0 {
				_, errs[i] = h.Engine.Capture(t.Context(), h.target(p.ID), money.Amount{})
			} else {
				_, errs[i] = h.Engine.Void(t.Context(), h.target(p.ID))
			}
		})
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			refused(t, err, payment.CodeWrongState, "")
		}
		if won != 1 {
			t.Errorf("%d commands won", won)
		}
		h.settleByClock(p.ID)
		h.agree()
	})
}
