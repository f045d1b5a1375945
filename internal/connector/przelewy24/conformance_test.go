package przelewy24_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/przelewy24"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/przelewy24"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

const (
	merchant = 123456
	apiKey   = "topsecretreportskey"
	crc      = "topsecretcrc"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Type: przelewy24.Type(), Unmapped: "99", UnmappedClass: payment.ClassDeclinedHard, Codes: known, Foreign: "399999999",
		Open:        func(t *testing.T) connectortest.Provider { return open(t).provider() },
		Unsupported: []money.Currency{"JPY", "UGX", "EUR", "GBP", "BRL", "KWD", "ETH"},
		Inexpressible: []money.Sum{
			{Amount: money.MustParse("0.001"), Currency: "PLN"}, {Amount: money.MustParse("1"), Currency: "EUR"}, {Amount: money.MustParse("1"), Currency: "JPY"},
			{Amount: money.MustParse("1"), Currency: "KWD"}, {Amount: money.MustParse("1"), Currency: "HUF"}, {Amount: money.MustParse("1"), Currency: "ISK"},
			{Amount: money.MustParse("1"), Currency: "CLP"}, {Amount: money.MustParse("1"), Currency: "IDR"}, {Amount: money.MustParse("1"), Currency: "UGX"},
		},
		But: connectortest.Exceptions{
			Prepares: true, Waits: true, Silent: true, Steady: true, Accepted: []payment.AttemptKind{payment.AttemptRefund},
			Unfenced: []payment.AttemptKind{payment.AttemptDeposit, payment.AttemptRefund},
		},
	})
}

// known are the codes that Przelewy24's module for shops tells apart.
var known = []string{
	"4", "20", "24", "26", "28", "29", "30", "33", "35", "39", "49", "52", "60", "61", "62", "63", "64", "65", "66", "67", "68", "69", "70", "71", "72",
}

// server is the double behind a real listener, on a clock that can be moved.
type server struct {
	*double.Double
	*connectortest.Listener
}

func open(t testing.TB) *server {
	t.Helper()
	s := new(server)
	s.Listener = connectortest.Listen(t, func(r *http.Request) bool { return !strings.HasSuffix(r.URL.Path, "/register") })
	s.Double = double.New(double.Config{
		Now: s.Now, Merchant: merchant, POS: merchant, APIKey: apiKey, CRC: crc, URL: s.URL,
		Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	s.RequestsTo(s.Handler())
	return s
}

func (s *server) provider() connectortest.Provider {
	return connectortest.Provider{
		URL: s.URL, Settings: settingsFor, Secrets: []string{apiKey, crc, "777123", "D0UB1E"},
		Sale: func(q *connector.Request) {
			q.Method, q.Means, q.Currency = payment.Blik, &instrument.Code{Digits: "777123"}, "PLN"
			q.Browser = payment.Browser{IP: "203.0.113.7", UserAgent: "Mozilla/5.0"}
		},
		Strike: s.strike, Finish: s.finish, Booked: s.booked, Requests: s.Requests.Load, Hanging: s.Hanging,
	}
}

func settingsFor(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"merchantId":%d,"apiKey":%q,"crc":%q}`, url, merchant, apiKey, crc))
}

var operations = map[connectortest.Call]string{
	connectortest.CallStart: double.OpCharge, connectortest.CallRefund: double.OpRefund, connectortest.CallStatus: double.OpQuery,
	connectortest.CallFence: double.OpQuery,
}

// silent are members that an answer does not have.
var silent = map[connectortest.Call][]connectortest.FaultKind{
	connectortest.CallStart:  {connectortest.FaultWrongReference, connectortest.FaultNewStatus, connectortest.FaultWrongAmount, connectortest.FaultWrongCurrency, connectortest.FaultWrongID},
	connectortest.CallRefund: {connectortest.FaultWrongCurrency},
}

func (s *server) strike(c connectortest.Call, f connectortest.Fault) bool {
	fault, ok := frame.Named(string(f.Kind), operations[c], f.Code)
	if !ok {
		return false
	}
	if slices.Contains(silent[c], f.Kind) {
		return false
	}
	if f.Kind == connectortest.FaultRateLimited && c != connectortest.CallStatus && c != connectortest.CallFence {
		return false // nothing is published about it
	}
	s.Strike(fault)
	return true
}

func (s *server) finish(key string, approve bool) error {
	s.Advance(2 * time.Minute)
	if !s.Double.Finish(key, approve) && s.State(key) < 0 {
		return errors.New("nothing was begun under the key")
	}
	return nil
}

func (s *server) booked(key string) []connectortest.Entry {
	return connectortest.Entries(s.Booked(key), connectortest.InWholes(nil))
}
