package openbanking_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/openbanking"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/openbanking"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// life is an application whose shop takes payments from accounts at the double.
type life struct {
	*testkit.App
	t     *testing.T
	bank  *double.Double
	shop  *shop.Shop
	count int
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	clock := testkit.SlowClock(20)
	l := &life{t: t}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Connectors: []connector.Type{openbanking.Type()}})
	s := open(t)
	l.bank = double.New(s.config(clock.Now))
	s.requestsTo(l.bank.Handler())
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		one.Terminals[0].Name, one.Terminals[0].Connector = "openbanking", openbanking.Name
		one.Terminals[0].Config = s.settings(s.url, fmt.Sprintf(`"returnUrl":%q`, l.URL+"/payment/back"))
		one.Terminals[0].Methods = []payment.Method{payment.OpenBanking}
	}).Shop
	return l
}

// deposit begins a payment, whose customer is sent to the bank.
func (l *life) deposit() payment.Payment {
	l.t.Helper()
	l.count++
	o, err := l.Engine.Create(l.t.Context(), engine.Create{
		Shop: l.shop, Type: payment.Deposit, Amount: money.MustParse("11.12"), Currency: "GBP", Method: payment.OpenBanking, Reference: fmt.Sprintf("order-%d", l.count),
	})
	if err == nil {
		o, err = l.Engine.Execute(l.t.Context(), engine.Execute{Target: engine.Target{Shop: l.shop, ID: o.Payment.ID}, Hosted: true})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
}

// visits has the customer of an open payment agree or refuse at the bank, and come back by the browser.
func (l *life) visits(p *payment.Payment, agree bool) {
	l.t.Helper()
	a := p.LiveAttempt()
	if a == nil || a.Next.Kind != payment.NextGo {
		return
	}
	to, err := l.bank.Decide(a.Next.URL, agree)
	if err != nil {
		l.t.Fatal(err)
	}
	for range 2 { // the registered address, and the payment's own
		res, err := l.Client.Get(to)
		if err != nil {
			l.t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusSeeOther {
			l.t.Fatalf("%s: %d, %v", to, res.StatusCode, err)
		}
		next, err := res.Location()
		if err != nil {
			l.t.Fatal(err)
		}
		to = next.String()
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

// settled lets time pass until the payment is open no more; the bank carries out what it has.
func (l *life) settled(id payment.ID, done bool) payment.Payment {
	l.t.Helper()
	wait := 40 * time.Second
	for range 40 {
		p := l.get(id)
		if p.State() != payment.Pending {
			return p
		}
		for i := range p.Attempts {
			l.bank.Settle(said(p.Attempts[i].Key), done)
		}
		l.Clock.Advance(wait)
		wait = min(wait+wait/4, 6*time.Hour)
		if err := l.Engine.Work(l.t.Context(), l.shop.ID, id); err != nil {
			l.t.Fatal(err)
		}
	}
	p := l.get(id)
	l.t.Errorf("payment %s is stuck: %+v", id, p.Attempts)
	return payment.Payment{}
}

// agree compares each attempt with the double's books, which are the truth.
func (l *life) agree(what string, p *payment.Payment) {
	l.t.Helper()
	for i := range p.Attempts {
		a := &p.Attempts[i]
		moved := l.bank.Booked(said(a.Key))
		switch won := a.Class == payment.ClassApproved; {
		case a.Live():
			l.t.Errorf("%s: open as %s", what, a.Class)
		case won && (len(moved) != 1 || money.MustParse(moved[0].Amount) != a.Sent.Amount), !won && len(moved) != 0:
			l.t.Errorf("%s: %s, and the bank's books have %v", what, a.Class, moved)
		}
	}
}

// everyFault is what can happen to a request; those that let a client wait are in the suite for connectors.
var everyFault = []frame.Fault{
	{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true},
	{Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true}, {Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty}, {Kind: frame.Huge},
	{Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true}, {Kind: frame.WrongAmount}, {Kind: frame.WrongCurrency},
	{Kind: frame.WrongReference}, {Kind: frame.NewStatus}, {Kind: frame.RateLimited}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected},
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay: no money is doubled, none is forgotten, and nothing is stuck.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends, faults := map[string]int{}, 0
	t.Cleanup(func() { t.Log(faults, "faults end:", ends) })
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		for _, call := range []string{double.OpConsent, double.OpToken, double.OpPay, double.OpQuery} {
			for _, f := range everyFault {
				f.Op = call
				what := fmt.Sprintf("%s: %s, before %t", call, f.Kind, f.Before)
				if call == double.OpConsent {
					l.bank.Strike(f)
				}
				p := l.deposit()
				if call != double.OpConsent {
					l.bank.Strike(f)
				}
				l.visits(&p, true)
				p = l.settled(p.ID, true)
				l.bank.Take(call) // what nobody asked met no fault
				mu.Lock()
				faults++
				ends[call+" "+string(p.State())]++
				mu.Unlock()
				if l.agree(what, &p); p.ID == "" {
					t.Fatal(what)
				}
			}
		}
	})
}

// TestAWholeLife: the customer agrees and comes back, the bank accepts, and only then settles; others refuse, or never come back.
func TestAWholeLife(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit()
		l.visits(&p, true)
		if p = l.get(p.ID); p.State() != payment.Pending || p.Attempts[0].Next.Kind != payment.NextDone || !strings.HasPrefix(p.Attempts[0].ProviderRef, "bank.") {
			t.Fatalf("accepted is not money: %s, %+v", p.State(), p.Attempts[0])
		}
		if p = l.settled(p.ID, true); p.State() != payment.Completed {
			t.Errorf("settled: %s", p.State())
		}
		l.agree("agreed", &p)
		p = l.deposit()
		l.visits(&p, false)
		if p = l.settled(p.ID, true); p.State() == payment.Completed || p.State() == payment.Pending {
			t.Errorf("refused: %s", p.State())
		}
		l.agree("refused", &p)
		p = l.deposit()
		l.visits(&p, true)
		if p = l.settled(p.ID, false); p.State() != payment.Declined || p.ErrorCode != "4.01" {
			t.Errorf("no money: %s %s", p.State(), p.ErrorCode)
		}
		l.agree("no money", &p)
		p = l.settled(l.deposit().ID, true)
		if p.State() == payment.Completed || p.State() == payment.Pending {
			t.Errorf("never came back: %s", p.State())
		}
		l.agree("never came back", &p)
		late := l.deposit()
		to, err := l.bank.Decide(late.LiveAttempt().Next.URL, true)
		if err != nil {
			t.Fatal(err)
		}
		l.Clock.Advance(3 * time.Hour)
		if _, err := l.Engine.Return(t.Context(), engine.Target{Shop: l.shop, ID: late.ID}, func() payment.Brought {
			u, _ := url.Parse(to)
			return payment.Brought{Query: u.Query()}
		}); err != nil {
			t.Fatal(err)
		}
		if stands := l.bank.Stands(said(late.Attempts[0].Key)); stands != "" {
			t.Errorf("who comes back after the end has paid: %s", stands)
		}
		p = l.settled(late.ID, true)
		l.agree("came back late", &p)
	})
}

// TestWhoHasCancelledPaysNothing, even if they agree at the bank afterwards and come back.
func TestWhoHasCancelledPaysNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit()
		page, target := p.LiveAttempt().Next.URL, engine.Target{Shop: l.shop, ID: p.ID}
		if _, err := l.Engine.Abandon(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		to, err := l.bank.Decide(page, true)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Engine.Return(t.Context(), target, func() payment.Brought { return payment.Brought{Query: u.Query()} }); err != nil {
			t.Fatal(err)
		}
		if stands := l.bank.Stands(said(p.Attempts[0].Key)); stands != "" {
			t.Errorf("it was sent all the same: %s", stands)
		}
		if p = l.settled(p.ID, true); p.State() != payment.Cancelled {
			t.Error(p.State())
		}
		l.agree("cancelled", &p)
	})
}

// TestTheRegisteredAddressLeadsToPaymentsOnly that this installation has made.
func TestTheRegisteredAddressLeadsToPaymentsOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		for _, state := range []string{"", "x", "../../elsewhere", "//elsewhere.example", strings.Repeat("A", 64), "https://elsewhere.example"} {
			res, err := l.Client.Get(l.URL + "/payment/back?code=x&state=" + url.QueryEscape(state))
			if err != nil {
				t.Fatal(err)
			}
			if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusNotFound {
				t.Errorf("%q: %d, %v", state, res.StatusCode, err)
			}
		}
	})
}
