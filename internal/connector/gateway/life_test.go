package gateway_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/gateway"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/gateway"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// life is an application whose shop is a merchant of the double.
type life struct {
	*testkit.App
	t     *testing.T
	at    *double.Double
	shop  *shop.Shop
	count int
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	clock := testkit.SlowClock(20)
	l := &life{t: t}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Connectors: []connector.Type{gateway.Type()}})
	s := open(t, false)
	l.at = double.New(double.Config{Now: clock.Now, APIKey: apiKey, SigningKey: signingKey, URL: s.url})
	s.requestsTo(l.at.Handler())
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		one.Terminals[0].Name, one.Terminals[0].Connector, one.Terminals[0].Config = "gateway", gateway.Name, settingsFor(s.url)
		one.Terminals[0].Methods = []payment.Method{payment.BasicCard}
	}).Shop
	return l
}

func (l *life) create(c engine.Create) payment.Payment {
	l.t.Helper()
	l.count++
	c.Shop, c.Currency, c.Reference = l.shop, "EUR", fmt.Sprintf("order-%d", l.count)
	o, err := l.Engine.Create(l.t.Context(), c)
	if err == nil && c.Type == payment.Deposit && c.RecurringToken == "" {
		browser, docErr := payment.NewDocument(&payment.Browser{IP: "192.0.2.7"})
		if docErr != nil {
			l.t.Fatal(docErr)
		}
		o, err = l.Engine.Execute(l.t.Context(), engine.Execute{Target: l.target(o.Payment.ID), Browser: browser})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
}

func (l *life) deposit(number string, hold bool) payment.Payment {
	l.t.Helper()
	return l.create(engine.Create{Type: payment.Deposit, Amount: money.MustParse("11.12"), Means: card(l.t, number), PreAuth: hold})
}

func (l *life) target(id payment.ID) engine.Target { return engine.Target{Shop: l.shop, ID: id} }

func (l *life) get(id payment.ID) payment.Payment {
	l.t.Helper()
	p, err := l.Engine.Get(l.t.Context(), l.shop.ID, id)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// settled lets time pass until the payment is open no more.
func (l *life) settled(id payment.ID) payment.Payment {
	l.t.Helper()
	wait := 40 * time.Second
	for range 30 {
		if p := l.get(id); p.State() != payment.Pending {
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
		moved := l.at.Booked(p.Attempts[i].Key)
		released = released || len(moved) == 1 && moved[0].Moved == frame.Released
	}
	for i := range p.Attempts {
		a := &p.Attempts[i]
		moved := l.at.Booked(a.Key)
		if a.Class == payment.ClassCancelled && released && len(moved) == 1 && moved[0].Moved == frame.Held {
			continue // a hold that was found to be gone
		}
		won := a.Class == payment.ClassApproved || a.Class == payment.ClassAuthorized
		switch {
		case a.Live():
			l.t.Errorf("%s: %s is open as %s", what, a.Kind, a.Class)
		case won && (len(moved) != 1 || moved[0].Amount != "11.12"), !won && len(moved) != 0:
			l.t.Errorf("%s: %s is %s, and the provider's books have %v", what, a.Kind, a.Class, moved)
		}
	}
}

// everyFault is what can happen to a request; those that let a client wait are in the suite for connectors.
var everyFault = []frame.Fault{
	{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.Drop, Lag: 5 * time.Minute}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true},
	{Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true}, {Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty}, {Kind: frame.Huge},
	{Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true}, {Kind: frame.WrongAmount}, {Kind: frame.WrongCurrency},
	{Kind: frame.WrongReference}, {Kind: frame.NewStatus}, {Kind: frame.RateLimited}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected},
	{Kind: frame.Decline, Code: "4.02"},
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay: no money is doubled, none is forgotten and nothing is stuck.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends := map[string]int{}
	t.Cleanup(func() { t.Log("ends:", ends) })
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		for _, call := range []string{double.OpCreate, double.OpExecute, double.OpCharge, double.OpCapture, double.OpVoid, double.OpRefund, double.OpWithdraw} {
			for _, f := range everyFault {
				f.Op = call
				if call == double.OpCreate && f.Kind == frame.Decline {
					continue
				}
				what := fmt.Sprintf("%s: %s, before %t, lag %s", call, f.Kind, f.Before, f.Lag)
				p := l.under(f)
				mu.Lock()
				ends[call+" "+string(p.State())]++
				mu.Unlock()
				l.agree(what, &p)
				if p.Type == payment.Refund {
					of := l.get(p.Parent)
					if (of.Refunded == p.Asked.Amount) != (p.State() == payment.Completed) || !of.RefundReserved.IsZero() && p.State() != payment.Completed {
						t.Errorf("%s: the deposit has %s given back", what, of.Refunded)
					}
				}
			}
		}
	})
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(f frame.Fault) payment.Payment {
	l.t.Helper()
	var p payment.Payment
	switch f.Op {
	case double.OpCreate, double.OpExecute:
		l.at.Strike(f)
		p = l.deposit(double.Good, false)
	case double.OpWithdraw:
		l.at.Strike(f)
		p = l.create(engine.Create{Type: payment.Withdrawal, Method: payment.BasicCard, Amount: money.MustParse("11.12"), Means: card(l.t, double.Good)})
	case double.OpCharge:
		first := l.settled(l.create(engine.Create{Type: payment.Deposit, Amount: money.MustParse("11.12"), Means: card(l.t, double.Good), StartRecurring: true}).ID)
		l.at.Strike(f)
		p = l.create(engine.Create{Type: payment.Deposit, Amount: money.MustParse("11.12"), RecurringToken: first.RecurringToken})
	default:
		p = l.followed(f)
	}
	return l.settled(p.ID)
}

func (l *life) followed(f frame.Fault) payment.Payment {
	l.t.Helper()
	p := l.settled(l.deposit(double.Good, f.Op != double.OpRefund).ID)
	l.at.Strike(f)
	var err error
	switch f.Op {
	case double.OpCapture:
		_, err = l.Engine.Capture(l.t.Context(), l.target(p.ID), money.Amount{})
	case double.OpVoid:
		_, err = l.Engine.Void(l.t.Context(), l.target(p.ID))
	default:
		return l.create(engine.Create{Type: payment.Refund, Parent: p.ID})
	}
	if err != nil {
		l.t.Fatal(f, err)
	}
	return p
}

// TestTheWholeLifeOfAPayment: the customer is asked by the bank, a part of the hold is taken, a part of that given back, and notices tell of all
// of it once more, late and in the wrong order.
func TestTheWholeLifeOfAPayment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit(double.Challenged, true)
		if a := p.Attempts[0]; p.State() != payment.Pending || !strings.Contains(a.Next.URL, "/payment/") {
			t.Fatalf("%s, %+v", p.State(), a.Next)
		}
		l.at.Finish(p.Attempts[0].Key, true)
		l.tell(false)
		if p = l.get(p.ID); p.State() != payment.Authorized || p.Instrument.CardBrand != "VISA" {
			t.Fatalf("told: %s, %+v", p.State(), p.Instrument)
		}
		o, err := l.Engine.Capture(t.Context(), l.target(p.ID), money.MustParse("7.5"))
		if err != nil || o.Payment.State() != payment.Completed || o.Payment.Captured != money.MustParse("7.5") {
			t.Fatalf("%s, %v", o.Payment.State(), err)
		}
		for _, part := range []string{"2.5", "5"} {
			back := l.create(engine.Create{Type: payment.Refund, Parent: p.ID, Amount: money.MustParse(part)})
			if back.State() != payment.Completed {
				t.Errorf("refund of %s: %s", part, back.State())
			}
		}
		l.tell(true)
		l.tell(false)
		if p = l.get(p.ID); p.State() != payment.Completed || p.Refunded != money.MustParse("7.5") {
			t.Errorf("%s, %s given back", p.State(), p.Refunded)
		}
		given := 0
		for _, e := range l.at.Books() {
			if e.Moved == frame.Returned {
				given++
			}
		}
		if given != 2 || len(l.at.Books()) != 4 {
			t.Errorf("the books: %v", l.at.Books())
		}
	})
}

// TestALostAnswerIsToldByANotice: nobody has to wait for the list.
func TestALostAnswerIsToldByANotice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		l.at.Strike(frame.Fault{Op: double.OpExecute, Kind: frame.Drop, Lag: time.Hour})
		p := l.deposit(double.Good, false)
		if p.State() != payment.Pending {
			t.Fatal(p.State())
		}
		l.tell(false)
		p = l.get(p.ID)
		if p.State() != payment.Completed {
			t.Error(p.State())
		}
		l.agree("told", &p)
	})
}

// tell posts all notices to where they are wanted.
func (l *life) tell(backwards bool) {
	l.t.Helper()
	events := l.at.Events()
	for i := range events {
		e := events[i]
		if backwards {
			e = events[len(events)-1-i]
		}
		_, path, ok := strings.Cut(e.URL, "/notices/")
		if !ok {
			l.t.Fatalf("notices are wanted at %q", e.URL)
		}
		q, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.URL+"/notices/"+path, bytes.NewReader(e.Body))
		if err != nil {
			l.t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Signature", e.Signature)
		res, err := l.Client.Do(q)
		if err != nil {
			l.t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			l.t.Error(err)
		}
		if res.StatusCode != http.StatusNoContent {
			l.t.Errorf("notice %s: status %d", e.Body, res.StatusCode)
		}
	}
}
