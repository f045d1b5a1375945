package engine_test

import (
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
)

// TestAPlanDoesNotGoOnAfterARestore: the backup knows the first try, whose outcome was open; after it the plan went on, and the next
// terminal was paid. The card is still at hand, and nothing is tried again; what was paid is found.
func TestAPlanDoesNotGoOnAfterARestore(t *testing.T) {
	t.Parallel()
	refused := simulator.Effect{ResponseCode: "05", Fault: simulator.FaultDrop}
	inLostTime(t, func(t *testing.T, h *house) {
		h.Engine = h.Engine.With(func(c *engine.Config) { c.Rules = goOn })
		h.shop = h.NewShop(t, func(s *shop.Shop) {
			h.withMore(s)
			s.Settings.HonourLateSuccess = true
		}).Shop
		d := h.create(h.newDeposit("41.00", cardApproved))
		h.refuse("payment", d.ID, 1, refused)
		h.execute(d.ID)
		h.scenario("payout", "42.00", refused)
		w := h.create(h.newWithdrawal("42.00"))
		l := h.afterBackup()
		l.pay(&d, 2, cardApproved)
		if _, err := l.c.Payout(t.Context(), connector.Request{Key: l.key(w.ID, 2), Amount: w.Asked.Amount, Currency: w.Asked.Currency,
			Method: w.Method, Means: cardOf(t, cardApproved)}); err != nil {
			t.Fatal(err)
		}
		h.restored()
		for _, id := range []payment.ID{d.ID, w.ID} {
			if was := h.stored(id); !h.Cards.Has(id) || !was.GoesOn() {
				t.Fatalf("%s has no card and no next step", id)
			}
			h.workByClock(id)
			p := h.knows(id, payment.Completed)
			if kept := h.routed(id); p.Tries != 2 || p.Standing().Seq != 2 || kept[len(kept)-1].End != payment.OverLost {
				t.Errorf("%s: %d tries, stands on %+v, kept %+v", p.Type, p.Tries, p.Standing(), kept)
			}
			h.Cards.Drop(id)
		}
		h.agree()
	})
}
