package payu_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/payu"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/payu"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

const (
	pos       = "145227"
	secret    = "topsecretoftheclient"
	secondKey = "topsecretsecondkey"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Type: payu.Type(), Foreign: "UNKNOWN00000001GUEST000P01",
		Open:        func(t *testing.T) connectortest.Provider { return open(t, false).provider() },
		Unsupported: []money.Currency{"JPY", "UGX", "BRL", "KWD", "ETH"},
		Inexpressible: []money.Sum{
			{Amount: money.MustParse("0.001"), Currency: "PLN"}, {Amount: money.MustParse("1"), Currency: "JPY"}, {Amount: money.MustParse("1"), Currency: "KWD"},
			{Amount: money.MustParse("1"), Currency: "ISK"}, {Amount: money.MustParse("1"), Currency: "CLP"}, {Amount: money.MustParse("1"), Currency: "IDR"}, {Amount: money.MustParse("1"), Currency: "UGX"},
		},
		But: connectortest.Exceptions{
			Waits: true, Steady: true, Busy: true, Begun: true, Unique: true, Accepted: []payment.AttemptKind{payment.AttemptRefund}, Unfenced: []payment.AttemptKind{payment.AttemptRefund},
		},
	})
}

// server is the double behind a real listener, on a clock that can be moved. Its tokens come from a listener of their own.
type server struct {
	*double.Double
	*connectortest.Listener
	tokens string
}

func open(t testing.TB, manual bool) *server {
	t.Helper()
	s := new(server)
	s.Listener = connectortest.Listen(t, nil)
	s.tokens = s.Beside(t, func(*http.Request) {})
	s.Double = double.New(double.Config{
		Now: s.Now, POS: pos, ClientID: pos, Secret: secret, SecondKey: secondKey, URL: s.URL, Manual: manual,
		Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	s.RequestsTo(s.Handler())
	return s
}

func (s *server) settings(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"tokenUrl":%q,"posId":%q,"clientSecret":%q,"secondKey":%q}`, url, s.tokens, pos, secret, secondKey))
}

func (s *server) provider() connectortest.Provider {
	return connectortest.Provider{
		URL: s.URL, Settings: s.settings, Secrets: []string{secret, secondKey, "777123", "d0ub1e00-7e57", "pagetoken"},
		Sale: func(q *connector.Request) {
			q.Method, q.Means, q.Currency, q.NoticeURL = payment.Blik, &instrument.Code{Digits: "777123"}, "PLN", "https://pay.example/notices/1"
			q.Browser = payment.Browser{IP: "203.0.113.7", UserAgent: "Mozilla/5.0"}
		},
		Name:   s.name,
		Strike: s.strike, Finish: s.finish, Booked: s.booked, Requests: s.Requests.Load, Hanging: s.Hanging,
	}
}

// name is PayU's name of an order, as its notices have told it.
func (s *server) name(key string) string {
	for _, n := range s.Notices() {
		var told struct {
			Order struct{ OrderID, ExtOrderID string }
		}
		if json.Unmarshal(n.Body, &told) == nil && told.Order.ExtOrderID == key {
			return told.Order.OrderID
		}
	}
	return ""
}

var operations = map[connectortest.Call]string{
	connectortest.CallStart: double.OpOrder, connectortest.CallRefund: double.OpRefund, connectortest.CallStatus: double.OpQuery,
	connectortest.CallFence: double.OpOrder, // by which a name is used up
}

// silent are faults that an answer has no place for.
var silent = map[connectortest.Call][]connectortest.FaultKind{
	connectortest.CallStart: {connectortest.FaultNewStatus, connectortest.FaultDecline, connectortest.FaultLag},
}

func (s *server) strike(c connectortest.Call, f connectortest.Fault) bool {
	fault, ok := frame.Named(string(f.Kind), operations[c], f.Code)
	if !ok || slices.Contains(silent[c], f.Kind) || f.Kind == connectortest.FaultRateLimited && c != connectortest.CallStatus && c != connectortest.CallFence {
		return false
	}
	s.Strike(fault)
	return true
}

func (s *server) finish(key string, approve bool) error {
	if !s.Double.Finish(key, approve) && s.State(key) == "" {
		return errors.New("nothing was begun under the key")
	}
	return nil
}

func (s *server) booked(key string) []connectortest.Entry {
	return connectortest.Entries(s.Booked(key), connectortest.InWholes(nil))
}
