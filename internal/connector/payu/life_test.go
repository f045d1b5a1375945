package payu_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/payu"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/payu"
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
	payu  *double.Double
	shop  *shop.Shop
	count int
	told  int // notices that were posted so far
}

func begin(t *testing.T, d *storetest.Database, manual bool) *life {
	t.Helper()
	clock := testkit.SlowClock(20)
	l := &life{t: t}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Connectors: []connector.Type{payu.Type()}})
	s := open(t, manual)
	l.payu = double.New(double.Config{Now: clock.Now, POS: pos, ClientID: pos, Secret: secret, SecondKey: secondKey, URL: s.url, Manual: manual, Algorithm: "SHA-256"})
	s.requestsTo(l.payu.Handler())
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		one.Terminals[0].Name, one.Terminals[0].Connector, one.Terminals[0].Config = "payu", payu.Name, s.settings(s.url)
		one.Terminals[0].Methods = []payment.Method{payment.Blik, payment.PayByLink}
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
	l.payu.Finish(key, true)
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

// agree compares each attempt with the double's books, which are the truth.
func (l *life) agree(what string, p *payment.Payment, amount string) {
	l.t.Helper()
	for i := range p.Attempts {
		a := &p.Attempts[i]
		moved := l.payu.Booked(a.Key)
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
	{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true}, {Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true},
	{Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty}, {Kind: frame.Huge}, {Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true},
	{Kind: frame.WrongAmount}, {Kind: frame.WrongCurrency}, {Kind: frame.WrongReference}, {Kind: frame.NewStatus}, {Kind: frame.RateLimited}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected},
	{Kind: frame.Pending}, {Kind: frame.Decline, Code: "AUT_ERROR_LIMIT_EXCEEDED"},
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay: no money is doubled, none is forgotten and nothing is stuck.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends := map[string]int{}
	t.Cleanup(func() { t.Log("ends:", ends) })
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d, true)
		for _, call := range []string{double.OpToken, double.OpOrder, double.OpQuery, double.OpConfirm, double.OpReasons, double.OpRefund, double.OpRefunds} {
			for _, f := range everyFault {
				f.Op = call
				what := fmt.Sprintf("%s: %s, before %t", call, f.Kind, f.Before)
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
		l.payu.Strike(f)
	}
	p := l.blik()
	l.tell()
	l.pays(&p)
	l.tell()
	p = l.settled(p.ID)
	if !refunds {
		return p
	}
	l.payu.Strike(f)
	r := l.refund(p.ID, "")
	if f.Kind == frame.Pending && f.Op == double.OpRefund {
		l.payu.Finish(r.Attempts[0].Key, false)
	}
	return l.settled(r.ID)
}

// TestTheLifeOfABankLink: a bank is chosen, its customer pays there, PayU waits for a confirmation and gets it, and it is given back in parts.
func TestTheLifeOfABankLink(t *testing.T) {
	t.Parallel()
	for name, manual := range map[string]bool{"taken by itself": false, "confirmed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				l := begin(t, d, manual)
				p := l.deposit(&instrument.Bank{ID: "m"})
				a := p.Attempts[0]
				if p.State() != payment.Pending || !strings.Contains(a.Next.URL, "/pay/?orderId="+a.ProviderRef) {
					t.Fatalf("%s, %+v", p.State(), a.Next)
				}
				l.pays(&p)
				if l.payu.State(a.Key) == "WAITING_FOR_CONFIRMATION" != manual {
					t.Fatal(l.payu.State(a.Key))
				}
				l.tell()
				if p = l.get(p.ID); p.State() != payment.Completed || l.payu.State(a.Key) != "COMPLETED" {
					t.Fatalf("after the notice: %s, %s", p.State(), l.payu.State(a.Key))
				}
				l.told = 0
				l.tell() // again, they change nothing
				l.agree("paid", &p, "1112")
				first := l.settled(l.refund(p.ID, "4.12").ID)
				l.payu.Strike(frame.Fault{Op: double.OpRefund, Kind: frame.Pending})
				second := l.refund(p.ID, "7")
				if second.State() != payment.Pending {
					t.Fatal(second.State())
				}
				l.payu.Finish(second.Attempts[0].Key, true)
				second = l.settled(second.ID)
				if first.State() != payment.Completed || second.State() != payment.Completed {
					t.Errorf("%s, %s", first.State(), second.State())
				}
				l.agree("in part", &first, "412")
				l.agree("the rest", &second, "700")
				if p = l.get(p.ID); p.Refunded != p.Captured {
					t.Errorf("%s of %s is given back", p.Refunded, p.Captured)
				}
			})
		})
	}
}

// TestWhoDoesNotPay: a refusal comes with its reason, a wrong code may be mended, who never comes back is told of by PayU, and an order whose
// answer got lost ends with its notices.
func TestWhoDoesNotPay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d, false)
		p := l.blik()
		l.payu.Finish(p.Attempts[0].Key, false)
		l.tell()
		if p = l.get(p.ID); p.Attempts[0].RawCode != "AUT_ERROR_USER_DECLINED" || p.Attempts[0].Code != payment.CodeByCustomer {
			t.Errorf("%s, %+v", p.State(), p.Attempts[0])
		}
		wrong := l.deposit(&instrument.Code{Digits: "700701"})
		l.tell()
		if wrong = l.get(wrong.ID); wrong.Attempts[0].RawCode != "REG_ERROR_AUTH_CODE_EXPIRED" || !wrong.BetweenTries() {
			t.Errorf("a code that is too old: %s, %+v", wrong.State(), wrong.Attempts[0])
		}
		never := l.settled(l.deposit(&instrument.Bank{ID: "m"}).ID)
		if never.State() != payment.Cancelled {
			t.Errorf("who never comes back: %s, %+v", never.State(), never.Attempts[0])
		}
		l.payu.Strike(frame.Fault{Op: double.OpOrder, Kind: frame.Drop})
		lost := l.deposit(&instrument.Bank{ID: "m"})
		l.Clock.Advance(time.Hour)
		l.payu.State(lost.Attempts[0].Key) // its time is over there
		l.tell()
		if lost = l.settled(lost.ID); lost.State() == payment.Completed || lost.Attempts[0].ProviderRef == "" {
			t.Errorf("an order whose answer got lost: %s, %+v", lost.State(), lost.Attempts[0])
		}
		l.agree("lost", &lost, "1112")
	})
}

// tell posts the notices that were not posted yet to the terminal, as PayU does.
func (l *life) tell() {
	l.t.Helper()
	all := l.payu.Notices()
	for _, n := range all[l.told:] {
		q, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.URL+"/notices/"+l.shop.Terminals[0].ID, bytes.NewReader(n.Body))
		if err != nil {
			l.t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("OpenPayu-Signature", n.Signature)
		res, err := l.Client.Do(q)
		if err != nil {
			l.t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			l.t.Error(err)
		}
		if res.StatusCode != http.StatusNoContent {
			l.t.Errorf("notice %s: status %d", n.Body, res.StatusCode)
		}
	}
	l.told = len(all)
}
