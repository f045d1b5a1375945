package openbanking_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/openbanking"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/openbanking"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// life is an application whose shop takes payments from accounts at the double.
type life struct {
	*lives.Life
	bank    *double.Double
	refuses bool // the bank does not carry out what it has accepted
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	l, s := new(life), open(t)
	l.Life = lives.Begin(t, d, lives.Account{
		Type: openbanking.Type(), Methods: []payment.Method{payment.OpenBanking}, Currency: "GBP", Read: connectortest.InDecimals, Said: said, Works: true,
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			l.bank = double.New(s.config(at.Clock.Now))
			s.RequestsTo(l.bank.Handler())
			return l.bank, s.settings(s.URL, fmt.Sprintf(`"returnUrl":%q`, at.URL+"/payment/back"))
		},
		Meanwhile: func(p *payment.Payment) {
			for i := range p.Attempts {
				l.bank.Settle(said(p.Attempts[i].Key), !l.refuses)
			}
		},
	})
	return l
}

// deposit begins a payment, whose customer is sent to the bank.
func (l *life) deposit() payment.Payment {
	return l.Pay(engine.Create{Method: payment.OpenBanking}, engine.Execute{Hosted: true})
}

// visits has the customer of an open payment agree or refuse at the bank, and come back by the browser.
func (l *life) visits(t *testing.T, p *payment.Payment, agree bool) {
	t.Helper()
	a := p.LiveAttempt()
	if a == nil || a.Next.Kind != payment.NextGo {
		return
	}
	to, err := l.bank.Decide(a.Next.URL, agree)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the registered address, and the payment's own
		res, err := l.Client.Get(to)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %d, %v", to, res.StatusCode, err)
		}
		next, err := res.Location()
		if err != nil {
			t.Fatal(err)
		}
		to = next.String()
	}
}

func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	calls := []string{double.OpConsent, double.OpToken, double.OpPay, double.OpQuery}
	faults := lives.Faults(frame.Fault{Kind: frame.WrongCurrency}, frame.Fault{Kind: frame.RateLimited})
	lives.EveryFault(t, calls, faults, nil, func(t *testing.T, d *storetest.Database) lives.Story {
		l := begin(t, d)
		return lives.Story{Life: l.Life, Under: func(f frame.Fault) payment.Payment {
			if f.Op == double.OpConsent {
				l.bank.Strike(f)
			}
			p := l.deposit()
			if f.Op != double.OpConsent {
				l.bank.Strike(f)
			}
			l.visits(t, &p, true)
			p = l.Settled(p.ID)
			l.bank.Take(f.Op) // what nobody asked met no fault
			return p
		}}
	})
}

// TestAWholeLife: the customer agrees and comes back, the bank accepts, and only then settles; others refuse, or never come back.
func TestAWholeLife(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit()
		l.visits(t, &p, true)
		if p = l.Get(p.ID); p.State() != payment.Pending || p.Attempts[0].Next.Kind != payment.NextDone || !strings.HasPrefix(p.Attempts[0].ProviderRef, "bank.") {
			t.Fatalf("accepted is not money: %s, %+v", p.State(), p.Attempts[0])
		}
		if p = l.Settled(p.ID); p.State() != payment.Completed {
			t.Errorf("settled: %s", p.State())
		}
		l.Agree("agreed", &p)
		p = l.deposit()
		l.visits(t, &p, false)
		if p = l.Settled(p.ID); p.State() == payment.Completed || p.State() == payment.Pending {
			t.Errorf("refused: %s", p.State())
		}
		l.Agree("refused", &p)
		p = l.deposit()
		l.visits(t, &p, true)
		l.refuses = true
		p = l.Settled(p.ID)
		if l.refuses = false; p.State() != payment.Declined || p.ErrorCode != "4.01" {
			t.Errorf("no money: %s %s", p.State(), p.ErrorCode)
		}
		l.Agree("no money", &p)
		p = l.Settled(l.deposit().ID)
		if p.State() == payment.Completed || p.State() == payment.Pending {
			t.Errorf("never came back: %s", p.State())
		}
		l.Agree("never came back", &p)
		late := l.deposit()
		to, err := l.bank.Decide(late.LiveAttempt().Next.URL, true)
		if err != nil {
			t.Fatal(err)
		}
		l.Clock.Advance(3 * time.Hour)
		if _, err := l.Engine.Return(t.Context(), l.Target(late.ID), func() payment.Brought {
			u, _ := url.Parse(to)
			return payment.Brought{Query: u.Query()}
		}); err != nil {
			t.Fatal(err)
		}
		if stands := l.bank.Stands(said(late.Attempts[0].Key)); stands != "" {
			t.Errorf("who comes back after the end has paid: %s", stands)
		}
		p = l.Settled(late.ID)
		l.Agree("came back late", &p)
	})
}

// TestWhoHasCancelledPaysNothing, even if they agree at the bank afterwards and come back.
func TestWhoHasCancelledPaysNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit()
		page, target := p.LiveAttempt().Next.URL, l.Target(p.ID)
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
		if p = l.Settled(p.ID); p.State() != payment.Cancelled {
			t.Error(p.State())
		}
		l.Agree("cancelled", &p)
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
