package engine_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
)

// instructed is one kind of command that carries an instruction.
type instructed struct {
	name  string
	begin func(*house) payment.Payment
	run   func(e *engine.Engine, h *house, p payment.ID, value string, t engine.Target) (engine.Outcome, error)
}

var instructedOnes = []instructed{
	{"capture", func(h *house) payment.Payment { return h.hold("50.00") },
		func(e *engine.Engine, h *house, p payment.ID, value string, to engine.Target) (engine.Outcome, error) {
			return e.Capture(h.t.Context(), to, amount(value))
		}},
	{"void", func(h *house) payment.Payment { return h.hold("50.00") },
		func(e *engine.Engine, h *house, p payment.ID, _ string, to engine.Target) (engine.Outcome, error) {
			return e.Void(h.t.Context(), to)
		}},
	{"refund", func(h *house) payment.Payment { return h.deposit("50.00") }, refundTo(false)},
	{"refund on a version", func(h *house) payment.Payment { return h.deposit("50.00") }, refundTo(true)},
}

func refundTo(version bool) func(*engine.Engine, *house, payment.ID, string, engine.Target) (engine.Outcome, error) {
	return func(e *engine.Engine, h *house, p payment.ID, value string, to engine.Target) (engine.Outcome, error) {
		c := h.newRefund(p, value)
		c.Idem, c.Instruction, c.Wait = to.Idem, to.Instruction, to.Wait
		if version {
			now, err := e.History(h.t.Context(), h.shop.ID, p)
			if err != nil {
				return engine.Outcome{}, err
			}
			c.ParentVersion = now.Payment.Version
		}
		return e.Create(h.t.Context(), c)
	}
}

// say is the target with an instruction.
func (h *house) say(p payment.ID, name, asked string) engine.Target {
	to := h.target(p)
	to.Instruction = &engine.Instruction{Name: name, Request: "request of " + name, Fingerprint: []byte(asked), Detail: `{"asked":"` + asked + `"}`}
	return to
}

func TestOneCommandOfManyUnderOneName(t *testing.T) {
	t.Parallel()
	for _, c := range instructedOnes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, h *house) {
				h.unreliable(40)
				engines := h.pair()
				for _, keyed := range []bool{false, true} {
					const calls = 50
					p := c.begin(h)
					name := fmt.Sprintf("op-%t", keyed)
					var mu sync.Mutex
					done, replayed, taken := 0, 0, 0
					together(calls, func(i int) {
						to := h.say(p.ID, name, "one")
						if keyed {
							to.Idem = key(c.name, "k", "one")
							to.Idem.MaxAge = 24 * time.Hour
						}
						o, err := c.run(engines[i%2], h, p.ID, "20.00", to)
						mu.Lock()
						defer mu.Unlock()
						var used *engine.NameTaken
						switch {
						case errors.As(err, &used):
							taken++
							if !used.Same || used.By.Name != name || used.By.Payment != p.ID {
								t.Errorf("taken: %+v", used)
							}
						case err != nil:
							t.Error(err)
						case o.Replayed:
							replayed++
						default:
							done++
						}
					})
					if done != 1 || keyed && taken > 0 || !keyed && replayed > 0 {
						t.Errorf("keyed %t: %d done, %d replayed, %d taken", keyed, done, replayed, taken)
					}
					h.settleByClock(p.ID)
					hist := h.history(p.ID)
					tries := len(hist.Payment.Attempts) - 1 + len(hist.Refunds)
					if len(hist.Instructions) != 1 || tries != 1 {
						t.Errorf("%d instructions, %d calls", len(hist.Instructions), tries)
					}
				}
				h.agree()
			})
		})
	}
}

func (h *house) history(id payment.ID) engine.History {
	h.t.Helper()
	hist, err := h.Engine.History(h.t.Context(), h.shop.ID, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return hist
}

func TestNamesAreUniqueOverAllCommands(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for i, first := range instructedOnes {
			name := fmt.Sprintf("%d %s", i, unicodeID(2000))
			p := first.begin(h)
			o, err := first.run(h.Engine, h, p.ID, "20.00", h.say(p.ID, name, first.name))
			if err != nil {
				t.Fatal(err)
			}
			by, err := h.Records.InstructionNamed(t.Context(), h.shop.ID, name)
			if err != nil || by.Payment != p.ID || by.Name != name || by.Request != "request of "+name || by.Detail != `{"asked":"`+first.name+`"}` {
				t.Errorf("%s: %+v, %v", first.name, by, err)
			}
			if isRefund := o.Payment.Type == payment.Refund; isRefund != (by.Refund == o.Payment.ID) || isRefund != (by.Attempt == 0) {
				t.Errorf("%s: attempt %d, refund %q", first.name, by.Attempt, by.Refund)
			}
			for _, second := range instructedOnes {
				q := second.begin(h)
				for _, asked := range []string{first.name, "something else"} {
					_, err := second.run(h.Engine, h, q.ID, "20.00", h.say(q.ID, name, asked))
					var used *engine.NameTaken
					if !errors.As(err, &used) || used.By.Payment != p.ID || used.Same != (asked == first.name) {
						t.Errorf("%s, then %s asking for %s: %v", first.name, second.name, asked, err)
					}
				}
				if after := h.history(q.ID); len(after.Payment.Attempts) != 1 || len(after.Refunds)+len(after.Instructions) > 0 {
					t.Errorf("%s under a used name did something", second.name)
				}
			}
			other := h.NewShop(t, nil)
			if _, err := h.Records.InstructionNamed(t.Context(), other.Shop.ID, name); !errors.Is(err, payment.ErrNotFound) {
				t.Errorf("another shop sees it: %v", err)
			}
		}
		h.agree()
	})
}

func TestRefusedCommandLeavesItsNameFree(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, c := range instructedOnes {
			p, value := c.begin(h), "50.01"
			if c.name == "void" {
				p = h.deposit("50.00")
			}
			name := "refused " + c.name
			_, err := c.run(h.Engine, h, p.ID, value, h.say(p.ID, name, "one"))
			if _, ok := errors.AsType[*payment.Refusal](err); !ok {
				t.Errorf("%s: %v", c.name, err)
			}
			if _, err := h.Records.InstructionNamed(t.Context(), h.shop.ID, name); !errors.Is(err, payment.ErrNotFound) {
				t.Errorf("%s: the name is used: %v", c.name, err)
			}
			q := c.begin(h)
			if _, err := c.run(h.Engine, h, q.ID, "50.00", h.say(q.ID, name, "one")); err != nil {
				t.Errorf("%s under the name of one that was refused: %v", c.name, err)
			}
		}
		h.agree()
	})
}

func TestKeysCountForTheirTime(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.deposit("50.00")
		route := "POST /" + unicodeID(2000)
		refund := func(asked string) (engine.Outcome, error) {
			c := h.newRefund(p.ID, "1.00")
			c.Idem = key(route, "k", asked)
			c.Idem.MaxAge = 24 * time.Hour
			return h.Engine.Create(t.Context(), c)
		}
		first, err := refund("one")
		if err != nil || first.Replayed {
			t.Fatal(err)
		}
		h.Clock.Advance(24*time.Hour - time.Minute)
		if o, err := refund("one"); err != nil || !o.Replayed || o.Payment.ID != first.Payment.ID {
			t.Errorf("within the day: replayed %t, %v", o.Replayed, err)
		}
		if _, err := refund("two"); !errors.Is(err, engine.ErrMismatch) {
			t.Errorf("another request within the day: %v", err)
		}
		last := first.Payment.ID
		for day := range 3 {
			h.Clock.Advance(24*time.Hour + time.Minute)
			const calls = 20
			ids := make([]payment.ID, calls)
			fresh := make([]bool, calls)
			together(calls, func(i int) {
				o, err := refund("two")
				if err != nil {
					t.Errorf("day %d: %v", day, err)
				}
				ids[i], fresh[i] = o.Payment.ID, !o.Replayed
			})
			made := 0
			for i := range calls {
				if fresh[i] {
					made++
				}
				if ids[i] != ids[0] || ids[i] == last {
					t.Errorf("day %d: %s beside %s, the day before %s", day, ids[i], ids[0], last)
				}
			}
			if made != 1 {
				t.Errorf("day %d: %d say that they made it", day, made)
			}
			last = ids[0]
		}
		if got := h.history(p.ID); len(got.Refunds) != 4 || got.Payment.Refunded != amount("4.00") {
			t.Errorf("%d refunds of %s", len(got.Refunds), got.Payment.Refunded)
		}
		h.agree()
	})
}
