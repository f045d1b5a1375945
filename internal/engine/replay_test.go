package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
)

func TestRepetitionUnderAKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		c := h.newDeposit("10.00", cardApproved)
		c.Idem = key("create", "k1", "body")
		made, err := h.Engine.Create(ctx, c)
		if err != nil || made.Replayed {
			t.Fatalf("%+v %v", made, err)
		}
		again := func(edit func(*engine.Create)) (engine.Outcome, error) {
			mine := c
			mine.Means = cardOf(t, cardApproved)
			edit(&mine)
			return h.Engine.Create(ctx, mine)
		}
		o, err := again(func(*engine.Create) {})
		if err != nil || !o.Replayed || o.Payment.ID != made.Payment.ID {
			t.Errorf("the same request: %+v %v", o, err)
		}
		if _, err = again(func(c *engine.Create) { c.Idem = key("create", "k1", "other body") }); !errors.Is(err, engine.ErrMismatch) {
			t.Errorf("another body: %v, want ErrMismatch", err)
		}
		if o, err = again(func(c *engine.Create) { c.Idem = key("other route", "k1", "other body") }); err != nil || o.Replayed {
			t.Errorf("another route: %+v %v", o, err)
		}
		stranger := h.NewShop(t, nil)
		if o, err = again(func(c *engine.Create) { c.Shop = stranger.Shop }); err != nil || o.Replayed || o.Payment.ID == made.Payment.ID {
			t.Errorf("another shop: %+v %v", o, err)
		}

		run := engine.Execute{Target: h.target(made.Payment.ID)}
		run.Idem = key("execute", "k1", "body")
		first, err := h.Engine.Execute(ctx, run)
		if err != nil || first.Replayed || first.Payment.State() != payment.Completed {
			t.Fatalf("%+v %v", first, err)
		}
		if o, err = h.Engine.Execute(ctx, run); err != nil || !o.Replayed || o.Payment.State() != payment.Completed {
			t.Errorf("the same execution: %+v %v", o, err)
		}
		if o, err = again(func(*engine.Create) {}); err != nil || o.Payment.State() != payment.Completed {
			t.Errorf("a repetition shows the payment as it is now: %s %v", o.Payment.State(), err)
		}
		h.agree()
	})
}

func TestRepetitionOfWhatWasRefused(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.deposit("10.00")
		c := h.newRefund(p.ID, "10.01")
		c.Idem = key("create", "k1", "too much")
		_, err := h.Engine.Create(t.Context(), c)
		refused(t, err, payment.CodeInvalidAmount, "amount")
		c.Amount, c.Idem = amount("10.00"), key("create", "k1", "enough")
		o, err := h.Engine.Create(t.Context(), c) // what was refused is not remembered
		if err != nil || o.Replayed || o.Payment.State() != payment.Completed {
			t.Errorf("%+v %v", o, err)
		}
		h.agree()
	})
}

// replayWait is how long a repetition waits for the command that runs before it is answered with what is known.
const replayWait = 2 * time.Second

func TestRepetitionWaitsForTheRunningCommand(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			name  string
			delay int64
			wait  bool // the answer comes while repetitions wait
		}{{"soon", 500, true}, {"never", 0, false}} {
			p := h.create(h.newDeposit("17.00", cardApproved))
			effect := simulator.Effect{DelayMs: c.delay}
			if !c.wait {
				effect = simulator.Effect{Fault: simulator.FaultHang}
			}
			h.scenario("payment", "17.00", effect)
			run := engine.Execute{Target: h.target(p.ID)}
			run.Idem = key("execute", c.name, "body")
			outcomes := make([]engine.Outcome, 5)
			took := make([]time.Duration, len(outcomes))
			replays := 0
			together(len(outcomes), func(i int) {
				time.Sleep(time.Duration(i) * 20 * time.Millisecond)
				began := time.Now()
				defer func() { took[i] = time.Since(began) }()
				var err error
				if outcomes[i], err = h.Engine.Execute(t.Context(), run); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			})
			want := payment.Completed
			if !c.wait {
				want = payment.Pending
			}
			for i, o := range outcomes {
				tired := o.Replayed && o.Payment.State() == payment.Pending && took[i] >= replayWait
				if o.Payment.State() != want && !tired {
					t.Errorf("%s: %s after %s, want %s", c.name, o.Payment.State(), took[i], want)
				}
				if o.Replayed {
					replays++
				}
			}
			if replays != len(outcomes)-1 {
				t.Errorf("%s: %d of %d were repetitions", c.name, replays, len(outcomes))
			}
			h.settleByClock(p.ID)
		}
		h.agree()
	})
}

func TestCapturesAndVoidsAreRepeatedSafely(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.hold("10.00")
		target := h.target(p.ID)
		target.Idem = key("capture", "k1", "all")
		for i := range 3 {
			o, err := h.Engine.Capture(t.Context(), target, money.Amount{})
			if err != nil || o.Payment.State() != payment.Completed || o.Replayed != (i > 0) {
				t.Errorf("capture %d: %+v %v", i, o, err)
			}
		}
		target.Idem = key("capture", "k1", "a part")
		if _, err := h.Engine.Capture(t.Context(), target, amount("1.00")); !errors.Is(err, engine.ErrMismatch) {
			t.Errorf("got %v, want ErrMismatch", err)
		}
		target = h.target(h.hold("11.00").ID)
		target.Idem = key("void", "k1", "")
		for i := range 3 {
			o, err := h.Engine.Void(t.Context(), target)
			if err != nil || o.Payment.State() != payment.Cancelled || o.Replayed != (i > 0) {
				t.Errorf("void %d: %+v %v", i, o, err)
			}
		}
		h.agree()
	})
}

// TestRepetitionsAtOnceGetTheOneOutcome sends one command many times at the same moment, as impatient clients and
// proxies do. Whoever comes second must get the outcome, not a refusal of what the first has just done.
func TestRepetitionsAtOnceGetTheOneOutcome(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		prepared := map[string]func(i engine.Idempotency) func() (engine.Outcome, error){
			"execute": func(i engine.Idempotency) func() (engine.Outcome, error) {
				target := h.target(h.create(h.newDeposit("12.00", cardApproved)).ID)
				target.Idem = i
				return func() (engine.Outcome, error) { return h.Engine.Execute(t.Context(), engine.Execute{Target: target}) }
			},
			"capture": func(i engine.Idempotency) func() (engine.Outcome, error) {
				target := h.target(h.hold("13.00").ID)
				target.Idem = i
				return func() (engine.Outcome, error) { return h.Engine.Capture(t.Context(), target, money.Amount{}) }
			},
			"void": func(i engine.Idempotency) func() (engine.Outcome, error) {
				target := h.target(h.hold("14.00").ID)
				target.Idem = i
				return func() (engine.Outcome, error) { return h.Engine.Void(t.Context(), target) }
			},
			"refund": func(i engine.Idempotency) func() (engine.Outcome, error) {
				c := h.newRefund(h.deposit("15.00").ID, "15.00")
				c.Idem = i
				return func() (engine.Outcome, error) { return h.Engine.Create(t.Context(), c) }
			},
		}
		for name, prepare := range prepared {
			for round := range rounds(t, 5) {
				call := prepare(key(name, fmt.Sprint("key ", round), "body"))
				outcomes := make([]engine.Outcome, 10)
				errs := make([]error, len(outcomes))
				together(len(outcomes), func(i int) { outcomes[i], errs[i] = call() })
				made := 0
				for i, o := range outcomes {
					switch {
					case errs[i] != nil:
						t.Errorf("%s: %v", name, errs[i])
					case o.Payment.ID != outcomes[0].Payment.ID && errs[0] == nil:
						t.Errorf("%s: payments %s and %s", name, o.Payment.ID, outcomes[0].Payment.ID)
					case !o.Replayed:
						made++
					}
				}
				if made != 1 {
					t.Errorf("%s: %d of %d say that they did it", name, made, len(outcomes))
				}
			}
		}
		h.agree()
	})
}
