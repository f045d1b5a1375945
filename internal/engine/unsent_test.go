package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// wayOut is the way of an engine to its providers. While it is shut there is no descriptor left for a connection.
type wayOut struct {
	http.Transport
	shut atomic.Bool
	asks bool // status queries leave all the same

	mu   sync.Mutex
	sent []string // method and path of what left
}

func (o *wayOut) RoundTrip(r *http.Request) (*http.Response, error) {
	if o.shut.Load() && !(o.asks && r.Method == http.MethodGet) {
		return nil, fmt.Errorf("%w: socket: %w", outbound.ErrNotSent, syscall.EMFILE)
	}
	o.mu.Lock()
	o.sent = append(o.sent, r.Method+" "+r.URL.Path)
	o.mu.Unlock()
	return o.Transport.RoundTrip(r)
}

// posts is how many requests left that may move money.
func (o *wayOut) posts() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sent {
		if strings.HasPrefix(s, "POST") {
			n++
		}
	}
	return n
}

// byWay is an engine of this process whose calls go that way.
func (h *house) byWay(o *wayOut) *engine.Engine {
	h.t.Cleanup(o.CloseIdleConnections)
	return h.other(func(c *engine.Config) {
		c.Owner = h.Engine.Config().Owner
		c.Client = outbound.New(outbound.Options{Now: h.Clock.Now, Transport: o})
	})
}

// workByClock has the engine of the house do what is due on a payment until it is open no more.
func (h *house) workByClock(id payment.ID) payment.Payment {
	h.t.Helper()
	return h.workBy(h.Engine, id, 10)
}

// workBy moves the clock from one due time of a payment to the next and has the engine work, at most n times.
func (h *house) workBy(e *engine.Engine, id payment.ID, n int) payment.Payment {
	h.t.Helper()
	p := h.stored(id)
	for ; n > 0 && !p.Due.IsZero(); n-- {
		if wait := p.Due.Sub(h.Clock.Now()); wait > 0 {
			h.Clock.Advance(wait)
		}
		if err := e.Work(h.t.Context(), h.shop.ID, id); err != nil {
			h.t.Fatal(err)
		}
		p = h.stored(id)
	}
	return p
}

// chained is the token of a recurring chain.
func (h *house) chained() string {
	h.t.Helper()
	c := h.newDeposit("9.00", cardApproved)
	c.StartRecurring = true
	return h.reach(h.execute(h.create(c).ID), payment.Completed).RecurringToken
}

// calls are those that no customer can repeat, by name: each begins one by an engine.
func (h *house) calls() map[string]func(e *engine.Engine) (engine.Outcome, error) {
	ctx := h.t.Context()
	paid, held, toVoid, token := h.deposit("21.00"), h.hold("22.00"), h.hold("23.00"), h.chained()
	byAccount := h.newWithdrawal("24.00")
	byAccount.Means, byAccount.Method = nil, payment.OpenBanking
	byAccount.Customer = `{"accountNumber":"GB33BUKB20201555555555","accountName":"Jane Doe"}`
	return map[string]func(e *engine.Engine) (engine.Outcome, error){
		"refund":                func(e *engine.Engine) (engine.Outcome, error) { return e.Create(ctx, h.newRefund(paid.ID, "20.00")) },
		"withdrawal to a card":  func(e *engine.Engine) (engine.Outcome, error) { return e.Create(ctx, h.newWithdrawal("25.00")) },
		"withdrawal to account": func(e *engine.Engine) (engine.Outcome, error) { return e.Create(ctx, byAccount) },
		"follow-up": func(e *engine.Engine) (engine.Outcome, error) {
			return e.Create(ctx, engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount("26.00"), Currency: "EUR", RecurringToken: token})
		},
		"capture": func(e *engine.Engine) (engine.Outcome, error) {
			return e.Capture(ctx, h.target(held.ID), amount("11.00"))
		},
		"void": func(e *engine.Engine) (engine.Outcome, error) { return e.Void(ctx, h.target(toVoid.ID)) },
	}
}

// end is how a call of that name ends once it has left.
func end(call string) payment.State {
	if call == "void" {
		return payment.Cancelled
	}
	return payment.Completed
}

// TestWhatCannotLeaveStaysAndIsSentAgain: whatever is born without a customer stays PENDING while there is no descriptor,
// asks nobody, and leaves once there is one, by an engine that knows nothing but the rows and the cards.
func TestWhatCannotLeaveStaysAndIsSentAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for name, begin := range h.calls() {
			out := &wayOut{}
			out.shut.Store(true)
			e := h.byWay(out)
			o, err := begin(e)
			if err != nil || o.Payment.State() != payment.Pending || o.Payment.Unsent() == nil {
				t.Fatalf("%s: %s %v %+v", name, o.Payment.State(), err, o.Payment.LiveAttempt())
			}
			id, first := o.Payment.ID, *o.Payment.LiveAttempt()
			p := h.workBy(e, id, 3)
			if got, err := e.Get(t.Context(), h.shop.ID, id); err != nil || got.State() != payment.Pending || got.Version != p.Version {
				t.Errorf("%s: a reader finds %s %v", name, got.State(), err)
			}
			if a := p.Unsent(); a == nil || a.Key != first.Key || p.Tries != o.Payment.Tries || out.posts() != 0 {
				t.Fatalf("%s: %s after three more tries, %d left", name, p.State(), out.posts())
			}
			out.shut.Store(false)
			restarted := h.byWay(out)
			if p = h.workBy(restarted, id, 1); p.State() != end(name) || out.posts() != 1 {
				t.Errorf("%s: %s, %d left", name, p.State(), out.posts())
			}
			if a := p.Attempts[first.Seq-1]; a.Key != first.Key || a.Live() || p.Tries != o.Payment.Tries ||
				a.Started.Before(first.Started.Add(2*time.Second)) { // what a provider can prove by not knowing it counts from then
				t.Errorf("%s: the attempt became %+v", name, a)
			}
			if n := count(h.log(id), first.Kind.Operation()); n != 5 {
				t.Errorf("%s: %d operations, want one for each of five tries", name, n)
			}
			if p.Means != "" || h.Engine.Config().Vault.Has(id) {
				t.Errorf("%s: the card is still kept", name)
			}
		}
		h.agree()
	})
}

// TestSentAgainOnce: many workers come for one call that never left; it leaves once.
func TestSentAgainOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for name, begin := range h.calls() {
			out := &wayOut{}
			out.shut.Store(true)
			o, err := begin(h.byWay(out))
			if err != nil || o.Payment.Unsent() == nil {
				t.Fatalf("%s: %s %v", name, o.Payment.State(), err)
			}
			out.shut.Store(false)
			h.Clock.Advance(o.Payment.Due.Sub(h.Clock.Now()) + time.Millisecond)
			together(8, func(int) {
				e := h.byWay(out)
				e.Change(func(c *engine.Config) {
					if !c.Exclusive {
						c.Owner = "node:" + h.IDs.Letters(8)
					}
				})
				if err := e.Work(t.Context(), h.shop.ID, o.Payment.ID); err != nil && !errors.Is(err, engine.ErrUnavailable) {
					t.Errorf("%s: %v", name, err)
				}
			})
			if p := h.stored(o.Payment.ID); p.State() != end(name) || out.posts() != 1 {
				t.Errorf("%s: %s, %d left", name, p.State(), out.posts())
			}
		}
		h.agree()
	})
}

// TestDeathWhileSendingAgain: whether the call left is not known then, so it is asked about and never sent once more.
func TestDeathWhileSendingAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, left := range []bool{false, true} {
			for name, begin := range h.calls() {
				out := &wayOut{}
				out.shut.Store(true)
				o, err := begin(h.byWay(out))
				if err != nil || o.Payment.Unsent() == nil {
					t.Fatalf("%s: %s %v", name, o.Payment.State(), err)
				}
				out.shut.Store(false)
				dying := h.byWay(out)
				connectors := wrapped(func(string) error { // what it has to say dies with it
					h.hook.set(func(point store.FaultPoint, _ []string) error {
						if point == store.FaultBeforeGroup {
							return errInjected
						}
						return nil
					})
					if !left {
						return errInjected
					}
					return nil
				})
				h.Clock.Advance(o.Payment.Due.Sub(h.Clock.Now()) + time.Millisecond)
				if err := dying.With(func(c *engine.Config) { c.Connectors = connectors }).Work(t.Context(), h.shop.ID, o.Payment.ID); err != nil {
					t.Fatal(err)
				}
				h.hook.set(nil)
				if p := h.stored(o.Payment.ID); p.Unsent() != nil {
					t.Fatalf("%s: could be sent again", name)
				}
				sent := out.posts()
				p := h.settleByClock(o.Payment.ID)
				if left && p.State() != end(name) || !left && p.State() == payment.Completed || p.State() == payment.Pending || out.posts() != sent {
					t.Errorf("%s, left %t: %s, %d sent and then %d", name, left, p.State(), sent, out.posts())
				}
			}
		}
		h.agreeAlone()
	})
}

// TestBetweenTriesTheCustomerTriesAgain by the merchant's server or by the page.
func TestBetweenTriesTheCustomerTriesAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		out := &wayOut{}
		out.shut.Store(true)
		e := h.byWay(out)
		for _, hosted := range []bool{false, true} {
			p := h.create(h.newDeposit("31.00", cardApproved))
			x := engine.Execute{Target: h.target(p.ID), Hosted: hosted}
			for n := range 3 {
				if hosted {
					x.Means = cardOf(t, cardApproved)
				}
				o, err := e.Execute(t.Context(), x)
				if err != nil || !o.Payment.BetweenTries() || o.Payment.Tries != n+1 || o.Payment.ErrorCode != "" {
					t.Fatalf("hosted %t, try %d: %s %v", hosted, n+1, o.Payment.State(), err)
				}
			}
			if h.stored(p.ID).Means == "" {
				t.Error("the card that came with the payment is gone")
			}
			out.shut.Store(false)
			if hosted {
				x.Means = cardOf(t, cardApproved)
			}
			o, err := e.Execute(t.Context(), x)
			if err != nil || o.Payment.State() != payment.Completed || o.Payment.Tries != 4 || out.posts() == 0 {
				t.Fatalf("hosted %t: %s after %d tries, %v", hosted, o.Payment.State(), o.Payment.Tries, err)
			}
			if h.stored(p.ID).Means != "" || h.Engine.Config().Vault.Has(p.ID) {
				t.Error("the card outlives its payment")
			}
			out.shut.Store(true)
		}
		h.agree()
	})
}

// TestBetweenTriesEnds: by the clock, by the customer, by the merchant, by hand; and a card that is gone is asked for.
func TestBetweenTriesEnds(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		out := &wayOut{}
		out.shut.Store(true)
		e := h.byWay(out)
		between := func() payment.Payment {
			o, err := e.Execute(t.Context(), engine.Execute{Target: h.target(h.create(h.newDeposit("32.00", cardApproved)).ID)})
			if err != nil || !o.Payment.BetweenTries() {
				t.Fatalf("%s %v", o.Payment.State(), err)
			}
			return o.Payment
		}
		ended := func(name string, p payment.Payment, state payment.State, code payment.ErrorCode) {
			t.Helper()
			if p.State() != state || p.ErrorCode != code || p.Means != "" || h.Engine.Config().Vault.Has(p.ID) || !p.Due.IsZero() {
				t.Errorf("%s: %s %q due %s, code %t; want %s %q", name, p.State(), p.ErrorCode, p.Due, h.Engine.Config().Vault.Has(p.ID), state, code)
			}
		}
		o, err := e.Cancel(t.Context(), h.target(between().ID))
		if err != nil {
			t.Fatal(err)
		}
		ended("cancelled", o.Payment, payment.Cancelled, payment.CodeByCustomer)
		ended("abandoned", h.abandon(between().ID), payment.Cancelled, payment.CodeByCustomer)

		p := h.stored(between().ID)
		if err := e.Work(t.Context(), h.shop.ID, p.ID); err != nil || h.stored(p.ID).Version != p.Version {
			t.Errorf("nothing is due yet: %v", err)
		}
		if got, err := e.ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil || got.Version != p.Version {
			t.Errorf("there is nothing to ask about: %v", err)
		}
		h.Clock.Advance(payment.MeansHold)
		var missing *payment.Missing
		if _, err := e.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)}); !errors.As(err, &missing) || missing.Field != "card" {
			t.Errorf("without a card: %v", err)
		}
		ended("the time is over", h.workBy(e, p.ID, 2), payment.Cancelled, payment.CodeTimeout)
		if len(h.parked()) != 0 || out.posts() != 0 {
			t.Errorf("parked %v, %d left", h.parked(), out.posts())
		}
		h.agree()
	})
}

// TestStatusQueryThatCannotLeave proves nothing.
func TestStatusQueryThatCannotLeave(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		out := &wayOut{}
		e := h.byWay(out)
		p := h.create(h.newDeposit("6600.02", cardApproved)) // books, then never answers
		o, err := e.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
		if err != nil || o.Payment.State() != payment.Pending || o.Payment.Unsent() != nil || o.Payment.BetweenTries() {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		out.shut.Store(true)
		if p = h.workBy(e, p.ID, 5); p.State() != payment.Pending || p.LiveAttempt() == nil || p.Unsent() != nil {
			t.Fatalf("%s", p.State())
		}
		out.shut.Store(false)
		if p = h.workBy(e, p.ID, 3); p.State() != payment.Completed {
			t.Errorf("%s, want COMPLETED", p.State())
		}
		h.agree()
	})
}

// TestCardOfAPayoutThatNeverLeft: it is kept, sealed, until the call has left, and any process can make it.
func TestCardOfAPayoutThatNeverLeft(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		out := &wayOut{}
		out.shut.Store(true)
		e := h.byWay(out)
		o, err := e.Create(t.Context(), h.newWithdrawal("33.00"))
		if err != nil || o.Payment.Unsent() == nil || o.Payment.Means == "" || h.Engine.Config().Vault.Has(o.Payment.ID) {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		elsewhere := h.elsewhere(func(c *engine.Config) { c.Client = e.Config().Client })
		h.Clock.Advance(2 * payment.MeansHold)
		p := h.workBy(elsewhere, o.Payment.ID, 3)
		if p.Unsent() == nil || p.Means == "" || out.posts() != 0 {
			t.Fatalf("another process: %s, %d left", p.State(), out.posts())
		}
		out.shut.Store(false)
		p = h.workBy(elsewhere, o.Payment.ID, 1)
		if p.State() != payment.Completed || p.Means != "" || out.posts() != 1 {
			t.Errorf("%s %q, %d left", p.State(), p.ErrorCode, out.posts())
		}
		h.agree()
	})
}

// TestPayoutWhoseCardIsGone: nothing was paid and nothing can be.
func TestPayoutWhoseCardIsGone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		out := &wayOut{}
		out.shut.Store(true)
		e := h.byWay(out)
		o, err := e.Create(t.Context(), h.newWithdrawal("33.00"))
		if err != nil || o.Payment.Unsent() == nil {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		h.d.Exec(`UPDATE payment SET means = NULL WHERE id = $1`, string(o.Payment.ID)) // as by an older program
		if p := h.workBy(e, o.Payment.ID, 1); p.State() != payment.Declined || p.ErrorCode != payment.CodeInternal || out.posts() != 0 {
			t.Errorf("%s %q, %d left", p.State(), p.ErrorCode, out.posts())
		}
		h.agree()
	})
}

// TestChainStoppedBeforeItsChargeLeft: then it is not charged.
func TestChainStoppedBeforeItsChargeLeft(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		out := &wayOut{}
		out.shut.Store(true)
		e := h.byWay(out)
		c := h.newDeposit("9.00", cardApproved)
		c.StartRecurring = true
		first := h.reach(h.execute(h.create(c).ID), payment.Completed)
		o, err := e.Create(t.Context(), engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount("5.00"), Currency: "EUR",
			RecurringToken: first.RecurringToken})
		if err != nil || o.Payment.Unsent() == nil {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		if err := e.StopChain(t.Context(), h.shop.ID, first.ID); err != nil {
			t.Fatal(err)
		}
		out.shut.Store(false)
		if p := h.workBy(e, o.Payment.ID, 1); p.State() != payment.Declined || p.ErrorCode != payment.CodeNoRecurring || out.posts() != 0 {
			t.Errorf("%s %q, %d left", p.State(), p.ErrorCode, out.posts())
		}
		h.agree()
	})
}

// TestGivingALateSuccessBackCannotLeave at first; then it does, once.
func TestGivingALateSuccessBackCannotLeave(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e, _ := h.trusting()
		out := &wayOut{asks: true}
		t.Cleanup(out.CloseIdleConnections)
		e.Change(func(c *engine.Config) { c.Client = outbound.New(outbound.Options{Now: h.Clock.Now, Transport: out}) })
		p := h.lateBooking(e, h.newDeposit("51.00", cardApproved))
		out.shut.Store(true)
		h.Release() // the provider books it and says so
		h.heard("late success", p.ID, p.Ops)
		h.workDue(e, p.ID)
		p = h.stored(p.ID)
		a := p.Unsent()
		if p.State() != payment.Declined || a == nil || a.Reverses != 1 {
			t.Fatalf("%s %+v", p.State(), a)
		}
		if p = h.workBy(e, p.ID, 2); p.Unsent() == nil || p.Tries != 2 || p.State() != payment.Declined {
			t.Fatalf("%s, %d tries, %+v", p.State(), p.Tries, p.LiveAttempt())
		}
		sent := out.posts()
		out.shut.Store(false)
		p = h.workBy(e, p.ID, 1)
		if m := h.books()[p.ID]; p.Live != 0 || p.Tries != 2 || out.posts() != sent+1 || len(m.refunded) != 1 || amount(m.refunded[0].Amount) != amount("51") {
			t.Errorf("live %d, %d tries, %+v", p.Live, p.Tries, m)
		}
	})
}

// TestUnreadableSettingsDecideNothing: a shop that cannot be read at any instant of a call, from before its intent to the
// booking of its answer.
func TestUnreadableSettingsDecideNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, at := range []string{"before", "while it is sent", "with its answer"} {
			calls := h.calls()
			calls["deposit"] = func(e *engine.Engine) (engine.Outcome, error) {
				return e.Execute(t.Context(), engine.Execute{Target: h.target(h.create(h.newDeposit("27.00", cardApproved)).ID)})
			}
			for name, begin := range calls {
				var away atomic.Bool
				e := h.unread(&away, func(call string) {
					if at == "while it is sent" || at == "with its answer" && strings.HasPrefix(call, "after ") {
						away.Store(true)
					}
				})
				away.Store(at == "before")
				o, err := begin(e)
				if err != nil && !errors.Is(err, engine.ErrUnavailable) || err == nil && o.Payment.State() == payment.Declined {
					t.Fatalf("%s, unreadable %s: %s %v", name, at, o.Payment.State(), err)
				}
				away.Store(false)
				if err != nil {
					if o, err = begin(e); err != nil {
						t.Fatalf("%s, readable again: %v", name, err)
					}
				}
				away.Store(false)
				if p := h.settleByClock(o.Payment.ID); p.State() != end(name) {
					t.Errorf("%s, unreadable %s: ends %s %q", name, at, p.State(), p.ErrorCode)
				}
			}
		}
		h.agree()
	})
}

// unread is an engine that cannot read shops while away; at is called before and after each call.
func (h *house) unread(away *atomic.Bool, at func(call string)) *engine.Engine {
	e := h.other(func(c *engine.Config) {
		c.Owner = h.Engine.Config().Owner
		c.Connectors = wrapped(func(call string) error {
			at(call)
			return nil
		})
	})
	e.FailShops(func() error {
		if away.Load() {
			return fmt.Errorf("%w: %w", store.ErrUnavailable, errInjected)
		}
		return nil
	})
	return e
}

// TestLateSuccessWaitsForTheShopsWord: whether it is honoured is not decided by what could not be read.
func TestLateSuccessWaitsForTheShopsWord(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.HonourLateSuccess = true })
		p := h.create(h.newDeposit("34.00", cardDeclined))
		if p = h.execute(p.ID); p.State() != payment.Declined {
			t.Fatalf("%s", p.State())
		}
		var away atomic.Bool
		e := h.unread(&away, func(string) {})
		if err := h.Simulator.Correct(p.Attempts[0].Key, simulator.CorrectApproved, ""); err != nil {
			t.Fatal(err)
		}
		h.heard("late success", p.ID, p.Ops)
		p = h.stored(p.ID)
		away.Store(true)
		if err := e.Work(t.Context(), h.shop.ID, p.ID); !errors.Is(err, engine.ErrUnavailable) || h.stored(p.ID).Version != p.Version {
			t.Fatalf("unreadable: %v", err)
		}
		away.Store(false)
		h.workDue(e, p.ID)
		if p = h.stored(p.ID); p.State() != payment.Completed || p.Tries != 1 {
			t.Errorf("%s after %d tries, want COMPLETED: the shop keeps it", p.State(), p.Tries)
		}
	})
}

// unopened is the settings of a terminal that cannot be opened while there is no descriptor.
type unopened struct {
	connector.Config
	shut *atomic.Bool
}

func (c unopened) Open(d connector.Deps) (connector.Connector, error) {
	if c.shut.Load() {
		return nil, &fs.PathError{Op: "open", Path: "client.pem", Err: syscall.EMFILE}
	}
	return c.Config.Open(d)
}

// TestTerminalThatCannotBeOpenedDecidesNothing where that is not for its settings.
func TestTerminalThatCannotBeOpenedDecidesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		var shut atomic.Bool
		e := h.other(func(c *engine.Config) {
			c.Owner = h.Engine.Config().Owner
			inner := c.Connectors[0]
			c.Connectors = []connector.Type{{Name: inner.Name, Loggable: inner.Loggable, Parse: func(raw json.RawMessage) (connector.Config, error) {
				parsed, err := inner.Parse(raw)
				return unopened{parsed, &shut}, err
			}}}
		})
		p := h.deposit("35.00")
		shut.Store(true)
		o, err := e.Create(t.Context(), h.newRefund(p.ID, "35.00"))
		if err != nil || o.Payment.Unsent() == nil {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		shut.Store(false)
		if r := h.workBy(e, o.Payment.ID, 1); r.State() != payment.Completed {
			t.Errorf("%s", r.State())
		}
		h.agree()
	})
}
