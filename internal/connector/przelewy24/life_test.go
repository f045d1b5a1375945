package przelewy24_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/przelewy24"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/przelewy24"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// life is an application whose shop has its account at the double.
type life struct {
	*lives.Life
	p24  *double.Double
	told int // notices that were posted so far
}

func begin(t *testing.T, d *storetest.Database, edit func(*shop.Shop)) *life {
	t.Helper()
	l, s := new(life), open(t)
	l.Life = lives.Begin(t, d, lives.Account{
		Type: przelewy24.Type(), Methods: []payment.Method{payment.Blik, payment.PayByLink}, Currency: "PLN", Read: connectortest.InWholes(nil), Edit: edit,
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			l.p24 = double.New(double.Config{Now: at.Clock.Now, Merchant: merchant, POS: merchant, APIKey: apiKey, CRC: crc, URL: s.URL})
			s.RequestsTo(l.p24.Handler())
			return l.p24, settingsFor(s.URL)
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
func (l *life) pays(p *payment.Payment) {
	key := p.Attempts[len(p.Attempts)-1].Key
	if !l.p24.Finish(key, true) {
		l.p24.Choose(key, true)
	}
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay. What nobody has verified is in no books.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	calls := []string{double.OpRegister, double.OpCharge, double.OpQuery, double.OpVerify, double.OpRefund, double.OpRefunds}
	faults := lives.Faults(
		frame.Fault{Kind: frame.Drop, Lag: time.Hour}, frame.Fault{Kind: frame.WrongCurrency}, frame.Fault{Kind: frame.WrongID}, frame.Fault{Kind: frame.RateLimited},
		frame.Fault{Kind: frame.Pending},
	)
	lives.EveryFault(t, calls, faults, nil, func(t *testing.T, d *storetest.Database) lives.Story {
		l := begin(t, d, nil)
		return lives.Story{Life: l.Life, Under: func(f frame.Fault) payment.Payment { return l.under(t, f) }}
	})
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(t *testing.T, f frame.Fault) payment.Payment {
	t.Helper()
	refunds := f.Op == double.OpRefund || f.Op == double.OpRefunds
	if !refunds {
		l.p24.Strike(f)
	}
	p := l.blik(t)
	l.pays(&p)
	p = l.Settled(p.ID)
	if !refunds {
		return p
	}
	l.p24.Strike(f)
	r := l.Refund(p.ID, "")
	if f.Kind == frame.Pending && f.Op == double.OpRefund {
		l.p24.Finish(r.Attempts[0].Key, false)
	}
	return l.Settled(r.ID)
}

// TestAPaymentIsOursOnceItIsVerified: until Przelewy24 has taken the verification, nothing is paid, whatever it says otherwise.
func TestAPaymentIsOursOnceItIsVerified(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d, nil)
		p := l.blik(t)
		key := p.Attempts[0].Key
		for range 3 {
			l.p24.Strike(frame.Fault{Op: double.OpVerify, Kind: frame.ServerError, Before: true})
		}
		l.pays(&p)
		for range 2 {
			l.tell()
			l.Clock.Advance(15 * time.Second)
			if p = l.Get(p.ID); p.State() != payment.Pending || l.p24.State(key) != 1 {
				t.Fatalf("%s, and Przelewy24 has it in state %d", p.State(), l.p24.State(key))
			}
		}
		p = l.Settled(p.ID)
		if p.State() != payment.Completed || l.p24.State(key) != 2 {
			t.Errorf("%s, and Przelewy24 has it in state %d", p.State(), l.p24.State(key))
		}
		l.Agree("verified late", &p)
	})
}

// TestTheLifeOfABankLink: a bank is chosen, its customer pays there, a notice tells, and it is given back in parts.
func TestTheLifeOfABankLink(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d, nil)
		p := l.deposit(t, &instrument.Bank{ID: "25"})
		a := p.Attempts[0]
		if p.State() != payment.Pending || !strings.HasSuffix(a.Next.URL, "/trnRequest/"+l.p24.Token(a.Key)) {
			t.Fatalf("%s, %+v", p.State(), a.Next)
		}
		l.Clock.Advance(5 * time.Minute)
		if p = l.Get(p.ID); p.State() != payment.Pending { // nobody has chosen yet, so that it is not found
			t.Fatal(p.State())
		}
		l.pays(&p)
		l.tell()
		if p = l.Get(p.ID); p.State() != payment.Completed || p.Attempts[0].ProviderRef == "" {
			t.Fatalf("after the notice: %s", p.State())
		}
		l.Agree("paid", &p)
		first := l.Settled(l.Refund(p.ID, "4.12").ID)
		l.p24.Strike(frame.Fault{Op: double.OpRefund, Kind: frame.Pending})
		second := l.Refund(p.ID, "7")
		if second.State() != payment.Pending {
			t.Fatal(second.State())
		}
		l.p24.Finish(second.Attempts[0].Key, true)
		l.tell()
		l.told = 0
		l.tell() // again, they change nothing
		if second = l.Get(second.ID); first.State() != payment.Completed || second.State() != payment.Completed {
			t.Errorf("%s, %s", first.State(), second.State())
		}
		l.Agree("in part", &first)
		l.Agree("the rest", &second)
		if p = l.Get(p.ID); p.Refunded != p.Captured {
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
				never := l.Settled(l.deposit(t, &instrument.Bank{ID: "25"}).ID)
				if never.State() != payment.Cancelled || l.p24.Choose(never.Attempts[0].Key, true) {
					t.Errorf("who never chose a bank is %s, or may still pay", never.State())
				}
				p := l.deposit(t, &instrument.Bank{ID: "25"})
				key := p.Attempts[0].Key
				l.p24.Choose(key, false)
				if p = l.Settled(p.ID); p.State() != payment.Cancelled {
					t.Fatalf("out of time: %s", p.State())
				}
				l.Agree("out of time", &p)
				l.p24.Finish(key, true) // the bank tells at last
				l.tell()
				l.Work(t)
				for range 500 {
					if p = l.Get(p.ID); l.p24.State(key) == c.state && p.State() == c.want {
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
		p := l.blik(t)
		l.p24.Finish(p.Attempts[0].Key, false)
		l.tell()
		if p = l.Get(p.ID); p.Attempts[0].Class != payment.ClassDeclinedHard || p.Attempts[0].RawCode != "63" {
			t.Errorf("%s, %+v", p.State(), p.Attempts[0])
		}
		wrong := l.deposit(t, &instrument.Code{Digits: "123456"})
		if a := wrong.Attempts[0]; a.Class != payment.ClassDeclinedSoft || a.RawCode != "28" || a.Code != payment.CodeAcquirerRequest || !wrong.BetweenTries() {
			t.Errorf("a wrong code: %s, %+v", wrong.State(), a)
		}
		silent := l.blik(t)
		l.Clock.Advance(6 * time.Minute) // who is told nothing waits no longer than BLIK takes
		if silent = l.Get(silent.ID); silent.State() == payment.Pending && !silent.BetweenTries() || silent.Attempts[0].Code != payment.CodeAbandoned {
			t.Errorf("nobody confirms: %s, %+v", silent.State(), silent.Attempts[0])
		}
	})
}

// tell posts the notices that were not posted yet to the terminal, as Przelewy24 does.
func (l *life) tell() {
	all := l.p24.Notices()
	for _, body := range all[l.told:] {
		l.Notify("", nil, body, http.StatusNoContent)
	}
	l.told = len(all)
}
