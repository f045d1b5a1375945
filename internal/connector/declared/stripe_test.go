package declared_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/double/frame"
	books "github.com/sluicepay/sluice/internal/double/stripe"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

const (
	stripeFile    = "../../../docs/connectors/declared-stripe.json"
	stripeKey     = "sk_test_topsecretaccountkey"
	webhookSecret = "whsec_topsecretsignature"
)

// published are the decline codes of https://docs.stripe.com/declines/codes.
var published = strings.Fields(`authentication_required authentication_not_handled approve_with_id call_issuer card_not_supported card_velocity_exceeded
	currency_not_supported do_not_honor do_not_try_again duplicate_transaction expired_card fraudulent generic_decline incorrect_address incorrect_cvc
	incorrect_number incorrect_pin incorrect_zip insufficient_funds invalid_account invalid_amount invalid_cvc invalid_expiry_month invalid_expiry_year
	invalid_number invalid_pin issuer_not_available lost_card merchant_blacklist mobile_device_authentication_required new_account_information_available
	no_action_taken not_permitted offline_pin_required online_or_offline_pin_required pickup_card pin_try_exceeded processing_error reenter_transaction
	restricted_card revocation_of_all_authorizations revocation_of_authorization security_violation service_not_allowed stolen_card stop_payment_order
	testmode_decline transaction_not_allowed try_again_later withdrawal_count_limit_exceeded`)

// TestStripeDeclaredConforms holds Stripe's file to what Stripe's connector in Go is held to, at the same double. What the file does not
// declare the suite passes over.
func TestStripeDeclaredConforms(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Type: fromFile(t, stripeFile), Unmapped: "quantum_decline", UnmappedClass: payment.ClassDeclinedHard, Codes: published,
		Open: func(t *testing.T) connectortest.Provider { return openStripe(t).provider(t) },
		Inexpressible: []money.Sum{
			{Amount: money.MustParse("0.001"), Currency: "KWD"}, {Amount: money.MustParse("9.999"), Currency: "KWD"},
			{Amount: money.MustParse("0.000000000000000001"), Currency: "ETH"}, {Amount: money.MustParse("12.345678901234567891"), Currency: "ETH"},
			{Amount: money.MustParse("1.5"), Currency: "JPY"}, {Amount: money.MustParse("1.5"), Currency: "ISK"}, {Amount: money.MustParse("0.001"), Currency: "EUR"},
		},
		But: connectortest.Exceptions{
			Busy: true, Steady: true,
			Unfenced: []payment.AttemptKind{payment.AttemptDeposit, payment.AttemptCapture, payment.AttemptVoid, payment.AttemptRefund},
		},
	})
}

// TestStripeDeclaredReadsNotices: a payment and its refund are told by signed events, those of others are passed over, and what nobody here
// understands is kept for a human.
func TestStripeDeclaredReadsNotices(t *testing.T) {
	t.Parallel()
	s := openStripe(t)
	c := opened(t, fromFile(t, stripeFile), string(stripeSettings(s.URL)))
	sale := connector.Request{Key: "k-1", Amount: money.MustParse("11.12"), Currency: "EUR", Method: payment.BasicCard, Means: connectortest.Card(t, "4242424242424242")}
	sold, err := c.Start(t.Context(), sale)
	if err != nil {
		t.Fatal(err)
	}
	refund := connector.Request{Key: "k-2", Amount: money.MustParse("1.12"), Currency: "EUR", Original: connector.Ref{Key: "k-1", ProviderRef: sold.ProviderRef}}
	if _, err := c.(connector.Refunder).Refund(t.Context(), refund); err != nil {
		t.Fatal(err)
	}
	s.Dispute("k-1")
	read := func(body []byte) ([]connector.Notice, error) {
		header := http.Header{"Stripe-Signature": {books.Signature(body, time.Now(), "whsec_old", webhookSecret)}}
		return c.(connector.Notifier).ParseNotice(header, body) //nolint:wrapcheck // a test
	}
	events := s.Events()
	if len(events) != 3 {
		t.Fatalf("%d events", len(events))
	}
	for i, want := range []connector.Request{sale, refund} {
		all, err := read(events[i])
		if err != nil || len(all) != 1 || all[0].Key != want.Key || all[0].Fact.Class != payment.ClassApproved || all[0].Fact.Echoed.Amount != want.Amount {
			t.Errorf("%+v, %v", all, err)
		}
		if all, err := read([]byte(strings.Replace(string(events[i]), `"sluice_key"`, `"order"`, 1))); err != nil || len(all) != 0 {
			t.Errorf("of somebody else: %+v, %v", all, err)
		}
	}
	if all, err := read(events[2]); !errors.Is(err, connector.ErrUnreadable) {
		t.Errorf("a dispute: %+v, %v", all, err)
	}
}

// TestStripeDeclaredTakesBLIK: its code is sent with the payment, which waits for the customer's bank.
func TestStripeDeclaredTakesBLIK(t *testing.T) {
	t.Parallel()
	s := openStripe(t)
	c := opened(t, fromFile(t, stripeFile), string(stripeSettings(s.URL)))
	sale := connector.Request{Key: "k-1", Amount: money.MustParse("11.12"), Currency: "PLN", Method: payment.Blik, Means: &instrument.Code{Digits: "777123"}}
	if f, err := c.Start(t.Context(), sale); err != nil || f.Class != payment.ClassWaiting || f.Next.Kind != payment.NextWait {
		t.Fatalf("%+v, %v", f, err)
	}
	if err := s.finish("k-1", false); err != nil {
		t.Fatal(err)
	}
	f, err := c.Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "k-1", Amount: sale.Amount, Currency: "PLN"})
	if err != nil || f.Class != payment.ClassDeclinedHard || f.Code != "2.00" {
		t.Errorf("%+v, %v", f, err)
	}
}

// stripeDouble is the double behind a real listener, on a clock that can be moved.
type stripeDouble struct {
	*books.Double
	*connectortest.Listener
}

func openStripe(t testing.TB) *stripeDouble {
	t.Helper()
	return stripeOn(t, nil)
}

// stripeOn is openStripe on another clock.
func stripeOn(t testing.TB, clock func() time.Time) *stripeDouble {
	t.Helper()
	s := &stripeDouble{Listener: connectortest.Listen(t, nil)}
	if clock == nil {
		clock = s.Now
	}
	s.Double = books.New(books.Config{
		Now: clock, APIKey: stripeKey, WebhookSecret: []string{webhookSecret}, URL: s.URL,
		Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	s.RequestsTo(s.Handler())
	return s
}

func (s *stripeDouble) provider(t *testing.T) connectortest.Provider {
	return connectortest.Provider{
		URL: s.URL, Settings: stripeSettings, Secrets: []string{stripeKey, webhookSecret},
		Good: connectortest.Card(t, "4242424242424242"), Refused: connectortest.Card(t, "4000000000000002"), Challenged: connectortest.Card(t, "4000000000003220"),
		Strike: s.strike, Finish: s.finish, Booked: s.booked, Requests: s.Requests.Load, Hanging: s.Hanging,
	}
}

func stripeSettings(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"apiKey":%q,"webhookSecret":%q}`, url, stripeKey, webhookSecret))
}

var stripeOperations = map[connectortest.Call]string{
	connectortest.CallStart: books.OpPay, connectortest.CallCapture: books.OpCapture, connectortest.CallVoid: books.OpCancel,
	connectortest.CallRefund: books.OpRefund, connectortest.CallStatus: books.OpQuery,
	connectortest.CallFence: books.OpQuery, // by which it begins
}

func (s *stripeDouble) strike(c connectortest.Call, f connectortest.Fault) bool {
	fault, ok := frame.Named(string(f.Kind), stripeOperations[c], f.Code)
	if !ok || f.Kind == connectortest.FaultPending && (c == connectortest.CallCapture || c == connectortest.CallVoid) {
		return false // those are done at once
	}
	s.Strike(fault)
	return true
}

func (s *stripeDouble) finish(key string, approve bool) error {
	s.Advance(2 * time.Minute)
	if !s.Double.Finish(key, approve) && s.Begun(key) == "" {
		return errors.New("nothing was begun under the key")
	}
	return nil
}

// stripeDigits are decimals of the numbers in the double's books.
var stripeDigits = map[string]int{"JPY": 0, "KWD": 3}

func (s *stripeDouble) booked(key string) []connectortest.Entry {
	return connectortest.Entries(s.Booked(key), connectortest.InWholes(stripeDigits))
}
