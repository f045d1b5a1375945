package engine_test

import (
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// TestWhoeverComesAsksOnce: however many open the addresses of a payment at once, and however often, its provider is asked
// when the customer comes back first, and then when a check is due.
func TestWhoeverComesAsksOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.execute(h.create(h.newDeposit("10.00", cardChallenge)).ID)
		if _, err := h.Engine.SendAway(t.Context(), h.target(p.ID)); err != nil {
			t.Fatal(err)
		}
		crowd := func() {
			t.Helper()
			together(24, func(i int) {
				var err error
				switch i % 4 {
				case 0:
					_, err = h.Engine.Get(t.Context(), h.shop.ID, p.ID)
				case 1:
					_, err = h.Engine.Operations(t.Context(), h.shop.ID, p.ID)
				default:
					_, err = h.Engine.Return(t.Context(), h.target(p.ID), nil)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		want := func(kinds ...payment.OperationKind) {
			t.Helper()
			log, err := h.Engine.Operations(t.Context(), h.shop.ID, p.ID)
			if err != nil {
				t.Fatal(err)
			}
			var got []payment.OperationKind
			for _, o := range log[5:] { // after CREATE_PAYMENT, CHECKOUT, DETECT_FRAUD, DEPOSIT and REDIRECT
				got = append(got, o.Kind)
			}
			if len(got) != len(kinds) {
				t.Fatalf("asked by %v, want %v", got, kinds)
			}
			for i := range kinds {
				if got[i] != kinds[i] {
					t.Errorf("asked by %v, want %v", got, kinds)
				}
			}
		}
		for range 3 {
			crowd()
		}
		want(payment.OpContinue)
		for range 2 {
			h.Clock.Advance(30 * time.Second)
			crowd()
			crowd()
		}
		want(payment.OpContinue, payment.OpCheckState, payment.OpCheckState)
		if err := h.Simulator.Decide(p.LiveAttempt().Key, "00"); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(time.Hour)
		if back, err := h.Engine.Return(t.Context(), h.target(p.ID), nil); err != nil || back.State() != payment.Completed {
			t.Errorf("%s %v, want COMPLETED", back.State(), err)
		}
		h.agree()
	})
}

// TestALongLogComesInPages: a payment that was asked about for years shows its newest operations, and the others on demand.
func TestALongLogComesInPages(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.hold("10.00")
		for range 20 {
			if _, err := h.Engine.ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
		}
		whole, err := h.Engine.Operations(t.Context(), h.shop.ID, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		n := len(whole)
		for _, c := range []struct{ limit, offset, first, count int }{
			{1000, 0, n, n}, {5, 0, n, 5}, {5, 3, n - 3, 5}, {5, n - 2, 2, 2}, {5, n, 0, 0}, {5, 1_000_000, 0, 0},
		} {
			now := h.get(p.ID)
			page, err := h.Records.Log(t.Context(), &now, c.limit, c.offset)
			if err != nil || now.Ops != n || len(page) != c.count {
				t.Errorf("%+v: %d of %d, %v", c, len(page), now.Ops, err)
				continue
			}
			for i, o := range page {
				if o.Seq != c.first-i {
					t.Errorf("%+v: entry %d is operation %d", c, i, o.Seq)
				}
			}
		}
		h.agree()
	})
}
