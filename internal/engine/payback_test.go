package engine_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/vault"
)

func TestGivingBackIsTriedWithGrowingWaits(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"void", "refund"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, h *house) {
				p := h.heldOrPaid(operation == "void")
				_, err := h.Simulator.AddScenario(simulator.Scenario{Match: simulator.Match{Operation: operation}, Times: 12,
					Effect: simulator.Effect{Fault: simulator.FaultRejected}})
				if err != nil {
					t.Fatal(err)
				}
				p = h.abandon(p.ID)
				var waits []time.Duration
				for tries := 0; p.Owes(); tries++ {
					wait := p.Due.Sub(h.Clock.Now())
					if tries > 20 || wait <= 0 {
						t.Fatalf("try %d: due in %s", tries, wait)
					}
					waits = append(waits, wait)
					early := p.Version
					if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
						t.Fatal(err)
					}
					if p = h.stored(p.ID); p.Version != early {
						t.Fatal("tried before its time")
					}
					p = h.workOff(p.ID, 1)
				}
				h.gone(p)
				if !slices.IsSorted(waits[1:]) || len(waits) != 12 || waits[0] > 2*time.Second || waits[11] < time.Hour {
					t.Errorf("waits: %v", waits)
				}
				h.agree()
			})
		})
	}
}

func (h *house) heldOrPaid(held bool) payment.Payment {
	h.t.Helper()
	if held {
		return h.hold("50.00")
	}
	return h.deposit("50.00")
}

func TestGivingBackIsGivenUpAfterAMonth(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.deposit("50.00")
		scenario := h.effectAlways("refund", simulator.Effect{Fault: simulator.FaultRejected})
		h.abandon(p.ID)
		p = h.workOff(p.ID, 100)
		parked := h.parked()
		if !p.Owes() || !p.Due.IsZero() || p.DueFails != 1 || len(parked) != 1 || parked[0].ID != p.ID {
			t.Fatalf("owes %t, due %s, fails %d, parked %v", p.Owes(), p.Due, p.DueFails, parked)
		}
		if days := h.Clock.Now().Sub(p.Abandoned).Hours() / 24; days < 30 || days > 31.5 {
			t.Errorf("parked after %.1f days", days)
		}
		made := len(h.history(p.ID).Refunds)
		if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil || len(h.history(p.ID).Refunds) != made {
			t.Errorf("parked work goes on: %v", err)
		}
		h.Simulator.DeleteScenario(scenario)
		h.gone(h.abandon(p.ID)) // somebody asks for it again
		if len(h.parked()) > 0 {
			t.Error("still parked")
		}
		h.agree()
		t.Logf("%d refunds were tried", made)
	})
}

// TestGivingBackWithoutAnAnswer: a void or refund whose outcome is open is asked about, not made twice.
func TestGivingBackWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, operation := range []string{"void", "refund"} {
			for _, stage := range []string{simulator.StageBefore, simulator.StageAfter} {
				p := h.heldOrPaid(operation == "void")
				_, err := h.Simulator.AddScenario(simulator.Scenario{Match: simulator.Match{Operation: operation}, Times: 1,
					Effect: simulator.Effect{Fault: simulator.FaultDrop, Stage: stage}})
				if err != nil {
					t.Fatal(err)
				}
				h.abandon(p.ID)
				if again := h.abandon(p.ID); again.Abandoned.IsZero() {
					t.Error("not abandoned")
				}
				for _, r := range h.openRefunds(p.ID) {
					h.settleByClock(r)
				}
				h.gone(h.workOff(p.ID, 10))
			}
		}
		h.agree()
	})
}

// TestCrashBetweenAbandoningAndGivingBack: the work finds what nobody has sent back.
func TestCrashBetweenAbandoningAndGivingBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		crash := func(held bool) payment.ID {
			p := h.heldOrPaid(held)
			h.hook.set(func(point store.FaultPoint, writes []string) error {
				if point == store.FaultBeforeGroup && slices.Contains(writes, "attempt.create") {
					return errInjected
				}
				return nil
			})
			defer h.hook.set(nil)
			p = h.abandon(p.ID)
			if !p.Owes() || p.Due.After(h.Clock.Now()) {
				t.Fatalf("%s, owes %t, due %s", p.State(), p.Owes(), p.Due)
			}
			return p.ID
		}
		for _, held := range []bool{true, false} {
			h.gone(h.workOff(crash(held), 3))
		}
		ids := []payment.ID{crash(true), crash(false)}
		h.Work(t)
		for _, id := range ids {
			for limit := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				if p := h.stored(id); !p.Owes() && p.Live == 0 && p.Refunded == p.Captured || time.Now().After(limit) {
					h.gone(p)
					break
				}
			}
		}
		h.agree()
	})
}

// TestMoneyGoesBackThoughTheShopWasSwitchedOff: what an abandoned deposit owes does not depend on who may give commands.
func TestMoneyGoesBackThoughTheShopWasSwitchedOff(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		paid, held := h.deposit("50.00"), h.hold("50.00")
		c := h.preAuth("50.00")
		c.Terms.HoldFor = time.Hour
		over := h.reach(h.execute(h.create(c).ID), payment.Authorized)
		for _, operation := range []string{"void", "refund"} {
			if _, err := h.Simulator.AddScenario(simulator.Scenario{Match: simulator.Match{Operation: operation}, Times: 1,
				Effect: simulator.Effect{Fault: simulator.FaultRejected}}); err != nil {
				t.Fatal(err)
			}
		}
		h.abandon(paid.ID)
		h.abandon(held.ID)
		off := *h.shop
		off.Active = false
		if err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
			tx.Shops().Update(&off)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(time.Minute) // shops are remembered for a second
		for _, id := range []payment.ID{paid.ID, held.ID, over.ID} {
			h.gone(h.workOff(id, 10))
		}
		h.agree()
	})
}

// TestHoldThatIsGoneNeedsNoVoid: a hold that ran out at the provider before it was given back.
func TestHoldThatIsGoneNeedsNoVoid(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.preAuth("33.00"))
		h.effect("payment", p.ID, simulator.Effect{Notice: simulator.NoticeLost})
		h.reach(h.execute(p.ID), payment.Authorized)
		h.Clock.Advance(7*24*time.Hour + time.Minute)
		h.abandon(p.ID)
		if p = h.workOff(p.ID, 10); p.State() != payment.Cancelled {
			t.Errorf("%s", p.State())
		}
		h.gone(p)
		h.agree()
	})
}

func TestAbandonWithoutWaiting(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.effectAlways("refund", simulator.Effect{DelayMs: testkit.Held})
		h.effectAlways("void", simulator.Effect{DelayMs: testkit.Held})
		for _, held := range []bool{true, false} {
			p := h.heldOrPaid(held)
			to := h.target(p.ID)
			to.Wait = patience
			if _, err := h.Engine.Abandon(t.Context(), to); err != nil {
				t.Error(err)
			}
			if now := h.stored(p.ID); now.State() == payment.Cancelled || !now.Refunded.IsZero() {
				t.Errorf("%s, refunded %s, while the money is on its way", now.State(), now.Refunded)
			}
			if _, err := h.Engine.Abandon(t.Context(), to); err != nil {
				t.Errorf("again, while the money is on its way: %v", err)
			}
			h.Release()
			h.Engine.Drain()
			h.Hold()
			h.gone(h.stored(p.ID))
		}
		h.agree()
	})
}

// TestAbandonedAtTheBank: the customer is at the bank's page, pays there, and gets the money back.
func TestAbandonedAtTheBank(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.execute(h.create(h.newDeposit("50.00", cardChallenge)).ID)
		if _, err := h.Engine.SendAway(t.Context(), h.target(p.ID)); err != nil {
			t.Fatal(err)
		}
		refusal := h.refuseToClose()
		p = h.abandon(p.ID)
		if _, err := h.Engine.SendAway(t.Context(), h.target(p.ID)); err == nil {
			t.Error("the customer is sent away again")
		}
		if err := h.Simulator.Decide(p.Attempts[0].Key, "00"); err != nil {
			t.Fatal(err)
		}
		h.Simulator.DeleteScenario(refusal)
		if _, err := h.Engine.Return(t.Context(), h.target(p.ID), nil); err != nil {
			t.Fatal(err)
		}
		p = h.workOff(p.ID, 10)
		h.gone(p)
		if p.State() != payment.Completed || p.Refunded != amount("50.00") {
			t.Errorf("%s, refunded %s", p.State(), p.Refunded)
		}
		h.agree()
	})
}

// TestProcessThatDiesWhileGivingBack: its call may have been made; another process asks and finishes.
func TestProcessThatDiesWhileGivingBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, call := range []string{"void", "refund", "after void", "after refund"} {
			p := h.heldOrPaid(call == "void" || call == "after void")
			dead, reached, wake := h.frozen(call)
			dead.Change(func(c *engine.Config) { c.Vault = vault.NewHolder(h.Clock.Now) })
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if _, err := dead.Abandon(context.WithoutCancel(t.Context()), h.target(p.ID)); err != nil {
					t.Error(err)
				}
			}()
			<-reached
			h.leap()
			for _, r := range h.openRefunds(p.ID) {
				h.settleByClock(r)
			}
			h.gone(h.workOff(p.ID, 10))
			wake()
			<-ended
			h.gone(h.workOff(p.ID, 10))
		}
		h.agree()
	})
}

// TestGivingBackGoesOnSoonAfterACrash: the process died with the void or refund on its way, which never arrived. The next
// process asks as soon as it knows that the other is gone, and sends the money back seconds later, however long ago the
// deposit was abandoned.
func TestGivingBackGoesOnSoonAfterACrash(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, call := range []string{"void", "refund"} {
			p := h.heldOrPaid(call == "void")
			if _, err := h.Simulator.AddScenario(simulator.Scenario{Match: simulator.Match{Operation: call}, Times: 1,
				Effect: simulator.Effect{Fault: simulator.FaultRejected}}); err != nil {
				t.Fatal(err)
			}
			if p = h.abandon(p.ID); !p.Owes() {
				t.Fatalf("%s, nothing is owed", p.State())
			}
			h.Clock.Advance(5 * time.Hour)
			dead, reached, wake := h.frozen(call)
			defer wake()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = dead.Work(context.WithoutCancel(t.Context()), h.shop.ID, p.ID)
			}()
			<-reached
			next := h.other(nil) // as it is after a restart
			if err := next.Relieve(t.Context()); err != nil {
				t.Fatal(err)
			}
			began := h.Clock.Now()
			soon := 8 * time.Second
			if h.DB.Kind() == store.Postgres { // the other process may live until its lease is over
				soon += callLimit + leaseMargin
			}
			for p = h.stored(p.ID); p.Live != 0 || p.Owes() || p.Refunded != p.Captured; p = h.stored(p.ID) {
				if !h.workNext(next) || h.Clock.Now().Sub(began) > 10*time.Minute {
					t.Fatalf("%s: %s, due %s, owes %t", call, p.State(), p.Due, p.Owes())
				}
			}
			if took := h.Clock.Now().Sub(began); took > soon {
				t.Errorf("%s: the money went back after %s, want %s at most", call, took, soon)
			}
			wake()
			<-ended
		}
		h.agree()
	})
}

// workNext moves the clock to what is due first and has the engine do that; false when nothing is due.
func (h *house) workNext(e *engine.Engine) bool {
	h.t.Helper()
	all := make([]int64, store.Shards)
	for i := range all {
		all[i] = int64(i)
	}
	var due []store.DuePayment
	err := h.DB.View(h.t.Context(), func(tx *store.Tx) (err error) {
		due, err = tx.Payments().Due(all, h.Clock.Now().Add(24*time.Hour), 1)
		return err
	})
	if err != nil || len(due) == 0 {
		h.t.Logf("nothing is due: %v", err)
		return false
	}
	h.Clock.Advance(max(0, due[0].Due.Sub(h.Clock.Now())))
	if err := e.Work(h.t.Context(), due[0].Shop, due[0].ID); err != nil {
		h.t.Error(err)
		return false
	}
	return true
}
