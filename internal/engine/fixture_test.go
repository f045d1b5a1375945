package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// Cards of the simulator's table.
const (
	cardApproved  = "4000000000000408"
	cardDeclined  = "4000000000000416"
	cardChallenge = "4000000000000002"
	cardOnce      = "4000000000000341" // later charges of its credential are refused
)

// callLimit is how long provider calls may take in these tests, longer than the slowest machine needs; a lease lasts
// leaseMargin longer. The simulator ends a call that it lets hang after hangs.
const (
	callLimit   = 30 * time.Second
	leaseMargin = 5 * time.Second
	hangs       = time.Second
)

// house is one application with one shop, and what a test needs to work with it.
type house struct {
	*testkit.App
	t    testing.TB
	d    *storetest.Database
	shop *shop.Shop
	hook *hook
	refs *atomic.Int64
}

// hook is the fault that the store is asked to make; none while fn is nil.
type hook struct {
	fn atomic.Pointer[func(store.FaultPoint, []string) error]
}

func (h *hook) set(fn func(store.FaultPoint, []string) error) {
	if fn == nil {
		h.fn.Store(nil)
		return
	}
	h.fn.Store(&fn)
}

// errInjected is what the store's faults in these tests are caused by.
var errInjected = errors.New("injected")

// onBoth runs fn on a fresh application on each database.
func onBoth(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) { fn(t, newHouse(t, d, nil)) })
}

// newHouse is an application whose clock the test moves: how long the machine takes hardly counts, so that nothing comes
// due and no lease ends before the test says so.
func newHouse(t testing.TB, d *storetest.Database, edit func(*shop.Shop)) *house {
	t.Helper()
	clock := testkit.SlowClock(20)
	h := &house{t: t, d: d, hook: &hook{}, refs: new(atomic.Int64)}
	db := d.Open(func(o *store.Options) {
		o.Now = clock.Now
		o.Fault = func(point store.FaultPoint, writes []string) error {
			if fn := h.hook.fn.Load(); fn != nil {
				return (*fn)(point, writes)
			}
			return nil
		}
	})
	h.App = testkit.New(t, db, testkit.Options{Clock: clock, Timeout: callLimit, Hang: hangs})
	h.shop = h.NewShop(t, edit).Shop
	return h
}

// other is a second engine on the same database, like that of another process.
func (h *house) other(edit func(*engine.Config)) *engine.Engine {
	c := h.Engine.Config()
	c.Owner = "other:" + h.IDs.Letters(8)
	if edit != nil {
		edit(&c)
	}
	return engine.New(c)
}

func amount(s string) money.Amount { return money.MustParse(s) }

func cardOf(t testing.TB, number string) *instrument.Card {
	t.Helper()
	pan, err := instrument.ParsePAN(number)
	if err != nil {
		t.Fatal(err)
	}
	code, err := instrument.ParseSecurityCode("123")
	if err != nil {
		t.Fatal(err)
	}
	return &instrument.Card{Number: pan, SecurityCode: code, Holder: "JANE DOE", ExpiryMonth: "12",
		ExpiryYear: strconv.Itoa(time.Now().Year() + 3)}
}

// key is the idempotency of a command whose request is named by text.
func key(route, name, text string) engine.Idempotency {
	return engine.Idempotency{Route: route, Key: name, Fingerprint: []byte(text)}
}

// newDeposit is a request for a deposit by card.
func (h *house) newDeposit(value, number string) engine.Create {
	return engine.Create{
		Shop: h.shop, Type: payment.Deposit, Amount: amount(value), Currency: "EUR", Means: cardOf(h.t, number),
		Reference: fmt.Sprintf("ref-%d", h.refs.Add(1)),
	}
}

func (h *house) newRefund(of payment.ID, value string) engine.Create {
	c := engine.Create{Shop: h.shop, Type: payment.Refund, Parent: of, Currency: "EUR"}
	if value != "" {
		c.Amount = amount(value)
	}
	return c
}

func (h *house) newWithdrawal(value string) engine.Create {
	return engine.Create{Shop: h.shop, Type: payment.Withdrawal, Amount: amount(value), Currency: "EUR",
		Means: cardOf(h.t, cardApproved)}
}

func (h *house) target(id payment.ID) engine.Target { return engine.Target{Shop: h.shop, ID: id} }

// create makes a payment, which has to work.
func (h *house) create(c engine.Create) payment.Payment {
	h.t.Helper()
	o, err := h.Engine.Create(h.t.Context(), c)
	if err != nil {
		h.t.Fatalf("create %s: %v", c.Type, err)
	}
	return o.Payment
}

// execute goes ahead with a deposit, which has to work.
func (h *house) execute(id payment.ID) payment.Payment {
	h.t.Helper()
	o, err := h.Engine.Execute(h.t.Context(), engine.Execute{Target: h.target(id)})
	if err != nil {
		h.t.Fatalf("execute: %v", err)
	}
	return o.Payment
}

// deposit is a completed deposit.
func (h *house) deposit(value string) payment.Payment {
	h.t.Helper()
	return h.reach(h.execute(h.create(h.newDeposit(value, cardApproved)).ID), payment.Completed)
}

// hold is a deposit whose money is held.
func (h *house) hold(value string) payment.Payment {
	h.t.Helper()
	c := h.newDeposit(value, cardApproved)
	c.PreAuth = true
	return h.reach(h.execute(h.create(c).ID), payment.Authorized)
}

func (h *house) reach(p payment.Payment, want payment.State) payment.Payment {
	h.t.Helper()
	if p.State() != want {
		p = h.settleByClock(p.ID)
	}
	if p.State() != want {
		h.t.Fatalf("%s %s is %s (code %q), want %s", p.Type, p.ID, p.State(), p.ErrorCode, want)
	}
	return p
}

func (h *house) get(id payment.ID) payment.Payment {
	h.t.Helper()
	p, err := h.Engine.Get(context.WithoutCancel(h.t.Context()), h.shop.ID, id)
	if err != nil {
		h.t.Fatalf("get %q of %s: %v", id, h.shop.ID, err)
	}
	return p
}

// leap moves the clock behind every lease and check that is set.
func (h *house) leap() { h.Clock.Advance(callLimit + leaseMargin + time.Second) }

// settleByClock asks for a payment until it is open no more, and moves the clock in between. Nothing else may run.
func (h *house) settleByClock(id payment.ID) payment.Payment {
	h.t.Helper()
	for range 10 {
		if p := h.get(id); p.State() != payment.Pending {
			return p
		}
		h.leap()
	}
	return h.get(id)
}

// scenario puts a fault in force for one operation of one amount.
func (h *house) scenario(operation, value string, effect simulator.Effect) string {
	h.t.Helper()
	id, err := h.Simulator.AddScenario(simulator.Scenario{
		Match: simulator.Match{Operation: operation, Amount: value}, Effect: effect, Times: 1,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// refused checks that an error is a refusal with the code, and for that field.
func refused(t testing.TB, err error, code payment.ErrorCode, field string) {
	t.Helper()
	var r *payment.Refusal
	if !errors.As(err, &r) || r.Code != code || r.Field != field {
		t.Errorf("got %v, want a refusal %s on field %q", err, code, field)
	}
}

// moves is what the ledger holds for one payment.
type moves struct {
	held, captured, voided, refunded, paidOut []simulator.Entry
}

// paymentOf is the payment in one of our references at the provider.
func paymentOf(reference string) payment.ID {
	if parts := strings.Split(reference, "-"); len(parts) == 3 {
		return payment.ID(parts[1])
	}
	return ""
}

// reverse takes back what the provider has undone.
func (m *moves) reverse(kind string) {
	switch kind {
	case "authorization":
		m.held, m.captured = nil, nil
	case "sale", "capture":
		m.captured = nil
	case "void":
		m.voided = nil
	case "refund":
		m.refunded = nil
	case "payout":
		m.paidOut = nil
	}
}

// books reads the simulator's ledger by payment.
func (h *house) books() map[payment.ID]*moves {
	books := map[payment.ID]*moves{}
	for _, e := range h.Simulator.Ledger() {
		id := paymentOf(e.Reference)
		m := books[id]
		if m == nil {
			m = &moves{}
			books[id] = m
		}
		switch e.Type {
		case "authorized":
			m.held = append(m.held, e)
		case "captured":
			m.captured = append(m.captured, e)
		case "voided", "expired":
			m.voided = append(m.voided, e)
		case "refunded":
			m.refunded = append(m.refunded, e)
		case "paid_out":
			m.paidOut = append(m.paidOut, e)
		case "reversed":
			m.reverse(e.Kind)
		}
	}
	return books
}

// agree compares every payment of the only shop with the ledger, which is the truth. Nothing may be open any more.
func (h *house) agree() {
	h.t.Helper()
	known := h.agreeAlone()
	for id, m := range h.books() {
		if !known[id] && len(m.held)+len(m.captured)+len(m.refunded)+len(m.paidOut) > 0 {
			h.t.Errorf("money moved for payment %q, which does not exist", id)
		}
	}
	if wrong := h.Simulator.Breaches(); len(wrong) > 0 {
		h.t.Errorf("the simulator's books: %v", wrong)
	}
}

// agreeAlone is agree where other shops have payments too; it returns those of this one.
func (h *house) agreeAlone() map[payment.ID]bool {
	h.t.Helper()
	ctx := context.WithoutCancel(h.t.Context())
	books := h.books()
	known := map[payment.ID]bool{}
	refunds := map[payment.ID]money.Amount{}
	var deposits []payment.Payment
	for offset, more := 0, true; more; offset += payment.MaxLimit {
		var list []payment.Payment
		var err error
		list, more, err = h.Records.List(ctx, payment.Filter{Shop: h.shop.ID, Limit: payment.MaxLimit, Offset: offset})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, p := range list {
			known[p.ID] = true
			m := books[p.ID]
			if m == nil {
				m = &moves{}
			}
			if why := disagrees(&p, m); why != "" {
				h.t.Errorf("%s %s %s: %s", p.Type, p.ID, p.State(), why)
			}
			for _, e := range m.refunded {
				if paymentOf(e.OriginalReference) != p.Parent {
					h.t.Errorf("refund %s of %s was booked on %s", p.ID, p.Parent, e.OriginalReference)
				}
				refunds[p.Parent] = plus(h.t, refunds[p.Parent], amount(e.Amount))
			}
			if p.Type == payment.Deposit {
				deposits = append(deposits, p)
			}
		}
	}
	for _, p := range deposits {
		if p.Refunded != refunds[p.ID] || p.RefundReserved != refunds[p.ID] || refunds[p.ID].Cmp(p.Captured) > 0 {
			h.t.Errorf("deposit %s of %s: refunded %s, reserved %s, the ledger says %s", p.ID, p.Captured, p.Refunded,
				p.RefundReserved, refunds[p.ID])
		}
	}
	return known
}

func plus(t testing.TB, a, b money.Amount) money.Amount {
	t.Helper()
	sum, err := a.Add(b)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// disagrees says what is wrong with one payment at rest, or nothing.
func disagrees(p *payment.Payment, m *moves) string {
	state := p.State()
	if state == payment.Pending {
		return "still open"
	}
	done := state == payment.Completed
	switch p.Type {
	case payment.Withdrawal:
		return once(p.Asked.Amount, m.paidOut, done)
	case payment.Refund:
		return once(p.Asked.Amount, m.refunded, done)
	}
	if why := once(p.Captured, m.captured, done); why != "" {
		return why
	}
	standing := len(m.held) - len(m.voided)
	switch {
	case len(m.held) > 1 || standing < 0:
		return fmt.Sprintf("held %d times, released %d times", len(m.held), len(m.voided))
	case state == payment.Authorized && (standing != 1 || amount(m.held[0].Amount) != p.Asked.Amount):
		return fmt.Sprintf("holds %v less %d", m.held, len(m.voided))
	case done && len(m.voided) > 0:
		return "the hold was released"
	case state != payment.Authorized && !done && standing != 0:
		return "the money is still held"
	}
	return ""
}

// once checks that the money moved exactly once and for that amount, or not at all.
func once(want money.Amount, entries []simulator.Entry, done bool) string {
	if !done && len(entries) == 0 {
		return ""
	}
	if !done || len(entries) != 1 || amount(entries[0].Amount) != want {
		return fmt.Sprintf("the ledger has %v, want %s: %t", entries, want, done)
	}
	return ""
}

// rounds is how often a race is run.
func rounds(t testing.TB, otherwise int) int {
	t.Helper()
	return setting.Number(t, "SLUICE_TEST_ROUNDS", otherwise)
}
