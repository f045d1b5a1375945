package adyen_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/sluicepay/sluice/internal/connector/adyen"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	double "github.com/sluicepay/sluice/internal/double/adyen"
	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

const (
	apiKey  = "AQEtopsecretapikey"
	account = "ShopEU"
	hmacKey = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056" // that of Adyen's example
)

func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Type: adyen.Type(), Unmapped: "99", UnmappedClass: payment.ClassDeclinedHard, Codes: published,
		Open: func(t *testing.T) connectortest.Provider { return open(t).provider(t) },
		Inexpressible: []money.Sum{
			{Amount: money.MustParse("0.000000000000000001"), Currency: "ETH"}, {Amount: money.MustParse("12.345678901234567891"), Currency: "ETH"},
			{Amount: money.MustParse("1.5"), Currency: "JPY"}, {Amount: money.MustParse("1.5"), Currency: "ISK"}, {Amount: money.MustParse("0.001"), Currency: "EUR"},
			{Amount: money.MustParse("0.5"), Currency: "IDR"}, {Amount: money.MustParse("0.0001"), Currency: "KWD"},
		},
		But: connectortest.Exceptions{Busy: true},
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
	s.Listener = connectortest.Listen(t, nil)
	s.Double = double.New(double.Config{
		Now: s.Now, APIKey: apiKey, MerchantAccount: account, HMACKey: hmacKey, URL: s.URL,
		Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	s.RequestsTo(s.Handler())
	return s
}

func (s *server) provider(t *testing.T) connectortest.Provider {
	refused := connectortest.Card(t, "4111111111111111")
	refused.Holder = "NOT_ENOUGH_BALANCE" // by which Adyen's test platform refuses
	return connectortest.Provider{
		URL: s.URL, Settings: settingsFor, Secrets: []string{apiKey, hmacKey},
		Good: connectortest.Card(t, "4111111111111111"), Refused: refused, Challenged: connectortest.Card(t, "4212345678901237"),
		Strike: s.strike, Finish: s.finish, Booked: s.booked, Requests: s.Requests.Load, Hanging: s.Hanging, Notices: s.posted,
	}
}

func settingsFor(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"apiKey":%q,"merchantAccount":%q,"hmacKey":%q}`, url, apiKey, account, hmacKey))
}

var operations = map[connectortest.Call]string{
	connectortest.CallStart: double.OpPay, connectortest.CallVerify: double.OpPay, connectortest.CallCapture: double.OpCapture,
	connectortest.CallVoid: double.OpCancel, connectortest.CallRefund: double.OpRefund,
}

// strike knows no pace: that Adyen refuses who is too fast is not published.
func (s *server) strike(c connectortest.Call, f connectortest.Fault) bool {
	fault, ok := frame.Named(string(f.Kind), operations[c], f.Code)
	if !ok || f.Kind == connectortest.FaultRateLimited {
		return false
	}
	s.Strike(fault)
	return true
}

func (s *server) finish(key string, approve bool) error {
	s.Advance(2 * frame.LagOf)
	if !s.Double.Finish(key, approve) && !s.Begun(key) {
		return errors.New("nothing was begun under the key")
	}
	return nil
}

func (s *server) posted() (all []connectortest.Posted) {
	for _, body := range s.Events() {
		all = append(all, connectortest.Posted{Body: body})
	}
	return all
}

// digits are decimals of the numbers in the double's books, written down here once more.
var digits = map[string]int{"JPY": 0, "KWD": 3, "UGX": 0}

func (s *server) booked(key string) []connectortest.Entry {
	return connectortest.Entries(s.Booked(key), connectortest.InWholes(digits))
}
