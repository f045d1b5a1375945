package gateway_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/gateway"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/gateway"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// life is an application whose shop is a merchant of the double.
type life struct {
	*lives.Life
	at *double.Double
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	l, s := new(life), open(t, false)
	l.Life = lives.Begin(t, d, lives.Account{
		Type: gateway.Type(), Methods: []payment.Method{payment.BasicCard}, Currency: "EUR", Read: connectortest.InDecimals,
		Follow: map[string]payment.AttemptKind{double.OpCapture: payment.AttemptCapture, double.OpVoid: payment.AttemptVoid, double.OpRefund: payment.AttemptRefund},
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			l.at = double.New(double.Config{Now: at.Clock.Now, APIKey: apiKey, SigningKey: signingKey, URL: s.URL})
			s.RequestsTo(l.at.Handler())
			return l.at, settingsFor(s.URL)
		},
	})
	return l
}

// sell makes a deposit that somebody pays at once.
func (l *life) sell(t *testing.T, c engine.Create) payment.Payment {
	t.Helper()
	browser, err := payment.NewDocument(&payment.Browser{IP: "192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	return l.Pay(c, engine.Execute{Browser: browser})
}

func (l *life) deposit(t *testing.T, number string, hold bool) payment.Payment {
	t.Helper()
	return l.sell(t, engine.Create{Means: connectortest.Card(t, number), PreAuth: hold})
}

func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	calls := []string{double.OpCreate, double.OpExecute, double.OpCharge, double.OpCapture, double.OpVoid, double.OpRefund, double.OpWithdraw}
	faults := lives.Faults(
		frame.Fault{Kind: frame.Drop, Lag: 5 * time.Minute}, frame.Fault{Kind: frame.WrongCurrency}, frame.Fault{Kind: frame.RateLimited},
		frame.Fault{Kind: frame.Decline, Code: "4.02"},
	)
	lives.EveryFault(t, calls, faults, map[string][]frame.Kind{double.OpCreate: {frame.Decline}}, func(t *testing.T, d *storetest.Database) lives.Story {
		l := begin(t, d)
		return lives.Story{Life: l.Life, Under: func(f frame.Fault) payment.Payment { return l.under(t, f) }}
	})
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(t *testing.T, f frame.Fault) payment.Payment {
	t.Helper()
	var p payment.Payment
	switch f.Op {
	case double.OpCreate, double.OpExecute:
		l.at.Strike(f)
		p = l.deposit(t, double.Good, false)
	case double.OpWithdraw:
		l.at.Strike(f)
		p = l.Create(engine.Create{Type: payment.Withdrawal, Method: payment.BasicCard, Means: connectortest.Card(t, double.Good)})
	case double.OpCharge:
		first := l.Settled(l.sell(t, engine.Create{Means: connectortest.Card(t, double.Good), StartRecurring: true}).ID)
		l.at.Strike(f)
		p = l.Create(engine.Create{RecurringToken: first.RecurringToken})
	default:
		return l.FollowUnder(f, func(hold bool) payment.Payment { return l.deposit(t, double.Good, hold) })
	}
	return l.Settled(p.ID)
}

// TestTheWholeLifeOfAPayment: the customer is asked by the bank, a part of the hold is taken, a part of that given back, and notices tell of all
// of it once more, late and in the wrong order.
func TestTheWholeLifeOfAPayment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit(t, double.Challenged, true)
		if a := p.Attempts[0]; p.State() != payment.Pending || !strings.Contains(a.Next.URL, "/payment/") {
			t.Fatalf("%s, %+v", p.State(), a.Next)
		}
		l.at.Finish(p.Attempts[0].Key, true)
		l.tell(t, false)
		if p = l.Get(p.ID); p.State() != payment.Authorized || p.Instrument.CardBrand != "VISA" {
			t.Fatalf("told: %s, %+v", p.State(), p.Instrument)
		}
		if p = l.Capture(p.ID, "7.5"); p.State() != payment.Completed || p.Captured != money.MustParse("7.5") {
			t.Fatalf("%s, %s", p.State(), p.Captured)
		}
		for _, part := range []string{"2.5", "5"} {
			back := l.Refund(p.ID, part)
			if back.State() != payment.Completed {
				t.Errorf("refund of %s: %s", part, back.State())
			}
		}
		l.tell(t, true)
		l.tell(t, false)
		if p = l.Get(p.ID); p.State() != payment.Completed || p.Refunded != money.MustParse("7.5") {
			t.Errorf("%s, %s given back", p.State(), p.Refunded)
		}
		given := 0
		for _, e := range l.at.Books() {
			if e.Moved == frame.Returned {
				given++
			}
		}
		if given != 2 || len(l.at.Books()) != 4 {
			t.Errorf("the books: %v", l.at.Books())
		}
	})
}

// TestALostAnswerIsToldByANotice: nobody has to wait for the list.
func TestALostAnswerIsToldByANotice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		l.at.Strike(frame.Fault{Op: double.OpExecute, Kind: frame.Drop, Lag: time.Hour})
		p := l.deposit(t, double.Good, false)
		if p.State() != payment.Pending {
			t.Fatal(p.State())
		}
		l.tell(t, false)
		p = l.Get(p.ID)
		if p.State() != payment.Completed {
			t.Error(p.State())
		}
		l.Agree("told", &p)
	})
}

// tell posts all notices to where they are wanted.
func (l *life) tell(t *testing.T, backwards bool) {
	t.Helper()
	events := l.at.Events()
	if backwards {
		slices.Reverse(events)
	}
	for _, e := range events {
		if e.URL != l.NoticeURL() {
			t.Fatalf("notices are wanted at %q", e.URL)
		}
		l.Notify("", http.Header{"Signature": {e.Signature}}, e.Body, http.StatusNoContent)
	}
}
