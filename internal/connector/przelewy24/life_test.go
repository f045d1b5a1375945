package przelewy24_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/przelewy24"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/przelewy24"
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
	t     *testing.T
	p24   *double.Double
	shop  *shop.Shop
	count int
	told  int // notices that were posted so far
}

func begin(t *testing.T, d *storetest.Database, edit func(*shop.Shop)) *life {
	t.Helper()
	clock := testkit.SlowClock(20)
	l := &life{t: t}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Connectors: []connector.Type{przelewy24.Type()}})
	s := open(t)
	l.p24 = double.New(double.Config{Now: clock.Now, Merchant: merchant, POS: merchant, APIKey: apiKey, CRC: crc, URL: s.url})
	s.requestsTo(l.p24.Handler())
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		one.Terminals[0].Name, one.Terminals[0].Connector, one.Terminals[0].Config = "p24", przelewy24.Name, settingsFor(s.url)
		one.Terminals[0].Methods = []payment.Method{payment.Blik, payment.PayByLink}
		if edit != nil {
			edit(one)
		}
	}).Shop
	return l
}

// deposit is a payment of 11.12 PLN that its customer has ordered on our page.
func (l *life) deposit(means instrument.Means) payment.Payment {
	l.t.Helper()
	l.count++
	method := payment.MethodOf(means.Kind())
	if method == "" {
		method = payment.PayByLink
	}
	customer, err := payment.NewDocument(payment.Customer{Email: "jan@shop.example", FirstName: "Jan", LastName: "Kowalski"})
	if err != nil {
		l.t.Fatal(err)
	}
	browser, err := payment.NewDocument(payment.Browser{IP: "203.0.113.7", UserAgent: "Mozilla/5.0"})
	if err != nil {
		l.t.Fatal(err)
	}
	o, err := l.Engine.Create(l.t.Context(), engine.Create{
		Shop: l.shop, Type: payment.Deposit, Amount: money.MustParse("11.12"), Currency: "PLN", Customer: customer, Reference: fmt.Sprintf("order-%d", l.count),
		ReturnURL: "https://shop.example/back",
	})
	if err == nil {
		o, err = l.Engine.Execute(l.t.Context(), engine.Execute{Target: l.target(o.Payment.ID), Hosted: true, Method: method, Means: means, Browser: browser})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
}

func (l *life) target(id payment.ID) engine.Target { return engine.Target{Shop: l.shop, ID: id} }

func (l *life) blik() payment.Payment { return l.deposit(&instrument.Code{Digits: "777123"}) }

// pays has the customer of the payment's last try confirm or pay, where there is something to be paid.
func (l *life) pays(p *payment.Payment) {
	key := p.Attempts[len(p.Attempts)-1].Key
	if !l.p24.Finish(key, true) {
		l.p24.Choose(key, true)
	}
}

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
		p := l.get(id)
		if p.State() != payment.Pending || p.BetweenTries() {
			return p
		}
		l.Clock.Advance(wait)
		wait += wait / 2
	}
	l.t.Errorf("payment %s is stuck", id)
	return payment.Payment{}
}

// agree compares each attempt with the double's books, which are the truth: what nobody has verified is in none.
func (l *life) agree(what string, p *payment.Payment, amount string) {
	l.t.Helper()
	for i := range p.Attempts {
		a := &p.Attempts[i]
		moved := l.p24.Booked(a.Key)
		won := a.Class == payment.ClassApproved
		switch {
		case a.Live():
			l.t.Errorf("%s: %s is open as %s", what, a.Kind, a.Class)
		case won && (len(moved) != 1 || moved[0].Amount != amount), !won && len(moved) != 0:
			l.t.Errorf("%s: %s is %s, and the books have %v", what, a.Kind, a.Class, moved)
		}
	}
}

// refund gives back, all that is left where the amount is empty.
func (l *life) refund(of payment.ID, amount string) payment.Payment {
	l.t.Helper()
	c := engine.Create{Shop: l.shop, Type: payment.Refund, Parent: of, Currency: "PLN"}
	if amount != "" {
		c.Amount = money.MustParse(amount)
	}
	o, err := l.Engine.Create(l.t.Context(), c)
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
}

// everyFault is what can happen to a request; those that let a client wait are in the suite for connectors.
var everyFault = []frame.Fault{
	{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.Drop, Lag: time.Hour}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true},
	{Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true}, {Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty}, {Kind: frame.Huge},
	{Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true}, {Kind: frame.WrongAmount}, {Kind: frame.WrongCurrency}, {Kind: frame.WrongID},
	{Kind: frame.WrongReference}, {Kind: frame.NewStatus}, {Kind: frame.RateLimited}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected}, {Kind: frame.Pending},
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay: no money is doubled, none is forgotten and nothing is stuck.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends := map[string]int{}
	t.Cleanup(func() { t.Log("ends:", ends) })
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d, nil)
		for _, call := range []string{double.OpRegister, double.OpCharge, double.OpQuery, double.OpVerify, double.OpRefund, double.OpRefunds} {
			for _, f := range everyFault {
				f.Op = call
				what := fmt.Sprintf("%s: %s, before %t, lag %s", call, f.Kind, f.Before, f.Lag)
				p := l.under(f)
				mu.Lock()
				ends[call+" "+string(p.State())]++
				mu.Unlock()
				l.agree(what, &p, "1112")
				if p.Parent != "" {
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
	refunds := f.Op == double.OpRefund || f.Op == double.OpRefunds
	if !refunds {
		l.p24.Strike(f)
	}
	p := l.blik()
	l.pays(&p)
	p = l.settled(p.ID)
	if !refunds {
		return p
	}
	l.p24.Strike(f)
	r := l.refund(p.ID, "")
	if f.Kind == frame.Pending && f.Op == double.OpRefund {
		l.p24.Finish(r.Attempts[0].Key, false)
	}
	return l.settled(r.ID)
}

// TestAPaymentIsOursOnceItIsVerified: until Przelewy24 has taken the verification, nothing is paid, whatever it says otherwise.
func TestAPaymentIsOursOnceItIsVerified(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d, nil)
		p := l.blik()
		key := p.Attempts[0].Key
		for range 3 {
			l.p24.Strike(frame.Fault{Op: double.OpVerify, Kind: frame.ServerError, Before: true})
		}
		l.pays(&p)
		for range 2 {
			l.tell()
			l.Clock.Advance(15 * time.Second)
			if p = l.get(p.ID); p.State() != payment.Pending || l.p24.State(key) != 1 {
				t.Fatalf("%s, and Przelewy24 has it in state %d", p.State(), l.p24.State(key))
			}
		}
		p = l.settled(p.ID)
		if p.State() != payment.Completed || l.p24.State(key) != 2 {
			t.Errorf("%s, and Przelewy24 has it in state %d", p.State(), l.p24.State(key))
		}
		l.agree("verified late", &p, "1112")
	})
}

// TestTheLifeOfABankLink: a bank is chosen, its customer pays there, a notice tells, and it is given back in parts.
func TestTheLifeOfABankLink(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d, nil)
		p := l.deposit(&instrument.Bank{ID: "25"})
		a := p.Attempts[0]
		if p.State() != payment.Pending || !strings.HasSuffix(a.Next.URL, "/trnRequest/"+l.p24.Token(a.Key)) {
			t.Fatalf("%s, %+v", p.State(), a.Next)
		}
		l.Clock.Advance(5 * time.Minute)
		if p = l.get(p.ID); p.State() != payment.Pending { // nobody has chosen yet, so that it is not found
			t.Fatal(p.State())
		}
		l.pays(&p)
		l.tell()
		if p = l.get(p.ID); p.State() != payment.Completed || p.Attempts[0].ProviderRef == "" {
			t.Fatalf("after the notice: %s", p.State())
		}
		l.agree("paid", &p, "1112")
		first := l.settled(l.refund(p.ID, "4.12").ID)
		l.p24.Strike(frame.Fault{Op: double.OpRefund, Kind: frame.Pending})
		second := l.refund(p.ID, "7")
		if second.State() != payment.Pending {
			t.Fatal(second.State())
		}
		l.p24.Finish(second.Attempts[0].Key, true)
		l.tell()
		l.told = 0
		l.tell() // again, they change nothing
		if second = l.get(second.ID); first.State() != payment.Completed || second.State() != payment.Completed {
			t.Errorf("%s, %s", first.State(), second.State())
		}
		l.agree("in part", &first, "412")
		l.agree("the rest", &second, "700")
		if p = l.get(p.ID); p.Refunded != p.Captured {
			t.Errorf("%s of %s is given back", p.Refunded, p.Captured)
		}
	})
}

// TestWhoDoesNotPayInTimeAndThenDoes: a payment that comes late is verified all the same, and is honoured or goes back, as the shop has it.
func TestWhoDoesNotPayInTimeAndThenDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		honour bool
		want   payment.State
		state  int
	}{"honoured": {true, payment.Completed, 2}, "given back": {false, payment.Cancelled, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				l := begin(t, d, func(one *shop.Shop) { one.Settings.HonourLateSuccess = c.honour })
				never := l.settled(l.deposit(&instrument.Bank{ID: "25"}).ID)
				if never.State() != payment.Cancelled || l.p24.Choose(never.Attempts[0].Key, true) {
					t.Errorf("who never chose a bank is %s, or may still pay", never.State())
				}
				p := l.deposit(&instrument.Bank{ID: "25"})
				key := p.Attempts[0].Key
				l.p24.Choose(key, false)
				if p = l.settled(p.ID); p.State() != payment.Cancelled {
					t.Fatalf("out of time: %s", p.State())
				}
				l.agree("out of time", &p, "1112")
				l.p24.Finish(key, true) // the bank tells at last
				l.tell()
				l.Work(t)
				for range 500 {
					if p = l.get(p.ID); l.p24.State(key) == c.state && p.State() == c.want {
						return
					}
					time.Sleep(10 * time.Millisecond)
					l.Clock.Advance(time.Second)
				}
				t.Errorf("late: %s, and Przelewy24 has it in state %d", p.State(), l.p24.State(key))
			})
		})
	}
}

// TestARefusalOfBlikIsToldByANotice, so that the customer does not have to wait, and may try another code.
func TestARefusalOfBlikIsToldByANotice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d, nil)
		p := l.blik()
		l.p24.Finish(p.Attempts[0].Key, false)
		l.tell()
		if p = l.get(p.ID); p.Attempts[0].Class != payment.ClassDeclinedHard || p.Attempts[0].RawCode != "63" {
			t.Errorf("%s, %+v", p.State(), p.Attempts[0])
		}
		wrong := l.deposit(&instrument.Code{Digits: "123456"})
		if a := wrong.Attempts[0]; a.Class != payment.ClassDeclinedSoft || a.RawCode != "28" || a.Code != payment.CodeAcquirerRequest || !wrong.BetweenTries() {
			t.Errorf("a wrong code: %s, %+v", wrong.State(), a)
		}
		silent := l.blik()
		l.Clock.Advance(6 * time.Minute) // who is told nothing waits no longer than BLIK takes
		if silent = l.get(silent.ID); silent.State() == payment.Pending && !silent.BetweenTries() || silent.Attempts[0].Code != payment.CodeAbandoned {
			t.Errorf("nobody confirms: %s, %+v", silent.State(), silent.Attempts[0])
		}
	})
}

// tell posts the notices that were not posted yet to the terminal, as Przelewy24 does.
func (l *life) tell() {
	l.t.Helper()
	all := l.p24.Notices()
	for _, body := range all[l.told:] {
		q, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.URL+"/notices/"+l.shop.Terminals[0].ID, bytes.NewReader(body))
		if err != nil {
			l.t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
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
	l.told = len(all)
}
