package declared_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/double/frame"
	books "github.com/sluicepay/sluice/internal/double/stripe"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// life is an application whose shop has its account at the double, by the file.
type life struct {
	*testkit.App
	t      *testing.T
	stripe *books.Double
	shop   *shop.Shop
	count  int
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	clock := testkit.SlowClock(20)
	kind := fromFile(t, stripeFile)
	l := &life{t: t}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Connectors: []connector.Type{kind}})
	s := stripeOn(t, clock.Now)
	l.stripe = s.Double
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		one.Terminals[0].Name, one.Terminals[0].Connector, one.Terminals[0].Config = "stripe", kind.Name, stripeSettings(s.url)
		one.Terminals[0].Methods = []payment.Method{payment.BasicCard}
	}).Shop
	return l
}

// settled lets time pass until the payment is open no more.
func (l *life) settled(o engine.Outcome, err error) payment.Payment {
	l.t.Helper()
	wait := 40 * time.Second
	for range 30 {
		if err != nil {
			l.t.Fatal(err)
		}
		if o.Payment.State() != payment.Pending {
			return o.Payment
		}
		l.Clock.Advance(wait)
		wait += wait / 2
		o.Payment, err = l.Engine.Get(l.t.Context(), l.shop.ID, o.Payment.ID)
	}
	l.t.Errorf("payment %s is stuck", o.Payment.ID)
	return payment.Payment{}
}

func (l *life) target(id payment.ID) engine.Target { return engine.Target{Shop: l.shop, ID: id} }

func (l *life) deposit(hold bool) payment.Payment {
	l.t.Helper()
	l.count++
	o, err := l.Engine.Create(l.t.Context(), engine.Create{
		Shop: l.shop, Type: payment.Deposit, Amount: money.MustParse("11.12"), Currency: "EUR", Means: card(l.t, "4242424242424242"),
		Reference: fmt.Sprintf("order-%d", l.count), PreAuth: hold,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return l.settled(l.Engine.Execute(l.t.Context(), engine.Execute{Target: l.target(o.Payment.ID)}))
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(f frame.Fault) payment.Payment {
	l.t.Helper()
	if f.Op == books.OpPay {
		l.stripe.Strike(f)
		return l.deposit(false)
	}
	p := l.deposit(f.Op != books.OpRefund)
	l.stripe.Strike(f)
	var err error
	switch f.Op {
	case books.OpCapture:
		_, err = l.Engine.Capture(l.t.Context(), l.target(p.ID), money.Amount{})
	case books.OpCancel:
		_, err = l.Engine.Void(l.t.Context(), l.target(p.ID))
	default:
		return l.settled(l.Engine.Create(l.t.Context(), engine.Create{Shop: l.shop, Type: payment.Refund, Parent: p.ID, Currency: "EUR"}))
	}
	if err == nil {
		p, err = l.Engine.Get(l.t.Context(), l.shop.ID, p.ID)
	}
	return l.settled(engine.Outcome{Payment: p}, err)
}

// agree compares each attempt with the double's books, which are the truth.
func (l *life) agree(what string, p *payment.Payment) {
	l.t.Helper()
	released := false
	for i := range p.Attempts {
		moved := l.stripe.Booked(p.Attempts[i].Key)
		released = released || len(moved) == 1 && moved[0].Moved == frame.Released
	}
	for i := range p.Attempts {
		a := &p.Attempts[i]
		moved := l.stripe.Booked(a.Key)
		if a.Class == payment.ClassCancelled && released && len(moved) == 1 && moved[0].Moved == frame.Held {
			continue // a hold that was found to be gone
		}
		won := a.Class == payment.ClassApproved || a.Class == payment.ClassAuthorized
		switch {
		case a.Live():
			l.t.Errorf("%s: %s is open as %s", what, a.Kind, a.Class)
		case won && (len(moved) != 1 || moved[0].Amount != "1112"), !won && len(moved) != 0:
			l.t.Errorf("%s: %s is %s, and Stripe's books have %v", what, a.Kind, a.Class, moved)
		}
	}
}

// everyFault is what can happen to a request, as in the test of the connector in Go; those that let a client wait are in the suite.
var everyFault = []frame.Fault{
	{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.Drop, Lag: time.Hour}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true},
	{Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true}, {Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty}, {Kind: frame.Huge},
	{Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true}, {Kind: frame.WrongAmount}, {Kind: frame.WrongCurrency}, {Kind: frame.WrongReference},
	{Kind: frame.NewStatus}, {Kind: frame.RateLimited}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected}, {Kind: frame.Decline, Code: "do_not_honor"},
}

// TestStripeDeclaredEndsAsTheBooksSay: whatever happens to a call, no money is doubled, none is forgotten and nothing is stuck.
func TestStripeDeclaredEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends := map[string]int{}
	t.Cleanup(func() { t.Log("ends:", ends) })
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		for _, call := range []string{books.OpPay, books.OpCapture, books.OpCancel, books.OpRefund} {
			for _, f := range everyFault {
				if f.Op = call; f.Kind == frame.Decline && call != books.OpPay {
					continue
				}
				p := l.under(f)
				mu.Lock()
				ends[call+" "+string(p.State())]++
				mu.Unlock()
				l.agree(fmt.Sprintf("%s: %s, before %t, lag %s", call, f.Kind, f.Before, f.Lag), &p)
			}
		}
	})
}
