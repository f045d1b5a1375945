package lives

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// Double is a provider's server with books.
type Double interface {
	Strike(f frame.Fault)
	Booked(key string) []frame.Entry
}

// Account is how the shop has its account.
type Account struct {
	Type     connector.Type
	Methods  []payment.Method
	Currency money.Currency
	// Open starts the double on the clock of the application, and makes the terminal's settings. The application's address and NoticeURL are known.
	// There is no double where nothing is judged by its books.
	Open func(l *Life) (Double, json.RawMessage)
	// Edit changes the shop before it is stored; nil for nothing.
	Edit func(*shop.Shop)
	// Follow says what the double's calls that follow a payment do.
	Follow map[string]payment.AttemptKind
	// Read is how the double's books write amounts.
	Read connectortest.Reading
	// Said is how they write our keys; nil where that is as they are.
	Said func(key string) string
	// Meanwhile is what happens while time passes, such as a customer who pays or a notice that comes; nil for nothing. It is called with the
	// payment that is waited for, before each look at it.
	Meanwhile func(p *payment.Payment)
	// Works has the engine do what comes due, too; otherwise a payment goes on because it is read.
	Works bool
	// Clock is the application's; one that hardly moves by itself where it is nil.
	Clock *testkit.Clock
	// Stays: where the provider can be asked nothing, a payment may stay open, of which nothing is booked.
	Stays bool
}

// Life is an application with a shop that has such an account.
type Life struct {
	*testkit.App
	Shop *shop.Shop

	t       *testing.T
	account Account
	double  Double
	count   int
}

// Begin starts an application and opens its account.
func Begin(t *testing.T, d *storetest.Database, a Account) *Life {
	t.Helper()
	if a.Clock == nil {
		a.Clock = testkit.SlowClock(20)
	}
	l := &Life{t: t, account: a}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = a.Clock.Now }), testkit.Options{Clock: a.Clock, Connectors: []connector.Type{a.Type}})
	l.Shop = l.NewShop(t, func(one *shop.Shop) {
		l.Shop = one
		terminal := &one.Terminals[0]
		terminal.Name, terminal.Connector, terminal.Methods = a.Type.Name, a.Type.Name, a.Methods
		l.double, terminal.Config = a.Open(l)
		if a.Edit != nil {
			a.Edit(one)
		}
	}).Shop
	return l
}

// NoticeURL is where the provider posts its notices.
func (l *Life) NoticeURL() string { return l.URL + "/notices/" + l.Shop.Terminals[0].ID }

// Target is the payment as the engine wants it named.
func (l *Life) Target(id payment.ID) engine.Target { return engine.Target{Shop: l.Shop, ID: id} }

// Create begins a payment: a deposit of 11.12 under a reference of its own, where nothing else is said.
func (l *Life) Create(c engine.Create) payment.Payment {
	l.t.Helper()
	l.count++
	c.Shop, c.Reference = l.Shop, fmt.Sprintf("order-%d", l.count)
	if c.Type == "" {
		c.Type = payment.Deposit
	}
	if c.Amount.IsZero() && c.Type != payment.Refund && !c.Terms.Verify {
		c.Amount = money.MustParse("11.12")
	}
	if c.Currency == "" {
		c.Currency = l.account.Currency
	}
	o, err := l.Engine.Create(l.t.Context(), c)
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
}

// Pay begins a deposit and goes ahead with it.
func (l *Life) Pay(c engine.Create, x engine.Execute) payment.Payment {
	l.t.Helper()
	x.Target = l.Target(l.Create(c).ID)
	return l.must(l.Engine.Execute(l.t.Context(), x))
}

// Refund gives back, all that is left where the amount is empty.
func (l *Life) Refund(of payment.ID, amount string) payment.Payment {
	l.t.Helper()
	return l.Create(engine.Create{Type: payment.Refund, Parent: of, Currency: l.Get(of).Asked.Currency, Amount: parsed(amount)})
}

// Capture takes of a hold, all of it where the amount is empty.
func (l *Life) Capture(id payment.ID, amount string) payment.Payment {
	l.t.Helper()
	return l.must(l.Engine.Capture(l.t.Context(), l.Target(id), parsed(amount)))
}

// Void lets a hold go.
func (l *Life) Void(id payment.ID) payment.Payment {
	l.t.Helper()
	return l.must(l.Engine.Void(l.t.Context(), l.Target(id)))
}

// Follows makes one of the calls that follow a payment, of all of it, and returns the payment whose outcome it is.
func (l *Life) Follows(call string, of payment.ID) payment.Payment {
	l.t.Helper()
	switch l.account.Follow[call] {
	case payment.AttemptCapture:
		return l.Capture(of, "")
	case payment.AttemptVoid:
		return l.Void(of)
	case payment.AttemptRefund:
		return l.Refund(of, "")
	default:
		l.t.Fatalf("%s follows nothing", call)
		return payment.Payment{}
	}
}

// FollowUnder has the call that follows a payment meet the fault. The payment is made by sell: a hold, unless it is given back.
func (l *Life) FollowUnder(f frame.Fault, sell func(hold bool) payment.Payment) payment.Payment {
	l.t.Helper()
	p := l.Settled(sell(l.account.Follow[f.Op] != payment.AttemptRefund).ID)
	l.double.Strike(f)
	return l.Settled(l.Follows(f.Op, p.ID).ID)
}

func parsed(amount string) money.Amount {
	if amount == "" {
		return money.Amount{}
	}
	return money.MustParse(amount)
}

func (l *Life) must(o engine.Outcome, err error) payment.Payment {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
}

// Get reads a payment, which is asked about if that is due.
func (l *Life) Get(id payment.ID) payment.Payment {
	l.t.Helper()
	p, err := l.Engine.Get(l.t.Context(), l.Shop.ID, id)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// Steps of Settled: three weeks, longer than anything is asked about, of which the first minutes are looked at closely.
const (
	firstStep = 40 * time.Second
	lastStep  = 10 * 24 * time.Hour
)

// Settled lets time pass until the payment is open no more, or waits for nothing but another try of its customer.
func (l *Life) Settled(id payment.ID) payment.Payment {
	l.t.Helper()
	p := l.Get(id)
	for wait := firstStep; p.State() == payment.Pending && !p.BetweenTries(); wait = min(wait*3/2, lastStep) {
		if wait == lastStep {
			if !l.account.Stays {
				l.t.Errorf("payment %s is stuck: %+v", id, p.Attempts)
			}
			break
		}
		if l.account.Meanwhile != nil {
			l.account.Meanwhile(&p)
			if p = l.Get(id); p.State() != payment.Pending {
				break
			}
		}
		l.Clock.Advance(wait)
		if l.account.Works {
			if err := l.Engine.Work(l.t.Context(), l.Shop.ID, id); err != nil {
				l.t.Fatal(err)
			}
		}
		p = l.Get(id)
	}
	return p
}

// Notify posts a notice to the terminal, behind whose address the path may go on, and wants that status.
func (l *Life) Notify(path string, header http.Header, body []byte, want int) {
	l.t.Helper()
	q, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.NoticeURL()+path, bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		q.Header[http.CanonicalHeaderKey(name)] = values
	}
	res, err := l.Client.Do(q)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		l.t.Error(err)
	}
	if res.StatusCode != want {
		l.t.Errorf("notice %s: status %d, want %d", body, res.StatusCode, want)
	}
}

// Told are the payments that a human was told of.
func (l *Life) Told() map[payment.ID]bool {
	l.t.Helper()
	told := map[payment.ID]bool{}
	err := l.DB.View(l.t.Context(), func(tx *store.Tx) error {
		all, _, err := tx.Alarms().List(store.AlarmFilter{Limit: 1000})
		for _, a := range all {
			told[payment.ID(a.Subject)] = true
		}
		return err //nolint:wrapcheck // a test
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return told
}
