package stripe_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/stripe"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/stripe"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// life is an application whose shop has its account at the double.
type life struct {
	*lives.Life
	stripe *double.Double
	server *server
}

func begin(t *testing.T, d *storetest.Database, other ...connector.Type) *life {
	t.Helper()
	l := &life{server: open(t)}
	l.Life = lives.Begin(t, d, lives.Account{
		Type: append(other, stripe.Type())[0], Methods: []payment.Method{payment.BasicCard}, Currency: "EUR", Read: connectortest.InWholes(nil),
		Follow: map[string]payment.AttemptKind{double.OpCapture: payment.AttemptCapture, double.OpCancel: payment.AttemptVoid, double.OpRefund: payment.AttemptRefund},
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			l.stripe = double.New(double.Config{Now: at.Clock.Now, APIKey: apiKey, WebhookSecret: []string{webhookSecret}, URL: l.server.URL})
			l.server.RequestsTo(l.stripe.Handler())
			return l.stripe, settingsFor(l.server.URL)
		},
	})
	return l
}

func (l *life) deposit(t *testing.T, number string, hold bool) payment.Payment {
	t.Helper()
	return l.Pay(engine.Create{Means: connectortest.Card(t, number), PreAuth: hold}, engine.Execute{})
}

// sale is a payment by a card that nobody declines.
func (l *life) sale(t *testing.T) func(hold bool) payment.Payment {
	return func(hold bool) payment.Payment { return l.deposit(t, "4242424242424242", hold) }
}

// everyFault is what can happen to a request.
var everyFault = lives.Faults(
	frame.Fault{Kind: frame.Drop, Lag: time.Hour}, frame.Fault{Kind: frame.WrongCurrency}, frame.Fault{Kind: frame.RateLimited},
	frame.Fault{Kind: frame.Decline, Code: "do_not_honor"},
)

// TestEveryFaultOfEveryCallEndsAsTheBooksSay: what gave no answer is sent again, so that its end is known soon.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	calls := []string{double.OpPay, double.OpCapture, double.OpCancel, double.OpRefund}
	never := map[string][]frame.Kind{double.OpCapture: {frame.Decline}, double.OpCancel: {frame.Decline}, double.OpRefund: {frame.Decline}}
	lives.EveryFault(t, calls, everyFault, never, func(t *testing.T, d *storetest.Database) lives.Story {
		l := begin(t, d)
		under := func(f frame.Fault) payment.Payment {
			if f.Op != double.OpPay {
				return l.FollowUnder(f, l.sale(t))
			}
			l.stripe.Strike(f)
			return l.Settled(l.sale(t)(false).ID)
		}
		return lives.Story{Life: l.Life, Under: under, Check: func(what string, f frame.Fault, _ *payment.Payment, took time.Duration) {
			if f.Op != double.OpPay && took > time.Hour {
				t.Errorf("%s: its end was learned after %s, and by sending it again it is sooner", what, took)
			}
		}}
	})
}

// TestALostAnswerIsToldByANotice: nobody has to wait for a search.
func TestALostAnswerIsToldByANotice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		l.stripe.Strike(frame.Fault{Op: double.OpPay, Kind: frame.Drop, Lag: time.Hour})
		p := l.deposit(t, "4242424242424242", false)
		if p.State() != payment.Pending {
			t.Fatal(p.State())
		}
		l.tell()
		if p, err := l.Engine.Get(t.Context(), l.Shop.ID, p.ID); err != nil || p.State() != payment.Completed {
			t.Errorf("%s, %v", p.State(), err)
		}
		challenged := l.deposit(t, "4000000000003220", false)
		if a := challenged.Attempts[0]; challenged.State() != payment.Pending || !strings.Contains(a.Next.URL, "/authenticate/") {
			t.Fatalf("%s, %+v", challenged.State(), a.Next)
		}
		l.stripe.Finish(challenged.Attempts[0].Key, true)
		l.tell()
		l.tell() // a second time they change nothing
		challenged, err := l.Engine.Get(t.Context(), l.Shop.ID, challenged.ID)
		if err != nil || challenged.State() != payment.Completed || challenged.Instrument.CardBrand != "VISA" {
			t.Errorf("%s, %v", challenged.State(), err)
		}
		l.Agree("after a challenge", &challenged)
	})
}

// tell posts all events to the terminal, as Stripe does.
func (l *life) tell() {
	for _, body := range l.stripe.Events() {
		l.Notify("", http.Header{"Stripe-Signature": {double.Signature(body, l.Clock.Now(), webhookSecret)}}, body, http.StatusNoContent)
	}
}
