package pix_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/pix"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/pix"
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
	t     *testing.T
	bank  *double.Double
	shop  *shop.Shop
	count int
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	clock := testkit.SlowClock(20)
	l := &life{t: t}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Connectors: []connector.Type{pix.Type()}})
	s := open(t)
	l.bank = double.New(config(clock.Now))
	s.requestsTo(l.bank.Handler())
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		one.Terminals[0].Name, one.Terminals[0].Connector, one.Terminals[0].Config = "pix", pix.Name, s.settings(s.url)
		one.Terminals[0].Methods = []payment.Method{payment.Pix}
	}).Shop
	return l
}

// deposit begins a payment, for which the customer is shown a code.
func (l *life) deposit() payment.Payment {
	l.t.Helper()
	l.count++
	o, err := l.Engine.Create(l.t.Context(), engine.Create{
		Shop: l.shop, Type: payment.Deposit, Amount: money.MustParse("11.12"), Currency: "BRL", Method: payment.Pix, Reference: fmt.Sprintf("order-%d", l.count),
	})
	if err == nil {
		o, err = l.Engine.Execute(l.t.Context(), engine.Execute{Target: l.target(o.Payment.ID), Hosted: true})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
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

// settled lets time pass until the payment is open no more. Who is shown a code pays it, if that is wished.
func (l *life) settled(id payment.ID, pays bool) payment.Payment {
	l.t.Helper()
	wait := 40 * time.Second
	for range 40 {
		p := l.get(id)
		if p.State() != payment.Pending {
			return p
		}
		if a := p.LiveAttempt(); a != nil && pays && a.Next.Kind == payment.NextCode {
			if _, err := l.bank.Pay(a.Next.Code); err == nil {
				pays = false
			}
		}
		l.Clock.Advance(wait)
		wait = min(wait+wait/4, 6*time.Hour)
		if err := l.Engine.Work(l.t.Context(), l.shop.ID, id); err != nil {
			l.t.Fatal(err)
		}
	}
	l.t.Errorf("payment %s is stuck", id)
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
			l.t.Errorf("%s: %s is open as %s", what, a.Kind, a.Class)
		case won && (len(moved) != 1 || money.MustParse(moved[0].Amount) != a.Sent.Amount), !won && len(moved) != 0:
			l.t.Errorf("%s: %s is %s, and the bank's books have %v", what, a.Kind, a.Class, moved)
		case a.Kind == payment.AttemptDeposit && !won && l.bank.Status(said(a.Key)) == "ATIVA":
			l.t.Errorf("%s: the payment has ended as %s, and its code can be paid", what, a.Class)
		}
	}
}

// tell has the bank post what it has to tell, as the proxy passes it on.
func (l *life) tell(token string, want int) {
	l.t.Helper()
	status, err := l.bank.Deliver(l.t.Context(), l.Client, l.URL+"/notices/"+l.shop.Terminals[0].ID, http.Header{"X-Notice-Token": {token}})
	if err != nil || status != want {
		l.t.Errorf("notice: %d, %v; want %d", status, err, want)
	}
}

// page is what the customer sees.
func (l *life) page(id payment.ID) string {
	l.t.Helper()
	res, err := l.Client.Get(l.Engine.CheckoutURL(l.shop.ID, id))
	if err != nil {
		l.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(text)
}

func (l *life) refund(of payment.ID, amount string) payment.Payment {
	l.t.Helper()
	o, err := l.Engine.Create(l.t.Context(), engine.Create{Shop: l.shop, Type: payment.Refund, Parent: of, Amount: money.MustParse(amount), Currency: "BRL"})
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
}

// everyFault is what can happen to a request; those that let a client wait are in the suite for connectors.
var everyFault = []frame.Fault{
	{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true},
	{Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true}, {Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty}, {Kind: frame.Huge},
	{Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true}, {Kind: frame.WrongAmount}, {Kind: frame.WrongID}, {Kind: frame.WrongReference},
	{Kind: frame.NewStatus}, {Kind: frame.RateLimited}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected}, {Kind: frame.Decline}, {Kind: frame.Pending},
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay: no money is doubled, none is forgotten, no code outlives its payment, and nothing is stuck.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends, faults := map[string]int{}, 0
	t.Cleanup(func() { t.Log(faults, "faults end:", ends) })
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		for _, call := range []string{double.OpToken, double.OpCharge, double.OpQuery, double.OpRemove, double.OpReturn} {
			for _, f := range everyFault {
				if f.Op = call; f.Kind == frame.Pending && call != double.OpReturn {
					continue
				}
				for _, pays := range []bool{true, false} {
					what := fmt.Sprintf("%s: %s, before %t, pays %t", call, f.Kind, f.Before, pays)
					p := l.under(f, pays)
					mu.Lock()
					faults++
					ends[call+" "+string(p.State())]++
					mu.Unlock()
					l.agree(what, &p)
					if p.Parent != "" {
						of := l.get(p.Parent)
						if (of.Refunded == p.Asked.Amount) != (p.State() == payment.Completed) || !of.RefundReserved.IsZero() && p.State() != payment.Completed {
							t.Errorf("%s: the deposit has %s given back", what, of.Refunded)
						}
					}
				}
			}
		}
	})
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(f frame.Fault, pays bool) payment.Payment {
	l.t.Helper()
	if f.Op == double.OpToken {
		l.bank.Revoke()
		l.Clock.Advance(time.Hour)
	}
	if f.Op != double.OpReturn {
		l.bank.Strike(f)
		p := l.settled(l.deposit().ID, pays)
		l.bank.Take(f.Op) // what nobody removed met no fault
		return p
	}
	p := l.settled(l.deposit().ID, true)
	l.bank.Strike(f)
	back := l.refund(p.ID, "11.12")
	for i := range back.Attempts {
		l.bank.Settle(said(back.Attempts[i].Key), pays)
	}
	return l.settled(back.ID, false)
}

// TestAWholeLife: a code is shown, paid and told of; parts go back, one of them late; money that comes after the end goes back by itself.
func TestAWholeLife(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit()
		a := p.LiveAttempt()
		if a == nil || a.Class != payment.ClassWaiting || a.Next.Kind != payment.NextCode || a.Next.Until.Before(l.Clock.Now()) {
			t.Fatalf("%+v", a)
		}
		if page := l.page(p.ID); !strings.Contains(page, html.EscapeString(a.Next.Code)) {
			t.Errorf("the page shows no code: %s", page)
		}
		e2e, err := l.bank.Pay(a.Next.Code)
		if err != nil {
			t.Fatal(err)
		}
		l.tell(noticeToken, http.StatusNoContent)
		if p = l.get(p.ID); p.State() != payment.Completed || p.Attempts[0].ProviderRef != e2e {
			t.Fatalf("%s, %s; want %s", p.State(), p.Attempts[0].ProviderRef, e2e)
		}
		first := l.refund(p.ID, "5")
		l.bank.Strike(frame.Fault{Op: double.OpReturn, Kind: frame.Pending})
		second := l.refund(p.ID, "6.12")
		if first.State() != payment.Completed || second.State() != payment.Pending {
			t.Errorf("%s and %s", first.State(), second.State())
		}
		l.bank.Settle(said(second.Attempts[0].Key), true)
		l.tell(noticeToken, http.StatusNoContent) // of the Pix, which came before, and of both returns
		if second = l.get(second.ID); second.State() != payment.Completed {
			t.Errorf("told late: %s", second.State())
		}
		if p = l.get(p.ID); p.Refunded != p.Asked.Amount {
			t.Errorf("%s given back", p.Refunded)
		}
		for _, one := range []*payment.Payment{&p, &first, &second} {
			l.agree("life", one)
		}
		l.bank.Fraud(e2e, "1.00")
		l.tell(noticeToken, http.StatusNoContent)
		if after := l.get(p.ID); after.State() != payment.Completed || after.Refunded != p.Refunded {
			t.Errorf("what the scheme takes back is kept for a human: %s, %s", after.State(), after.Refunded)
		}
	})
}

// TestMoneyThatComesAfterTheEndGoesBack: a payer's app had read the code before it was removed.
func TestMoneyThatComesAfterTheEndGoesBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.settled(l.deposit().ID, false)
		txid := said(p.Attempts[0].Key)
		if p.State() != payment.Cancelled || l.bank.Status(txid) != "REMOVIDA_PELO_USUARIO_RECEBEDOR" {
			t.Fatalf("%s, %s", p.State(), l.bank.Status(txid))
		}
		if _, err := l.bank.Land(txid, "11.12"); err != nil {
			t.Fatal(err)
		}
		l.tell(noticeToken, http.StatusNoContent)
		for range 5 {
			l.Clock.Advance(time.Hour)
			if err := l.Engine.Work(t.Context(), l.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
		}
		p = l.get(p.ID)
		if last := p.Attempts[len(p.Attempts)-1]; len(p.Attempts) != 2 || last.Reverses == 0 || last.Class != payment.ClassApproved {
			t.Errorf("%s, %+v", p.State(), last)
		}
		if books := l.bank.Books(); len(books) != 2 || books[0].Moved != frame.Taken || books[1].Moved != frame.Returned || books[1].Amount != books[0].Amount {
			t.Errorf("books: %v", books)
		}
	})
}

// TestWhatIsPostedIsAskedAbout: nobody but the proxy is believed, and not even that one where the bank knows better.
func TestWhatIsPostedIsAskedAbout(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit()
		claim := func(token string, want int) {
			t.Helper()
			body := fmt.Sprintf(`{"pix":[{"endToEndId":%q,"txid":%q,"valor":"11.12","horario":"2030-01-01T00:00:00Z"}]}`, e2eOne, said(p.Attempts[0].Key))
			q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.URL+"/notices/"+l.shop.Terminals[0].ID, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("X-Notice-Token", token)
			res, err := l.Client.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			if err := res.Body.Close(); err != nil || res.StatusCode != want {
				t.Errorf("%q: %d, %v", token, res.StatusCode, err)
			}
			if p := l.get(p.ID); p.State() != payment.Pending || p.Attempts[0].ProviderRef != "" {
				t.Errorf("%q: %s by %q", token, p.State(), p.Attempts[0].ProviderRef)
			}
		}
		claim("another", http.StatusUnauthorized)
		claim("", http.StatusUnauthorized)
		claim(noticeToken, http.StatusNoContent)
		if p = l.settled(p.ID, true); p.State() != payment.Completed {
			t.Error(p.State())
		}
		l.agree("claimed, then paid", &p)
	})
}
