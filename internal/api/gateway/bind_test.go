package gateway

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/address"
	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/checkout"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

const sample = `{"paymentType":"DEPOSIT","currency":"EUR","amount":11.12,"referenceId":"ORDER-1","description":"d","startRecurring":true,"preAuth":true,
 "customer":{"firstName":"John","lastName":"Doe","ip":"152.13.130.125","email":"john@example.com","phone":"44 02072243688","kycStatus":false},
 "billingAddress":{"countryCode":"GB","city":"London","addressLine1":"221b Baker St, Marylebone","postalCode":"NW1 6XE"},
 "card":{"cardNumber":"4000 0000 0000 0408","cardholderName":"John Doe","cardSecurityCode":"123","expiryMonth":"01","expiryYear":"2090"},
 "returnUrl":"https://shop.example/{id}","webhookUrl":"https://shop.example/hook"}`

func testShop(required shop.Required) *shop.Shop {
	s := &shop.Shop{ID: "0123456789abcdef0123456789abcdef", Active: true, Settings: shop.Defaults(false)}
	s.Settings.Required = required
	return s
}

func bind(t testing.TB, text string) engine.Create {
	t.Helper()
	doc, err := api.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := bindPayment(doc, testShop(shop.RequiredContract), surroundings{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBindPayment(t *testing.T) {
	t.Parallel()
	c := bind(t, sample)
	if c.Means == nil || instrument.CardOf(c.Means).Number.Reveal() != "4000000000000408" || instrument.CardOf(c.Means).SecurityCode.Reveal() != "123" ||
		instrument.CardOf(c.Means).Holder != "John Doe" || instrument.CardOf(c.Means).ExpiryMonth != "01" || instrument.CardOf(c.Means).ExpiryYear != "2090" {
		t.Errorf("card %v", c.Means)
	}
	c.Means = nil
	c.Shop = nil
	want := engine.Create{
		Type: payment.Deposit, Method: payment.BasicCard, Reference: "ORDER-1", Description: "d", Amount: money.MustParse("11.12"),
		Currency: "EUR", PreAuth: true, StartRecurring: true, ReturnURL: "https://shop.example/{id}", WebhookURL: "https://shop.example/hook",
		Customer: `{"firstName":"John","lastName":"Doe","email":"john@example.com","phone":"44 02072243688","kycStatus":false,"ip":"152.13.130.125"}`,
		Billing:  `{"addressLine1":"221b Baker St, Marylebone","city":"London","countryCode":"GB","postalCode":"NW1 6XE"}`,
	}
	if diff := cmp.Diff(want, c, cmp.Comparer(func(a, b money.Amount) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestBindPaymentIgnoresWhatDoesNotBelong(t *testing.T) {
	t.Parallel()
	const card = `"card":{"cardNumber":"nonsense"}`
	for name, text := range map[string]string{
		"refund":    `{"paymentType":"REFUND","currency":"EUR","parentPaymentId":"x","recurringToken":"t","startRecurring":true,"preAuth":true,` + card + `}`,
		"follow-up": `{"paymentType":"DEPOSIT","currency":"EUR","amount":1,"recurringToken":"t","startRecurring":true,` + card + `}`,
	} {
		c := bind(t, text)
		if c.Means != nil || c.StartRecurring || c.PreAuth {
			t.Errorf("%s: %+v", name, c)
		}
		if (name == "refund") == (c.RecurringToken != "") {
			t.Errorf("%s: token %q", name, c.RecurringToken)
		}
	}
}

func TestFingerprintSeesEveryFieldButTheSecurityCode(t *testing.T) {
	t.Parallel()
	g := New(engine.New(engine.Config{}), nil, nil, nil)
	fingerprint := func(text string) string {
		c := bind(t, text)
		return string(g.canonicalPayment("POST /x", &c))
	}
	change := func(path []string, value any) string {
		var doc map[string]any
		if err := json.Unmarshal([]byte(sample), &doc); err != nil {
			t.Fatal(err)
		}
		at := doc
		for _, p := range path[:len(path)-1] {
			at = at[p].(map[string]any)
		}
		at[path[len(path)-1]] = value
		out, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return fingerprint(string(out))
	}
	first := fingerprint(sample)
	for _, c := range []struct {
		path  []string
		value any
	}{
		{[]string{"referenceId"}, "ORDER-2"}, {[]string{"paymentType"}, "WITHDRAWAL"}, {[]string{"amount"}, 11.13}, {[]string{"amount"}, nil},
		{[]string{"currency"}, "USD"}, {[]string{"parentPaymentId"}, "p"}, {[]string{"description"}, "e"}, {[]string{"customer", "firstName"}, "Jon"},
		{[]string{"customer", "kycStatus"}, true}, {[]string{"billingAddress", "city"}, "Leeds"}, {[]string{"returnUrl"}, "https://shop.example/"},
		{[]string{"webhookUrl"}, "https://shop.example/"}, {[]string{"startRecurring"}, false}, {[]string{"preAuth"}, false},
		{[]string{"recurringToken"}, "t"}, {[]string{"card", "cardNumber"}, "4000000000000416"}, {[]string{"card", "cardholderName"}, "J"},
		{[]string{"card", "expiryMonth"}, "02"}, {[]string{"card", "expiryYear"}, "2091"}, {[]string{"card"}, nil},
	} {
		if change(c.path, c.value) == first {
			t.Errorf("%v is not in the fingerprint", c.path)
		}
	}
	for _, c := range []struct {
		path  []string
		value any
	}{
		{[]string{"card", "cardSecurityCode"}, "321"}, {[]string{"card", "cardNumber"}, "4000000000000408"}, {[]string{"amount"}, "11.120"},
		{[]string{"paymentMethod"}, "BASIC_CARD"}, {[]string{"unknown"}, 1}, {[]string{"recurringToken"}, nil},
	} {
		if change(c.path, c.value) != first {
			t.Errorf("%v changes the fingerprint", c.path)
		}
	}
	if text := first; strings.Contains(text, "4000000000000408") || strings.Contains(text, "4000 0000") {
		t.Error("the card number is in the text of the fingerprint")
	}
	saved := func(token string) string {
		return string(g.canonicalPayment("POST /x", &engine.Create{Means: &instrument.SavedCard{Token: token}}))
	}
	if saved("one") == saved("two") || saved("one") == string(g.canonicalPayment("POST /x", &engine.Create{})) {
		t.Error("a saved card is not in the fingerprint")
	}
}

func FuzzBindPayment(f *testing.F) {
	for _, seed := range []string{
		sample, `{}`, `{"paymentType":"REFUND","currency":"EUR","parentPaymentId":"x"}`, `{"paymentType":"WITHDRAWAL","currency":"BTC","amount":"1e5"}`,
		`{"paymentType":"DEPOSIT","currency":"EUR","recurringToken":"t","amount":1e-5}`, `{"card":[],"customer":{"email":"a@"},"billingAddress":null}`,
		`{"returnUrl":"https://{id}","webhookUrl":"http://a#b","amount":-0}`, `{"paymentType":"REFUND","parentPaymentId":"0"}`,
	} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, strict bool) {
		doc, err := api.Decode(body)
		if err != nil {
			return
		}
		required := shop.RequiredRelaxed
		if strict {
			required = shop.RequiredContract
		}
		c, err := bindPayment(doc, testShop(required), surroundings{})
		if err != nil {
			var faulty *invalid
			if !errors.As(err, &faulty) || len(faulty.faults) == 0 {
				t.Fatalf("error %v", err)
			}
			bad := validation("paymentRequest", faulty.faults)
			if out := bad.append(nil); !json.Valid(out) {
				t.Fatalf("answer %s", out)
			}
			return
		}
		checkBound(t, &c)
	})
}

// checkBound checks what every request that passed has to keep.
func checkBound(t *testing.T, c *engine.Create) {
	ofDeposit := c.Type == payment.Refund && c.Currency == "" // then the currency is the deposit's
	if !c.Type.Valid() || !ofDeposit && !c.Currency.Valid() || c.Method != "" && !c.Method.Valid() {
		t.Fatalf("type %q, currency %q, method %q", c.Type, c.Currency, c.Method)
	}
	if !c.Amount.IsZero() && (c.Amount.Cmp(leastAmount) < 0 || c.Amount.Cmp(mostAmount) > 0) {
		t.Fatalf("amount %s", c.Amount)
	}
	for _, d := range []payment.Document{c.Customer, c.Billing} {
		if d != "" && !json.Valid([]byte(d)) {
			t.Fatalf("document %q", d)
		}
	}
	switch means := c.Means.(type) {
	case *instrument.Card:
		if means.Number.IsZero() {
			t.Fatal("card without a number")
		}
	case *instrument.Code:
		if len(means.Digits) != 6 || !allDigits(means.Digits) || c.Type != payment.Deposit || strings.Contains(string(c.Terms.Additional), "blikCode") {
			t.Fatalf("code %q of a %s with %s", means.Digits, c.Type, c.Terms.Additional)
		}
	case nil:
	default:
		t.Fatalf("means %T", means)
	}
	p := payment.Payment{ID: "0123456789abcdef0123456789abcdef", Type: c.Type, Reference: c.Reference}
	if c.ReturnURL != "" {
		if _, err := address.Return(checkout.ReturnURL(c.ReturnURL, &p)); err != nil {
			t.Fatalf("return address %q: %v", c.ReturnURL, err)
		}
	}
}

func FuzzBindBrowser(f *testing.F) {
	f.Add([]byte(`{"customerIp":"1.2.3.4","browserWindowWidth":1,"browserJavaEnabled":true}`))
	f.Add([]byte(`{"customerIp":"::1","browserTimezoneOffset":-60.0}`))
	f.Add([]byte(`{"customerIp":"::1","card":{"cardSecurityCode":"123"},"additionalParameters":"none"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := api.Decode(body)
		if err != nil {
			return
		}
		if doc.Get("card").Get("cardSecurityCode").Kind() == api.Number || entering(doc) || !doc.Get("paymentMethod").Blank() {
			return // there is no payment to look at
		}
		x, err := (&Gateway{}).bindExecute(t.Context(), doc, engine.Target{ID: "none", Shop: &shop.Shop{}})
		if card := instrument.CardOf(x.Means); card != nil && card.SecurityCode.IsZero() {
			t.Fatal("a card without its code")
		}
		if err == nil && !json.Valid([]byte(x.Browser)) {
			t.Fatalf("document %q", x.Browser)
		}
	})
}

func TestParseInstant(t *testing.T) {
	t.Parallel()
	at := time.Date(2021, 10, 13, 10, 26, 18, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2021-10-13T10:26:18":                      at,
		"2021-10-13T10:26:18Z":                     at,
		"2021-10-13T10:26:18+00:00":                at,
		"2021-10-13T12:26:18+02:00":                at,
		"2021-10-13T12:26:18 02:00":                at,
		"2021-10-13T07:56:18-02:30":                at,
		"2021-10-13T10:26:18.5":                    at.Add(500 * time.Millisecond),
		"2021-10-13T10:26:18.000001Z":              at.Add(time.Microsecond),
		"2021-10-13T12:26:18.595 02:00":            at.Add(595 * time.Millisecond),
		"2021-10-13":                               {},
		"2021-10-13 10:26:18":                      {},
		"2021-10-13T10:26":                         {},
		"2021-10-13T1:26:18":                       {},
		"2021-10-13T1:26:180":                      {},
		"2021-10-13T10:26:18,5":                    {},
		"2021-10-13T10:26:18.":                     {},
		"2021-10-13T24:00:00":                      {},
		"2021-02-29T10:26:18":                      {},
		"2021-10-13T10:26:60":                      {},
		"2021-10-13T10:26:18+0200":                 {},
		"2021-10-13T10:26:18+2":                    {},
		"2021-10-13t10:26:18z":                     {},
		"+2021-10-13T10:26:18":                     {},
		"1634120778":                               {},
		"2021-10-13T10:26:18[Europe/London]":       {},
		"2021-10-13T10:26:18.1234567890123456789Z": at.Add(123456789),
	} {
		got, ok := parseInstant(text)
		if !got.Equal(want) || ok == want.IsZero() {
			t.Errorf("%q is %s, %t; want %s", text, got, ok, want)
		}
	}
}

func TestBindFilterRoundsUpToStoredMicroseconds(t *testing.T) {
	t.Parallel()
	f, err := bindFilter("created.gte=2021-10-13T10:26:18.0000011&created.lt=2021-10-13T10:26:18.000001&updated.lt=0001-01-01T00:00:00")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2021, 10, 13, 10, 26, 18, 0, time.UTC)
	want := payment.Filter{
		Limit: payment.DefaultLimit, CreatedFrom: at.Add(2 * time.Microsecond), CreatedBefore: at.Add(time.Microsecond),
		UpdatedBefore: time.Time{}.Add(time.Microsecond),
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
}

func TestBindFilterTakesSemicolonsAsTheyAre(t *testing.T) {
	t.Parallel()
	f, err := bindFilter("unknown=a;b&referenceId.eq=A;1&limit=2")
	if want := (payment.Filter{Limit: 2, Reference: "A;1"}); err != nil || f != want {
		t.Errorf("%+v, %v; want %+v", f, err, want)
	}
	if _, err := bindFilter("limit=2;offset=3"); err == nil {
		t.Error("a semicolon separated two parameters")
	}
}

func FuzzBindFilter(f *testing.F) {
	for _, seed := range []string{
		"", "limit=1000&offset=1000000", "limit=99999999999999999999", "offset=-99999999999999999999", "created.gte=2021-10-13T10:26:18 02:00",
		"referenceId.eq=%00", "referenceId.eq=a&referenceId.eq=b", "a;b", "limit=%zz", "updated.lt=9999-12-31T23:59:59.999999999Z",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		got, err := bindFilter(query)
		var faulty *invalid
		switch {
		case errors.Is(err, errQuery):
		case errors.As(err, &faulty):
			if len(faulty.faults) == 0 {
				t.Fatal("no faults")
			}
		case err != nil:
			t.Fatalf("error %v", err)
		case got.Limit < 1 || got.Limit > payment.MaxLimit || got.Offset < 0 || got.Offset > payment.MaxOffset:
			t.Fatalf("filter %+v", got)
		default:
			if _, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B")); err != nil {
				t.Fatalf("accepted a query that cannot be read: %v", err)
			}
		}
	})
}

func BenchmarkCreateWithoutDatabase(b *testing.B) {
	body := []byte(sample)
	g := New(engine.New(engine.Config{}), nil, nil, nil)
	s := testShop(shop.RequiredContract)
	p := payment.Restore(payment.Payment{ID: "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f", Type: payment.Withdrawal, Asked: money.Sum{Currency: "EUR"}}, payment.Pending)
	out := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		doc, err := api.Decode(body)
		if err != nil {
			b.Fatal(err)
		}
		c, err := bindPayment(doc, s, surroundings{})
		if err != nil {
			b.Fatal(err)
		}
		_ = g.engine.Fingerprint(g.canonicalPayment("POST /api/v1/payments", &c))
		p.Customer, p.Billing, p.Asked.Amount, p.Instrument = c.Customer, c.Billing, c.Amount, c.Means.Masked()
		out = appendPayment(out[:0], &p, "")
	}
}

func TestBindFilterTakesACursor(t *testing.T) {
	t.Parallel()
	const one = "0193f0c2a7b17c9e8d4f5a6b7c8d9e00"
	for query, want := range map[string]payment.Filter{
		"after=" + one + "&limit=2":  {Limit: 2, After: one},
		"after=" + one + "&offset=0": {Limit: payment.DefaultLimit, After: one},
		"after=&offset=3":            {Limit: payment.DefaultLimit, Offset: 3},
	} {
		if f, err := bindFilter(query); err != nil || f != want {
			t.Errorf("%s: %+v, %v; want %+v", query, f, err, want)
		}
	}
	for _, query := range []string{"after=x", "after=" + one + "0", "after=0193F0C2A7B17C9E8D4F5A6B7C8D9E00", "after=" + one + "&after=" + one, "after=" + one + "&offset=1", "after=%00"} {
		var faulty *invalid
		if _, err := bindFilter(query); !errors.As(err, &faulty) || len(faulty.faults) != 1 || faulty.faults[0].field != "after" {
			t.Errorf("%s: %v", query, err)
		}
	}
}
