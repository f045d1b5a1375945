package stripe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/stripe"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/stripe"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

const (
	apiKey        = "sk_test_topsecretaccountkey"
	webhookSecret = "whsec_topsecretsignature"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Type: stripe.Type(), Unmapped: "quantum_decline", UnmappedClass: payment.ClassDeclinedHard, Codes: published,
		Open: func(t *testing.T) connectortest.Provider { return open(t).provider(t) },
		Inexpressible: []money.Sum{
			{Amount: money.MustParse("0.001"), Currency: "KWD"}, {Amount: money.MustParse("9.999"), Currency: "KWD"},
			{Amount: money.MustParse("0.000000000000000001"), Currency: "ETH"}, {Amount: money.MustParse("12.345678901234567891"), Currency: "ETH"},
			{Amount: money.MustParse("1.5"), Currency: "JPY"}, {Amount: money.MustParse("1.5"), Currency: "ISK"}, {Amount: money.MustParse("0.001"), Currency: "EUR"},
		},
		But: connectortest.Exceptions{
			Prepares: true, Apart: true, Busy: true, Blind: true, Steady: true,
			Unfenced: []payment.AttemptKind{payment.AttemptCapture, payment.AttemptVoid, payment.AttemptRefund},
		},
	})
}

// server is the double behind a real listener, on a clock that can be moved.
type server struct {
	*double.Double
	*connectortest.Listener
}

func open(t testing.TB) *server {
	t.Helper()
	s := new(server)
	s.Listener = connectortest.Listen(t, func(r *http.Request) bool {
		return r.Method != http.MethodPost || r.URL.Path != "/v1/payment_methods" && r.URL.Path != "/v1/customers"
	})
	s.Double = double.New(double.Config{
		Now: s.Now, APIKey: apiKey, WebhookSecret: []string{webhookSecret}, URL: s.URL,
		Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	s.RequestsTo(s.Handler())
	return s
}

func (s *server) provider(t *testing.T) connectortest.Provider {
	return connectortest.Provider{
		URL: s.URL, Settings: settingsFor, Secrets: []string{apiKey, webhookSecret},
		Good: connectortest.Card(t, "4242424242424242"), Refused: connectortest.Card(t, "4000000000000002"), Challenged: connectortest.Card(t, "4000000000003220"),
		Strike: s.strike, Finish: s.finish, Booked: s.booked, Requests: s.Requests.Load, Hanging: s.Hanging,
	}
}

func settingsFor(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"apiKey":%q,"webhookSecret":%q}`, url, apiKey, webhookSecret))
}

var operations = map[connectortest.Call]string{
	connectortest.CallStart: double.OpPay, connectortest.CallVerify: double.OpVerify, connectortest.CallCapture: double.OpCapture,
	connectortest.CallVoid: double.OpCancel, connectortest.CallRefund: double.OpRefund, connectortest.CallStatus: double.OpQuery,
	connectortest.CallFence: double.OpPay, // by which a key is used up
}

func (s *server) strike(c connectortest.Call, f connectortest.Fault) bool {
	fault, ok := frame.Named(string(f.Kind), operations[c], f.Code)
	if !ok || f.Kind == connectortest.FaultPending && (c == connectortest.CallCapture || c == connectortest.CallVoid) {
		return false // those are done at once
	}
	s.Strike(fault)
	return true
}

func (s *server) finish(key string, approve bool) error {
	s.Advance(2 * time.Minute)
	if !s.Double.Finish(key, approve) && s.Double.Begun(key) == "" {
		return errors.New("nothing was begun under the key")
	}
	return nil
}

// digits are decimals of the numbers in the double's books, written down here once more.
var digits = map[string]int{"JPY": 0, "KWD": 3}

func (s *server) booked(key string) []connectortest.Entry {
	return connectortest.Entries(s.Booked(key), connectortest.InWholes(digits))
}
