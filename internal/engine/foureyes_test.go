package engine_test

import (
	"errors"
	"testing"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// TestNoActByHandPassesASecondPerson: whenever a shop begins to demand one, before whichever read of a command by hand, the
// command is refused unless it was stored before.
func TestNoActByHandPassesASecondPerson(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		demand := func(four bool) {
			t.Helper()
			err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Shops().Change(h.shop.ID, func(s *shop.Shop) error { s.Settings.FourEyes = four; return nil })
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		done := func(id payment.ID) int {
			t.Helper()
			found, err := h.updates(store.ManualUpdateFilter{Shop: h.shop.ID, Payment: id, Done: true, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		for name, prepared := range map[string]func() func() error{
			"capture": func() func() error {
				to := h.target(h.hold("20.00").ID)
				to.Record = &store.ManualUpdate{To: store.CaptureByHand, Reason: "known", AskedBy: "ann"}
				return func() error {
					_, err := h.Engine.Capture(t.Context(), to, money.Amount{})
					return err
				}
			},
			"refund": func() func() error {
				c := h.newRefund(h.deposit("21.00").ID, "21.00")
				c.Record = &store.ManualUpdate{To: store.RefundByHand, Reason: "known", AskedBy: "ann"}
				return func() error {
					_, err := h.Engine.Create(t.Context(), c)
					return err
				}
			},
		} {
			refusals := 0
			for at := 1; at <= 12; at++ {
				act, reads, stored := prepared(), 0, 0
				h.hook.set(func(point store.FaultPoint, _ []string) error {
					if point != store.FaultRead {
						return nil
					}
					if reads++; reads == at {
						stored = done("")
						demand(true)
					}
					return nil
				})
				before := done("")
				err := act()
				h.hook.set(nil)
				if stored == before && reads >= at && done("") != before {
					t.Errorf("%s: done by one person, read %d of %d", name, at, reads)
				}
				if errors.Is(err, engine.ErrFourEyes) {
					refusals++
				} else if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				demand(false)
			}
			if refusals == 0 {
				t.Errorf("%s: never refused", name)
			}
		}
		h.agree()
	})
}
