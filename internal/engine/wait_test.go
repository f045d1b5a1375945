package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/testkit"
)

const patience = 100 * time.Millisecond

// waiting is one kind of call that may be waited for a while only, with the state that it leads to.
type waiting struct {
	instructed
	operation string
	done      payment.State
}

func waitingOnes() []waiting {
	return []waiting{
		{instructedOnes[0], "capture", payment.Completed}, {instructedOnes[1], "void", payment.Cancelled},
		{instructedOnes[2], "refund", payment.Completed},
	}
}

func TestCallersThatDoNotWaitToTheEnd(t *testing.T) {
	t.Parallel()
	for _, c := range waitingOnes() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, h *house) {
				p := c.begin(h)
				h.effectAlways(c.operation, simulator.Effect{DelayMs: testkit.Held})
				to := h.say(p.ID, "slow", "one")
				to.Wait, to.Idem = patience, key(c.name, "k", "one")
				began := time.Now()
				o, err := c.run(h.Engine, h, p.ID, "50.00", to)
				if took := time.Since(began); err != nil || took < patience {
					t.Errorf("answered after %s: %v", took, err)
				}
				if o.Payment.State() != payment.Pending || o.Payment.LiveAttempt() == nil {
					t.Errorf("%s, want PENDING", o.Payment.State())
				}
				drained := make(chan struct{})
				go func() { h.Engine.Drain(); close(drained) }()
				select {
				case <-drained:
					t.Error("drained while the call goes on")
				case <-time.After(patience):
				}
				h.Release()
				<-drained
				if after := h.stored(o.Payment.ID); after.State() != c.done || after.Live != 0 {
					t.Errorf("%s after the call", after.State())
				}
				if again, err := c.run(h.Engine, h, p.ID, "50.00", to); err != nil || !again.Replayed {
					t.Errorf("again: replayed %t, %v", again.Replayed, err)
				}
				h.agree()
			})
		})
	}
}

// effectAlways strikes every call of an operation.
func (h *house) effectAlways(operation string, effect simulator.Effect) string {
	h.t.Helper()
	id, err := h.Simulator.AddScenario(simulator.Scenario{Match: simulator.Match{Operation: operation}, Effect: effect})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func TestQuickCallsAreAnsweredWithTheirEnd(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, c := range waitingOnes() {
			p := c.begin(h)
			to := h.target(p.ID)
			to.Wait = 2 * time.Minute
			began := time.Now()
			o, err := c.run(h.Engine, h, p.ID, "50.00", to)
			if err != nil || o.Payment.State() != c.done || time.Since(began) > time.Minute {
				t.Errorf("%s: %s after %s, %v", c.name, o.Payment.State(), time.Since(began), err)
			}
		}
		h.agree()
	})
}

func TestProviderThatHangsWhileNobodyWaits(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, c := range waitingOnes() {
			for _, stage := range []string{simulator.StageBefore, simulator.StageAfter} {
				p := c.begin(h)
				scenario := h.effectAlways(c.operation, simulator.Effect{Fault: simulator.FaultHang, Stage: stage})
				to := h.target(p.ID)
				to.Wait = patience
				o, err := c.run(h.Engine, h, p.ID, "50.00", to)
				if err != nil || o.Payment.State() != payment.Pending {
					t.Fatalf("%s: %s, %v", c.name, o.Payment.State(), err)
				}
				h.Engine.Drain()
				h.Simulator.DeleteScenario(scenario)
				want := c.done
				if stage == simulator.StageBefore {
					want = map[bool]payment.State{true: payment.Declined, false: payment.Authorized}[c.operation == "refund"]
				}
				if end := h.settleByClock(o.Payment.ID); end.State() != want {
					t.Errorf("%s, hanging %s its booking: in the end %s, want %s", c.name, stage, end.State(), want)
				}
			}
		}
		h.agree()
	})
}

func TestCallerWhoGoesAwayDoesNotStopTheCall(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, wait := range []time.Duration{0, 10 * time.Second} {
			p := h.deposit("50.00")
			var sent atomic.Bool
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			e := h.other(func(c *engine.Config) {
				c.Connectors = wrapped(func(call string) error {
					if call == "refund" {
						cancel()
						time.Sleep(50 * time.Millisecond)
						sent.Store(true)
					}
					return nil
				})
			})
			c := h.newRefund(p.ID, "20.00")
			c.Wait = wait
			o, err := e.Create(ctx, c)
			e.Drain()
			if err != nil || !sent.Load() {
				t.Errorf("sent %t, %v", sent.Load(), err)
			}
			if r := h.stored(o.Payment.ID); r.State() != payment.Completed {
				t.Errorf("%s", r.State())
			}
		}
		h.agree()
	})
}

// TestCardIsKeptForTheCallThatNobodyWaitsFor: the card is wiped when it was sent, not when the caller was answered.
func TestCardIsKeptForTheCallThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.other(func(c *engine.Config) {
			c.Vault = h.Engine.Config().Vault
			c.Connectors = wrapped(func(call string) error {
				if call == "payout" || call == "start" {
					time.Sleep(3 * patience)
				}
				return nil
			})
		})
		c := h.newWithdrawal("12.00")
		c.Wait = patience
		out, err := e.Create(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		in := h.create(h.newDeposit("13.00", cardApproved))
		x := engine.Execute{Target: h.target(in.ID)}
		x.Wait = patience
		if _, err = e.Execute(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		e.Drain()
		for _, id := range []payment.ID{out.Payment.ID, in.ID} {
			if p := h.settleByClock(id); p.State() != payment.Completed {
				t.Errorf("%s %s %q", p.Type, p.State(), p.ErrorCode)
			}
		}
		h.agree()
	})
}

// TestManyWhoDoNotWait: commands on one hold while a capture that nobody waits for goes on.
func TestManyWhoDoNotWait(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.effectAlways("capture", simulator.Effect{DelayMs: testkit.Held})
		for range rounds(t, 3) {
			p := h.hold("50.00")
			var mu sync.Mutex
			made := 0
			together(10, func(i int) {
				to := h.target(p.ID)
				to.Wait = patience
				o, err := h.Engine.Capture(t.Context(), to, amount("20.00"))
				if err != nil {
					if _, ok := errors.AsType[*payment.Refusal](err); !ok {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				made++
				mu.Unlock()
				if o.Payment.State() != payment.Pending {
					t.Errorf("%s", o.Payment.State())
				}
			})
			if _, err := h.Engine.Abandon(t.Context(), h.target(p.ID)); !errors.Is(err, payment.ErrBusy) {
				t.Errorf("abandoned while a capture is open: %v", err)
			}
			h.Release()
			h.Engine.Drain()
			h.Hold()
			if p = h.stored(p.ID); p.State() != payment.Completed || p.Captured != amount("20.00") || made != 1 {
				t.Errorf("%s, captured %s, %d made", p.State(), p.Captured, made)
			}
		}
		h.agree()
	})
}

func TestPanicOfACallThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.deposit("50.00")
		answered := make(chan struct{})
		e := h.other(func(c *engine.Config) {
			c.Connectors = wrapped(func(call string) error {
				if strings.HasPrefix(call, "refund") {
					<-answered
					panic("a mistake in the connector")
				}
				return nil
			})
		})
		c := h.newRefund(p.ID, "20.00")
		c.Wait = patience
		o, err := e.Create(t.Context(), c)
		close(answered)
		if err != nil || o.Payment.State() != payment.Pending {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		e.Drain()
		if r := h.workByClock(o.Payment.ID); r.State() != payment.Completed {
			t.Errorf("%s, want COMPLETED: nothing had been sent, so it was sent again", r.State())
		}
		h.agree()
	})
}

// TestWaitBoundsTheLookAtAnOpenOutcomeToo: a command on a payment whose outcome is open asks the provider first; a
// caller with little patience waits for that answer as long as for the command itself, not longer.
func TestWaitBoundsTheLookAtAnOpenOutcomeToo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.hold("50.00")
		h.effect("capture", p.ID, silent)
		if o, err := h.Engine.Capture(t.Context(), h.target(p.ID), amount("20.00")); err != nil || o.Payment.State() != payment.Pending {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		h.effectAlways("status", simulator.Effect{DelayMs: testkit.Held})
		const long = 4 * time.Minute // what a query may take here
		e := h.other(func(c *engine.Config) { c.Owner, c.Timeout = h.Engine.Config().Owner, long })
		to := h.target(p.ID)
		to.Wait = patience
		for name, command := range map[string]func() error{
			"capture": func() error { _, err := e.Capture(t.Context(), to, amount("20.00")); return err },
			"void":    func() error { _, err := e.Void(t.Context(), to); return err },
			"abandon": func() error { _, err := e.Abandon(t.Context(), to); return err },
		} {
			began := time.Now()
			err := command()
			if took := time.Since(began); took > long/2 {
				t.Errorf("%s: answered after %s (%v), want about %s", name, took, err, patience)
			}
		}
		if h.Holding() != 1 {
			t.Errorf("%d queries are under way, want the first command's", h.Holding())
		}
		h.Release()
		e.Drain()
	})
}
