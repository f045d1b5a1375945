package stripe_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	official "github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"

	double "github.com/sluicepay/sluice/internal/double/stripe"
)

const (
	apiKey = "sk_test_judge"
	secret = "whsec_judge"
)

// account is the double behind a listener, and Stripe's own client for it.
type account struct {
	*double.Double
	*official.Client
	url   string
	mu    sync.Mutex
	ahead time.Duration
	got   []official.Event
}

func (a *account) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Add(a.ahead)
}

func open(t *testing.T) *account {
	t.Helper()
	a := new(account)
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	notices := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		for n := 0; n < len(body); {
			m, err := r.Body.Read(body[n:])
			if n += m; err != nil {
				break
			}
		}
		e, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), secret)
		if err != nil {
			t.Error("the official verifier refuses an event:", err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.got = append(a.got, e)
	}))
	t.Cleanup(notices.Close)
	a.url = server.URL
	a.Double = double.New(double.Config{
		Now: a.now, APIKey: apiKey, WebhookSecret: []string{"whsec_older", secret}, NoticeURL: notices.URL, URL: server.URL,
		Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	handler = a.Handler()
	a.Client = official.NewClient(apiKey, official.WithBackends(official.NewBackendsWithConfig(&official.BackendConfig{
		URL: official.String(server.URL), MaxNetworkRetries: official.Int64(0), HTTPClient: server.Client(), LeveledLogger: &official.LeveledLogger{Level: official.LevelNull},
	})))
	return a
}

// deliver posts all events and returns their types.
func (a *account) deliver(t *testing.T) (types []string) {
	t.Helper()
	if err := a.Deliver(t.Context(), http.DefaultClient); err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.got {
		types = append(types, string(e.Type))
	}
	return types
}

func (a *account) card(t *testing.T, number string) string {
	t.Helper()
	m, err := a.V1PaymentMethods.Create(t.Context(), &official.PaymentMethodCreateParams{
		Type: official.String("card"),
		Card: &official.PaymentMethodCreateCardParams{Number: official.String(number), ExpMonth: official.Int64(12), ExpYear: official.Int64(2035), CVC: official.String("123")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func sale(method, key string) *official.PaymentIntentCreateParams {
	p := &official.PaymentIntentCreateParams{
		Amount: official.Int64(1112), Currency: official.String("eur"), Confirm: new(true), PaymentMethod: official.String(method),
		PaymentMethodTypes: []*string{official.String("card")}, ReturnURL: official.String("https://shop.example/back?a=b"),
	}
	p.SetIdempotencyKey(key)
	p.AddMetadata("order", "42")
	p.AddExpand("latest_charge.balance_transaction")
	return p
}

func failure(t *testing.T, err error) *official.Error {
	t.Helper()
	told := new(official.Error)
	if !errors.As(err, &told) {
		t.Fatalf("no error of Stripe's: %v", err)
	}
	return told
}

func TestTheOfficialClientPaysCapturesAndRefunds(t *testing.T) {
	a := open(t)
	in, err := a.V1PaymentIntents.Create(t.Context(), sale(a.card(t, "4242424242424242"), "k1"))
	if err != nil || in.Status != official.PaymentIntentStatusSucceeded || in.AmountReceived != 1112 || in.Metadata["order"] != "42" {
		t.Fatalf("%+v, %v", in, err)
	}
	if b := in.LatestCharge.BalanceTransaction; b == nil || b.Fee != 62 || b.Net != 1050 || in.LatestCharge.PaymentMethodDetails.Card.Brand != "visa" {
		t.Errorf("%+v", in.LatestCharge)
	}
	r, err := a.V1Refunds.Create(t.Context(), &official.RefundCreateParams{PaymentIntent: &in.ID, Amount: official.Int64(500)})
	if err != nil || r.Status != official.RefundStatusSucceeded || r.PaymentIntent.ID != in.ID {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = a.V1Refunds.Create(t.Context(), &official.RefundCreateParams{PaymentIntent: &in.ID, Amount: official.Int64(613)})
	if e := failure(t, err); e.Type != official.ErrorTypeInvalidRequest || e.Param != "amount" {
		t.Errorf("%+v", e)
	}
	p := sale(a.card(t, "5555555555554444"), "k2")
	p.CaptureMethod = official.String("manual")
	hold, err := a.V1PaymentIntents.Create(t.Context(), p)
	if err != nil || hold.Status != official.PaymentIntentStatusRequiresCapture || hold.AmountCapturable != 1112 {
		t.Fatalf("%+v, %v", hold, err)
	}
	taken, err := a.V1PaymentIntents.Capture(t.Context(), hold.ID, &official.PaymentIntentCaptureParams{AmountToCapture: official.Int64(1000)})
	if err != nil || taken.Status != official.PaymentIntentStatusSucceeded || taken.AmountReceived != 1000 {
		t.Errorf("%+v, %v", taken, err)
	}
	_, err = a.V1PaymentIntents.Cancel(t.Context(), hold.ID, nil)
	if e := failure(t, err); e.Code != official.ErrorCodePaymentIntentUnexpectedState || e.PaymentIntent == nil {
		t.Errorf("%+v", e)
	}
	if got := strings.Join(a.deliver(t), " "); got != "payment_intent.succeeded refund.created payment_intent.amount_capturable_updated payment_intent.succeeded" {
		t.Errorf("told: %s", got)
	}
}

func TestTheOfficialClientReadsRefusals(t *testing.T) {
	a := open(t)
	for number, want := range map[string]official.DeclineCode{
		"4000000000000002": official.DeclineCodeGenericDecline, "4000000000009995": official.DeclineCodeInsufficientFunds, "4000000000009979": official.DeclineCodeStolenCard,
	} {
		_, err := a.V1PaymentIntents.Create(t.Context(), sale(a.card(t, number), number))
		e := failure(t, err)
		if e.HTTPStatusCode != http.StatusPaymentRequired || e.Type != official.ErrorTypeCard || e.DeclineCode != want || e.PaymentIntent == nil ||
			e.PaymentIntent.Status != official.PaymentIntentStatusRequiresPaymentMethod || e.PaymentIntent.LastPaymentError.DeclineCode != want {
			t.Errorf("%s: %+v", number, e)
		}
	}
	_, err := a.V1PaymentMethods.Create(t.Context(), &official.PaymentMethodCreateParams{
		Type: official.String("card"),
		Card: &official.PaymentMethodCreateCardParams{Number: official.String("4242424242424241"), ExpMonth: official.Int64(12), ExpYear: official.Int64(2035)},
	})
	if e := failure(t, err); e.Code != official.ErrorCodeIncorrectNumber {
		t.Errorf("%+v", e)
	}
	_, err = a.V1PaymentIntents.Retrieve(t.Context(), "pi_none", nil)
	if e := failure(t, err); e.HTTPStatusCode != http.StatusNotFound || e.Code != official.ErrorCodeResourceMissing {
		t.Errorf("%+v", e)
	}
	p := sale(a.card(t, "4242424242424242"), "unknown")
	p.StatementDescriptor = official.String("unknown here")
	_, err = a.V1PaymentIntents.Create(t.Context(), p)
	if e := failure(t, err); e.Code != official.ErrorCodeParameterUnknown || e.Param != "statement_descriptor" {
		t.Errorf("%+v", e)
	}
}

func TestKeysAreKeptAsPublished(t *testing.T) {
	a := open(t)
	method := a.card(t, "4242424242424242")
	one, err := a.V1PaymentIntents.Create(t.Context(), sale(method, "k"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := a.V1PaymentIntents.Create(t.Context(), sale(method, "k"))
	if err != nil || two.ID != one.ID || two.LastResponse.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%s and %s, %v", one.ID, two.ID, err)
	}
	other := sale(method, "k")
	other.Amount = official.Int64(1)
	_, err = a.V1PaymentIntents.Create(t.Context(), other)
	if e := failure(t, err); e.Type != official.ErrorTypeIdempotency {
		t.Errorf("%+v", e)
	}
	refund := &official.RefundCreateParams{PaymentIntent: &one.ID}
	refund.SetIdempotencyKey("k")
	_, err = a.V1Refunds.Create(t.Context(), refund)
	if e := failure(t, err); e.Type != official.ErrorTypeIdempotency {
		t.Errorf("at another address: %+v", e)
	}
	a.mu.Lock()
	a.ahead = 25 * time.Hour
	a.mu.Unlock()
	three, err := a.V1PaymentIntents.Create(t.Context(), sale(a.card(t, "4242424242424242"), "k"))
	if err != nil || three.ID == one.ID {
		t.Errorf("after a day: %v", err)
	}
	if n := len(a.Booked("k")); n != 2 {
		t.Errorf("%d movements", n)
	}
}

func TestCustomersAreAskedAndSentBack(t *testing.T) {
	for result, want := range map[string]official.PaymentIntentStatus{
		"complete": official.PaymentIntentStatusSucceeded, "fail": official.PaymentIntentStatusRequiresPaymentMethod,
	} {
		a := open(t)
		in, err := a.V1PaymentIntents.Create(t.Context(), sale(a.card(t, "4000000000003220"), "k"))
		if err != nil || in.Status != official.PaymentIntentStatusRequiresAction || in.NextAction.Type != official.PaymentIntentNextActionTypeRedirectToURL {
			t.Fatalf("%+v, %v", in, err)
		}
		browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := browser.PostForm(in.NextAction.RedirectToURL.URL, url.Values{"result": {result}})
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		back, err := res.Location()
		if err != nil || back.Query().Get("payment_intent") != in.ID || back.Query().Get("a") != "b" {
			t.Errorf("sent back to %s, %v", back, err)
		}
		in, err = a.V1PaymentIntents.Retrieve(t.Context(), in.ID, nil)
		if err != nil || in.Status != want {
			t.Errorf("%s: %s, %v", result, in.Status, err)
		}
	}
}

func TestKeptCardsAreChargedWithoutTheirCustomer(t *testing.T) {
	a := open(t)
	who, err := a.V1Customers.Create(t.Context(), &official.CustomerCreateParams{Email: official.String("jane@shop.example")})
	if err != nil {
		t.Fatal(err)
	}
	method := a.card(t, "4242424242424242")
	p := &official.SetupIntentCreateParams{
		Confirm: new(true), Customer: &who.ID, PaymentMethod: &method, PaymentMethodTypes: []*string{official.String("card")}, Usage: official.String("off_session"),
	}
	set, err := a.V1SetupIntents.Create(t.Context(), p)
	if err != nil || set.Status != official.SetupIntentStatusSucceeded || set.PaymentMethod.ID != method {
		t.Fatalf("%+v, %v", set, err)
	}
	later := sale(method, "later")
	later.Customer, later.OffSession, later.ReturnURL = &who.ID, new(true), nil
	if in, err := a.V1PaymentIntents.Create(t.Context(), later); err != nil || in.Status != official.PaymentIntentStatusSucceeded {
		t.Errorf("%+v, %v", in, err)
	}
	spent := a.card(t, "4242424242424242")
	if _, err := a.V1PaymentIntents.Create(t.Context(), sale(spent, "first")); err != nil {
		t.Fatal(err)
	}
	_, err = a.V1PaymentIntents.Create(t.Context(), sale(spent, "second"))
	if e := failure(t, err); e.Code != official.ErrorCodePaymentMethodUnexpectedState {
		t.Errorf("a card that was used without a customer: %+v", e)
	}
}

func TestListsAndSearchesFindWhatWasMade(t *testing.T) {
	a := open(t)
	made := map[string]bool{}
	for i := range 13 {
		in, err := a.V1PaymentIntents.Create(t.Context(), sale(a.card(t, "4242424242424242"), strings.Repeat("k", i+1)))
		if err != nil {
			t.Fatal(err)
		}
		made[in.ID] = true
	}
	list := &official.PaymentIntentListParams{}
	list.Limit = official.Int64(5)
	seen := 0
	for in, err := range a.V1PaymentIntents.List(t.Context(), list).All(t.Context()) {
		if err != nil || !made[in.ID] {
			t.Fatal(in, err)
		}
		seen++
	}
	found := 0
	search := &official.PaymentIntentSearchParams{}
	search.Query = "metadata['order']:'42'"
	for in, err := range a.V1PaymentIntents.Search(t.Context(), search).All(t.Context()) {
		if err != nil || !made[in.ID] {
			t.Fatal(in, err)
		}
		found++
	}
	if seen != 13 || found != 13 {
		t.Errorf("%d listed, %d found", seen, found)
	}
}

func TestAnotherVersionIsRefused(t *testing.T) {
	if official.APIVersion != double.Version {
		t.Errorf("the official client speaks %s", official.APIVersion)
	}
	a := open(t)
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"/v1/payment_intents", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", res.StatusCode)
	}
}
