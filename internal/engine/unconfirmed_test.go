package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// loss is how the acknowledgement of one commit is lost.
type loss struct {
	name  string
	point store.FaultPoint
	code  string // what a server answers at its COMMIT
	// other: another writer changes the shop's payments before the body runs again.
	other bool
	// away: the database cannot be read when it does.
	away bool
}

var losses = []loss{
	{name: "error at commit, undone", point: store.FaultCommitUndone, code: "XX000"},
	{name: "error at commit, stands", point: store.FaultCommitStands, code: "58030"},
	{name: "lost before commit, then another writer", point: store.FaultBeforeCommit, other: true},
	{name: "lost after commit, then another writer", point: store.FaultAfterCommit, other: true},
	{name: "lost before commit, then away", point: store.FaultBeforeCommit, away: true},
	{name: "lost after commit, then away", point: store.FaultAfterCommit, away: true},
	{name: "lost after commit, then another writer, then away", point: store.FaultAfterCommit, other: true, away: true},
}

func (l *loss) cause() error {
	if l.code == "" {
		return errInjected
	}
	return store.ServerError(l.code)
}

// lose loses the acknowledgement of the first commit that hits lets pass, and returns how many were lost.
func (h *house) lose(l loss, hits func(writes []string) bool) *atomic.Int64 {
	lost := new(atomic.Int64)
	var meddling, away atomic.Bool
	h.hook.set(func(at store.FaultPoint, writes []string) error {
		switch {
		case meddling.Load():
		case onlyStamps(writes): // of the store's own, in the background, once a commit took long
		case at == l.point && hits(writes) && lost.CompareAndSwap(0, 1):
			return l.cause()
		case at == store.FaultBeforeRerun:
			meddling.Store(true)
			if l.other {
				h.meddle()
			}
			meddling.Store(false)
			away.Store(l.away)
		case at == store.FaultRead && away.CompareAndSwap(true, false):
			return errInjected
		}
		return nil
	})
	return lost
}

func onlyStamps(writes []string) bool {
	return len(writes) > 0 && !slices.ContainsFunc(writes, func(w string) bool { return w != "payment.stamp" })
}

func writing(name string) func([]string) bool {
	return func(writes []string) bool { return slices.Contains(writes, name) }
}

// meddle is another writer: it adds one operation, which says nothing, to each of the shop's newest payments. A store that
// stamps payments once more after the test has ended may call for it, too; then it does nothing.
func (h *house) meddle() {
	ctx := context.WithoutCancel(h.t.Context())
	list, _, err := h.Records.List(ctx, payment.Filter{Shop: h.shop.ID, Limit: 3})
	if err != nil && !errors.Is(err, store.ErrClosed) {
		h.t.Error(err)
	}
	for i := range list {
		err := h.DB.Update(ctx, func(tx *store.Tx) error {
			p, err := tx.Payments().Get(h.shop.ID, list[i].ID)
			if err != nil {
				return err
			}
			d := payment.Decision{Payment: p}
			if err := d.Sign(h.IDs.Letters(payment.TokenLen)); err != nil {
				return err
			}
			if p = d.Payment; p.State() == payment.Checkout { // a provider has nothing to say about it
				tx.Payments().Update(&p)
				return nil
			}
			at := p.Mark(tx.Now())
			p.Ops++
			tx.Operations().Insert(&p, &payment.Operation{Seq: p.Ops, Kind: payment.OpHandleWebhook, Started: at,
				Completed: at, State: p.State(), Attempt: p.Tries, Began: p.Version + 1, Ended: p.Version + 1})
			tx.Payments().Update(&p)
			return nil
		})
		if err != nil && !errors.Is(err, store.ErrClosed) {
			h.t.Errorf("another writer: %v", err)
		}
	}
}

// TestLostAcknowledgementOfACommand: what is acknowledged is stored, and once, whether the commit stood or not and
// whoever came after it.
func TestLostAcknowledgementOfACommand(t *testing.T) {
	t.Parallel()
	done := func(_ engine.Outcome, err error) error { return err }
	commands := []struct {
		name  string
		begin func(h *house) payment.Payment
		run   func(h *house, p payment.ID) error
		want  func(p *payment.Payment) bool
	}{
		{"capture", func(h *house) payment.Payment { return h.hold("50.00") }, func(h *house, p payment.ID) error {
			return done(h.Engine.Capture(h.t.Context(), h.target(p), amount("20.00")))
		}, func(p *payment.Payment) bool { return p.State() == payment.Completed && p.Captured == amount("20.00") }},
		{"void", func(h *house) payment.Payment { return h.hold("50.00") }, func(h *house, p payment.ID) error {
			return done(h.Engine.Void(h.t.Context(), h.target(p)))
		}, func(p *payment.Payment) bool { return p.State() == payment.Cancelled }},
		{"execution", func(h *house) payment.Payment { return h.create(h.newDeposit("50.00", cardApproved)) },
			func(h *house, p payment.ID) error {
				return done(h.Engine.Execute(h.t.Context(), engine.Execute{Target: h.target(p)}))
			}, func(p *payment.Payment) bool { return p.State() == payment.Completed }},
		{"cancelling", func(h *house) payment.Payment { return h.create(h.newDeposit("50.00", cardApproved)) },
			func(h *house, p payment.ID) error { return done(h.Engine.Cancel(h.t.Context(), h.target(p))) },
			func(p *payment.Payment) bool { return p.State() == payment.Cancelled }},
		{"abandoning a hold", func(h *house) payment.Payment { return h.hold("50.00") }, func(h *house, p payment.ID) error {
			_, err := h.Engine.Abandon(h.t.Context(), h.target(p))
			return err
		}, func(p *payment.Payment) bool { return !p.Abandoned.IsZero() && p.State() == payment.Cancelled }},
		{"abandoning a checkout", func(h *house) payment.Payment { return h.create(h.newDeposit("50.00", cardApproved)) },
			func(h *house, p payment.ID) error {
				_, err := h.Engine.Abandon(h.t.Context(), h.target(p))
				return err
			}, func(p *payment.Payment) bool { return !p.Abandoned.IsZero() && p.State() == payment.Cancelled }},
		{"abandoning while it is open", (*house).openDeposit, func(h *house, p payment.ID) error {
			_, err := h.Engine.Abandon(h.t.Context(), h.target(p))
			return err
		}, func(p *payment.Payment) bool { return !p.Abandoned.IsZero() }},
		{"manual update", (*house).openDeposit, func(h *house, p payment.ID) error {
			_, done, err := h.Engine.ManualUpdate(h.t.Context(), h.update(p, payment.Declined))
			if err == nil && !done {
				err = errors.New("not done")
			}
			return err
		}, func(p *payment.Payment) bool { return p.State() == payment.Declined }},
		{"notice", (*house).openDeposit, func(h *house, p payment.ID) error {
			return h.Engine.Notice(h.t.Context(), h.post("evt_"+string(p), h.stored(p).Attempts[0].Key, "50.00", approved))
		}, func(p *payment.Payment) bool { return p.State() == payment.Completed }},
		{"check", (*house).openDeposit, func(h *house, p payment.ID) error {
			if err := h.Simulator.Decide(h.stored(p).Attempts[0].Key, "00"); err != nil {
				return err
			}
			_, err := h.Engine.ManualCheck(h.t.Context(), h.shop.ID, p)
			return err
		}, func(p *payment.Payment) bool { return p.State() == payment.Completed }},
	}
	for _, c := range commands {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, h *house) {
				for _, l := range losses {
					for nth := int64(1); nth <= 2; nth++ { // of the commits that change the payment: intent, answer
						p := c.begin(h)
						var commits atomic.Int64
						lost := h.lose(l, func(writes []string) bool {
							return slices.Contains(writes, "payment.update") && commits.Add(1) == nth
						})
						err := c.run(h, p.ID)
						h.hook.set(nil)
						if p = h.stored(p.ID); err != nil || !c.want(&p) {
							t.Errorf("%s at commit %d: acknowledged with %v, %s, abandoned %s", l.name, nth, err, p.State(), p.Abandoned)
						}
						if lost.Load() == 0 && nth == 1 {
							t.Errorf("%s: nothing was lost", l.name)
						}
					}
				}
			})
		})
	}
}

// openDeposit is a deposit that the provider has booked and not told about.
func (h *house) openDeposit() payment.Payment {
	h.t.Helper()
	p := h.create(h.newDeposit("50.00", cardApproved))
	h.effect("payment", p.ID, silent)
	return h.execute(p.ID)
}

// TestLostAcknowledgementOfABirth: the call of a payment that is born at the provider has everything that it needs, and
// is made once, whichever run of the transaction stands.
func TestLostAcknowledgementOfABirth(t *testing.T) {
	t.Parallel()
	births := []struct {
		name string
		make func(h *house) (engine.Outcome, error)
		end  payment.State
	}{
		{"refund", func(h *house) (engine.Outcome, error) {
			return h.Engine.Create(h.t.Context(), h.newRefund(h.deposit("50.00").ID, "20.00"))
		}, payment.Completed},
		{"named refund that waits", func(h *house) (engine.Outcome, error) {
			c := h.newRefund(h.deposit("50.00").ID, "20.00")
			c.Wait, c.Instruction = time.Minute, h.say("", "refund "+h.IDs.Letters(8), "one").Instruction
			return h.Engine.Create(h.t.Context(), c)
		}, payment.Completed},
		{"withdrawal", func(h *house) (engine.Outcome, error) {
			return h.Engine.Create(h.t.Context(), h.newWithdrawal("9.00"))
		}, payment.Completed},
		{"follow-up", func(h *house) (engine.Outcome, error) {
			c := h.newDeposit("10.00", cardApproved)
			c.StartRecurring = true
			first := h.reach(h.execute(h.create(c).ID), payment.Completed)
			return h.Engine.Create(h.t.Context(), engine.Create{Shop: h.shop, Type: payment.Deposit,
				Amount: amount("5.00"), Currency: "EUR", RecurringToken: first.RecurringToken})
		}, payment.Completed},
		{"deposit with its card", func(h *house) (engine.Outcome, error) {
			o, err := h.Engine.Create(h.t.Context(), h.newDeposit("10.00", cardApproved))
			if err != nil {
				return o, err
			}
			return h.Engine.Execute(h.t.Context(), engine.Execute{Target: h.target(o.Payment.ID)})
		}, payment.Completed},
		{"order", func(h *house) (engine.Outcome, error) {
			return h.Engine.Create(h.t.Context(), h.newOrder("order "+h.IDs.Letters(8), "one"))
		}, payment.Checkout},
		{"refund of what was abandoned", func(h *house) (engine.Outcome, error) {
			p := h.deposit("50.00")
			p = h.abandon(p.ID)
			if p.Refunded != p.Captured {
				return engine.Outcome{}, fmt.Errorf("refunded %s of %s", p.Refunded, p.Captured)
			}
			return engine.Outcome{Payment: h.history(p.ID).Refunds[0]}, nil
		}, payment.Completed},
	}
	for _, b := range births {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				h := newHouse(t, d, func(s *shop.Shop) { s.Settings.ReferenceMode = shop.ReferenceWarn })
				for _, l := range losses {
					armed := new(atomic.Bool)
					last := b.name == "refund" || strings.Contains(b.name, "refund") || b.name == "follow-up"
					lost := h.lose(l, func(writes []string) bool { // of a refund or follow-up, not of what it is for
						if !slices.Contains(writes, "payment.create") {
							return false
						}
						return !last || armed.Swap(true)
					})
					o, err := b.make(h)
					h.hook.set(nil)
					if err != nil || o.Replayed || o.DuplicateOf != "" || o.Payment.State() != b.end {
						t.Errorf("%s: %s %q, replayed %t, duplicate of %q, %v", l.name, o.Payment.State(), o.Payment.ErrorCode,
							o.Replayed, o.DuplicateOf, err)
					}
					if lost.Load() == 0 {
						t.Errorf("%s: nothing was lost", l.name)
					}
					if o.Payment.State() == payment.Checkout {
						h.abandon(o.Payment.ID)
					}
				}
				h.agree()
			})
		})
	}
}

// TestDuplicateSurvivesALostAcknowledgement: what a payment may be a duplicate of is told also then, and it is never
// one of itself.
func TestDuplicateSurvivesALostAcknowledgement(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.ReferenceMode = shop.ReferenceWarn })
		for _, l := range losses {
			c := h.newWithdrawal("9.00")
			c.Reference = "payout " + h.IDs.Letters(8)
			first := h.create(c)
			c.Means = cardOf(t, cardApproved)
			h.lose(l, writing("payment.create"))
			o, err := h.Engine.Create(t.Context(), c)
			h.hook.set(nil)
			if err != nil || o.DuplicateOf != first.ID {
				t.Errorf("%s: duplicate of %q, want %q: %v", l.name, o.DuplicateOf, first.ID, err)
			}
		}
		h.agree()
	})
}

// TestTheNextProcessHasTakenOver: a call whose lease was taken by another process while its commit was in doubt is not
// made any more; whoever took it over finds out.
func TestTheNextProcessHasTakenOver(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		deposit := h.deposit("50.00")
		other := h.other(nil)
		var took payment.State
		h.hook.set(func(at store.FaultPoint, writes []string) error {
			if at == store.FaultAfterCommit && slices.Contains(writes, "payment.create") {
				return errInjected
			}
			if at == store.FaultBeforeRerun {
				h.hook.set(nil)
				h.leap()
				p, err := other.Get(context.WithoutCancel(t.Context()), h.shop.ID, h.newestOpen())
				if err != nil {
					t.Error(err)
				}
				took = p.State()
			}
			return nil
		})
		o, err := h.Engine.Create(t.Context(), h.newRefund(deposit.ID, "20.00"))
		if err != nil || o.Payment.State() != took {
			t.Errorf("%s and %v, the other process saw %s", o.Payment.State(), err, took)
		}
		if took == "" {
			t.Error("nobody took over")
		}
		h.settleByClock(o.Payment.ID)
		h.agree()
	})
}

// TestForgottenTokenIsNoAnswer: when a payment has been changed so often since that it cannot be told, nobody says so.
func TestForgottenTokenIsNoAnswer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.hold("50.00")
		h.hook.set(func(at store.FaultPoint, writes []string) error {
			if at == store.FaultAfterCommit {
				return errInjected
			}
			if at == store.FaultBeforeRerun {
				h.hook.set(nil)
				for range 40 {
					h.meddle()
				}
			}
			return nil
		})
		if _, err := h.Engine.Void(t.Context(), h.target(p.ID)); !errors.Is(err, engine.ErrUnavailable) || !errors.Is(err, store.ErrCommitUnknown) {
			t.Errorf("got %v", err)
		}
		h.hook.set(nil)
		h.settleByClock(p.ID)
		h.agree()
	})
}

// TestAnswerIsStoredWhenTheDatabaseIsBack: what the provider has answered is not dropped because the database was away
// when it came.
func TestAnswerIsStoredWhenTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, point := range []store.FaultPoint{store.FaultBeforeGroup, store.FaultBeforeCommit, store.FaultAfterCommit} {
			for _, times := range []int64{1, 5} {
				p := h.create(h.newDeposit("10.00", cardApproved))
				var failed atomic.Int64
				h.hook.set(func(at store.FaultPoint, writes []string) error {
					if at == point && slices.Contains(writes, store.WriteAttempt) && failed.Add(1) <= times {
						return errInjected
					}
					return nil
				})
				o, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
				h.hook.set(nil)
				if err != nil || o.Payment.State() != payment.Completed {
					t.Errorf("%s, %d times: %s %v", point, times, o.Payment.State(), err)
				}
				asked := slices.ContainsFunc(h.log(p.ID), func(o payment.Operation) bool { return o.Kind == payment.OpCheckState })
				if asked {
					t.Errorf("%s, %d times: the provider had to be asked", point, times)
				}
			}
		}
		h.agree()
	})
}

// TestAKeyOfARepeatedRequestIsUsed: a request that is answered by an earlier payment's reference has used its key. When
// that payment fails the key does not pay again, and under it there is no other request.
func TestAKeyOfARepeatedRequestIsUsed(t *testing.T) {
	t.Parallel()
	for _, mode := range []shop.ReferenceMode{shop.ReferenceOneLive, shop.ReferenceStrict} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				h := newHouse(t, d, func(s *shop.Shop) { s.Settings.ReferenceMode = mode })
				send := func(name, body, reference string) (engine.Outcome, error) {
					c := h.newDeposit("10.00", cardDeclined)
					c.Reference, c.Fingerprint, c.Idem = reference, []byte(body), key("create", name, body)
					return h.Engine.Create(t.Context(), c)
				}
				first, err := send("k1", "body", "r")
				if err != nil {
					t.Fatal(err)
				}
				ids := make([]payment.ID, 12)
				together(len(ids), func(i int) { // three keys, four copies each
					o, err := send(fmt.Sprint("copy ", i%3), "body", "r")
					if err != nil || !o.Replayed {
						t.Errorf("replayed %t, %v", o.Replayed, err)
					}
					ids[i] = o.Payment.ID
				})
				for _, id := range ids {
					if id != first.Payment.ID {
						t.Errorf("answered with %s, want %s", id, first.Payment.ID)
					}
				}
				if p := h.execute(first.Payment.ID); p.State() != payment.Declined {
					t.Fatalf("%s", p.State())
				}
				for i := range 3 {
					if o, err := send(fmt.Sprint("copy ", i), "body", "r"); err != nil || o.Payment.ID != first.Payment.ID {
						t.Errorf("the same key pays again: %s instead of %s, %v", o.Payment.ID, first.Payment.ID, err)
					}
					if _, err := send(fmt.Sprint("copy ", i), "another body", "another reference"); !errors.Is(err, engine.ErrMismatch) {
						t.Errorf("another body under the key: %v", err)
					}
				}
				var taken *engine.DuplicateReference
				if mode == shop.ReferenceStrict {
					if _, err := send("refused", "another body", "r"); !errors.As(err, &taken) {
						t.Errorf("got %v", err)
					}
					if o, err := send("refused", "a third body", "fresh"); err != nil || o.Replayed { // refusals are not remembered
						t.Errorf("replayed %t, %v", o.Replayed, err)
					}
				}
			})
		})
	}
}

// TestAKeyOfARepeatedRequestWhoseAcknowledgementIsLost: see the names.
func TestAKeyOfARepeatedRequestWhoseAcknowledgementIsLost(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.ReferenceMode = shop.ReferenceOneLive })
		for i, l := range losses {
			c := h.newWithdrawal("9.00")
			c.Reference, c.Fingerprint, c.Idem = fmt.Sprint("r", i), []byte("x"), key("create", fmt.Sprint("a", i), "x")
			first := h.create(c)
			c.Means, c.Idem = cardOf(t, cardApproved), key("create", fmt.Sprint("b", i), "x")
			lost := h.lose(l, func(writes []string) bool {
				return slices.Equal(writes, []string{store.WriteIdempotency})
			})
			o, err := h.Engine.Create(t.Context(), c)
			h.hook.set(nil)
			if err != nil || !o.Replayed || o.Payment.ID != first.ID || lost.Load() == 0 {
				t.Errorf("%s: %s, replayed %t, lost %d, %v", l.name, o.Payment.ID, o.Replayed, lost.Load(), err)
			}
			c.Idem = key("create", fmt.Sprint("b", i), "y")
			if _, err := h.Engine.Create(t.Context(), c); !errors.Is(err, engine.ErrMismatch) {
				t.Errorf("%s: the key is not stored: %v", l.name, err)
			}
		}
		h.agree()
	})
}

// TestTwoNodesWithNamedCommands: of a named capture and a named void at two nodes at the same moment, each having read
// before the other wrote, the second is told that it came second.
func TestTwoNodesWithNamedCommands(t *testing.T) {
	t.Parallel()
	h := newHouse(t, storetest.New(t, store.Postgres), nil)
	node := h.on(t, h.d.Open(func(o *store.Options) { o.Now = h.Clock.Now }))
	for round := range rounds(t, 6) {
		p := h.hold("50.00")
		said := func(name string) engine.Target { return h.say(p.ID, fmt.Sprintf("%s %d", name, round), "one") }
		var once atomic.Bool
		h.hook.set(func(at store.FaultPoint, writes []string) error {
			// What the first has read is old by the time that its writes arrive.
			if at == store.FaultBeforeGroup && slices.Contains(writes, store.WriteInstruction) && once.CompareAndSwap(false, true) {
				if _, err := node.Engine.Void(context.WithoutCancel(t.Context()), said("void")); err != nil {
					t.Errorf("the faster one: %v", err)
				}
			}
			return nil
		})
		_, err := h.Engine.Capture(t.Context(), said("capture"), money.Amount{})
		h.hook.set(nil)
		refused(t, err, payment.CodeWrongState, "")
		if p = h.stored(p.ID); p.State() != payment.Cancelled || !once.Load() {
			t.Errorf("%s, raced %t", p.State(), once.Load())
		}
	}
	h.agree()
}

// unreliable makes the store fail by chance, in every way that nobody may notice, until the test ends: each in one of so
// many commits. After half of the acknowledgements that are lost another writer comes first.
func (h *house) unreliable(oneIn int) {
	var meddling atomic.Bool
	var drawn sync.Map // how often, by point
	fault := storetest.Unreliable(oneIn)
	h.hook.set(func(at store.FaultPoint, writes []string) error {
		if at == store.FaultBeforeRerun && meddling.CompareAndSwap(false, true) { // one is enough, and it may be hit itself
			if rand.N(2) == 0 {
				h.meddle()
			}
			meddling.Store(false)
		}
		err := fault(at, writes)
		if err != nil {
			n, _ := drawn.LoadOrStore(at, new(atomic.Int64))
			n.(*atomic.Int64).Add(1)
		}
		return err
	})
	h.t.Cleanup(func() {
		drawn.Range(func(at, n any) bool { h.t.Logf("%s: %d times", at, n.(*atomic.Int64).Load()); return true })
	})
}
