package yandexpay_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/yandexpay"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/yandexpay"
	"github.com/sluicepay/sluice/internal/money"
)

const (
	apiKey   = "topsecret-merchant-api-key"
	merchant = "789a1b23-0c4d-4e5f-8a6b-7c8d9e0f1a2b"
	keyID    = "1-merchant-api"
)

// TestConformance is at an account in one stage. What an account in two stages does is tested beside it: no account has both.
func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Type: yandexpay.Type(), Unmapped: "QUANTUM_DECLINE",
		Open: func(t *testing.T) connectortest.Provider { return open(t, false).provider() },
		Inexpressible: []money.Sum{
			{Amount: money.MustParse("1.5"), Currency: "JPY"}, {Amount: money.MustParse("0.001"), Currency: "EUR"}, {Amount: money.MustParse("0.99"), Currency: "RUB"},
			{Amount: money.MustParse("9.9999"), Currency: "KWD"}, {Amount: money.MustParse("0.000000000000000001"), Currency: "ETH"},
			{Amount: money.MustParse("12.345678901234567891"), Currency: "ETH"},
		},
		But: connectortest.Exceptions{Waits: true},
	})
}

// server is the double behind a real listener, on a clock that can be moved.
type server struct {
	*double.Double
	*connectortest.Listener
	key *ecdsa.PrivateKey
}

func open(t testing.TB, twoStage bool) *server {
	t.Helper()
	s := new(server)
	s.Listener = connectortest.Listen(t, nil)
	var err error
	if s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	s.Double = double.New(double.Config{
		Now: s.Now, APIKey: apiKey, Merchant: merchant, URL: s.URL, TwoStage: twoStage, Key: s.key, KeyID: keyID,
		Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	s.RequestsTo(s.Handler())
	return s
}

func (s *server) provider() connectortest.Provider {
	return connectortest.Provider{
		URL: s.URL, Settings: settingsFor, Secrets: []string{apiKey}, Sale: func(q *connector.Request) { q.Means = nil },
		Strike: s.strike, Finish: s.finish, Booked: s.booked, Requests: s.Requests.Load, Hanging: s.Hanging,
	}
}

func settingsFor(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"apiKey":%q,"merchantId":%q}`, url, apiKey, merchant))
}

var operations = map[connectortest.Call]string{
	connectortest.CallStart: double.OpOrder, connectortest.CallRefund: double.OpRefund, connectortest.CallStatus: double.OpOrders,
}

// strike refuses what an answer of that kind cannot show: a link says no status, and an operation no currency.
func (s *server) strike(c connectortest.Call, f connectortest.Fault) bool {
	fault, ok := frame.Named(string(f.Kind), operations[c], f.Code)
	switch {
	case !ok, fault.Op == "",
		c == connectortest.CallStart && (f.Kind == connectortest.FaultNewStatus || f.Kind == connectortest.FaultDecline),
		c == connectortest.CallRefund && f.Kind == connectortest.FaultWrongCurrency:
		return false
	}
	s.Strike(fault)
	return true
}

func (s *server) finish(key string, approve bool) error {
	s.Advance(2 * time.Minute)
	if !s.Finish(key, approve) && !s.Begun(key) {
		return errors.New("nothing was begun under the key")
	}
	return nil
}

func (s *server) booked(key string) []connectortest.Entry {
	return connectortest.Entries(s.Booked(key), connectortest.InDecimals)
}
