package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// What a payment, a notice or a provider's answer holds can end neither the process nor a payment. docs/ARCHITECTURE.md
// lists the places; these are the tests of those in the engine.

// mine is a source of chance that panics while it is armed.
type mine struct {
	io.Reader
	armed atomic.Bool
}

func (m *mine) Read(p []byte) (int, error) {
	if m.armed.Load() {
		panic("content")
	}
	return m.Reader.Read(p)
}

const whyPanic = "a panic between the call and its answer: the payment is left open and asked about later"

// TestAPanicBetweenTheCallAndItsAnswer: the caller sees PENDING, nobody is left waiting, a human is told, and the provider
// is asked later.
func TestAPanicBetweenTheCallAndItsAnswer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		m := &mine{Reader: h.Engine.Config().Random}
		e := h.listen(func(c *engine.Config) {
			c.Random = m
			c.Connectors = wrapped(func(call string) error {
				if call == "after start" || call == "after refund" {
					m.armed.Store(true)
				}
				return nil
			})
		})
		p := h.create(h.newDeposit("10.00", cardApproved))
		p = h.execute(p.ID)
		m.armed.Store(false)
		if p.State() != payment.Pending {
			t.Errorf("the caller sees %s", p.State())
		}
		if a := e.heard(alarm.Payment, string(p.ID), whyPanic); !strings.Contains(a.Detail, "content_test.go") || strings.Contains(a.Detail, "content\n") {
			t.Errorf("the stack is %q", a.Detail)
		}
		h.leap()
		if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
			t.Fatal(err)
		}
		p = h.reach(h.stored(p.ID), payment.Completed)
		c := h.newRefund(p.ID, "4.00")
		c.Wait = time.Minute // in a goroutine of its own
		r := h.create(c)
		m.armed.Store(false)
		h.Engine.Drain()
		if r.State() != payment.Pending {
			t.Errorf("the caller sees %s", r.State())
		}
		e.heard(alarm.Payment, string(r.ID), whyPanic)
		h.reach(h.get(r.ID), payment.Completed)
		h.agree()
	})
}

// faulty is the sandbox connector whose Traits panic once a call was made, and whose notices do while told so.
type faulty struct {
	*interposed
	armed *atomic.Bool
}

func (f *faulty) Traits() connector.Traits {
	if f.armed.Load() {
		panic("content")
	}
	return f.interposed.Traits()
}

func (f *faulty) ParseNotice(http.Header, []byte) ([]connector.Notice, error) { panic("content") }

// TestAPaymentThatPanicsAgainAndAgain is asked about at the ladder's pace, and in the end left to a human.
func TestAPaymentThatPanicsAgainAndAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		var armed atomic.Bool
		e := h.listen(func(c *engine.Config) { c.Connectors = breakable(&armed) })
		p := h.create(h.newDeposit("10.00", cardApproved))
		armed.Store(true)
		p = h.execute(p.ID)
		started, works := h.Clock.Now(), 0
		for p = h.stored(p.ID); !p.Due.IsZero(); p = h.stored(p.ID) {
			if works++; works > 60 {
				t.Fatal("it is tried for ever")
			}
			h.Clock.Advance(p.Due.Sub(h.Clock.Now()))
			if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
		}
		if took := h.Clock.Now().Sub(started); took < 14*24*time.Hour || p.State() != payment.Pending || len(h.parked()) != 1 {
			t.Errorf("%s after %s, parked %v", p.State(), took, h.parked())
		}
		if a := e.heard(alarm.Payment, string(p.ID), whyPanic); a.Times != works+1 {
			t.Errorf("counted %d times of %d", a.Times, works+1)
		}
		e.heard(alarm.Payment, string(p.ID), "nothing more can be done by machine")
		armed.Store(false)
		if _, err := h.Engine.ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil {
			t.Fatal(err)
		}
		h.reach(h.stored(p.ID), payment.Completed)
		h.agree()
	})
}

func TestAConnectorThatPanicsIsHeard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(func(c *engine.Config) {
			c.Connectors = wrapped(func(call string) error {
				if call == "start" {
					panic("a mistake in the connector")
				}
				return nil
			})
		})
		p := h.execute(h.create(h.newDeposit("10.00", cardApproved)).ID)
		a := e.heard(alarm.Terminal, h.shop.Terminals[0].ID, "the connector panics")
		if !p.BetweenTries() || !strings.Contains(a.Detail, string(p.ID)) { // it had not begun to send
			t.Errorf("%s, detail %q", p.State(), a.Detail)
		}
		h.reach(h.workBy(h.other(nil), p.ID, 2), payment.Cancelled)
	})
}

func TestAConnectorThatPanicsOnANoticeIsHeard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		var armed atomic.Bool
		e := h.listen(func(c *engine.Config) { c.Connectors = breakable(&armed) })
		if err := h.Engine.Notice(t.Context(), h.sign([]byte(`{}`))); err == nil {
			t.Error("taken")
		}
		e.heard(alarm.Terminal, h.shop.Terminals[0].ID, "the connector panics")
	})
}

// breakable is the sandbox connector as faulty.
func breakable(armed *atomic.Bool) []connector.Type {
	types := wrapped(func(string) error { return nil })
	parse := types[0].Parse
	types[0].Parse = func(raw json.RawMessage) (connector.Config, error) {
		c, err := parse(raw)
		return faultyConfig{c, armed}, err
	}
	return types
}

type faultyConfig struct {
	connector.Config
	armed *atomic.Bool
}

func (c faultyConfig) Open(d connector.Deps) (connector.Connector, error) {
	inner, err := c.Config.Open(d)
	if err != nil {
		return nil, err
	}
	return &faulty{inner.(*interposed), c.armed}, nil
}

// TestAnAnswerIsStoredWhateverItsTexts: PostgreSQL takes no zero bytes in texts, nor index entries of any length.
func TestAnAnswerIsStoredWhateverItsTexts(t *testing.T) {
	t.Parallel()
	texts := map[string]func(*payment.Fact){
		"code":     func(f *payment.Fact) { f.RawCode = "5\x00" },
		"utf-8":    func(f *payment.Fact) { f.RawCode = "\xff\xfe" },
		"long ref": func(f *payment.Fact) { f.ProviderRef = unicodeID(3000) },
		"redirect": func(f *payment.Fact) { f.Next = payment.GoTo("https://provider.example/\x00") },
		"account":  func(f *payment.Fact) { f.Instrument.CustomerAccountNumber = "\x00" },
	}
	onBoth(t, func(t *testing.T, h *house) {
		for name, edit := range texts {
			e := h.listen(func(c *engine.Config) {
				c.Connectors = meddling(func(call string, f payment.Fact) payment.Fact {
					if call == "start" {
						edit(&f)
					}
					return f
				})
			})
			p := h.create(h.newDeposit("10.00", cardApproved))
			if p = h.execute(p.ID); p.State() != payment.Completed {
				t.Errorf("%s: %s", name, p.State())
			}
			if h.d.Kind == store.Postgres && name != "account" { // which is kept as JSON
				e.heard(alarm.Payment, string(p.ID), "the provider's answer cannot be stored as it came: only its outcome is")
			}
		}
		h.agree()
	})
}

// TestANoticeThatCannotBeBookedIsKeptAsItCame: its event id cannot be stored in every database.
func TestANoticeThatCannotBeBookedIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(nil)
		p := h.create(h.newDeposit("10.00", cardApproved))
		h.effect("payment", p.ID, silent)
		p = h.execute(p.ID)
		err := h.Engine.Notice(t.Context(), h.post("evt\x00", p.LiveAttempt().Key, "10.00", approved))
		if h.d.Kind == store.SQLite && err == nil {
			return
		}
		if !errors.Is(err, engine.ErrUnreadable) || len(e.open()) != 1 {
			t.Fatalf("%v, %+v", err, e.open())
		}
		e.heard(alarm.Notice, e.open()[0].Subject, "the notice cannot be read")
	})
}

// TestAnAnswerThatCannotBeStoredAtAll: the payment stays open and a human is told. A row that contradicts its own attempts
// stands for whatever keeps a decision from being made.
func TestAnAnswerThatCannotBeStoredAtAll(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		id := payment.ID("")
		e := h.listen(func(c *engine.Config) {
			c.Connectors = wrapped(func(call string) error {
				if call == "after start" {
					h.d.Exec(`UPDATE payment SET state = 'CHECKOUT', version = version + 1 WHERE id = $1`, string(id))
				}
				return nil
			})
		})
		p := h.create(h.newDeposit("10.00", cardApproved))
		id = p.ID
		h.execute(p.ID)
		e.heard(alarm.Payment, string(p.ID), "the provider's answer cannot be stored: the payment is left open and asked about later")
		h.d.Exec(`UPDATE payment SET state = 'PENDING', version = version + 1 WHERE id = $1`, string(id))
		h.reach(h.settleByClock(p.ID), payment.Completed)
	})
}

// TestAPaymentWhoseRowCannotBeRead is put off like others, and a human is told at once.
func TestAPaymentWhoseRowCannotBeRead(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(nil)
		p := h.create(h.newDeposit("10.00", cardApproved))
		h.d.Exec(`UPDATE payment SET terms = '{' WHERE id = $1`, string(p.ID))
		defer h.d.Exec(`UPDATE payment SET terms = NULL WHERE id = $1`, string(p.ID))
		h.Clock.Advance(2 * time.Hour)
		kind := h.Engine.DueWork("", "").Kinds[0]
		items, err := kind.Due(t.Context(), allShards(), h.Clock.Now(), 10)
		if err != nil || len(items) != 1 {
			t.Fatal(items, err)
		}
		cause := kind.Run(t.Context(), items[0])
		if cause == nil {
			t.Fatal("it was read")
		}
		next := h.Clock.Now().Add(time.Minute)
		if err := kind.Failed(t.Context(), items[0], cause, next); err != nil {
			t.Fatal(err)
		}
		if items, err = kind.Due(t.Context(), allShards(), h.Clock.Now(), 10); err != nil || len(items) != 0 {
			t.Errorf("still due: %v %v", items, err)
		}
		e.heard(alarm.Payment, string(p.ID), "the payment's row cannot be read")
		if _, err := h.Engine.Get(t.Context(), h.shop.ID, p.ID); err == nil || errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

// TestAnOrderDocumentThatCannotBeRead is the case that once kept a captured payment PENDING: the real dialects word it.
func TestAnOrderDocumentThatCannotBeRead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.YandexPay.CallbackURL = "https://shop.example" })
		e := h.listen(nil)
		c := h.newOrder("order", "one")
		c.Order.Document, c.StartRecurring = `{"subscription":`, true
		p := h.execute(h.create(c).ID)
		if p.State() != payment.Completed {
			t.Fatalf("it is %s", p.State())
		}
		e.heard(alarm.Event, string(p.ID)+"/yandexpay", "an event cannot be put into words and waits")
		if got := h.feed("gateway"); len(got) != 1 || len(h.feed("yandexpay")) != 0 {
			t.Errorf("told: %+v", got)
		}
		if r := h.create(h.newRefund(p.ID, "1.00")); r.State() != payment.Completed {
			t.Errorf("refund %s", r.State())
		}
		h.d.Exec(`UPDATE merchant_order SET document = '{}' WHERE payment_id = $1`, string(p.ID))
		h.Clock.Advance(2 * time.Second)
		h.tellDue()
		if got := h.feed("yandexpay"); len(got) != 3 || len(h.untold()) != 0 {
			t.Errorf("told %d, left %+v", len(got), h.untold())
		}
		h.agree()
	})
}

// TestWorkThatPanicsIsParkedAtLast runs the real runner over a payment on which all work panics.
func TestWorkThatPanicsIsParkedAtLast(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		m := &mine{Reader: h.Engine.Config().Random}
		e := h.listen(func(c *engine.Config) { c.Random = m })
		p := h.stuck(h.newDeposit("35.00", cardApproved))
		m.armed.Store(true) // the ladder's chance is asked for before the provider is
		kind := h.Engine.DueWork("", "").Kinds[0]
		runner, err := job.New(job.Options{Exclusive: true, Now: h.Clock.Now, Log: h.Log, Kinds: []job.Kind{kind}, PollEvery: 10 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- runner.Run(ctx) }()
		for fails := 0; fails < 11; {
			now := h.stored(p.ID)
			if fails = now.DueFails; now.Due.IsZero() {
				break
			}
			if wait := now.Due.Sub(h.Clock.Now()); wait > 0 {
				h.Clock.Advance(wait)
			}
			time.Sleep(time.Millisecond)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		e.heard(alarm.Payment, string(p.ID), "work on the payment panics")
		e.heard(alarm.Payment, string(p.ID), "work on the payment has failed too often and is not tried again")
		m.armed.Store(false)
		if _, err := h.Engine.ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil {
			t.Fatal(err)
		}
	})
}
