package stripe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/stripe"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/stripe"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// connect opens the connector on an address, with more settings.
func connect(t testing.TB, url string, now func() time.Time, more ...string) connector.Connector {
	t.Helper()
	settings := strings.TrimSuffix(string(settingsFor(url)), "}") + strings.Join(append([]string{""}, more...), ",") + "}"
	config, err := stripe.Type().Parse(json.RawMessage(settings))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: stripe.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sale(t testing.TB, key string) connector.Request {
	t.Helper()
	return connector.Request{
		Key: key, Amount: money.MustParse("11.12"), Currency: "EUR", Method: payment.BasicCard, Means: connectortest.Card(t, "4242424242424242"),
		ReturnURL: "https://shop.example/back",
	}
}

func refOf(r connector.Request, kind payment.AttemptKind, at time.Time) connector.Ref {
	return connector.Ref{
		Kind: kind, Key: r.Key, Amount: r.Amount, Currency: r.Currency, Started: at,
		Of: connector.Original{Key: r.Original.Key, ProviderRef: r.Original.ProviderRef},
	}
}

// canned answers every request with one body.
func canned(t *testing.T, status int, body string) connector.Connector {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return connect(t, server.URL, time.Now)
}

// intentJSON is an intent of the key k over 11.12 EUR with more members.
func intentJSON(status, more string) string {
	return `{"object":"payment_intent","id":"pi_1","status":"` + status + `","amount":1112,"amount_received":1112,"currency":"eur","metadata":{"sluice_key":"k"}` + more + `}`
}

func TestEveryPublishedStateOfAPayment(t *testing.T) {
	refused := `,"last_payment_error":{"type":"card_error","code":"card_declined","decline_code":"lost_card"}`
	for _, c := range []struct {
		status, more string
		want         payment.Class // empty: unknown
		code         payment.ErrorCode
		next         payment.NextKind
	}{
		{"succeeded", "", payment.ClassApproved, "", ""},
		{"requires_capture", "", payment.ClassAuthorized, "", ""},
		{"processing", "", payment.ClassWaiting, "", ""},
		{"requires_confirmation", "", payment.ClassWaiting, "", ""},
		{"requires_action", `,"next_action":{"type":"redirect_to_url","redirect_to_url":{"url":"https://hooks.example/3ds"}}`, payment.ClassWaiting, "", payment.NextGo},
		{"requires_action", `,"next_action":{"type":"redirect_to_url","redirect_to_url":{"url":"javascript:x"}}`, payment.ClassWaiting, "", ""},
		{"requires_action", `,"next_action":{"type":"blik_authorize"}`, payment.ClassWaiting, "", payment.NextWait},
		{"requires_action", `,"next_action":{"type":"use_stripe_sdk"}`, payment.ClassWaiting, "", ""},
		{"requires_action", `,"next_action":{"type":"a_new_one"}`, payment.ClassWaiting, "", ""},
		{"requires_action", "", payment.ClassWaiting, "", ""},
		{"requires_payment_method", refused, payment.ClassDeclinedHard, "4.06", ""},
		{"requires_payment_method", "", "", "", ""},
		{"canceled", `,"latest_charge":"ch_1"`, payment.ClassCancelled, payment.CodeTimeout, ""},
		{"canceled", `,"latest_charge":null`, payment.ClassRejected, payment.CodeCommunication, ""},
		{"a_new_one", "", "", "", ""}, {"", "", "", "", ""}, {"SUCCEEDED", "", "", "", ""},
	} {
		conn := canned(t, http.StatusOK, intentJSON(c.status, c.more))
		ref := connector.Ref{Kind: payment.AttemptDeposit, Key: "k", ProviderRef: "pi_1", Amount: money.MustParse("11.12"), Currency: "EUR"}
		f, err := conn.Status(t.Context(), ref)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s%s: %+v, want an error", c.status, c.more, f)
			}
			continue
		}
		if err != nil || f.Class != c.want || f.Code != c.code || f.Next.Kind != c.next {
			t.Errorf("%s%s: %+v, %v; want %s %s %s", c.status, c.more, f, err, c.want, c.code, c.next)
		}
	}
}

func TestEveryPublishedStateOfARefund(t *testing.T) {
	for status, want := range map[string]payment.Class{
		"succeeded": payment.ClassApproved, "pending": payment.ClassWaiting, "requires_action": payment.ClassWaiting,
		"failed": payment.ClassDeclinedHard, "canceled": payment.ClassRejected, "a_new_one": "", "": "",
	} {
		conn := canned(t, http.StatusOK, `{"object":"refund","id":"re_1","status":"`+status+
			`","amount":500,"currency":"eur","payment_intent":"pi_1","failure_reason":"declined","metadata":{"sluice_key":"k"}}`)
		f, err := conn.Status(t.Context(), connector.Ref{Kind: payment.AttemptRefund, Key: "k", ProviderRef: "re_1"})
		if f.Class != want || (want == "") != (err != nil) || want != "" && f.Echoed.Amount != money.MustParse("5") {
			t.Errorf("%s: %+v, %v", status, f, err)
		}
	}
}

func TestEveryPublishedStateOfAVerification(t *testing.T) {
	for status, want := range map[string]payment.Class{
		"succeeded": payment.ClassApproved, "processing": payment.ClassWaiting, "requires_confirmation": payment.ClassWaiting, "requires_action": payment.ClassWaiting,
		"requires_payment_method": payment.ClassDeclinedHard, "canceled": payment.ClassRejected, "a_new_one": "",
	} {
		conn := canned(t, http.StatusOK, `{"object":"setup_intent","id":"seti_1","status":"`+status+
			`","usage":"off_session","last_setup_error":{"type":"card_error","code":"expired_card"},"metadata":{"sluice_key":"k"}}`)
		f, err := conn.Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "k", ProviderRef: "seti_1"})
		if f.Class != want || (want == "") != (err != nil) || f.Credential != "" {
			t.Errorf("%s: %+v, %v", status, f, err)
		}
	}
}

// TestAnswersToASale: which statuses and types of errors refuse, and which leave the outcome open.
func TestAnswersToASale(t *testing.T) {
	declined := intentJSON("requires_payment_method", `,"last_payment_error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"}`)
	for _, c := range []struct {
		status int
		body   string
		want   payment.Class // empty: unknown
		code   payment.ErrorCode
	}{
		{402, `{"error":{"type":"card_error","code":"card_declined","payment_intent":` + declined + `}}`, payment.ClassDeclinedHard, "4.01"},
		{402, `{"error":{"type":"card_error","code":"card_declined","payment_intent":` + strings.ReplaceAll(declined, `"k"`, `"other"`) + `}}`, "", ""},
		{402, `{"error":{"type":"card_error","code":"card_declined","payment_intent":` + intentJSON("succeeded", "") + `}}`, "", ""},
		{402, `{"error":{"type":"card_error","code":"card_declined"}}`, "", ""}, // no intent that would be ours
		{400, `{"error":{"type":"invalid_request_error","code":"parameter_unknown","param":"x"}}`, payment.ClassRejected, "3.02"},
		{400, `{"error":{"type":"invalid_request_error","code":"amount_too_small"}}`, payment.ClassRejected, "1.08"},
		{400, `{"error":{"type":"invalid_request_error","param":"currency"}}`, payment.ClassRejected, "1.09"},
		{400, `{"error":{"type":"invalid_request_error","payment_intent":` + intentJSON("processing", "") + `}}`, "", ""},
		{400, `{"error":{"type":"idempotency_error"}}`, "", ""},
		{400, `{"error":{"type":"a_new_one"}}`, "", ""}, {400, `{"error":"x"}`, "", ""}, {400, ``, "", ""},
		{401, `{"error":{"type":"invalid_request_error"}}`, payment.ClassRejected, "3.02"},
		{403, `{"error":{"type":"invalid_request_error"}}`, payment.ClassRejected, "3.02"},
		{404, `{"error":{"type":"invalid_request_error","code":"resource_missing"}}`, payment.ClassRejected, "1.01"},
		{404, `{"error":{"message":"no route"}}`, "", ""},
		{409, `{"error":{"type":"invalid_request_error","code":"idempotency_key_in_use"}}`, "", ""},
		{424, `{"error":{"type":"invalid_request_error"}}`, "", ""},
		{429, `{"error":{"type":"invalid_request_error","code":"rate_limit"}}`, payment.ClassRejected, "3.05"},
		{429, `{"error":{"type":"rate_limit_error"}}`, payment.ClassRejected, "3.02"},
		{429, `<html>`, "", ""},
		{500, `{"error":{"type":"api_error"}}`, "", ""}, {500, `{"error":{"type":"invalid_request_error"}}`, "", ""}, {503, ``, "", ""},
		{200, intentJSON("succeeded", ""), payment.ClassApproved, ""}, {201, intentJSON("succeeded", ""), "", ""},
		{200, strings.Replace(intentJSON("succeeded", ""), `"k"`, `"other"`, 1), "", ""},
		{200, strings.Replace(intentJSON("succeeded", ""), `1112`, `11.12`, 1), "", ""},
		{200, strings.Replace(intentJSON("succeeded", ""), `"amount_received":1112`, `"amount_received":0`, 1), "", ""},
		{200, strings.Replace(intentJSON("succeeded", ""), `"amount_received":1112`, `"amount_received":-1112`, 1), "", ""},
		{200, strings.Replace(intentJSON("succeeded", ""), `"eur"`, `"xxz"`, 1), "", ""},
		{200, strings.Replace(intentJSON("succeeded", ""), `pi_1`, `../pi`, 1), "", ""},
		{200, `[` + intentJSON("succeeded", "") + `]`, "", ""},
	} {
		conn := canned(t, c.status, c.body)
		r := sale(t, "k")
		r.Means = &instrument.Credential{Handle: "cus_1/pm_1"} // one request only
		f, err := conn.Start(t.Context(), r)
		if c.want == "" && (err == nil || errors.Is(err, outbound.ErrNotSent)) {
			t.Errorf("%d %s: %+v, %v; want UNKNOWN", c.status, c.body, f, err)
		}
		if c.want != "" && (err != nil || f.Class != c.want || f.Code != c.code) {
			t.Errorf("%d %s: %+v, %v; want %s %s", c.status, c.body, f, err, c.want, c.code)
		}
	}
}

// published are the decline codes of https://docs.stripe.com/declines/codes and of stripe-go.
var published = strings.Fields(`authentication_required authentication_not_handled approve_with_id call_issuer card_not_supported card_velocity_exceeded
	currency_not_supported do_not_honor do_not_try_again duplicate_transaction expired_card fraudulent generic_decline incorrect_address incorrect_cvc
	incorrect_number incorrect_pin incorrect_zip insufficient_funds invalid_account invalid_amount invalid_cvc invalid_expiry_month invalid_expiry_year
	invalid_number invalid_pin issuer_not_available lost_card merchant_blacklist mobile_device_authentication_required new_account_information_available
	no_action_taken not_permitted offline_pin_required online_or_offline_pin_required pickup_card pin_try_exceeded processing_error reenter_transaction
	restricted_card revocation_of_all_authorizations revocation_of_authorization security_violation service_not_allowed stolen_card stop_payment_order
	testmode_decline transaction_not_allowed try_again_later withdrawal_count_limit_exceeded`)

func TestEveryPublishedDeclineIsKnown(t *testing.T) {
	if len(published) != 50 {
		t.Fatalf("%d codes", len(published))
	}
	for _, code := range published {
		f := decline(t, code, "", "")
		if f.Code == payment.CodeAcquirerUnmapped || !f.Code.Valid() || f.RawCode != code || !f.Class.Refused() {
			t.Errorf("%s: %+v", code, f)
		}
	}
	if f := decline(t, "a_new_one", "", ""); f.Class != payment.ClassDeclinedHard || f.Code != payment.CodeAcquirerUnmapped {
		t.Errorf("an unknown code: %+v", f)
	}
}

func decline(t *testing.T, code, advice, network string) payment.Fact {
	t.Helper()
	body := fmt.Sprintf(`,"last_payment_error":{"type":"card_error","code":"card_declined","decline_code":%q,"advice_code":%q,"network_advice_code":%q}`, code, advice, network)
	f, err := canned(t, http.StatusOK, intentJSON("requires_payment_method", body)).Status(t.Context(),
		connector.Ref{Kind: payment.AttemptDeposit, Key: "k", ProviderRef: "pi_1", Amount: money.MustParse("11.12"), Currency: "EUR"})
	if err != nil {
		t.Fatal(code, err)
	}
	return f
}

func TestWhatSchemesForbidIsNotRetried(t *testing.T) {
	for _, c := range []struct {
		advice, network string
		want            payment.Class
		ends            bool
	}{
		{"", "", payment.ClassDeclinedSoft, false}, {"try_again_later", "02", payment.ClassDeclinedSoft, false},
		{"do_not_try_again", "", payment.ClassDeclinedHard, false}, {"confirm_card_data", "", payment.ClassDeclinedHard, false},
		{"", "01", payment.ClassDeclinedHard, false}, {"", "03", payment.ClassDeclinedHard, false}, {"", "21", payment.ClassDeclinedHard, true},
	} {
		if f := decline(t, "do_not_honor", c.advice, c.network); f.Class != c.want || f.Revoked != c.ends {
			t.Errorf("%+v: %+v", c, f)
		}
	}
}

// TestAmountsAreThoseOfStripesTable: what the double has in its books for each currency of which Stripe says something of its own.
func TestAmountsAreThoseOfStripesTable(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL, s.Now)
	for i, c := range []struct {
		amount   string
		currency money.Currency
		want     int64 // zero: refused before sending
	}{
		{"500", "JPY", 500}, {"0.5", "JPY", 0}, {"5", "ISK", 500}, {"5.5", "ISK", 0}, {"5", "UGX", 500}, {"5", "CLP", 5}, {"5", "KRW", 5},
		{"5", "MGA", 5}, {"5.2", "MGA", 0}, {"10.45", "HUF", 1045}, {"10.45", "TWD", 1045}, {"10.45", "IDR", 1045},
		{"5.12", "KWD", 5120}, {"5.124", "KWD", 0}, {"5.12", "TND", 5120}, {"1", "LYD", 0}, {"1", "BTC", 0}, {"9999999999.99", "EUR", 999_999_999_999}, {"10000000000", "EUR", 0},
	} {
		r := sale(t, fmt.Sprintf("amount-%d", i))
		r.Amount, r.Currency = money.MustParse(c.amount), c.currency
		f, err := conn.Start(t.Context(), r)
		booked := s.Booked(r.Key)
		if c.want == 0 {
			if !errors.Is(err, connector.ErrIncomplete) || len(booked) != 0 {
				t.Errorf("%s %s: %+v, %v", c.amount, c.currency, f, err)
			}
			continue
		}
		if err != nil || f.Echoed != (money.Sum{Amount: r.Amount, Currency: r.Currency}) || len(booked) != 1 || booked[0].Amount != strconv.FormatInt(c.want, 10) {
			t.Errorf("%s %s: %+v, %v; booked %v", c.amount, c.currency, f, err, booked)
		}
	}
}

// TestFeesAreToldWhereStripeTellsThem, and what a challenge has shown.
func TestFeesAreToldWhereStripeTellsThem(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL, s.Now)
	f, err := conn.Start(t.Context(), sale(t, "plain"))
	if err != nil || f.Fee != (money.Sum{Amount: money.MustParse("0.62"), Currency: "EUR"}) || f.Settled.Amount != money.MustParse("10.5") {
		t.Errorf("%+v, %v", f, err)
	}
	if f.Instrument.CardBrand != instrument.BrandVisa || f.Instrument.CardIssuingCountry != "US" || f.Auth != "" {
		t.Errorf("%+v", f)
	}
	r := sale(t, "asked")
	r.Means = connectortest.Card(t, "4000000000003220")
	if f, err := conn.Start(t.Context(), r); err != nil || f.Class != payment.ClassWaiting || !strings.HasPrefix(f.Next.URL, s.URL) {
		t.Fatalf("%+v, %v", f, err)
	}
	s.Finish("asked", true)
	f, err = conn.Status(t.Context(), refOf(r, payment.AttemptDeposit, s.Now()))
	if told := f.Auth.Read(); err != nil || told.Result != instrument.AuthYes || !told.Challenged || told.ECI != "05" {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestMessagesShowNothingThatCanBeCharged: neither numbers and codes nor Stripe's names of cards and customers, nor a payment's own secret.
func TestMessagesShowNothingThatCanBeCharged(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL, s.Now)
	r := sale(t, "kept")
	r.StartRecurring = true
	ctx, messages := outbound.WithRecorder(t.Context())
	f, err := conn.Start(ctx, r)
	if err != nil || f.Credential == "" {
		t.Fatalf("%+v, %v", f, err)
	}
	r.Key, r.Means = "again", &instrument.Credential{Handle: f.Credential}
	if f, err := conn.Start(ctx, r); err != nil || f.Class != payment.ClassApproved {
		t.Fatalf("%+v, %v", f, err)
	}
	if _, err := conn.Status(ctx, refOf(r, payment.AttemptDeposit, s.Now())); err != nil {
		t.Fatal(err)
	}
	text := messages.Outgoing() + messages.Incoming()
	customer, method, _ := strings.Cut(f.Credential, "/")
	for _, secret := range []string{"4242424242424242", "737", customer, method, "_secret_", apiKey, "JANE"} {
		if strings.Contains(text, secret) {
			t.Errorf("messages show %s", secret)
		}
	}
	if !strings.Contains(text, "sluice_key") || !strings.Contains(text, "1112") {
		t.Error("messages show nothing at all")
	}
}

func TestBLIKWaitsForTheBanksApp(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL, s.Now)
	r := sale(t, "blik")
	r.Method, r.Currency, r.Means = payment.Blik, "PLN", &instrument.Code{Digits: "777123"}
	if f, err := conn.Start(t.Context(), r); err != nil || f.Class != payment.ClassWaiting || f.Next.Kind != payment.NextWait {
		t.Fatalf("%+v, %v", f, err)
	}
	s.Finish("blik", false)
	if f, err := conn.Status(t.Context(), refOf(r, payment.AttemptDeposit, s.Now())); err != nil || f.Code != payment.CodeByCustomer {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestAChargeWithoutItsCustomerThatNeedsOne is refused and not left waiting for nobody.
func TestAChargeWithoutItsCustomerThatNeedsOne(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL, s.Now)
	r := sale(t, "charge")
	r.Means = &instrument.Credential{Handle: "cus_none/pm_none"}
	if f, err := conn.Start(t.Context(), r); err != nil || f.Class != payment.ClassRejected {
		t.Errorf("of somebody unknown: %+v, %v", f, err)
	}
	r.Means = &instrument.Credential{Handle: "none of Stripe's"}
	if _, err := conn.Start(t.Context(), r); !errors.Is(err, connector.ErrIncomplete) {
		t.Error(err)
	}
}

// TestAHoldThatIsGoneIsToldToACapture, and a void of it is done.
func TestAHoldThatIsGoneIsToldToACapture(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL, s.Now)
	hold := sale(t, "hold")
	hold.PreAuth = true
	f, err := conn.Start(t.Context(), hold)
	if err != nil || f.Class != payment.ClassAuthorized {
		t.Fatalf("%+v, %v", f, err)
	}
	of := connector.Ref{Kind: payment.AttemptDeposit, Key: "hold", ProviderRef: f.ProviderRef}
	void := connector.Request{Key: "void", Amount: hold.Amount, Currency: hold.Currency, Original: of}
	if f, err := conn.(connector.Voider).Void(t.Context(), void); err != nil || f.Class != payment.ClassApproved {
		t.Errorf("%+v, %v", f, err)
	}
	void.Key = "again"
	if f, err := conn.(connector.Voider).Void(t.Context(), void); err != nil || f.Class != payment.ClassApproved {
		t.Errorf("%+v, %v", f, err)
	}
	late := connector.Request{Key: "late", Amount: hold.Amount, Currency: hold.Currency, Original: of}
	if f, err := conn.(connector.Capturer).Capture(t.Context(), late); err != nil || f.Class != payment.ClassCancelled {
		t.Errorf("%+v, %v", f, err)
	}
	if booked := s.Booked("again"); len(booked) != 0 {
		t.Error(booked)
	}
}

// TestAKeyIsUsedUpOnlyWhileStripeRemembersIt: once keys may be forgotten, one that is free proves nothing.
func TestAKeyIsUsedUpOnlyWhileStripeRemembersIt(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL, s.Now)
	r := sale(t, "never-sent")
	for _, age := range []time.Duration{24 * time.Hour, 23 * time.Hour} {
		f, err := conn.(connector.Fencer).Fence(t.Context(), refOf(r, payment.AttemptDeposit, s.Now().Add(-age)))
		if err != nil || f.Class != payment.ClassUnknown || !f.NotFound {
			t.Errorf("after %s: %+v, %v", age, f, err)
		}
	}
	if f, err := conn.(connector.Fencer).Fence(t.Context(), refOf(r, payment.AttemptDeposit, time.Time{})); err != nil || !f.NotFound {
		t.Errorf("begun nobody knows when: %+v, %v", f, err)
	}
	if f, err := conn.(connector.Fencer).Fence(t.Context(), refOf(r, payment.AttemptDeposit, s.Now().Add(-22*time.Hour))); err != nil || f.Class != payment.ClassRejected {
		t.Errorf("within its life: %+v, %v", f, err)
	}
	if f, err := conn.Start(t.Context(), r); err == nil {
		t.Errorf("the original still arrived: %+v", f)
	}
}

// TestRedirectsAndNewStatesProveNothing, of every kind of call, and the double's books agree with what is found afterwards.
func TestRedirectsAndNewStatesProveNothing(t *testing.T) {
	for _, kind := range []frame.Kind{frame.Elsewhere, frame.NewStatus} {
		s := open(t)
		conn := connect(t, s.URL, s.Now)
		r := sale(t, "sale")
		s.Strike(frame.Fault{Op: double.OpPay, Kind: kind})
		if f, err := conn.Start(t.Context(), r); err == nil {
			t.Errorf("%s: %+v", kind, f)
		}
		f, err := conn.Status(t.Context(), refOf(r, payment.AttemptDeposit, s.Now()))
		if err != nil || f.Class != payment.ClassApproved || len(s.Booked("sale")) != 1 {
			t.Errorf("%s: %+v, %v", kind, f, err)
		}
		back := connector.Request{Key: "back", Amount: r.Amount, Currency: r.Currency, Original: connector.Ref{Key: "sale", ProviderRef: f.ProviderRef}}
		s.Strike(frame.Fault{Op: double.OpRefund, Kind: kind})
		if f, err := conn.(connector.Refunder).Refund(t.Context(), back); err == nil {
			t.Errorf("%s: %+v", kind, f)
		}
		if f, err := conn.Status(t.Context(), refOf(back, payment.AttemptRefund, s.Now())); err != nil || f.Class != payment.ClassApproved || len(s.Booked("back")) != 1 {
			t.Errorf("%s: %+v, %v", kind, f, err)
		}
	}
}

func TestProbeAsksAndMovesNothing(t *testing.T) {
	s := open(t)
	if err := connect(t, s.URL, s.Now).(connector.Prober).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	s.Strike(frame.Fault{Op: double.OpQuery, Kind: frame.Unauthorized})
	err := connect(t, s.URL, s.Now).(connector.Prober).Probe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), apiKey) {
		t.Error(err)
	}
}

// TestTestCardsGoByName, so that an account which may not send numbers can be tried.
func TestTestCardsGoByName(t *testing.T) {
	s := open(t)
	s.Strike(frame.Fault{Op: double.OpPrepare, Kind: frame.Rejected}) // nothing is to be prepared
	conn := connect(t, s.URL, s.Now, `"testCards":true`)
	if f, err := conn.Start(t.Context(), sale(t, "named")); err != nil || f.Class != payment.ClassApproved {
		t.Errorf("%+v, %v", f, err)
	}
	_, err := stripe.Type().Parse(json.RawMessage(`{"apiKey":"sk_live_x","testCards":true,"threeDSecure":"sometimes","account":"a b","timeoutMs":-1}`))
	for _, part := range []string{"testCards", "threeDSecure", "account", "timeoutMs"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name %s", err, part)
		}
	}
}

// TestWhatPreparesAPaymentProvesByItsFailureThatNothingWasSent: the payment itself comes after it.
func TestWhatPreparesAPaymentProvesByItsFailureThatNothingWasSent(t *testing.T) {
	for _, kind := range []frame.Kind{frame.Drop, frame.ServerError, frame.Garbage, frame.Elsewhere, frame.Empty} {
		s := open(t)
		s.Strike(frame.Fault{Op: double.OpPrepare, Kind: kind})
		f, err := connect(t, s.URL, s.Now).Start(context.Background(), sale(t, "k"))
		if !errors.Is(err, outbound.ErrNotSent) || errors.Is(err, outbound.ErrOurs) || len(s.Booked("k")) != 0 {
			t.Errorf("%s: %+v, %v", kind, f, err)
		}
	}
	s := open(t)
	r := sale(t, "k")
	r.Means.(*instrument.Card).ExpiryYear = "2001"
	if f, err := connect(t, s.URL, s.Now).Start(t.Context(), r); err != nil || f.Class != payment.ClassDeclinedHard || f.Code != payment.CodeCardExpired {
		t.Errorf("%+v, %v", f, err)
	}
}
