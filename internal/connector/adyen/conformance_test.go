package adyen_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/adyen"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	double "github.com/sluicepay/sluice/internal/double/adyen"
	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/instrument"
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
	url      string
	handler  atomic.Pointer[http.Handler]
	requests atomic.Int64
	mu       sync.Mutex
	ahead    time.Duration
}

func open(t testing.TB) *server {
	t.Helper()
	s := new(server)
	httpd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		(*s.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(httpd.Close)
	s.url = httpd.URL
	s.Double = double.New(double.Config{
		Now: s.now, APIKey: apiKey, MerchantAccount: account, HMACKey: hmacKey, URL: s.url,
		Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	s.requestsTo(s.Handler())
	return s
}

// requestsTo has another double answer from now on.
func (s *server) requestsTo(h http.Handler) { s.handler.Store(&h) }

func (s *server) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

func (s *server) advance(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += by
}

func (s *server) provider(t *testing.T) connectortest.Provider {
	refused := card(t, "4111111111111111")
	refused.Holder = "NOT_ENOUGH_BALANCE" // by which Adyen's test platform refuses
	return connectortest.Provider{
		URL: s.url, Settings: settingsFor, Secrets: []string{apiKey, hmacKey},
		Good: card(t, "4111111111111111"), Refused: refused, Challenged: card(t, "4212345678901237"),
		Strike: s.strike, Finish: s.finish, Booked: s.booked, Requests: s.requests.Load, Hanging: s.Hanging, Notices: s.posted,
	}
}

func settingsFor(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"apiKey":%q,"merchantAccount":%q,"hmacKey":%q}`, url, apiKey, account, hmacKey))
}

func card(t testing.TB, number string) *instrument.Card {
	t.Helper()
	pan, err := instrument.ParsePAN(number)
	if err != nil {
		t.Fatal(err)
	}
	code, err := instrument.ParseSecurityCode("737")
	if err != nil {
		t.Fatal(err)
	}
	return &instrument.Card{Number: pan, SecurityCode: code, Holder: "JANE DOE", ExpiryMonth: "12", ExpiryYear: "2035"}
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
	s.advance(2 * frame.LagOf)
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
	var found []connectortest.Entry
	for _, e := range s.Booked(key) {
		n, ok := digits[e.Currency]
		if !ok {
			n = 2
		}
		number, err := strconv.ParseUint(e.Amount, 10, 63)
		amount, err2 := money.FromMinor(number, n)
		if err := errors.Join(err, err2); err != nil {
			panic(err)
		}
		found = append(found, connectortest.Entry{Moved: connectortest.Movement(e.Moved), Amount: amount, Currency: money.Currency(e.Currency)})
	}
	return found
}
