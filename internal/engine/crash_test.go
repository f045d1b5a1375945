package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// story is a course of commands as a merchant gives them, each repeated under its key until it is answered.
type story struct {
	name string
	tell func(m *merchant)
}

var stories = []story{
	{"sale", func(m *merchant) { m.deposit("s", false) }},
	{"hold and capture", func(m *merchant) {
		p := m.deposit("c", true)
		m.send("capture", func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
			return e.Capture(m.h.t.Context(), engine.Target{Shop: m.h.shop, ID: p, Idem: i}, amount("7.00"))
		})
	}},
	{"hold and void", func(m *merchant) {
		p := m.deposit("v", true)
		m.send("void", func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
			return e.Void(m.h.t.Context(), engine.Target{Shop: m.h.shop, ID: p, Idem: i})
		})
	}},
	{"two refunds", func(m *merchant) {
		p := m.deposit("r", false)
		for _, name := range []string{"first", "second"} {
			c := m.h.newRefund(p, "6.00") // the second is one too many, unless the first was never made
			m.send(name, func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
				mine := c
				mine.Idem = i
				return e.Create(m.h.t.Context(), mine)
			})
		}
	}},
	{"order, paid and abandoned", func(m *merchant) {
		p := m.depositWith("o", func(c *engine.Create) {
			c.Order = &engine.Order{ID: "order", Fingerprint: []byte("one"), Document: "{}"}
		})
		m.abandon(p)
	}},
	{"hold abandoned", func(m *merchant) { m.abandon(m.deposit("h", true)) }},
	{"checkout abandoned", func(m *merchant) {
		c := m.h.newDeposit("10.00", cardApproved)
		m.abandon(m.send("create a", func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
			mine := c
			mine.Means, mine.Idem = cardOf(m.h.t, cardApproved), i
			return e.Create(m.h.t.Context(), mine)
		}))
	}},
	{"named capture and refund", func(m *merchant) {
		p := m.deposit("n", true)
		m.send("named capture", func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
			to := m.h.say(p, "capture", "one")
			to.Idem = i
			return e.Capture(m.h.t.Context(), to, amount("7.00"))
		})
		m.send("named refund", func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
			c := m.h.newRefund(p, "3.00")
			c.Instruction, c.Idem, c.Wait = m.h.say("", "refund", "one").Instruction, i, time.Minute
			return e.Create(m.h.t.Context(), c)
		})
	}},
	{"withdrawal", func(m *merchant) {
		m.send("payout", func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
			c := m.h.newWithdrawal("9.00")
			c.Idem = i
			return e.Create(m.h.t.Context(), c)
		})
	}},
	{"chain", func(m *merchant) {
		p := m.h.get(m.depositWith("k", func(c *engine.Create) { c.StartRecurring = true }))
		if p.RecurringToken == "" {
			return // its deposit was cut off for good
		}
		m.send("follow-up", func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
			return e.Create(m.h.t.Context(), engine.Create{Shop: m.h.shop, Idem: i, Type: payment.Deposit,
				Amount: amount("5.00"), Currency: "EUR", RecurringToken: p.RecurringToken})
		})
	}},
}

// merchant tells a story to an engine. Whatever fails is repeated; refusals and lost cards end it.
type merchant struct {
	h      *house
	engine *engine.Engine
	ids    []payment.ID
}

func (m *merchant) send(name string, call func(*engine.Engine, engine.Idempotency) (engine.Outcome, error)) payment.ID {
	m.h.t.Helper()
	for range 10 {
		o, err := call(m.engine, key("route of "+name, "key", name))
		var refusal *payment.Refusal
		var missing *payment.Missing
		switch {
		case err == nil:
			m.ids = append(m.ids, o.Payment.ID)
			return m.settle(o.Payment.ID)
		case errors.As(err, &refusal), errors.As(err, &missing):
			return ""
		case !errors.Is(err, engine.ErrUnavailable):
			m.h.t.Errorf("%s: %v", name, err)
			return ""
		}
	}
	m.h.t.Errorf("%s is refused for ever", name)
	return ""
}

// abandon gives a deposit up until that is known to be done, and lets the work that is due then be done.
func (m *merchant) abandon(id payment.ID) {
	m.send("abandon", func(e *engine.Engine, _ engine.Idempotency) (engine.Outcome, error) {
		p, err := e.Abandon(m.h.t.Context(), m.h.target(id))
		return engine.Outcome{Payment: p}, err
	})
	for p := m.h.stored(id); p.Owes(); p = m.h.stored(id) {
		m.h.Clock.Advance(max(0, p.Due.Sub(m.h.Clock.Now())))
		if err := m.engine.Work(m.h.t.Context(), m.h.shop.ID, id); err != nil && !errors.Is(err, engine.ErrUnavailable) {
			m.h.t.Error(err)
			return
		}
	}
	for _, r := range m.h.openRefunds(id) {
		m.settle(r)
	}
}

// settle waits, by the clock, until the payment is not open any more.
func (m *merchant) settle(id payment.ID) payment.ID {
	if p := m.h.settleByClock(id); p.State() == payment.Pending {
		m.h.t.Errorf("%s is stuck", p.Type)
	}
	return id
}

func (m *merchant) deposit(name string, hold bool) payment.ID {
	return m.depositWith(name, func(c *engine.Create) { c.PreAuth = hold })
}

func (m *merchant) depositWith(name string, edit func(*engine.Create)) payment.ID {
	c := m.h.newDeposit("10.00", cardApproved)
	edit(&c)
	id := m.send("create "+name, func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
		mine := c
		mine.Means, mine.Idem = cardOf(m.h.t, cardApproved), i
		return e.Create(m.h.t.Context(), mine)
	})
	m.send("execute "+name, func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
		return e.Execute(m.h.t.Context(), engine.Execute{Target: engine.Target{Shop: m.h.shop, ID: id, Idem: i}})
	})
	return id
}

// record is what the story led to: each payment with its log.
func (m *merchant) record() string {
	m.h.t.Helper()
	var b strings.Builder
	for i, id := range slices.Compact(slices.Clone(m.ids)) {
		p := m.h.get(id)
		fmt.Fprintf(&b, "%d %s %s %s %q:", i, p.Type, p.State(), p.Asked.Amount, p.ErrorCode)
		log, err := m.h.Engine.Operations(m.h.t.Context(), m.h.shop.ID, id)
		if err != nil {
			m.h.t.Fatal(err)
		}
		for _, o := range alone(log) {
			fmt.Fprintf(&b, " %s→%s", o.Kind, o.State)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// alone is the log without what another writer has added, see meddle. A call that ended after that shows its end by an
// entry of its own, which is put back into the call.
func alone(log []payment.Operation) (own []payment.Operation) {
	meddled := false
	for _, o := range log {
		last := len(own) - 1
		switch {
		case o.Kind == payment.OpHandleWebhook:
			meddled = true
		case meddled && o.Kind == payment.OpCheckState && o.Messages == (payment.Messages{}) && own[last].Attempt == o.Attempt:
			own[last].State = o.State
		default:
			own = append(own, o)
		}
	}
	return own
}

// writeFaults are the ways in which a write can fail. Only one that was refused for good may leave a trace.
var writeFaults = append([]loss{
	{name: "to be run again", point: store.FaultBusy}, {name: "not written", point: store.FaultBeforeGroup},
	{name: "broken off in its midst", point: store.FaultBrokenOff},
}, losses...)

// TestEveryWriteMayFail lets the store fail at each write of each story in turn, in each way that it can: refused and
// to be run again, not written, broken off between two statements, and with nobody being told whether it was written; in the end with another writer who
// comes before the body looks, or a database that is away when it does.
func TestEveryWriteMayFail(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) { h.everyWriteFails(t, stories, nil, 20) })
}

// everyWriteFails tells the stories, each in a shop of its own, with at least so many faults of each kind in all.
func (h *house) everyWriteFails(t *testing.T, stories []story, edit func(*shop.Shop), least int) {
	t.Helper()
	injected := map[string]int{}
	for _, s := range stories {
		undisturbed := ""
		for _, fault := range writeFaults {
			for nth := int64(0); ; nth++ {
				fresh := *h
				fresh.shop = h.NewShop(t, edit).Shop
				var count atomic.Int64
				lost := fresh.lose(fault, func([]string) bool { return count.Add(1) == nth })
				m := &merchant{h: &fresh, engine: h.Engine}
				s.tell(m)
				h.hook.set(nil)
				fresh.agreeAlone()
				if undisturbed == "" { // no fault yet
					undisturbed = m.record()
				}
				if diff := cmp.Diff(undisturbed, m.record()); diff != "" && fault.point != store.FaultBeforeGroup {
					t.Errorf("the fault left a trace (-without +with):\n%s", diff)
				}
				if t.Failed() {
					t.Fatalf("%s: %s at write %d", s.name, fault.name, nth)
				}
				if count.Load() < nth {
					break
				}
				injected[fault.name] += int(lost.Load())
			}
		}
	}
	t.Logf("faults injected, and the ledger agrees after each: %v", injected)
	for _, fault := range writeFaults {
		if injected[fault.name] < least {
			t.Errorf("%s: too few, the hook is not where it was", fault.name)
		}
	}
}

// TestAnswerThatCannotBeStored is a crash after the call: the answer is known to nobody. The process itself asks once
// its own call must be over.
func TestAnswerThatCannotBeStored(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("10.00", cardApproved))
		h.hook.set(func(at store.FaultPoint, writes []string) error {
			if at == store.FaultBeforeGroup && slices.Contains(writes, store.WriteAttempt) {
				return errInjected
			}
			return nil
		})
		o, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
		if err != nil || o.Payment.State() != payment.Pending {
			t.Fatalf("%s %v, want PENDING", o.Payment.State(), err)
		}
		h.leap()
		if _, err := h.Engine.Get(t.Context(), h.shop.ID, p.ID); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("asking cannot be stored either, got %v", err)
		}
		h.hook.set(nil)
		if p = h.get(p.ID); p.State() != payment.Completed {
			t.Errorf("%s, want COMPLETED", p.State())
		}
		h.agree()
	})
}

// frozen is an engine whose calls of one kind stop, before they are sent, until release is called. It stands for a
// process that died, or sleeps, between storing its intent and sending it.
func (h *house) frozen(call string) (e *engine.Engine, reached chan struct{}, release func()) {
	reached, gate := make(chan struct{}, 10), make(chan struct{})
	e = h.other(func(c *engine.Config) {
		c.Vault = vault.NewHolder(h.Clock.Now)
		c.Connectors = wrapped(func(at string) error {
			if at == call {
				reached <- struct{}{}
				<-gate
			}
			return nil
		})
	})
	return e, reached, sync.OnceFunc(func() { close(gate) })
}

func TestDeadProcessIsRelievedAndCannotChargeLater(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		dead, reached, wake := h.frozen("start")
		defer wake()
		p := h.create(h.newDeposit("10.00", cardApproved))
		dead.Config().Vault.Put(p.ID, cardOf(t, cardApproved))
		outcome := make(chan engine.Outcome, 1)
		go func() {
			o, err := dead.Execute(context.WithoutCancel(t.Context()), engine.Execute{Target: h.target(p.ID)})
			if err != nil {
				t.Errorf("execute: %v", err)
			}
			outcome <- o
		}()
		<-reached
		if h.DB.Kind() == store.Postgres { // the other process may live: its lease is respected
			if p = h.get(p.ID); p.State() != payment.Pending || p.LiveAttempt().Class != payment.ClassPrepared {
				t.Fatalf("%s: the lease was not respected", p.State())
			}
			_, err := h.Engine.Cancel(t.Context(), h.target(p.ID))
			refused(t, err, payment.CodeWrongState, "")
			h.leap()
		}
		// On SQLite no other process can live, so the first look relieves it.
		if p = h.get(p.ID); p.State() != payment.Declined || p.ErrorCode != payment.CodeCommunication {
			t.Fatalf("%s %q, want DECLINED 1.02: nothing was sent and nothing can arrive any more", p.State(), p.ErrorCode)
		}
		wake() // the zombie sends after all
		if o := <-outcome; o.Payment.State() != payment.Declined {
			t.Errorf("the zombie believes in %s", o.Payment.State())
		}
		if m := h.books()[p.ID]; m != nil && len(m.captured) > 0 {
			t.Error("the zombie charged")
		}
		h.agree()
	})
}

func TestDeadProcessLeavesRefundAndCapture(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			call  string
			run   func(e *engine.Engine, held, paid payment.ID) (engine.Outcome, error)
			state payment.State
		}{
			{"capture", func(e *engine.Engine, held, _ payment.ID) (engine.Outcome, error) {
				return e.Capture(context.WithoutCancel(t.Context()), h.target(held), money.Amount{})
			}, payment.Authorized},
			{"void", func(e *engine.Engine, held, _ payment.ID) (engine.Outcome, error) {
				return e.Void(context.WithoutCancel(t.Context()), h.target(held))
			}, payment.Authorized},
			{"refund", func(e *engine.Engine, _, paid payment.ID) (engine.Outcome, error) {
				return e.Create(context.WithoutCancel(t.Context()), h.newRefund(paid, "10.00"))
			}, payment.Declined},
			{"payout", func(e *engine.Engine, _, _ payment.ID) (engine.Outcome, error) {
				return e.Create(context.WithoutCancel(t.Context()), h.newWithdrawal("10.00"))
			}, payment.Declined},
		} {
			held, paid := h.hold("10.00"), h.deposit("10.00")
			dead, reached, wake := h.frozen(c.call)
			outcome := make(chan payment.ID, 1)
			go func() {
				o, err := c.run(dead, held.ID, paid.ID)
				if err != nil {
					t.Errorf("%s: %v", c.call, err)
				}
				outcome <- o.Payment.ID
			}()
			<-reached
			h.leap()
			id := h.newestOpen()
			if p := h.get(id); p.State() != c.state {
				t.Errorf("%s of a dead process: %s, want %s", c.call, p.State(), c.state)
			}
			wake()
			if woken := <-outcome; woken != id {
				t.Errorf("%s: looked at %s instead of %s", c.call, id, woken)
			}
			h.agree()
		}
	})
}

// newestOpen is the newest payment that is PENDING.
func (h *house) newestOpen() payment.ID {
	h.t.Helper()
	list, _, err := h.Records.List(h.t.Context(), payment.Filter{Shop: h.shop.ID, Limit: 100})
	if err != nil {
		h.t.Fatal(err)
	}
	for i := range list {
		if list[i].State() == payment.Pending {
			return list[i].ID
		}
	}
	h.t.Fatal("nothing is open")
	return ""
}

// TestSlowProcessWhoseWorkWasTakenOver books the answer of a call that outlived its lease, after another process has
// settled the payment by asking.
func TestSlowProcessWhoseWorkWasTakenOver(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		slow, reached, wake := h.frozen("after start")
		defer wake()
		p := h.create(h.newDeposit("10.00", cardApproved))
		slow.Config().Vault.Put(p.ID, cardOf(t, cardApproved))
		done := make(chan payment.State, 1)
		go func() {
			o, err := slow.Execute(context.WithoutCancel(t.Context()), engine.Execute{Target: h.target(p.ID)})
			if err != nil {
				t.Errorf("execute: %v", err)
			}
			done <- o.Payment.State()
		}()
		<-reached
		h.leap()
		if p = h.get(p.ID); p.State() != payment.Completed {
			t.Fatalf("%s, want COMPLETED", p.State())
		}
		wake()
		if state := <-done; state != payment.Completed {
			t.Errorf("the slow process believes in %s", state)
		}
		h.agree()
	})
}

// TestManyAskAtOnce lets many readers, of two processes, find the same open payment.
func TestManyAskAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		second := h.other(nil)
		if h.DB.Kind() == store.SQLite {
			second = h.Engine // there is never a second process
		}
		for range rounds(t, 10) {
			p := h.create(h.newDeposit("6600.05", cardApproved)) // books, then drops the connection
			h.execute(p.ID)
			h.Clock.Advance(3 * time.Second)
			together(20, func(i int) {
				e := h.Engine
				if i%2 == 0 {
					e = second
				}
				if _, err := e.Get(t.Context(), h.shop.ID, p.ID); err != nil {
					t.Errorf("get: %v", err)
				}
			})
			if p = h.get(p.ID); p.State() != payment.Completed {
				t.Errorf("%s", p.State())
			}
			log, err := h.Engine.Operations(t.Context(), h.shop.ID, p.ID)
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			for i := range log {
				if log[i].Kind == payment.OpCheckState {
					asked++
				}
			}
			if asked != 1 {
				t.Errorf("the provider was asked %d times", asked)
			}
		}
		h.agree()
	})
}
