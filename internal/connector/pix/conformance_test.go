package pix_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/pix"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/pix"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	clientID     = "the-application"
	clientSecret = "topsecretofthe/application+"
	pixKey       = "123e4567-e12b-12d1-a456-426655440000"
	noticeToken  = "topsecretoftheproxy"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	brl := func(text string) money.Sum { return money.Sum{Amount: money.MustParse(text), Currency: "BRL"} }
	connectortest.Run(t, connectortest.Suite{
		Type: pix.Type(), Open: func(t *testing.T) connectortest.Provider { return open(t).provider() },
		Unsupported: []money.Currency{"JPY", "UGX", "EUR", "KWD", "ETH", "GBP"},
		Inexpressible: []money.Sum{
			brl("0.001"), brl("10000000000"), {Amount: money.MustParse("11.12"), Currency: "EUR"}, {Amount: money.MustParse("1"), Currency: "JPY"},
		},
		But: connectortest.Exceptions{Waits: true, Steady: true, Unfenced: []payment.AttemptKind{payment.AttemptRefund}},
	})
}

// server is the double behind a real listener, on a clock that can be moved. Its tokens come from a listener of their own, as they do at banks.
type server struct {
	*double.Double
	*connectortest.Listener
	tokens string
}

func open(t testing.TB) *server {
	t.Helper()
	s := new(server)
	s.Listener = connectortest.Listen(t, nil)
	s.tokens = s.Beside(t, func(*http.Request) {}) + "/oauth/token"
	s.Double = double.New(config(s.Now))
	s.Wait = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	s.RequestsTo(s.Handler())
	return s
}

func config(now func() time.Time) double.Config {
	return double.Config{Now: now, ClientID: clientID, ClientSecret: "topsecretofthe%2Fapplication%2B", Key: pixKey}
}

func (s *server) settings(url string, more ...string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"tokenUrl":%q,"clientId":%q,"clientSecret":%q,"key":%q,"noticeToken":%q%s}`,
		url, s.tokens, clientID, clientSecret, pixKey, noticeToken, strings.Join(append([]string{""}, more...), ",")))
}

func (s *server) provider() connectortest.Provider {
	return connectortest.Provider{
		URL: s.URL, Settings: func(url string) json.RawMessage { return s.settings(url) },
		Secrets: []string{clientSecret, noticeToken, "double.topsecret-token"},
		Sale:    func(q *connector.Request) { q.Method, q.Currency = payment.Pix, "BRL" }, Said: said,
		Strike: s.strike, Finish: s.finish, Booked: s.booked, Requests: s.Requests.Load, Hanging: s.Hanging,
	}
}

// said is how the bank knows our key.
func said(key string) string {
	short, err := provider.ShortKey(key)
	if err != nil {
		return key
	}
	return short
}

var operations = map[connectortest.Call]string{
	connectortest.CallStart: double.OpCharge, connectortest.CallRefund: double.OpReturn, connectortest.CallStatus: double.OpQuery,
	connectortest.CallFence: double.OpCharge, // by which a txid is used up
}

func (s *server) strike(c connectortest.Call, f connectortest.Fault) bool {
	fault, ok := frame.Named(string(f.Kind), operations[c], f.Code)
	switch {
	case f.Kind == connectortest.FaultPending && c == connectortest.CallStart:
		return true // all of them are
	case !ok, fault.Lag > 0, f.Kind == connectortest.FaultDecline, f.Kind == connectortest.FaultRateLimited, f.Kind == connectortest.FaultWrongCurrency,
		f.Kind == connectortest.FaultWrongID && c == connectortest.CallStart:
		return false // there is no such thing here
	}
	s.Strike(fault)
	return true
}

func (s *server) finish(key string, approve bool) error {
	if s.Settle(said(key), approve) {
		return nil
	}
	if !approve {
		return s.Double.Drop(said(key))
	}
	_, err := s.PayCharge(said(key))
	if errors.Is(err, double.ErrNotPayable) && s.Status(said(key)) == "CONCLUIDA" {
		return nil
	}
	return err
}

func (s *server) booked(key string) []connectortest.Entry {
	return connectortest.Entries(s.Booked(said(key)), connectortest.InDecimals)
}

// connect opens the connector on an address, with more settings.
func (s *server) connect(t testing.TB, url string, more ...string) *pix.Pix {
	t.Helper()
	config, err := pix.Type().Parse(s.settings(url, more...))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: pix.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: s.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*pix.Pix)
}
