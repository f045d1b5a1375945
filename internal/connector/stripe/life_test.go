package stripe_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/stripe"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/stripe"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// life is an application whose shop has its account at the double.
type life struct {
	*testkit.App
	t      *testing.T
	stripe *double.Double
	shop   *shop.Shop
	count  int
	server *server
}

func begin(t *testing.T, d *storetest.Database, other ...connector.Type) *life {
	t.Helper()
	types := append(other, stripe.Type())[:1]
	clock := testkit.SlowClock(20)
	l := &life{t: t}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Connectors: types})
	s := open(t)
	l.server = s
	l.stripe = double.New(double.Config{Now: clock.Now, APIKey: apiKey, WebhookSecret: []string{webhookSecret}, URL: s.url})
	s.requestsTo(l.stripe.Handler())
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		one.Terminals[0].Name, one.Terminals[0].Connector, one.Terminals[0].Config = "stripe", stripe.Name, settingsFor(s.url)
		one.Terminals[0].Methods = []payment.Method{payment.BasicCard}
	}).Shop
	return l
}

func (l *life) deposit(number string, hold bool) payment.Payment {
	l.t.Helper()
	l.count++
	o, err := l.Engine.Create(l.t.Context(), engine.Create{
		Shop: l.shop, Type: payment.Deposit, Amount: money.MustParse("11.12"), Currency: "EUR", Means: card(l.t, number),
		Reference: fmt.Sprintf("order-%d", l.count), PreAuth: hold,
	})
	if err == nil {
		o, err = l.Engine.Execute(l.t.Context(), engine.Execute{Target: l.target(o.Payment.ID)})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
}

func (l *life) target(id payment.ID) engine.Target { return engine.Target{Shop: l.shop, ID: id} }

// settled lets time pass until the payment is open no more.
func (l *life) settled(id payment.ID) payment.Payment {
	l.t.Helper()
	wait := 40 * time.Second
	for range 30 {
		p, err := l.Engine.Get(l.t.Context(), l.shop.ID, id)
		if err != nil {
			l.t.Fatal(err)
		}
		if p.State() != payment.Pending {
			return p
		}
		l.Clock.Advance(wait)
		wait += wait / 2
	}
	l.t.Errorf("payment %s is stuck", id)
	return payment.Payment{}
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

// everyFault is what can happen to a request; those that let a client wait are in the suite for connectors.
var everyFault = []frame.Fault{
	{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.Drop, Lag: time.Hour}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true},
	{Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true}, {Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty}, {Kind: frame.Huge},
	{Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true}, {Kind: frame.WrongAmount}, {Kind: frame.WrongCurrency}, {Kind: frame.WrongReference},
	{Kind: frame.NewStatus}, {Kind: frame.RateLimited}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected}, {Kind: frame.Decline, Code: "do_not_honor"},
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay: no money is doubled, none is forgotten and nothing is stuck.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends := map[string]int{}
	t.Cleanup(func() { t.Log("ends:", ends) })
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		for _, call := range []string{double.OpPay, double.OpCapture, double.OpCancel, double.OpRefund} {
			for _, f := range everyFault {
				if f.Op = call; f.Kind == frame.Decline && call != double.OpPay {
					continue
				}
				what := fmt.Sprintf("%s: %s, before %t, lag %s", call, f.Kind, f.Before, f.Lag)
				begun := l.Clock.Now()
				p := l.under(f)
				if took := l.Clock.Now().Sub(begun); call != double.OpPay && took > time.Hour {
					t.Errorf("%s: its end was learned after %s, and by sending it again it is sooner", what, took)
				}
				mu.Lock()
				ends[call+" "+string(p.State())]++
				mu.Unlock()
				l.agree(what, &p)
				if p.Parent != "" {
					of, err := l.Engine.Get(t.Context(), l.shop.ID, p.Parent)
					if err != nil || (of.Refunded == p.Asked.Amount) != (p.State() == payment.Completed) || !of.RefundReserved.IsZero() && p.State() != payment.Completed {
						t.Errorf("%s: the deposit has %s given back, %v", what, of.Refunded, err)
					}
				}
			}
		}
	})
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(f frame.Fault) payment.Payment {
	l.t.Helper()
	if f.Op == double.OpPay {
		l.stripe.Strike(f)
		return l.settled(l.deposit("4242424242424242", false).ID)
	}
	p := l.settled(l.deposit("4242424242424242", f.Op != double.OpRefund).ID)
	l.stripe.Strike(f)
	var err error
	switch f.Op {
	case double.OpCapture:
		_, err = l.Engine.Capture(l.t.Context(), l.target(p.ID), money.Amount{})
	case double.OpCancel:
		_, err = l.Engine.Void(l.t.Context(), l.target(p.ID))
	default:
		var o engine.Outcome
		o, err = l.Engine.Create(l.t.Context(), engine.Create{Shop: l.shop, Type: payment.Refund, Parent: p.ID, Currency: "EUR"})
		p = o.Payment
	}
	if err != nil {
		l.t.Fatal(f, err)
	}
	return l.settled(p.ID)
}

// TestALostAnswerIsToldByANotice: nobody has to wait for a search.
func TestALostAnswerIsToldByANotice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		l.stripe.Strike(frame.Fault{Op: double.OpPay, Kind: frame.Drop, Lag: time.Hour})
		p := l.deposit("4242424242424242", false)
		if p.State() != payment.Pending {
			t.Fatal(p.State())
		}
		l.tell()
		if p, err := l.Engine.Get(t.Context(), l.shop.ID, p.ID); err != nil || p.State() != payment.Completed {
			t.Errorf("%s, %v", p.State(), err)
		}
		challenged := l.deposit("4000000000003220", false)
		if a := challenged.Attempts[0]; challenged.State() != payment.Pending || !strings.Contains(a.Next.URL, "/authenticate/") {
			t.Fatalf("%s, %+v", challenged.State(), a.Next)
		}
		l.stripe.Finish(challenged.Attempts[0].Key, true)
		l.tell()
		l.tell() // a second time they change nothing
		challenged, err := l.Engine.Get(t.Context(), l.shop.ID, challenged.ID)
		if err != nil || challenged.State() != payment.Completed || challenged.Instrument.CardBrand != "VISA" {
			t.Errorf("%s, %v", challenged.State(), err)
		}
		l.agree("after a challenge", &challenged)
	})
}

// tell posts all events to the terminal, as Stripe does.
func (l *life) tell() {
	l.t.Helper()
	for _, body := range l.stripe.Events() {
		q, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.URL+"/notices/"+l.shop.Terminals[0].ID, bytes.NewReader(body))
		if err != nil {
			l.t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Stripe-Signature", double.Signature(body, l.Clock.Now(), webhookSecret))
		res, err := l.Client.Do(q)
		if err != nil {
			l.t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			l.t.Error(err)
		}
		if res.StatusCode != http.StatusNoContent {
			l.t.Errorf("notice %s: status %d", json.RawMessage(body), res.StatusCode)
		}
	}
}
