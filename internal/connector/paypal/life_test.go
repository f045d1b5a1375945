package paypal_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/paypal"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/paypal"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// life is an application whose shop has its account at the double.
type life struct {
	*lives.Life
	paypal *double.Double
	count  int
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	l, s := new(life), open(t)
	l.Life = lives.Begin(t, d, lives.Account{
		Type: paypal.Type(), Methods: []payment.Method{payment.BasicCard, payment.Blik}, Currency: "EUR", Read: connectortest.InDecimals,
		Follow: map[string]payment.AttemptKind{double.OpCapture: payment.AttemptCapture, double.OpVoid: payment.AttemptVoid, double.OpRefund: payment.AttemptRefund},
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			l.paypal = double.New(double.Config{Now: at.Clock.Now, ClientID: clientID, Secret: clientSecret, WebhookID: webhookID, URL: s.URL})
			s.RequestsTo(l.paypal.Handler())
			return l.paypal, settingsFor(s.URL)
		},
	})
	return l
}

func (l *life) deposit(t *testing.T, number string, hold bool) payment.Payment {
	t.Helper()
	l.count++
	return l.Pay(engine.Create{Means: connectortest.Card(t, number), PreAuth: hold}, engine.Execute{})
}

func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	calls := []string{double.OpCreate, double.OpComplete, double.OpCapture, double.OpVoid, double.OpRefund, double.OpToken, double.OpQuery, double.OpPatch}
	faults := lives.Faults(frame.Fault{Kind: frame.WrongCurrency}, frame.Fault{Kind: frame.RateLimited}, frame.Fault{Kind: frame.Decline, Code: "0500"})
	never := map[string][]frame.Kind{double.OpToken: {frame.Decline}, double.OpQuery: {frame.Decline}, double.OpVoid: {frame.Decline}, double.OpPatch: {frame.Decline}}
	lives.EveryFault(t, calls, faults, never, func(t *testing.T, d *storetest.Database) lives.Story {
		l := begin(t, d)
		return lives.Story{Life: l.Life, Under: func(f frame.Fault) payment.Payment { return l.under(t, f) }}
	})
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(t *testing.T, f frame.Fault) payment.Payment {
	t.Helper()
	if f.Kind == frame.Decline && f.Op != double.OpCreate {
		f.Code = "TRANSACTION_REFUSED"
	}
	switch f.Op {
	case double.OpCreate:
		l.paypal.Strike(f)
		return l.Settled(l.deposit(t, "4242424242424242", l.count%2 == 0).ID)
	case double.OpComplete, double.OpQuery, double.OpToken:
		p := l.deposit(t, "4868719460707704", l.count%2 == 0)
		l.paypal.Finish(p.Attempts[0].Key, true)
		if f.Op == double.OpToken {
			l.Clock.Advance(10 * time.Hour)
		}
		l.paypal.Strike(f)
		return l.Settled(p.ID)
	case double.OpPatch: // nobody wants any more what its payer has approved
		p := l.deposit(t, "4868719460707704", false)
		l.paypal.Strike(frame.Fault{Op: double.OpComplete, Kind: frame.ServerError, Before: true})
		l.paypal.Finish(p.Attempts[0].Key, true)
		l.Get(p.ID)
		l.paypal.Strike(f)
		if _, err := l.Engine.Abandon(t.Context(), l.Target(p.ID)); err != nil {
			t.Fatal(err)
		}
		return l.Settled(p.ID)
	}
	return l.FollowUnder(f, func(hold bool) payment.Payment { return l.deposit(t, "4242424242424242", hold) })
}

// TestALostAnswerIsToldByANotice, and so is a payer's approval where the payer never comes back.
func TestALostAnswerIsToldByANotice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		l.paypal.Strike(frame.Fault{Op: double.OpCreate, Kind: frame.Drop})
		p := l.deposit(t, "4242424242424242", false)
		if p.State() != payment.Pending {
			t.Fatal(p.State())
		}
		l.tell()
		if p = l.Get(p.ID); p.State() != payment.Completed {
			t.Error(p.State())
		}
		challenged := l.deposit(t, "4868719460707704", false)
		if a := challenged.Attempts[0]; challenged.State() != payment.Pending || !strings.Contains(a.Next.URL, "/webapps/helios/") {
			t.Fatalf("%s, %+v", challenged.State(), a.Next)
		}
		l.paypal.Finish(challenged.Attempts[0].Key, true)
		l.tell()
		l.tell() // a second time they change nothing
		challenged = l.Settled(challenged.ID)
		if challenged.State() != payment.Completed || challenged.Instrument.CardBrand != "VISA" {
			t.Errorf("%s, %+v", challenged.State(), challenged.Instrument)
		}
		l.Agree("after a challenge", &challenged)
	})
}

// TestTheWholeLife: a challenge, a capture in part, refunds, one of which is pending and told about late, and BLIK.
func TestTheWholeLife(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit(t, "4868719460707704", true)
		l.paypal.Finish(p.Attempts[0].Key, true)
		if p = l.Settled(p.ID); p.State() != payment.Authorized {
			t.Fatal(p.State())
		}
		l.Capture(p.ID, "7.5")
		if p = l.Settled(p.ID); p.State() != payment.Completed || p.Captured != money.MustParse("7.5") {
			t.Fatal(p.State(), p.Captured)
		}
		for i, amount := range []string{"2.5", "5"} {
			if i == 1 {
				l.paypal.Strike(frame.Fault{Op: double.OpRefund, Kind: frame.Pending})
			}
			back := l.Refund(p.ID, amount)
			if i == 1 {
				if back.State() != payment.Pending {
					t.Errorf("a pending refund is %s", back.State())
				}
				l.paypal.Finish(back.Attempts[0].Key, true)
				l.tell()
			}
			if back = l.Settled(back.ID); back.State() != payment.Completed {
				t.Error(back.State())
			}
		}
		if p = l.Get(p.ID); p.Refunded != money.MustParse("7.5") {
			t.Error(p.Refunded)
		}
		customer, err := payment.NewDocument(&payment.Customer{FirstName: "Jan", LastName: "Kowalski", Email: "jan@shop.example"})
		if err != nil {
			t.Fatal(err)
		}
		for _, approve := range []bool{true, false} {
			code := &instrument.Code{Digits: "777123"}
			blik := l.Pay(engine.Create{Currency: "PLN", Method: payment.Blik, Customer: customer, Means: code}, engine.Execute{})
			if blik.State() != payment.Pending || blik.Attempts[0].Next.Kind != payment.NextWait {
				t.Fatalf("%s, %+v", blik.State(), blik.Attempts[0])
			}
			l.paypal.Finish(blik.Attempts[0].Key, approve)
			l.tell()
			if blik = l.Settled(blik.ID); (blik.State() == payment.Completed) != approve {
				t.Error(approve, blik.State())
			}
			l.Agree("BLIK", &blik)
		}
	})
}

// tell posts all events to the terminal, as PayPal does.
func (l *life) tell() {
	for _, body := range l.paypal.Events() {
		l.Notify("", l.paypal.Headers(body, l.Clock.Now(), webhookID, double.Certificates()[0]), body, http.StatusNoContent)
	}
}
