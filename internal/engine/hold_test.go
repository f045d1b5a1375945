package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
)

// heldFor is a deposit whose money is held for so long at most.
func (h *house) heldFor(most time.Duration) payment.Payment {
	h.t.Helper()
	c := h.preAuth("50.00")
	c.Terms.HoldFor = most
	return h.reach(h.execute(h.create(c).ID), payment.Authorized)
}

func TestHoldIsGivenBackWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	for _, most := range []time.Duration{time.Hour, 5 * 24 * time.Hour} {
		t.Run(most.String(), func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, h *house) {
				p := h.heldFor(most)
				started := p.Attempts[0].Started
				for p.State() == payment.Authorized {
					if now := h.Clock.Now(); now.After(started.Add(most + time.Minute)) {
						t.Fatalf("still held %s after the start", now.Sub(started))
					}
					p = h.workOff(p.ID, 1)
				}
				h.gone(p)
				if after := p.Updated.Sub(started); p.State() != payment.Cancelled || after < most {
					t.Errorf("%s %s after the start", p.State(), after)
				}
				log := h.log(p.ID)
				if p.Tries != 2 || count(log, payment.OpCancel) != 1 || count(log, payment.OpVoid) != 1 || p.ErrorCode != "" {
					t.Errorf("%d attempts, code %q, log %+v", p.Tries, p.ErrorCode, log)
				}
				h.agree()
			})
		})
	}
}

func TestHoldWhoseFirstVoidFails(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]simulator.Effect{
		"rejected": {Fault: simulator.FaultRejected}, "dropped": {Fault: simulator.FaultDrop, Stage: before}, "no answer": {Fault: simulator.FaultDrop},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, h *house) {
				p := h.heldFor(time.Hour)
				h.effect("void", p.ID, effect)
				p = h.workOff(p.ID, 10)
				h.gone(p)
				if took := h.Clock.Now().Sub(p.Attempts[0].Started); p.State() != payment.Cancelled || took > 2*time.Hour {
					t.Errorf("%s after %s", p.State(), took)
				}
				h.agree()
			})
		})
	}
}

func TestHoldIsGivenBackOnceByMany(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		engines := h.pair()
		for range rounds(t, 3) {
			p := h.heldFor(time.Hour)
			h.Clock.Advance(time.Hour)
			together(20, func(i int) {
				if err := engines[i%2].Work(t.Context(), h.shop.ID, p.ID); err != nil {
					t.Error(err)
				}
			})
			p = h.workOff(p.ID, 5)
			h.gone(p)
			if p.State() != payment.Cancelled || p.Tries != 2 {
				t.Errorf("%s, %d attempts", p.State(), p.Tries)
			}
		}
		h.agree()
	})
}

func TestHoldEndsAgainstCapture(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		ends := map[payment.State]int{}
		for range rounds(t, 10) {
			p := h.heldFor(time.Hour)
			h.Clock.Advance(time.Hour)
			together(2, func(i int) {
				if i == 0 {
					_ = h.Engine.Work(t.Context(), h.shop.ID, p.ID) // busy where the capture came first
				} else if _, err := h.Engine.Capture(t.Context(), h.target(p.ID), amount("20.00")); err != nil {
					refused(t, err, payment.CodeWrongState, "")
				}
			})
			p = h.workOff(p.ID, 5)
			if ends[p.State()]++; p.State() != payment.Completed && p.State() != payment.Cancelled || p.Owes() {
				t.Errorf("%s, owes %t", p.State(), p.Owes())
			}
		}
		h.agree()
		t.Logf("%v", ends)
	})
}

func TestCapturedHoldIsLeftAlone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.heldFor(time.Hour)
		if _, err := h.Engine.Capture(t.Context(), h.target(p.ID), amount("20.00")); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(24 * time.Hour)
		if p = h.stored(p.ID); !p.Due.IsZero() || p.HoldOver(h.Clock.Now()) {
			t.Errorf("due %s", p.Due)
		}
		if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
			t.Error(err)
		}
		if p = h.stored(p.ID); p.State() != payment.Completed || !p.Abandoned.IsZero() {
			t.Errorf("%s, abandoned %s", p.State(), p.Abandoned)
		}
		h.agree()
	})
}

func TestHoldIsGivenBackByTheRunner(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.Work(t)
		p := h.heldFor(time.Hour)
		h.Clock.Advance(59 * time.Minute)
		time.Sleep(100 * time.Millisecond)
		if now := h.stored(p.ID); now.State() != payment.Authorized {
			t.Fatalf("%s before its time", now.State())
		}
		h.Clock.Advance(time.Minute)
		h.gone(h.until(p.ID, payment.Cancelled))
		h.agree()
	})
}

func TestOpenedCheckoutLastsLonger(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		begin := func() payment.Payment {
			c := h.newDeposit("50.00", cardApproved)
			c.Terms.Lasts, c.Terms.Grace = 30*time.Minute, 15*time.Minute
			return h.create(c)
		}
		unseen, seen := begin(), begin()
		if until := seen.CheckoutUntil.Sub(seen.Created); until != 30*time.Minute || seen.WasOpened() {
			t.Errorf("lasts %s, opened %t", until, seen.WasOpened())
		}
		h.Clock.Advance(29 * time.Minute)
		engines := h.pair()
		together(20, func(i int) {
			if err := engines[i%2].PageOpened(t.Context(), &seen); err != nil {
				t.Error(err)
			}
		})
		if p := h.stored(seen.ID); p.CheckoutUntil.Sub(p.Created) != 45*time.Minute || !p.WasOpened() || !p.Due.Equal(p.CheckoutUntil) || p.Ops != seen.Ops {
			t.Errorf("lasts %s, opened %t, due %s", p.CheckoutUntil.Sub(p.Created), p.WasOpened(), p.Due)
		}
		for _, step := range []struct {
			after time.Duration
			seen  payment.State
		}{{2 * time.Minute, payment.Checkout}, {13 * time.Minute, payment.Checkout}, {2 * time.Minute, payment.Cancelled}} {
			h.Clock.Advance(step.after)
			for _, id := range []payment.ID{unseen.ID, seen.ID} {
				if err := h.Engine.Work(t.Context(), h.shop.ID, id); err != nil {
					t.Fatal(err)
				}
			}
			if p, q := h.stored(unseen.ID), h.stored(seen.ID); p.State() != payment.Cancelled || q.State() != step.seen {
				t.Errorf("%s and %s", p.State(), q.State())
			}
		}
		late := h.stored(unseen.ID)
		if err := h.Engine.PageOpened(t.Context(), &late); err != nil {
			t.Error(err)
		}
		if err := h.Engine.PageOpened(t.Context(), &unseen); err != nil { // as it was read before its end
			t.Error(err)
		}
		if p := h.stored(unseen.ID); p.Version != late.Version || p.ErrorCode != payment.CodeTimeout {
			t.Errorf("version %d, code %q", p.Version, p.ErrorCode)
		}
		plain := h.create(h.newDeposit("50.00", cardApproved))
		if err := h.Engine.PageOpened(t.Context(), &plain); err != nil || h.stored(plain.ID).Version != 1 {
			t.Errorf("opening the page of a payment without terms: %v", err)
		}
		h.agreeOpen(plain.ID)
	})
}

// agreeOpen closes a checkout and compares with the ledger.
func (h *house) agreeOpen(id payment.ID) {
	h.t.Helper()
	h.abandon(id)
	h.agree()
}

// TestAbandonedHoldThatCannotBeVoidedRunsOut: where no void gets through, the provider is asked whether the hold still
// stands, as about any hold.
func TestAbandonedHoldThatCannotBeVoidedRunsOut(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.other(func(c *engine.Config) {
			c.Connectors = wrapped(func(call string) error {
				if call == "void" {
					return fmt.Errorf("%w: the connector has no void", outbound.ErrNotSent)
				}
				return nil
			})
		})
		p := h.create(h.preAuth("33.00"))
		h.effect("payment", p.ID, simulator.Effect{Notice: simulator.NoticeLost})
		h.reach(h.execute(p.ID), payment.Authorized)
		if _, err := e.Abandon(t.Context(), h.target(p.ID)); err != nil {
			t.Fatal(err)
		}
		for p = h.stored(p.ID); p.Owes() && !p.Due.IsZero(); p = h.stored(p.ID) {
			h.Clock.Advance(p.Due.Sub(h.Clock.Now()))
			if err := e.Work(t.Context(), h.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
		}
		if days := h.Clock.Now().Sub(p.Created).Hours() / 24; p.State() != payment.Cancelled || days > 9 {
			t.Errorf("%s after %.1f days, fails %d", p.State(), days, p.DueFails)
		}
		h.agree()
	})
}
