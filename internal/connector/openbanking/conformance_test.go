package openbanking_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/openbanking"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/openbanking"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// codes are those of refusals that have a meaning here.
var codes = []string{
	"1100", "1161", "1162", "1163", "1165", "1166", "1177", "1178", "1180", "1181", "U033", "U036", "U037", "U042", "AB01", "AB03", "AB05", "AB06",
	"AB11", "AB02", "AB04", "AB07", "AB08", "AB09", "AB10", "AG10", "AG11", "AC05", "AC07", "AC12", "AC13", "AC14", "AC15", "AC09", "AC10", "AC11",
	"AM11", "AM01", "AM06", "AM15", "AM13", "AM23", "AM07", "AC01", "AC02", "AC03", "AC04", "AC06", "AG01", "AG03", "AM02", "AM03", "AM04", "AM05",
	"AM09", "AM12", "AM14", "AM21", "BE01", "CUST", "DS02", "DT01", "DUPL", "FF01", "FOCR", "FRAD", "MS02", "MS03", "NOAS", "RR04", "TM01",
}

func TestConformance(t *testing.T) {
	t.Parallel()
	gbp := func(text string) money.Sum { return money.Sum{Amount: money.MustParse(text), Currency: "GBP"} }
	connectortest.Run(t, connectortest.Suite{
		Type: openbanking.Type(), Unmapped: "ZZ99", UnmappedClass: payment.ClassDeclinedHard, Codes: codes,
		Open:        func(t *testing.T) connectortest.Provider { return open(t).provider() },
		Unsupported: []money.Currency{"JPY", "UGX", "EUR", "KWD", "ETH", "BRL"},
		Inexpressible: []money.Sum{
			gbp("0.001"), gbp("10000000000000"), {Amount: money.MustParse("11.12"), Currency: "EUR"}, {Amount: money.MustParse("1"), Currency: "JPY"},
		},
		But: connectortest.Exceptions{Waits: true, Steady: true, Prepares: true, Busy: true, Begun: true, Listed: true},
	})
}

var ours, theirs = pair(), pair()

func pair() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// server is the double behind a real listener, on a clock that is a second further each time that somebody looks.
type server struct {
	*double.Double
	*connectortest.Listener
}

func open(t testing.TB) *server {
	t.Helper()
	s := new(server)
	s.Listener = connectortest.Listen(t, func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/domestic-payments") })
	s.Double = double.New(s.config(s.Now))
	s.Wait = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	s.RequestsTo(s.Handler())
	return s
}

// Now is a second further.
func (s *server) Now() time.Time {
	s.Advance(1100 * time.Millisecond)
	return s.Listener.Now()
}

func (s *server) config(now func() time.Time) double.Config {
	return double.Config{Now: now, URL: s.URL, ClientID: "client-1", KeyID: "kid-1", Caller: &ours.PublicKey, Issuer: "org/software", Own: theirs}
}

func (s *server) settings(address string, more ...string) json.RawMessage {
	bank := map[string]string{
		"id": "bank", "name": "A bank", "url": address + double.Base, "tokenUrl": s.URL + "/token", "authorizeUrl": s.URL + "/authorize", "issuer": s.URL, "clientId": "client-1",
	}
	raw, err := json.Marshal(map[string]any{
		"banks": []any{bank}, "account": map[string]string{"number": "20000012345678", "name": "Shop Ltd"}, "signer": "org/software", "keyId": "kid-1", "signingKey": signingKey(),
	})
	if err != nil {
		panic(err)
	}
	return json.RawMessage(strings.Join(append([]string{strings.TrimSuffix(string(raw), "}")}, more...), ",") + "}")
}

func signingKey() string {
	raw, err := x509.MarshalPKCS8PrivateKey(ours)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

func (s *server) provider() connectortest.Provider {
	return connectortest.Provider{
		URL: s.URL, Settings: func(url string) json.RawMessage { return s.settings(url) },
		Secrets: []string{strings.Split(signingKey(), "\n")[3], "topsecret-token", "topsecret-code"},
		Sale:    func(q *connector.Request) { q.Method, q.Currency = payment.OpenBanking, "GBP" }, Said: said, Back: s.back, Now: s.Now,
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

// back has the customer agree or refuse, and is what the browser brings back then.
func (s *server) back(page string, agree bool) (payment.Brought, error) {
	to, err := s.Decide(page, agree)
	if err != nil {
		return payment.Brought{}, err
	}
	u, err := url.Parse(to)
	return payment.Brought{Query: u.Query()}, err
}

var operations = map[connectortest.Call]string{connectortest.CallStart: double.OpPay, connectortest.CallStatus: double.OpQuery}

func (s *server) strike(c connectortest.Call, f connectortest.Fault) bool {
	fault, ok := frame.Named(string(f.Kind), operations[c], f.Code)
	switch {
	case f.Kind == connectortest.FaultPending:
		return true // all of them are
	case !ok, fault.Lag > 0, c == connectortest.CallFence:
		return false // there is no such thing here
	}
	s.Strike(fault)
	return true
}

func (s *server) finish(key string, approve bool) error {
	if s.Settle(said(key), approve) || s.Stands(said(key)) == "ACSC" {
		return nil
	}
	return errors.New("nothing was begun under the key")
}

func (s *server) booked(key string) []connectortest.Entry {
	return connectortest.Entries(s.Booked(said(key)), connectortest.InDecimals)
}

// connect opens the connector on an address, with more settings.
func (s *server) connect(t testing.TB, url string, more ...string) *openbanking.OpenBanking {
	t.Helper()
	config, err := openbanking.Type().Parse(s.settings(url, more...))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: openbanking.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: s.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*openbanking.OpenBanking)
}
