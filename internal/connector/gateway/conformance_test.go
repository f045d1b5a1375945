package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/gateway"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/gateway"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

const (
	apiKey     = "topsecret-shop-api-key"
	signingKey = "topsecret-shop-signing-key"
)

// TestConformance is passed at a provider as it is published, which knows no names of requests, and at one that honours them as Sluice does.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]bool{"as published": false, "as Sluice": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, connectortest.Suite{
				Type: gateway.Type(), Unmapped: "9.99", UnmappedClass: payment.ClassDeclinedHard, Codes: published,
				Open: func(t *testing.T) connectortest.Provider { return open(t, keys).provider(t) },
				Inexpressible: []money.Sum{
					{Amount: money.MustParse("1.5"), Currency: "JPY"}, {Amount: money.MustParse("0.001"), Currency: "EUR"},
					{Amount: money.MustParse("9.9999"), Currency: "KWD"}, {Amount: money.MustParse("0.000000000000000001"), Currency: "ETH"},
					{Amount: money.MustParse("1000000000.01"), Currency: "EUR"},
				},
				But: connectortest.Exceptions{Prepares: true, Repeats: !keys},
			})
		})
	}
}

// server is the double behind a real listener, on a clock that can be moved.
type server struct {
	*double.Double
	*connectortest.Listener
}

func open(t testing.TB, keys bool) *server {
	t.Helper()
	s := new(server)
	s.Listener = connectortest.Listen(t, counts)
	s.Double = double.New(double.Config{
		Now: s.Now, APIKey: apiKey, SigningKey: signingKey, URL: s.URL, Keys: keys,
		Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	s.RequestsTo(s.Handler())
	return s
}

func (s *server) provider(t *testing.T) connectortest.Provider {
	return connectortest.Provider{
		URL: s.URL, Settings: settingsFor, Secrets: []string{apiKey, signingKey},
		Good: connectortest.Card(t, double.Good), Refused: connectortest.Card(t, double.Bad), Challenged: connectortest.Card(t, double.Challenged),
		Account: &payment.Customer{AccountNumber: "GB33BUKB20201555555555", FirstName: "Jane", LastName: "Doe"},
		Strike:  s.strike, Finish: s.finish, Booked: s.booked, Requests: s.Requests.Load, Hanging: s.Hanging,
	}
}

func settingsFor(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"apiKey":%q,"signingKey":%q}`, url, apiKey, signingKey))
}

var operations = map[connectortest.Call]string{
	connectortest.CallStart: double.OpExecute, connectortest.CallVerify: double.OpExecute, connectortest.CallCapture: double.OpCapture,
	connectortest.CallVoid: double.OpVoid, connectortest.CallRefund: double.OpRefund, connectortest.CallStatus: double.OpQuery,
	connectortest.CallPayout: double.OpWithdraw,
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
	if !s.Finish(key, approve) && !s.Begun(key) {
		return errors.New("nothing was begun under the key")
	}
	return nil
}

func (s *server) booked(key string) []connectortest.Entry {
	return connectortest.Entries(s.Booked(key), connectortest.InDecimals)
}

// published are all codes of the family, written down once more.
var published = codes("1.00-1.11 2.00 3.00-3.31 4.00-4.15 5.00-5.02 6.00-6.15 6.21-6.53 7.00-7.01 8.00")

func codes(list string) (all []string) {
	for part := range strings.FieldsSeq(list) {
		var group, from, to int
		if n, _ := fmt.Sscanf(part, "%d.%d-%d.%d", &group, &from, &group, &to); n < 4 {
			to = from
		}
		for i := from; i <= to; i++ {
			all = append(all, fmt.Sprintf("%d.%02d", group, i))
		}
	}
	return all
}

// counts tells requests that do something from those that only prepare them.
func counts(r *http.Request) bool {
	raw, _ := io.ReadAll(r.Body) // a cut request is the double's business
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return !bytes.Contains(raw, []byte(`"DEPOSIT"`)) || bytes.Contains(raw, []byte("recurringToken"))
}
