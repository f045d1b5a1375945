package declared_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/double/frame"
	books "github.com/sluicepay/sluice/internal/double/stripe"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// life is an application whose shop has its account at the double, by the file.
type life struct {
	*lives.Life
	stripe *books.Double
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	l := new(life)
	l.Life = lives.Begin(t, d, lives.Account{
		Type: fromFile(t, stripeFile), Methods: []payment.Method{payment.BasicCard}, Currency: "EUR", Read: connectortest.InWholes(nil),
		Follow: map[string]payment.AttemptKind{books.OpCapture: payment.AttemptCapture, books.OpCancel: payment.AttemptVoid, books.OpRefund: payment.AttemptRefund},
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			s := stripeOn(t, at.Clock.Now)
			l.stripe = s.Double
			return l.stripe, stripeSettings(s.URL)
		},
	})
	return l
}

// TestStripeDeclaredEndsAsTheBooksSay: whatever happens to a call, as in the test of the connector in Go.
func TestStripeDeclaredEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	calls := []string{books.OpPay, books.OpCapture, books.OpCancel, books.OpRefund}
	faults := lives.Faults(
		frame.Fault{Kind: frame.Drop, Lag: time.Hour}, frame.Fault{Kind: frame.WrongCurrency}, frame.Fault{Kind: frame.RateLimited},
		frame.Fault{Kind: frame.Decline, Code: "do_not_honor"},
	)
	never := map[string][]frame.Kind{books.OpCapture: {frame.Decline}, books.OpCancel: {frame.Decline}, books.OpRefund: {frame.Decline}}
	lives.EveryFault(t, calls, faults, never, func(t *testing.T, d *storetest.Database) lives.Story {
		l := begin(t, d)
		sell := func(hold bool) payment.Payment {
			return l.Pay(engine.Create{Means: connectortest.Card(t, "4242424242424242"), PreAuth: hold}, engine.Execute{})
		}
		return lives.Story{Life: l.Life, Under: func(f frame.Fault) payment.Payment {
			if f.Op != books.OpPay {
				return l.FollowUnder(f, sell)
			}
			l.stripe.Strike(f)
			return l.Settled(sell(false).ID)
		}}
	})
}
