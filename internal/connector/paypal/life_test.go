package paypal_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/paypal"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/paypal"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
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
	paypal *double.Double
	shop   *shop.Shop
	count  int
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	clock := testkit.SlowClock(20)
	l := &life{t: t}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Connectors: []connector.Type{paypal.Type()}})
	s := open(t)
	l.paypal = double.New(double.Config{Now: clock.Now, ClientID: clientID, Secret: clientSecret, WebhookID: webhookID, URL: s.url})
	s.requestsTo(l.paypal.Handler())
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		one.Terminals[0].Name, one.Terminals[0].Connector, one.Terminals[0].Config = "paypal", paypal.Name, settingsFor(s.url)
		one.Terminals[0].Methods = []payment.Method{payment.BasicCard, payment.Blik}
	}).Shop
	return l
}

func (l *life) deposit(number string, hold bool) payment.Payment {
	l.t.Helper()
	return l.pay(engine.Create{Amount: money.MustParse("11.12"), Currency: "EUR", Means: card(l.t, number), PreAuth: hold})
}

func (l *life) pay(c engine.Create) payment.Payment {
	l.t.Helper()
	l.count++
	c.Shop, c.Type, c.Reference = l.shop, payment.Deposit, fmt.Sprintf("order-%d", l.count)
	o, err := l.Engine.Create(l.t.Context(), c)
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
		moved := l.paypal.Booked(p.Attempts[i].Key)
		released = released || len(moved) == 1 && moved[0].Moved == frame.Released
	}
	for i := range p.Attempts {
		a := &p.Attempts[i]
		moved := l.paypal.Booked(a.Key)
		if a.Class == payment.ClassCancelled && released && len(moved) == 1 && moved[0].Moved == frame.Held {
			continue // a hold that was found to be gone
		}
		won := a.Class == payment.ClassApproved || a.Class == payment.ClassAuthorized
		switch {
		case a.Live():
			l.t.Errorf("%s: %s is open as %s", what, a.Kind, a.Class)
		case won && (len(moved) != 1 || moved[0].Amount != "11.12"), !won && len(moved) != 0:
			l.t.Errorf("%s: %s is %s, and PayPal's books have %v", what, a.Kind, a.Class, moved)
		}
	}
}

// everyFault is what can happen to a request; those that let a client wait are in the suite for connectors.
var everyFault = []frame.Fault{
	{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true},
	{Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true}, {Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty}, {Kind: frame.Huge},
	{Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true}, {Kind: frame.WrongAmount}, {Kind: frame.WrongCurrency}, {Kind: frame.WrongReference},
	{Kind: frame.NewStatus}, {Kind: frame.RateLimited}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected}, {Kind: frame.Decline, Code: "0500"},
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay: no money is doubled, none is forgotten and nothing is stuck.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends := map[string]int{}
	t.Cleanup(func() { t.Log("ends:", ends) })
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		for _, call := range []string{double.OpCreate, double.OpComplete, double.OpCapture, double.OpVoid, double.OpRefund, double.OpToken, double.OpQuery, double.OpPatch} {
			for _, f := range everyFault {
				if f.Op = call; f.Kind == frame.Decline {
					if call == double.OpToken || call == double.OpQuery || call == double.OpVoid || call == double.OpPatch {
						continue
					}
					if call != double.OpCreate {
						f.Code = "TRANSACTION_REFUSED"
					}
				}
				what := fmt.Sprintf("%s: %s, before %t", call, f.Kind, f.Before)
				p := l.under(f)
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
	switch f.Op {
	case double.OpCreate:
		l.paypal.Strike(f)
		return l.settled(l.deposit("4242424242424242", l.count%2 == 0).ID)
	case double.OpComplete, double.OpQuery, double.OpToken:
		p := l.deposit("4868719460707704", l.count%2 == 0)
		l.paypal.Finish(p.Attempts[0].Key, true)
		if f.Op == double.OpToken {
			l.Clock.Advance(10 * time.Hour)
		}
		l.paypal.Strike(f)
		return l.settled(p.ID)
	case double.OpPatch: // nobody wants any more what its payer has approved
		p := l.deposit("4868719460707704", false)
		l.paypal.Strike(frame.Fault{Op: double.OpComplete, Kind: frame.ServerError, Before: true})
		l.paypal.Finish(p.Attempts[0].Key, true)
		if _, err := l.Engine.Get(l.t.Context(), l.shop.ID, p.ID); err != nil {
			l.t.Fatal(err)
		}
		l.paypal.Strike(f)
		if _, err := l.Engine.Abandon(l.t.Context(), l.target(p.ID)); err != nil {
			l.t.Fatal(err)
		}
		return l.settled(p.ID)
	}
	p := l.settled(l.deposit("4242424242424242", f.Op != double.OpRefund).ID)
	l.paypal.Strike(f)
	var err error
	switch f.Op {
	case double.OpCapture:
		_, err = l.Engine.Capture(l.t.Context(), l.target(p.ID), money.Amount{})
	case double.OpVoid:
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

// TestALostAnswerIsToldByANotice, and so is a payer's approval where the payer never comes back.
func TestALostAnswerIsToldByANotice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		l.paypal.Strike(frame.Fault{Op: double.OpCreate, Kind: frame.Drop})
		p := l.deposit("4242424242424242", false)
		if p.State() != payment.Pending {
			t.Fatal(p.State())
		}
		l.tell()
		if p, err := l.Engine.Get(t.Context(), l.shop.ID, p.ID); err != nil || p.State() != payment.Completed {
			t.Errorf("%s, %v", p.State(), err)
		}
		challenged := l.deposit("4868719460707704", false)
		if a := challenged.Attempts[0]; challenged.State() != payment.Pending || !strings.Contains(a.Next.URL, "/webapps/helios/") {
			t.Fatalf("%s, %+v", challenged.State(), a.Next)
		}
		l.paypal.Finish(challenged.Attempts[0].Key, true)
		l.tell()
		l.tell() // a second time they change nothing
		challenged = l.settled(challenged.ID)
		if challenged.State() != payment.Completed || challenged.Instrument.CardBrand != "VISA" {
			t.Errorf("%s, %+v", challenged.State(), challenged.Instrument)
		}
		l.agree("after a challenge", &challenged)
	})
}

// TestTheWholeLife: a challenge, a capture in part, refunds, one of which is pending and told about late, and BLIK.
func TestTheWholeLife(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit("4868719460707704", true)
		l.paypal.Finish(p.Attempts[0].Key, true)
		if p = l.settled(p.ID); p.State() != payment.Authorized {
			t.Fatal(p.State())
		}
		if _, err := l.Engine.Capture(t.Context(), l.target(p.ID), money.MustParse("7.5")); err != nil {
			t.Fatal(err)
		}
		if p = l.settled(p.ID); p.State() != payment.Completed || p.Captured != money.MustParse("7.5") {
			t.Fatal(p.State(), p.Captured)
		}
		for i, amount := range []string{"2.5", "5"} {
			if i == 1 {
				l.paypal.Strike(frame.Fault{Op: double.OpRefund, Kind: frame.Pending})
			}
			o, err := l.Engine.Create(t.Context(), engine.Create{Shop: l.shop, Type: payment.Refund, Parent: p.ID, Currency: "EUR", Amount: money.MustParse(amount)})
			if err != nil {
				t.Fatal(err)
			}
			back := o.Payment
			if i == 1 {
				if back.State() != payment.Pending {
					t.Errorf("a pending refund is %s", back.State())
				}
				l.paypal.Finish(back.Attempts[0].Key, true)
				l.tell()
			}
			if back = l.settled(back.ID); back.State() != payment.Completed {
				t.Error(back.State())
			}
		}
		if p, err := l.Engine.Get(t.Context(), l.shop.ID, p.ID); err != nil || p.Refunded != money.MustParse("7.5") {
			t.Error(p.Refunded, err)
		}
		customer, err := payment.NewDocument(&payment.Customer{FirstName: "Jan", LastName: "Kowalski", Email: "jan@shop.example"})
		if err != nil {
			t.Fatal(err)
		}
		for _, approve := range []bool{true, false} {
			blik := l.pay(engine.Create{
				Amount: money.MustParse("11.12"), Currency: "PLN", Method: payment.Blik, Customer: customer, Means: &instrument.Code{Digits: "777123"},
			})
			if blik.State() != payment.Pending || blik.Attempts[0].Next.Kind != payment.NextWait {
				t.Fatalf("%s, %+v", blik.State(), blik.Attempts[0])
			}
			l.paypal.Finish(blik.Attempts[0].Key, approve)
			l.tell()
			if blik = l.settled(blik.ID); (blik.State() == payment.Completed) != approve {
				t.Error(approve, blik.State())
			}
			l.agree("BLIK", &blik)
		}
	})
}

// tell posts all events to the terminal, as PayPal does.
func (l *life) tell() {
	l.t.Helper()
	for _, body := range l.paypal.Events() {
		q, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.URL+"/notices/"+l.shop.Terminals[0].ID, bytes.NewReader(body))
		if err != nil {
			l.t.Fatal(err)
		}
		q.Header = l.paypal.Headers(body, l.Clock.Now(), webhookID, double.Certificates()[0])
		res, err := l.Client.Do(q)
		if err != nil {
			l.t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			l.t.Error(err)
		}
		if res.StatusCode != http.StatusNoContent {
			l.t.Errorf("notice %s: status %d", body, res.StatusCode)
		}
	}
}
