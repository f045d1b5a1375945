package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
)

// abandon has to work.
func (h *house) abandon(id payment.ID) payment.Payment {
	h.t.Helper()
	p, err := h.Engine.Abandon(h.t.Context(), h.target(id))
	if err != nil {
		h.t.Fatalf("abandon: %v", err)
	}
	return p
}

// workOff moves the clock from one due time to the next and works, until nothing is due or n times were not enough.
func (h *house) workOff(id payment.ID, n int) payment.Payment {
	h.t.Helper()
	for range n {
		p := h.stored(id)
		if p.Due.IsZero() {
			return p
		}
		if wait := p.Due.Sub(h.Clock.Now()); wait > 0 {
			h.Clock.Advance(wait)
		}
		if err := h.Engine.Work(h.t.Context(), h.shop.ID, id); err != nil {
			h.t.Fatal(err)
		}
		for _, r := range h.openRefunds(id) {
			h.settleByClock(r)
		}
	}
	return h.stored(id)
}

// openRefunds are those of a deposit that are PENDING.
func (h *house) openRefunds(of payment.ID) (open []payment.ID) {
	h.t.Helper()
	var hist engine.History
	err := h.DB.View(h.t.Context(), func(tx *store.Tx) (err error) {
		hist, err = tx.Payments().History(h.shop.ID, of)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for i := range hist.Refunds {
		if hist.Refunds[i].State() == payment.Pending {
			open = append(open, hist.Refunds[i].ID)
		}
	}
	return open
}

// gone checks that nothing of an abandoned deposit is kept and nobody has to do anything more.
func (h *house) gone(p payment.Payment) {
	h.t.Helper()
	if p.Abandoned.IsZero() || p.Owes() || p.Live != 0 || !p.Due.IsZero() || p.DueFails != 0 || p.Refunded != p.Captured ||
		p.State() == payment.Authorized {
		h.t.Errorf("%s, abandoned %s, owes %t, due %s, fails %d, refunded %s of %s", p.State(), p.Abandoned, p.Owes(), p.Due,
			p.DueFails, p.Refunded, p.Captured)
	}
}

func TestAbandonInEveryState(t *testing.T) {
	t.Parallel()
	partly := func(captured, refunded string) func(h *house) payment.ID {
		return func(h *house) payment.ID {
			p := h.hold("50.00")
			if _, err := h.Engine.Capture(h.t.Context(), h.target(p.ID), amount(captured)); err != nil {
				h.t.Fatal(err)
			}
			if refunded != "" {
				h.create(h.newRefund(p.ID, refunded))
			}
			return p.ID
		}
	}
	cases := []struct {
		name    string
		begin   func(h *house) payment.ID
		end     payment.State
		ended   bool
		refunds int
	}{
		{"checkout", func(h *house) payment.ID { return h.create(h.newDeposit("50.00", cardApproved)).ID }, payment.Cancelled, false, 0},
		{"held", func(h *house) payment.ID { return h.hold("50.00").ID }, payment.Cancelled, false, 0},
		{"paid", func(h *house) payment.ID { return h.deposit("50.00").ID }, payment.Completed, false, 1},
		{"partly captured", partly("30.00", ""), payment.Completed, false, 1},
		{"partly refunded", partly("30.00", "10.00"), payment.Completed, false, 2},
		{"refunded", partly("30.00", "30.00"), payment.Completed, true, 1},
		{"declined", func(h *house) payment.ID { return h.execute(h.create(h.newDeposit("50.00", cardDeclined)).ID).ID }, payment.Declined, true, 0},
		{"voided", func(h *house) payment.ID {
			p := h.hold("50.00")
			if _, err := h.Engine.Void(h.t.Context(), h.target(p.ID)); err != nil {
				h.t.Fatal(err)
			}
			return p.ID
		}, payment.Cancelled, true, 0},
		{"cancelled", func(h *house) payment.ID {
			p := h.create(h.newDeposit("50.00", cardApproved))
			if _, err := h.Engine.Cancel(h.t.Context(), h.target(p.ID)); err != nil {
				h.t.Fatal(err)
			}
			return p.ID
		}, payment.Cancelled, true, 0},
	}
	onBoth(t, func(t *testing.T, h *house) {
		for _, c := range cases {
			id := c.begin(h)
			was := h.stored(id)
			h.abandon(id)
			p := h.stored(id)
			for range 2 {
				if again := h.abandon(id); again.Version != p.Version || again.State() != p.State() {
					t.Errorf("%s: abandoned again: %s", c.name, again.State())
				}
			}
			if p.State() != c.end || len(h.history(id).Refunds) != c.refunds {
				t.Errorf("%s: %s, %d refunds", c.name, p.State(), len(h.history(id).Refunds))
			}
			if c.ended { // it is on record, and nothing else changes
				log := h.log(id)
				if last := log[len(log)-1]; p.Version != was.Version+1 || p.Abandoned.IsZero() || last.Kind != payment.OpCancel || p.Told != was.Told {
					t.Errorf("%s: version %d, abandoned %s, %s", c.name, p.Version-was.Version, p.Abandoned, last.Kind)
				}
				if p.WentBack != (c.name == "refunded") || p.ErrorCode != was.ErrorCode || !p.Due.IsZero() {
					t.Errorf("%s: went back %t, code %q, due %s", c.name, p.WentBack, p.ErrorCode, p.Due)
				}
				continue
			}
			h.gone(p)
			if cancels := count(h.log(id), payment.OpCancel); cancels != 1 {
				t.Errorf("%s: %d times CANCEL in the log", c.name, cancels)
			}
			h.dead(id)
		}
		if left := h.parked(); len(left) > 0 {
			t.Errorf("parked: %v", left)
		}
		h.agree()
	})
}

// dead checks that an abandoned payment takes no more commands.
func (h *house) dead(id payment.ID) {
	h.t.Helper()
	ctx, to := h.t.Context(), h.target(id)
	if h.Engine.Config().Vault.Get(id) != nil {
		h.t.Error("the card is kept")
	}
	_, err := h.Engine.Execute(ctx, engine.Execute{Target: to, Means: cardOf(h.t, cardApproved)})
	refused(h.t, err, payment.CodeWrongState, "")
	_, err = h.Engine.Capture(ctx, to, amount("1.00"))
	refused(h.t, err, payment.CodeWrongState, "")
	_, err = h.Engine.Void(ctx, to)
	refused(h.t, err, payment.CodeWrongState, "")
	_, err = h.Engine.Cancel(ctx, to)
	refused(h.t, err, payment.CodeWrongState, "")
	_, err = h.Engine.Create(ctx, h.newRefund(id, "1.00"))
	refused(h.t, err, payment.CodeWrongState, "parentPaymentId")
	if _, err := h.Engine.SendAway(ctx, to); err == nil {
		h.t.Error("the customer is sent away")
	}
}

func TestAbandonIsRefused(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		paid := h.deposit("50.00")
		for _, p := range []payment.Payment{h.create(h.newWithdrawal("5.00")), h.create(h.newRefund(paid.ID, "5.00"))} {
			_, err := h.Engine.Abandon(t.Context(), h.target(p.ID))
			refused(t, err, payment.CodeWrongState, "")
		}
		other := h.NewShop(t, nil)
		if _, err := h.Engine.Abandon(t.Context(), engine.Target{Shop: other.Shop, ID: paid.ID}); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("another shop's: %v", err)
		}
		asleep := *h.shop
		asleep.Active = false
		if _, err := h.Engine.Abandon(t.Context(), engine.Target{Shop: &asleep, ID: paid.ID}); !errors.Is(err, engine.ErrForbidden) {
			t.Errorf("an inactive shop's: %v", err)
		}
		if p := h.stored(paid.ID); !p.Abandoned.IsZero() {
			t.Error("abandoned after all")
		}
		h.agree()
	})
}

// TestAbandonedWhileTheOutcomeIsOpen: what turns out later goes back by itself.
func TestAbandonedWhileTheOutcomeIsOpen(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, code string
		hold       bool
		end        payment.State
	}{
		{"paid", "00", false, payment.Completed}, {"held", "00", true, payment.Cancelled}, {"declined", "05", false, payment.Declined},
		{"hold declined", "05", true, payment.Declined},
	}
	for _, by := range []string{"work", "notice", "return"} {
		t.Run("told by "+by, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, h *house) {
				for _, c := range cases {
					made := h.newDeposit("50.00", cardApproved)
					made.PreAuth, made.StartRecurring = c.hold, true
					p := h.stuck(made)
					refusal := h.refuseToClose()
					if p = h.abandon(p.ID); p.State() != payment.Pending || p.Abandoned.IsZero() {
						t.Fatalf("%s: %s, abandoned %s", c.name, p.State(), p.Abandoned)
					}
					h.dead(p.ID)
					if err := h.Simulator.Decide(p.Attempts[0].Key, c.code); err != nil {
						t.Fatal(err)
					}
					h.Simulator.DeleteScenario(refusal)
					h.hear(by, p, c.code, c.hold)
					p = h.workOff(p.ID, 10)
					if p.State() != c.end || p.RecurringToken != "" {
						t.Errorf("%s: %s, token %q", c.name, p.State(), p.RecurringToken)
					}
					h.gone(p)
				}
				h.agree()
			})
		})
	}
}

// refuseToClose lets the provider answer every wish to close an attempt with nothing that proves anything.
func (h *house) refuseToClose() string {
	h.t.Helper()
	return h.effectAlways("cancel", simulator.Effect{Fault: simulator.FaultRejected})
}

// hear brings the outcome of a payment's first attempt to us.
func (h *house) hear(by string, p payment.Payment, code string, hold bool) {
	h.t.Helper()
	var err error
	switch by {
	case "notice":
		said := approved
		if hold {
			said = authorized
		}
		if code != "00" {
			said = declined
		}
		err = h.Engine.Notice(h.t.Context(), h.post("evt_"+string(p.ID), p.Attempts[0].Key, "50.00", said))
	case "return":
		_, err = h.Engine.Return(h.t.Context(), h.target(p.ID), nil)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestAbandonedWhileTheCallRuns(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, hold := range []bool{false, true} {
			e, reached, release := h.frozen("start")
			defer release()
			c := h.newDeposit("50.00", cardApproved)
			c.PreAuth = hold
			p := h.create(c)
			e.Config().Vault.Put(p.ID, cardOf(t, cardApproved))
			answered := make(chan engine.Outcome, 1)
			go func() {
				o, err := e.Execute(context.WithoutCancel(t.Context()), engine.Execute{Target: h.target(p.ID)})
				if err != nil {
					t.Error(err)
				}
				answered <- o
			}()
			<-reached
			if p, err := e.Abandon(t.Context(), h.target(p.ID)); err != nil || p.State() != payment.Pending || p.Abandoned.IsZero() {
				t.Errorf("%s, abandoned %s, %v", p.State(), p.Abandoned, err)
			}
			release()
			if o := <-answered; !o.Payment.Owes() {
				t.Errorf("%s, owes nothing", o.Payment.State())
			}
			h.gone(h.workOff(p.ID, 10))
		}
		h.agree()
	})
}

func TestAbandonWaitsForTheOpenCommand(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, c := range waitingOnes() {
			for _, code := range []string{"00", "05"} {
				p := c.begin(h)
				h.effect(c.operation, p.ID, silent)
				if c.operation == "refund" {
					h.scenario("refund", "20.00", silent)
				}
				o, err := c.run(h.Engine, h, p.ID, "20.00", h.target(p.ID))
				if err != nil || o.Payment.State() != payment.Pending {
					t.Fatalf("%s: %s, %v", c.name, o.Payment.State(), err)
				}
				if _, err := h.Engine.Abandon(t.Context(), h.target(p.ID)); !errors.Is(err, payment.ErrBusy) {
					t.Errorf("%s is open: %v", c.name, err)
				}
				if now := h.stored(p.ID); !now.Abandoned.IsZero() {
					t.Errorf("%s is open, and the deposit is abandoned", c.name)
				}
				open := h.stored(o.Payment.ID)
				if err := h.Simulator.Decide(open.LiveAttempt().Key, code); err != nil {
					t.Fatal(err)
				}
				h.settleByClock(o.Payment.ID)
				if after := h.abandon(p.ID); c.operation == "void" && code == "00" {
					if after.State() != payment.Cancelled || after.Abandoned.IsZero() {
						t.Errorf("a voided deposit is %s, abandoned %s", after.State(), after.Abandoned)
					}
				} else {
					h.gone(h.workOff(p.ID, 3))
				}
			}
		}
		h.agree()
	})
}

func TestManyAbandonAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.unreliable(40)
		engines := h.pair()
		begins := map[string]func() payment.Payment{
			"held": func() payment.Payment { return h.hold("50.00") }, "paid": func() payment.Payment { return h.deposit("50.00") },
			"checkout": func() payment.Payment { return h.create(h.newDeposit("50.00", cardApproved)) },
		}
		for name, begin := range begins {
			for range rounds(t, 3) {
				p := begin()
				together(20, func(i int) {
					if _, err := engines[i%2].Abandon(t.Context(), h.target(p.ID)); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				})
				p = h.workOff(p.ID, 10)
				h.gone(p)
				if hist := h.history(p.ID); len(hist.Refunds) > 1 || p.Tries > 2 {
					t.Errorf("%s: %d refunds, %d attempts", name, len(hist.Refunds), p.Tries)
				}
			}
		}
		h.agree()
	})
}

// TestAbandonAgainstEverything: whatever comes at the same moment, what was abandoned keeps no money.
func TestAbandonAgainstEverything(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.unreliable(40)
		engines := h.pair()
		ends := map[string]int{}
		for round := range rounds(t, 24) {
			kind := round % 3
			var p payment.Payment
			switch kind {
			case 0:
				c := h.newDeposit("50.00", cardApproved)
				c.PreAuth = round%2 == 0
				p = h.create(c)
			case 1:
				p = h.hold("50.00")
			default:
				p = h.deposit("50.00")
			}
			together(6, func(i int) {
				e := engines[i%2]
				var err error
				if i == 0 {
					_, err = e.Abandon(t.Context(), h.target(p.ID))
				} else {
					err = h.against(e, kind, i, p.ID)
				}
				var r *payment.Refusal
				if err != nil && !errors.As(err, &r) && !errors.Is(err, payment.ErrBusy) {
					t.Errorf("%d against %d: %v", i, kind, err)
				}
			})
			for _, r := range h.openRefunds(p.ID) {
				h.settleByClock(r)
			}
			if p = h.stored(p.ID); p.Abandoned.IsZero() { // what came first was open then
				ends[string(p.State())]++
				p = h.abandon(p.ID)
			}
			if p = h.workOff(p.ID, 10); p.Abandoned.IsZero() {
				if p.State() != payment.Cancelled && p.Refunded != p.Captured {
					t.Errorf("not abandoned, and %s", p.State())
				}
				continue
			}
			h.gone(p)
		}
		h.agree()
		t.Logf("came too late: %v", ends)
	})
}

// against is what comes at the same moment as the abandoning.
func (h *house) against(e *engine.Engine, kind, i int, id payment.ID) (err error) {
	ctx := h.t.Context()
	switch {
	case kind == 0:
		_, err = e.Execute(ctx, engine.Execute{Target: h.target(id), Means: cardOf(h.t, cardApproved)})
	case kind == 1 && i%3 == 0:
		_, err = e.Void(ctx, h.target(id))
	case kind == 1:
		_, err = e.Capture(ctx, h.target(id), amount(fmt.Sprintf("%d.00", 1+rand.N(50))))
	default:
		_, err = e.Create(ctx, h.newRefund(id, fmt.Sprintf("%d.00", 1+rand.N(30))))
	}
	return err
}
