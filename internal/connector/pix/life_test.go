package pix_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/pix"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/pix"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// life is an application whose shop has its account at the double.
type life struct {
	*lives.Life
	bank *double.Double
	pays bool // who is shown a code pays it
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	l, s := new(life), open(t)
	l.Life = lives.Begin(t, d, lives.Account{
		Type: pix.Type(), Methods: []payment.Method{payment.Pix}, Currency: "BRL", Read: connectortest.InDecimals, Said: said, Works: true, Meanwhile: l.customer,
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			l.bank = double.New(config(at.Clock.Now))
			s.RequestsTo(l.bank.Handler())
			return l.bank, s.settings(s.URL)
		},
	})
	return l
}

// deposit begins a payment, for which the customer is shown a code.
func (l *life) deposit() payment.Payment {
	return l.Pay(engine.Create{Method: payment.Pix}, engine.Execute{Hosted: true})
}

// customer pays the code that is shown, where that one pays.
func (l *life) customer(p *payment.Payment) {
	if a := p.LiveAttempt(); a != nil && l.pays && a.Next.Kind == payment.NextCode {
		_, _ = l.bank.Pay(a.Next.Code) // who has paid cannot pay again
	}
}

// tell has the bank post what it has to tell, as the proxy passes it on.
func (l *life) tell(t *testing.T, token string, want int) {
	t.Helper()
	status, err := l.bank.Deliver(t.Context(), l.Client, l.NoticeURL(), http.Header{"X-Notice-Token": {token}})
	if err != nil || status != want {
		t.Errorf("notice: %d, %v; want %d", status, err, want)
	}
}

// page is what the customer sees.
func (l *life) page(t *testing.T, id payment.ID) string {
	t.Helper()
	res, err := l.Client.Get(l.Engine.CheckoutURL(l.Shop.ID, id))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay, and no code outlives its payment.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	calls := []string{double.OpToken, double.OpCharge, double.OpQuery, double.OpRemove, double.OpReturn}
	faults := lives.Faults(frame.Fault{Kind: frame.WrongID}, frame.Fault{Kind: frame.RateLimited}, frame.Fault{Kind: frame.Decline}, frame.Fault{Kind: frame.Pending})
	never := map[string][]frame.Kind{double.OpToken: {frame.Pending}, double.OpCharge: {frame.Pending}, double.OpQuery: {frame.Pending}, double.OpRemove: {frame.Pending}}
	for _, pays := range []bool{true, false} {
		t.Run(fmt.Sprintf("pays %t", pays), func(t *testing.T) {
			t.Parallel()
			lives.EveryFault(t, calls, faults, never, func(t *testing.T, d *storetest.Database) lives.Story {
				l := begin(t, d)
				check := func(what string, _ frame.Fault, p *payment.Payment, _ time.Duration) {
					for i := range p.Attempts {
						if a := &p.Attempts[i]; a.Kind == payment.AttemptDeposit && a.Class != payment.ClassApproved && l.bank.Status(said(a.Key)) == "ATIVA" {
							t.Errorf("%s: the payment has ended as %s, and its code can be paid", what, a.Class)
						}
					}
				}
				return lives.Story{Life: l.Life, Check: check, Under: func(f frame.Fault) payment.Payment { return l.under(f, pays) }}
			})
		})
	}
}

// under makes a payment of which one call meets the fault, and lets it come to its end. A return is settled or not as payers pay or not.
func (l *life) under(f frame.Fault, pays bool) payment.Payment {
	if f.Op == double.OpToken {
		l.bank.Revoke()
		l.Clock.Advance(time.Hour)
	}
	if l.pays = pays || f.Op == double.OpReturn; f.Op != double.OpReturn {
		l.bank.Strike(f)
		p := l.Settled(l.deposit().ID)
		l.bank.Take(f.Op) // what nobody removed met no fault
		return p
	}
	p := l.Settled(l.deposit().ID)
	l.bank.Strike(f)
	back := l.Refund(p.ID, "")
	for i := range back.Attempts {
		l.bank.Settle(said(back.Attempts[i].Key), pays)
	}
	return l.Settled(back.ID)
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
		if page := l.page(t, p.ID); !strings.Contains(page, html.EscapeString(a.Next.Code)) {
			t.Errorf("the page shows no code: %s", page)
		}
		e2e, err := l.bank.Pay(a.Next.Code)
		if err != nil {
			t.Fatal(err)
		}
		l.tell(t, noticeToken, http.StatusNoContent)
		if p = l.Get(p.ID); p.State() != payment.Completed || p.Attempts[0].ProviderRef != e2e {
			t.Fatalf("%s, %s; want %s", p.State(), p.Attempts[0].ProviderRef, e2e)
		}
		first := l.Refund(p.ID, "5")
		l.bank.Strike(frame.Fault{Op: double.OpReturn, Kind: frame.Pending})
		second := l.Refund(p.ID, "6.12")
		if first.State() != payment.Completed || second.State() != payment.Pending {
			t.Errorf("%s and %s", first.State(), second.State())
		}
		l.bank.Settle(said(second.Attempts[0].Key), true)
		l.tell(t, noticeToken, http.StatusNoContent) // of the Pix, which came before, and of both returns
		if second = l.Get(second.ID); second.State() != payment.Completed {
			t.Errorf("told late: %s", second.State())
		}
		if p = l.Get(p.ID); p.Refunded != p.Asked.Amount {
			t.Errorf("%s given back", p.Refunded)
		}
		for _, one := range []*payment.Payment{&p, &first, &second} {
			l.Agree("life", one)
		}
		l.bank.Fraud(e2e, "1.00")
		l.tell(t, noticeToken, http.StatusNoContent)
		if after := l.Get(p.ID); after.State() != payment.Completed || after.Refunded != p.Refunded {
			t.Errorf("what the scheme takes back is kept for a human: %s, %s", after.State(), after.Refunded)
		}
	})
}

// TestMoneyThatComesAfterTheEndGoesBack: a payer's app had read the code before it was removed.
func TestMoneyThatComesAfterTheEndGoesBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.Settled(l.deposit().ID)
		txid := said(p.Attempts[0].Key)
		if p.State() != payment.Cancelled || l.bank.Status(txid) != "REMOVIDA_PELO_USUARIO_RECEBEDOR" {
			t.Fatalf("%s, %s", p.State(), l.bank.Status(txid))
		}
		if _, err := l.bank.Land(txid, "11.12"); err != nil {
			t.Fatal(err)
		}
		l.tell(t, noticeToken, http.StatusNoContent)
		for range 5 {
			l.Clock.Advance(time.Hour)
			if err := l.Engine.Work(t.Context(), l.Shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
		}
		p = l.Get(p.ID)
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
			l.Notify("", http.Header{"X-Notice-Token": {token}}, []byte(body), want)
			if p := l.Get(p.ID); p.State() != payment.Pending || p.Attempts[0].ProviderRef != "" {
				t.Errorf("%q: %s by %q", token, p.State(), p.Attempts[0].ProviderRef)
			}
		}
		claim("another", http.StatusUnauthorized)
		claim("", http.StatusUnauthorized)
		claim(noticeToken, http.StatusNoContent)
		l.pays = true
		if p = l.Settled(p.ID); p.State() != payment.Completed {
			t.Error(p.State())
		}
		l.Agree("claimed, then paid", &p)
	})
}
