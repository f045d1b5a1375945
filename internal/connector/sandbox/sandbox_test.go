package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/testkit/simulated"
)

// open returns the connector to that address and what it logs.
func open(t testing.TB, address string) (*sandbox.Sandbox, *bytes.Buffer) {
	t.Helper()
	config, err := sandbox.Type().Parse(simulated.Settings(address))
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: sandbox.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	s, ok := c.(*sandbox.Sandbox)
	if !ok {
		t.Fatalf("opened a %T", c)
	}
	return s, log
}

func sale(t testing.TB, key, amount string) connector.Request {
	t.Helper()
	return connector.Request{
		Key: key, Amount: money.MustParse(amount), Currency: "EUR", Method: payment.BasicCard,
		Means: connectortest.Card(t, "4000000000000408"), ReturnURL: "https://shop.example/back",
	}
}

// outcome is the part of a fact that the tables compare.
type outcome struct {
	Class payment.Class
	Code  payment.ErrorCode
	Raw   string
}

func outcomeOf(f payment.Fact) outcome { return outcome{f.Class, f.Code, f.RawCode} }

func TestPublishedCards(t *testing.T) {
	t.Parallel()
	c, _ := open(t, simulated.Open(t).URL)
	waiting := outcome{payment.ClassWaiting, "", ""}
	for i, test := range []struct {
		number string
		want   outcome
	}{
		{"4000000000000408", outcome{payment.ClassApproved, "", "00"}},
		{"5555000000000107", outcome{payment.ClassApproved, "", "00"}},
		{"4000000000000002", waiting},
		{"4242424242424242", waiting},
		{"5555000000000008", waiting},
		{"4000000000000416", outcome{payment.ClassDeclinedSoft, "4.00", "05"}},
		{"5555000000000115", outcome{payment.ClassDeclinedSoft, "4.00", "05"}},
		{"4000000000009995", outcome{payment.ClassDeclinedHard, "4.01", "51"}},
		{"4000000000000069", outcome{payment.ClassDeclinedHard, "4.04", "54"}},
		{"4000000000000119", outcome{payment.ClassDeclinedSoft, "3.03", "96"}},
		{"4000000000650004", outcome{payment.ClassDeclinedHard, "3.09", "65"}},
		{"4000000000610008", outcome{payment.ClassDeclinedHard, "4.05", "61"}},
	} {
		r := sale(t, fmt.Sprintf("card-%d", i), "11.12")
		r.Means = connectortest.Card(t, test.number)
		fact, err := c.Start(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, outcomeOf(fact)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.number, diff)
		}
	}
}

func TestAmountRules(t *testing.T) {
	t.Parallel()
	c, _ := open(t, simulated.Open(t).URL)
	over := outcome{payment.ClassDeclinedSoft, "3.05", "61"}
	done := outcome{payment.ClassApproved, "", "00"}
	for amount, want := range map[string]outcome{"9999999.99": done, "10000000": over} {
		fact, err := c.Start(t.Context(), sale(t, "sale-"+amount, amount))
		if err != nil || outcomeOf(fact) != want {
			t.Errorf("sale of %s: %+v, %v; want %+v", amount, fact, err, want)
		}
	}
	for amount, want := range map[string]outcome{"10000": done, "10000.01": over} {
		fact, err := c.Payout(t.Context(), sale(t, "payout-"+amount, amount))
		if err != nil || outcomeOf(fact) != want {
			t.Errorf("payout of %s: %+v, %v; want %+v", amount, fact, err, want)
		}
	}
}

// TestIssuerCodes lists the answers of ISO 8583 field 39 one by one, apart from the
// table of the code under test.
func TestIssuerCodes(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	const soft, hard = payment.ClassDeclinedSoft, payment.ClassDeclinedHard
	for _, test := range []outcome{
		{soft, "4.00", "01"}, {soft, "4.00", "02"}, {soft, "3.08", "03"}, {hard, "4.06", "04"}, {hard, "4.06", "07"},
		{soft, "4.00", "05"}, {soft, "3.03", "06"}, {soft, "3.03", "96"}, {hard, "4.08", "12"}, {soft, "3.02", "13"},
		{soft, "3.02", "30"}, {hard, "4.13", "14"}, {hard, "3.07", "15"}, {soft, "4.15", "19"}, {hard, "4.06", "41"},
		{hard, "4.06", "43"}, {hard, "4.03", "46"}, {hard, "4.03", "78"}, {hard, "4.01", "51"}, {hard, "4.04", "54"},
		{hard, "4.00", "55"}, {hard, "4.14", "75"}, {hard, "4.10", "57"}, {soft, "3.08", "58"}, {hard, "4.09", "59"},
		{hard, "4.09", "63"}, {hard, "4.05", "61"}, {hard, "3.09", "65"}, {hard, "4.08", "62"}, {hard, "4.08", "93"},
		{soft, "3.03", "91"}, {soft, "3.03", "92"}, {hard, "4.07", "82"}, {hard, "4.07", "N7"}, {hard, "3.09", "1A"},
		{hard, "4.08", "R0"}, {hard, "4.08", "R1"}, {hard, "4.08", "R3"}, {hard, "4.01", "10"},
		{soft, "3.10", "77"}, {soft, "3.10", "QQ"},
	} {
		key := "code-" + test.Raw
		scenario(t, d, simulator.Match{Reference: key, Operation: "payment"}, simulator.Effect{ResponseCode: test.Raw})
		fact, err := c.Start(t.Context(), sale(t, key, "5"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test, outcomeOf(fact)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.Raw, diff)
		}
		if !fact.Code.Valid() {
			t.Errorf("%s: %s is not in the table of codes", test.Raw, fact.Code)
		}
		if want := strings.HasPrefix(test.Raw, "R"); fact.Revoked != want {
			t.Errorf("%s: revoked %t, want %t", test.Raw, fact.Revoked, want)
		}
	}
}

func scenario(t testing.TB, d *simulated.Double, m simulator.Match, e simulator.Effect) {
	t.Helper()
	if _, err := d.Sim.AddScenario(simulator.Scenario{Match: m, Effect: e}); err != nil {
		t.Fatal(err)
	}
}

func TestLateIssuerAnswerIsSettledByTheQuery(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	scenario(t, d, simulator.Match{Operation: "payment"}, simulator.Effect{ResponseCode: "68"})
	fact, err := c.Start(t.Context(), sale(t, "late", "5"))
	if want := (outcome{payment.ClassUnknown, "", "68"}); err != nil || outcomeOf(fact) != want {
		t.Errorf("%+v, %v; want %+v", fact, err, want)
	}
	fact, err = c.Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "late"})
	if want := (outcome{payment.ClassDeclinedSoft, "3.04", "68"}); err != nil || outcomeOf(fact) != want {
		t.Errorf("status: %+v, %v; want %+v", fact, err, want)
	}
}

func TestApprovalCodeOfADeclineProvesNothing(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	scenario(t, d, simulator.Match{Operation: "payment"}, simulator.Effect{ResponseCode: "08"}) // the simulator declines
	if fact, err := c.Start(t.Context(), sale(t, "k", "5")); err == nil {
		t.Errorf("%+v, want an error", fact)
	}
}

func TestCustomersPage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		method   payment.Method
		card     string
		decision string // empty: time passes
		want     outcome
	}{
		{"card, approves", payment.BasicCard, "4000000000000002", "approve", outcome{payment.ClassApproved, "", "00"}},
		{"card, approves, declined", payment.BasicCard, "4242424242424242", "approve", outcome{payment.ClassDeclinedSoft, "4.00", "05"}},
		{"card, declines", payment.BasicCard, "4000000000000002", "decline", outcome{payment.ClassDeclinedHard, "5.00", "T01"}},
		{"card, gives up", payment.BasicCard, "4000000000000002", "cancel", outcome{payment.ClassCancelled, "2.00", "C01"}},
		{"card, forgets", payment.BasicCard, "4000000000000002", "", outcome{payment.ClassDeclinedHard, "5.01", "T02"}},
		{"card, 3DS broken", payment.BasicCard, "4000008400001280", "approve", outcome{payment.ClassDeclinedSoft, "5.02", "T03"}},
		{"blik, approves", payment.Blik, "", "approve", outcome{payment.ClassApproved, "", "00"}},
		{"pix, declines", payment.Pix, "", "decline", outcome{payment.ClassDeclinedSoft, "4.00", "C03"}},
		{"bank, gives up", payment.OpenBanking, "", "cancel", outcome{payment.ClassCancelled, "2.00", "C01"}},
		{"link, forgets", payment.PayByLink, "", "", outcome{payment.ClassCancelled, "1.04", "C04"}},
		{"google, approves", payment.GooglePay, "", "approve", outcome{payment.ClassApproved, "", "00"}},
		{"apple, waits", payment.ApplePay, "", "pending", outcome{payment.ClassWaiting, "", ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := simulated.Open(t)
			c, _ := open(t, d.URL)
			r := sale(t, "page", "5")
			if r.Method, r.Means = test.method, nil; test.card != "" {
				r.Means = connectortest.Card(t, test.card)
			}
			fact, err := c.Start(t.Context(), r)
			if err != nil || fact.Class != payment.ClassWaiting || !strings.HasPrefix(fact.Next.URL, d.URL+"/pay/") {
				t.Fatalf("%+v, %v; want a redirect to the page", fact, err)
			}
			if test.decision == "" {
				d.Advance(16 * time.Minute)
			} else if back := decide(t, fact.Next.URL, test.decision); !strings.HasPrefix(back, r.ReturnURL) {
				t.Errorf("the customer went to %q", back)
			}
			fact, err = c.Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: r.Key})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, outcomeOf(fact)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// decide presses a button of the page and returns where it leads.
func decide(t testing.TB, page, decision string) string {
	t.Helper()
	body := strings.NewReader(url.Values{"decision": {decision}}.Encode())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.Header.Get("Location")
}

func TestInstrument(t *testing.T) {
	t.Parallel()
	c, _ := open(t, simulated.Open(t).URL)
	fact, err := c.Start(t.Context(), sale(t, "k", "5"))
	want := instrument.Masked{CustomerAccountNumber: "400000***0408", CardBrand: instrument.BrandVisa, CardIssuingCountry: "DE"}
	if err != nil || fact.Instrument != want {
		t.Errorf("%+v, %v; want %+v", fact.Instrument, err, want)
	}
}

// TestHoldThatIsGone captures and voids what the provider has released by itself.
func TestHoldThatIsGone(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	hold := sale(t, "hold", "5")
	hold.PreAuth = true
	held, err := c.Start(t.Context(), hold)
	if err != nil || held.Class != payment.ClassAuthorized {
		t.Fatalf("%+v, %v", held, err)
	}
	r := connector.Request{Key: "end", Amount: hold.Amount, Currency: "EUR"}
	r.Original = connector.Ref{Kind: payment.AttemptDeposit, Key: hold.Key, ProviderRef: held.ProviderRef}
	d.Advance(8 * 24 * time.Hour)
	gone := func(call func(context.Context, connector.Request) (payment.Fact, error)) {
		t.Helper()
		if fact, err := call(t.Context(), r); err != nil || fact.Class != payment.ClassCancelled || fact.Code != "1.04" {
			t.Errorf("%+v, %v; want CANCELLED with 1.04", fact, err)
		}
	}
	gone(c.Capture)
	gone(c.Void)
	fact, err := c.Status(t.Context(), r.Original)
	if err != nil || fact.Class != payment.ClassCancelled {
		t.Errorf("status: %+v, %v", fact, err)
	}
}

func TestFollowUpsThatAreRefused(t *testing.T) {
	t.Parallel()
	c, _ := open(t, simulated.Open(t).URL)
	fact, err := c.Start(t.Context(), sale(t, "sale", "5"))
	if err != nil {
		t.Fatal(err)
	}
	of := connector.Ref{Kind: payment.AttemptDeposit, Key: "sale", ProviderRef: fact.ProviderRef}
	follow := func(amount, currency string) connector.Request {
		return connector.Request{
			Key: "f", Amount: money.MustParse(amount), Currency: money.Currency(currency), Method: payment.BasicCard, Original: of,
		}
	}
	for _, test := range []struct {
		name string
		call func(context.Context, connector.Request) (payment.Fact, error)
		r    connector.Request
		want outcome
	}{
		{"capture of a sale", c.Capture, follow("5", "EUR"), outcome{payment.ClassRejected, "1.00", "not_capturable"}},
		{"void of a sale", c.Void, follow("5", "EUR"), outcome{payment.ClassRejected, "1.00", "not_voidable"}},
		{"refund of more", c.Refund, follow("5.01", "EUR"), outcome{payment.ClassRejected, "1.08", "amount_exceeds_refundable"}},
		{"refund in dollars", c.Refund, follow("5", "USD"), outcome{payment.ClassRejected, "1.09", "currency_mismatch"}},
		{"refund in mills", c.Refund, follow("1.005", "EUR"), outcome{payment.ClassRejected, "3.02", "invalid_field"}},
		{"unknown credential", c.Start, withCredential(sale(t, "c", "5")), outcome{payment.ClassRejected, "1.06", "credential_not_found"}},
	} {
		if fact, err := test.call(t.Context(), test.r); err != nil || outcomeOf(fact) != test.want {
			t.Errorf("%s: %+v, %v; want %+v", test.name, fact, err, test.want)
		}
	}
}

func withCredential(r connector.Request) connector.Request {
	r.Means = &instrument.Credential{Handle: "cred_of_nobody"}
	return r
}

func TestPartialRefunds(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	fact, err := c.Start(t.Context(), sale(t, "sale", "1"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []payment.Class{payment.ClassApproved, payment.ClassApproved, payment.ClassRejected} {
		r := connector.Request{Key: fmt.Sprint("r", i), Amount: money.MustParse("0.4"), Currency: "EUR"}
		r.Original = connector.Ref{Key: "sale", ProviderRef: fact.ProviderRef}
		if fact, err := c.Refund(t.Context(), r); err != nil || fact.Class != want {
			t.Errorf("refund %d: %+v, %v; want %s", i, fact, err, want)
		}
	}
	if sums, _ := d.Sim.Totals("sale"); sums.Refunded != "0.8" {
		t.Errorf("refunded %s, want 0.8", sums.Refunded)
	}
}

func TestWrongKeyIsToldToTheOperator(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, log := open(t, d.URL)
	scenario(t, d, simulator.Match{}, simulator.Effect{Fault: simulator.FaultUnauthorized})
	if _, err := c.Start(t.Context(), sale(t, "k", "5")); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "status=401") {
		t.Errorf("logged: %q", text)
	}
}

func TestWrongAddressIsNoNotFound(t *testing.T) {
	t.Parallel()
	c, _ := open(t, simulated.Open(t).URL+"/elsewhere")
	if fact, err := c.Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "k"}); err == nil {
		t.Errorf("%+v, want an error", fact)
	}
}

func TestWhatCannotBeAskedForIsNotSent(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	noCard, noKey := sale(t, "k", "5"), sale(t, "", "5")
	noCard.Means = nil
	for name, call := range map[string]func() (payment.Fact, error){
		"card payment without a card": func() (payment.Fact, error) { return c.Start(t.Context(), noCard) },
		"payout to nobody":            func() (payment.Fact, error) { return c.Payout(t.Context(), noCard) },
		"payment without a key":       func() (payment.Fact, error) { return c.Start(t.Context(), noKey) },
		"refund of nothing":           func() (payment.Fact, error) { return c.Refund(t.Context(), sale(t, "k", "5")) },
		"verification of an amount":   func() (payment.Fact, error) { return c.Verify(t.Context(), sale(t, "k", "5")) },
		"verification of no card":     func() (payment.Fact, error) { return c.Verify(t.Context(), check("k", nil)) },
		"verification without a key": func() (payment.Fact, error) {
			return c.Verify(t.Context(), check("", connectortest.Card(t, "4000000000000408")))
		},
	} {
		if fact, err := call(); !errors.Is(err, outbound.ErrNotSent) {
			t.Errorf("%s: %+v, %v; want ErrNotSent", name, fact, err)
		}
	}
	if n := d.Requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestRequests compares what is sent byte by byte.
func TestRequests(t *testing.T) {
	t.Parallel()
	type sent struct{ Method, Path, Body string }
	var got sent
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got, header = sent{r.Method, r.URL.EscapedPath(), string(body)}, r.Header
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	c, _ := open(t, server.URL+"/base/")

	full := sale(t, "k1", "11.10")
	instrument.CardOf(full.Means).Holder = "Jane \"J\" Doe\u2028\x01"
	full.NoticeURL, full.StartRecurring = "https://sluice.example/n", true
	full.Description, full.Customer = "coffee", payment.Customer{Email: "jane@shop.example"}
	hold := sale(t, "k2", "0.000000000000000001")
	hold.Currency, hold.PreAuth, hold.ReturnURL, instrument.CardOf(hold.Means).SecurityCode = "ETH", true, "", instrument.SecurityCode{}
	blik := sale(t, "k3", "7")
	blik.Method, blik.Means, blik.StartRecurring = payment.Blik, nil, true
	again := sale(t, "k4", "7")
	again.Means, again.StartRecurring = &instrument.Credential{Handle: "cred_1"}, true
	account := connector.Request{Key: "k5", Amount: money.MustParse("7"), Currency: "PLN", Method: payment.Blik}
	account.Customer = payment.Customer{AccountNumber: "PL1", FirstName: "Jan", LastName: "Kowalski", BankCode: "B1"}
	follow := connector.Request{Key: "k6", Amount: money.MustParse("7"), Currency: "EUR"}
	follow.Original = connector.Ref{Key: "k1", ProviderRef: "0195"}
	odd := connector.Ref{Kind: payment.AttemptDeposit, Key: "a/b c"}
	order := sale(t, "k7", "10002")
	order.Origin, order.Until = "yandexpay", time.Date(2030, 1, 2, 3, 4, 5, 6000, time.FixedZone("", 3600))
	gateway := sale(t, "k8", "10002")
	gateway.Until = order.Until
	bind := check("k9", connectortest.Card(t, "4000000000000408"))
	bind.Origin, bind.StartRecurring = "yandexpay", true

	const plainCard = `"card":{"number":"4000000000000408","expiryMonth":"12","expiryYear":"2035","holder":`
	for _, test := range []struct {
		call func() (payment.Fact, error)
		want sent
	}{
		{func() (payment.Fact, error) { return c.Start(t.Context(), full) }, sent{"POST", "/base/v1/payments",
			`{"reference":"k1","amount":"11.1","currency":"EUR",` + plainCard + `"Jane \"J\" Doe` + "\u2028" + `\u0001",` +
				`"securityCode":"737"},"storeCredential":true,"returnUrl":"https://shop.example/back","noticeUrl":"https://sluice.example/n"}`}},
		{func() (payment.Fact, error) { return c.Start(t.Context(), hold) }, sent{"POST", "/base/v1/payments",
			`{"reference":"k2","amount":"0.000000000000000001","currency":"ETH","capture":false,` + plainCard + `"JANE DOE"}}`}},
		{func() (payment.Fact, error) { return c.Start(t.Context(), blik) }, sent{"POST", "/base/v1/payments",
			`{"reference":"k3","amount":"7","currency":"EUR","method":"BLIK","returnUrl":"https://shop.example/back"}`}},
		{func() (payment.Fact, error) { return c.Start(t.Context(), again) }, sent{"POST", "/base/v1/payments",
			`{"reference":"k4","amount":"7","currency":"EUR","credential":"cred_1","returnUrl":"https://shop.example/back"}`}},
		{func() (payment.Fact, error) { return c.Start(t.Context(), order) }, sent{"POST", "/base/v1/payments",
			`{"reference":"k7","amount":"10002","currency":"EUR",` + plainCard + `"JANE DOE","securityCode":"737"},"testAmounts":"yandexpay",` +
				`"expiresAt":"2030-01-02T02:04:05.000006Z","returnUrl":"https://shop.example/back"}`}},
		{func() (payment.Fact, error) { return c.Start(t.Context(), gateway) }, sent{"POST", "/base/v1/payments",
			`{"reference":"k8","amount":"10002","currency":"EUR",` + plainCard + `"JANE DOE","securityCode":"737"},"returnUrl":"https://shop.example/back"}`}},
		{func() (payment.Fact, error) { return c.Verify(t.Context(), bind) }, sent{"POST", "/base/v1/verifications",
			`{"reference":"k9","currency":"EUR",` + plainCard + `"JANE DOE","securityCode":"737"},"storeCredential":true}`}},
		{func() (payment.Fact, error) { return c.Payout(t.Context(), account) }, sent{"POST", "/base/v1/payouts",
			`{"reference":"k5","amount":"7","currency":"PLN","method":"BLIK","account":{"number":"PL1","holder":"Jan Kowalski","bank":"B1"}}`}},
		{func() (payment.Fact, error) { return c.Capture(t.Context(), follow) }, sent{"POST", "/base/v1/transactions/by-reference/k1/capture",
			`{"reference":"k6","amount":"7","currency":"EUR"}`}},
		{func() (payment.Fact, error) { return c.Refund(t.Context(), follow) }, sent{"POST", "/base/v1/transactions/by-reference/k1/refund",
			`{"reference":"k6","amount":"7","currency":"EUR"}`}},
		{func() (payment.Fact, error) { return c.Void(t.Context(), follow) }, sent{"POST", "/base/v1/transactions/by-reference/k1/void",
			`{"reference":"k6"}`}},
		{func() (payment.Fact, error) { return c.Status(t.Context(), odd) }, sent{"GET", "/base/v1/transactions/by-reference/a%2Fb%20c", ""}},
		{func() (payment.Fact, error) { return c.Fence(t.Context(), odd) }, sent{"POST", "/base/v1/transactions/by-reference/a%2Fb%20c/cancel", ""}},
	} {
		if fact, err := test.call(); err == nil {
			t.Errorf("%s: %+v after a 500", test.want.Path, fact)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if header.Get("Authorization") != "Bearer "+simulated.APIKey || header.Get("Idempotency-Key") != "" {
			t.Errorf("headers: %v", header)
		}
	}
}

// TestAnswersThatDoNotFitTheRequest are each a true transaction with our reference.
func TestAnswersThatDoNotFitTheRequest(t *testing.T) {
	t.Parallel()
	answer := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	c, _ := open(t, server.URL)
	told := func(kind, status, parent string) string {
		return fmt.Sprintf(`{"id":"1","reference":"k","kind":%q,"status":%q,"parentId":%q,"amount":"5","currency":"EUR","responseCode":"00"}`,
			kind, status, parent)
	}
	hold, plain := sale(t, "k", "5"), sale(t, "k", "5")
	hold.PreAuth = true
	verified := strings.Replace(told("verification", "approved", ""), `"5"`, `"0"`, 1)
	verify := func() (payment.Fact, error) {
		return c.Verify(t.Context(), check("k", connectortest.Card(t, "4000000000000408")))
	}
	refund := connector.Request{Key: "k", Amount: hold.Amount, Currency: "EUR", Original: connector.Ref{Key: "p1"}}
	for _, test := range []struct {
		name, answer string
		call         func() (payment.Fact, error)
		want         payment.Class // empty: it proves nothing
	}{
		{"sale", told("sale", "approved", ""), func() (payment.Fact, error) { return c.Start(t.Context(), plain) }, payment.ClassApproved},
		{"hold", told("authorization", "authorized", ""), func() (payment.Fact, error) { return c.Start(t.Context(), hold) }, payment.ClassAuthorized},
		{"sale for a hold", told("sale", "approved", ""), func() (payment.Fact, error) { return c.Start(t.Context(), hold) }, ""},
		{"hold for a sale", told("authorization", "authorized", ""), func() (payment.Fact, error) { return c.Start(t.Context(), plain) }, ""},
		{"verification", verified, verify, payment.ClassApproved},
		{"verification of an amount", told("verification", "approved", ""), verify, ""},
		{"sale for a verification", told("sale", "approved", ""), verify, ""},
		{"verification for a sale", verified, func() (payment.Fact, error) { return c.Start(t.Context(), plain) }, ""},
		{"refund", told("refund", "approved", "p1"), func() (payment.Fact, error) { return c.Refund(t.Context(), refund) }, payment.ClassApproved},
	} {
		answer = test.answer
		fact, err := test.call()
		if test.want != fact.Class || (err == nil) != (test.want != "") || errors.Is(err, outbound.ErrNotSent) {
			t.Errorf("%s: %+v, %v; want %q", test.name, fact, err, test.want)
		}
	}
}
