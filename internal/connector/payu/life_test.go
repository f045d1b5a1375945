package payu_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/payu"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/payu"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// life is an application whose shop has its account at the double.
type life struct {
	*lives.Life
	payu *double.Double
	told int // notices that were posted so far
}

func begin(t *testing.T, d *storetest.Database, manual bool) *life {
	t.Helper()
	l, s := new(life), open(t, manual)
	l.Life = lives.Begin(t, d, lives.Account{
		Type: payu.Type(), Methods: []payment.Method{payment.Blik, payment.PayByLink}, Currency: "PLN", Read: connectortest.InWholes(nil),
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			l.payu = double.New(double.Config{
				Now: at.Clock.Now, POS: pos, ClientID: pos, Secret: secret, SecondKey: secondKey, URL: s.URL, Manual: manual, Algorithm: "SHA-256",
			})
			s.RequestsTo(l.payu.Handler())
			return l.payu, s.settings(s.URL)
		},
	})
	return l
}

// deposit is a payment of 11.12 PLN that its customer has ordered on our page.
func (l *life) deposit(t *testing.T, means instrument.Means) payment.Payment {
	t.Helper()
	method := payment.MethodOf(means.Kind())
	if method == "" {
		method = payment.PayByLink
	}
	customer, err := payment.NewDocument(payment.Customer{Email: "jan@shop.example", FirstName: "Jan", LastName: "Kowalski"})
	if err != nil {
		t.Fatal(err)
	}
	browser, err := payment.NewDocument(payment.Browser{IP: "203.0.113.7", UserAgent: "Mozilla/5.0"})
	if err != nil {
		t.Fatal(err)
	}
	return l.Pay(engine.Create{Customer: customer, ReturnURL: "https://shop.example/back"}, engine.Execute{Hosted: true, Method: method, Means: means, Browser: browser})
}

func (l *life) blik(t *testing.T) payment.Payment {
	t.Helper()
	return l.deposit(t, &instrument.Code{Digits: "777123"})
}

// pays has the customer of the payment's last try confirm or pay, where there is something to be paid.
func (l *life) pays(p *payment.Payment) { l.payu.Finish(p.Attempts[len(p.Attempts)-1].Key, true) }

func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	calls := []string{double.OpToken, double.OpOrder, double.OpQuery, double.OpConfirm, double.OpReasons, double.OpRefund, double.OpRefunds}
	faults := lives.Faults(
		frame.Fault{Kind: frame.WrongCurrency}, frame.Fault{Kind: frame.RateLimited}, frame.Fault{Kind: frame.Pending},
		frame.Fault{Kind: frame.Decline, Code: "AUT_ERROR_LIMIT_EXCEEDED"},
	)
	lives.EveryFault(t, calls, faults, nil, func(t *testing.T, d *storetest.Database) lives.Story {
		l := begin(t, d, true)
		return lives.Story{Life: l.Life, Under: func(f frame.Fault) payment.Payment { return l.under(t, f) }}
	})
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(t *testing.T, f frame.Fault) payment.Payment {
	t.Helper()
	refunds := f.Op == double.OpRefund || f.Op == double.OpRefunds
	if !refunds {
		l.payu.Strike(f)
	}
	p := l.blik(t)
	l.tell()
	l.pays(&p)
	l.tell()
	p = l.Settled(p.ID)
	if !refunds {
		return p
	}
	l.payu.Strike(f)
	r := l.Refund(p.ID, "")
	if f.Kind == frame.Pending && f.Op == double.OpRefund {
		l.payu.Finish(r.Attempts[0].Key, false)
	}
	return l.Settled(r.ID)
}

// TestTheLifeOfABankLink: a bank is chosen, its customer pays there, PayU waits for a confirmation and gets it, and it is given back in parts.
func TestTheLifeOfABankLink(t *testing.T) {
	t.Parallel()
	for name, manual := range map[string]bool{"taken by itself": false, "confirmed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				l := begin(t, d, manual)
				p := l.deposit(t, &instrument.Bank{ID: "m"})
				a := p.Attempts[0]
				if p.State() != payment.Pending || !strings.Contains(a.Next.URL, "/pay/?orderId="+a.ProviderRef) {
					t.Fatalf("%s, %+v", p.State(), a.Next)
				}
				l.pays(&p)
				if l.payu.State(a.Key) == "WAITING_FOR_CONFIRMATION" != manual {
					t.Fatal(l.payu.State(a.Key))
				}
				l.tell()
				if p = l.Get(p.ID); p.State() != payment.Completed || l.payu.State(a.Key) != "COMPLETED" {
					t.Fatalf("after the notice: %s, %s", p.State(), l.payu.State(a.Key))
				}
				l.told = 0
				l.tell() // again, they change nothing
				l.Agree("paid", &p)
				first := l.Settled(l.Refund(p.ID, "4.12").ID)
				l.payu.Strike(frame.Fault{Op: double.OpRefund, Kind: frame.Pending})
				second := l.Refund(p.ID, "7")
				if second.State() != payment.Pending {
					t.Fatal(second.State())
				}
				l.payu.Finish(second.Attempts[0].Key, true)
				second = l.Settled(second.ID)
				if first.State() != payment.Completed || second.State() != payment.Completed {
					t.Errorf("%s, %s", first.State(), second.State())
				}
				l.Agree("in part", &first)
				l.Agree("the rest", &second)
				if p = l.Get(p.ID); p.Refunded != p.Captured {
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
		p := l.blik(t)
		l.payu.Finish(p.Attempts[0].Key, false)
		l.tell()
		if p = l.Get(p.ID); p.Attempts[0].RawCode != "AUT_ERROR_USER_DECLINED" || p.Attempts[0].Code != payment.CodeByCustomer {
			t.Errorf("%s, %+v", p.State(), p.Attempts[0])
		}
		wrong := l.deposit(t, &instrument.Code{Digits: "700701"})
		l.tell()
		if wrong = l.Get(wrong.ID); wrong.Attempts[0].RawCode != "REG_ERROR_AUTH_CODE_EXPIRED" || !wrong.BetweenTries() {
			t.Errorf("a code that is too old: %s, %+v", wrong.State(), wrong.Attempts[0])
		}
		never := l.Settled(l.deposit(t, &instrument.Bank{ID: "m"}).ID)
		if never.State() != payment.Cancelled {
			t.Errorf("who never comes back: %s, %+v", never.State(), never.Attempts[0])
		}
		l.payu.Strike(frame.Fault{Op: double.OpOrder, Kind: frame.Drop})
		lost := l.deposit(t, &instrument.Bank{ID: "m"})
		l.Clock.Advance(time.Hour)
		l.payu.State(lost.Attempts[0].Key) // its time is over there
		l.tell()
		if lost = l.Settled(lost.ID); lost.State() == payment.Completed || lost.Attempts[0].ProviderRef == "" {
			t.Errorf("an order whose answer got lost: %s, %+v", lost.State(), lost.Attempts[0])
		}
		l.Agree("lost", &lost)
	})
}

// tell posts the notices that were not posted yet to the terminal, as PayU does.
func (l *life) tell() {
	all := l.payu.Notices()
	for _, n := range all[l.told:] {
		l.Notify("", http.Header{"OpenPayu-Signature": {n.Signature}}, n.Body, http.StatusNoContent)
	}
	l.told = len(all)
}
