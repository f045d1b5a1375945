package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// faultsOf lists the entries of a 400 answer as "Constraint field".
func faultsOf(t testing.TB, a answer) []string {
	t.Helper()
	var body struct {
		Message string `json:"message"`
		Errors  []struct {
			Codes   []string `json:"codes"`
			Field   string   `json:"field"`
			Object  string   `json:"objectName"`
			Message string   `json:"defaultMessage"`
			Binding bool     `json:"bindingFailure"`
		} `json:"errors"`
	}
	decode(t, a.body, &body)
	var out []string
	for _, e := range body.Errors {
		if len(e.Codes) != 4 || e.Codes[0] != e.Codes[3]+"."+e.Object+"."+e.Field || e.Codes[1] != e.Codes[3]+"."+e.Field {
			t.Errorf("ladder of codes %q", e.Codes)
			continue
		}
		if e.Binding != (e.Codes[3] == "typeMismatch") || e.Message == "" {
			t.Errorf("entry %+v", e)
		}
		out = append(out, e.Codes[3]+" "+e.Field)
	}
	return out
}

type limitCase struct {
	name string
	body string
	want []string // entries of the answer
}

func TestCreateRefusesEveryLimit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		cases := slices.Concat(demandedCases(t), stringCases(t), amountCases(t), formCases(t), cardCases(t), urlCases(t))
		for _, k := range cases {
			a := c.do(t, request{method: http.MethodPost, path: payments, body: k.body})
			if a.status != http.StatusBadRequest {
				t.Errorf("%s: %d\n%s\n%s", k.name, a.status, k.body, a.body)
				continue
			}
			if diff := cmp.Diff(k.want, faultsOf(t, a)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", k.name, diff)
			}
			if n := c.stored(t); n != 0 {
				t.Fatalf("%s: %d payments stored", k.name, n)
			}
		}
	})
}

func demandedCases(t *testing.T) []limitCase {
	person := []string{
		"NotNull customer.firstName", "NotNull customer.lastName", "NotNull customer.email", "NotNull customer.phone", "NotNull customer.ip",
	}
	address := []string{
		"NotNull billingAddress.addressLine1", "NotNull billingAddress.city", "NotNull billingAddress.countryCode",
		"NotNull billingAddress.postalCode",
	}
	cases := []limitCase{
		{"empty object", `{}`, []string{"NotNull paymentType", "NotNull currency"}},
		{"only the type", `{"paymentType":"DEPOSIT"}`, []string{"NotNull currency", "NotNull customer", "NotNull billingAddress"}},
		{"type in lower case", with(t, deposit, "paymentType", `"deposit"`), []string{"typeMismatch paymentType"}},
		{"type under another name", with(t, deposit, "paymentType", "", "PAYMENTTYPE", `"DEPOSIT"`), []string{"NotNull paymentType"}},
		{"null counts as absent", with(t, deposit, "currency", "null"), []string{"NotNull currency"}},
		{"empty counts as absent", with(t, deposit, "currency", `""`, "paymentType", `""`), []string{"NotNull paymentType", "NotNull currency"}},
		{"no customer", with(t, deposit, "customer", ""), []string{"NotNull customer"}},
		{"empty customer", with(t, deposit, "customer", "{}"), []string{"NotNull customer"}},
		{"customer of nothing", with(t, deposit, "customer", `{"email":"","phone":null,"own":{}}`), []string{"NotNull customer"}},
		{"customer of something else", with(t, deposit, "customer", `{"locale":"en"}`), person},
		{"customer as text", with(t, deposit, "customer", `"John"`), []string{"typeMismatch customer"}},
		{"no address", with(t, deposit, "billingAddress", ""), []string{"NotNull billingAddress"}},
		{"empty address", with(t, deposit, "billingAddress", `{}`), []string{"NotNull billingAddress"}},
		{"address of something else", with(t, deposit, "billingAddress", `{"state":"X"}`), address},
		{"address as array", with(t, deposit, "billingAddress", "[]"), []string{"typeMismatch billingAddress"}},
		{"withdrawal without amount and method", with(t, deposit, "paymentType", `"WITHDRAWAL"`, "amount", ""), []string{"NotNull paymentMethod", "NotNull amount"}},
		{"withdrawal without customer", `{"paymentType":"WITHDRAWAL","paymentMethod":"PIX","amount":1,"currency":"BRL"}`,
			[]string{"NotNull customer", "NotNull billingAddress"}},
		{"refund without parent", `{"paymentType":"REFUND","currency":"EUR"}`, []string{"NotNull parentPaymentId"}},
		{"refund with an empty parent", `{"paymentType":"REFUND","currency":"EUR","parentPaymentId":""}`, []string{"NotNull parentPaymentId"}},
		{"follow-up without amount", `{"paymentType":"DEPOSIT","currency":"EUR","recurringToken":"t"}`, []string{"NotNull amount"}},
		{"all faults in the order of the contract", `{"referenceId":{},"paymentType":2,"paymentMethod":3,"amount":[],"currency":5,` +
			`"parentPaymentId":[],"description":true,"card":8,"customer":9,"billingAddress":10,"returnUrl":11,"webhookUrl":12,` +
			`"startRecurring":13,"preAuth":14,"recurringToken":{},"additionalParameters":16}`, []string{
			"typeMismatch referenceId", "typeMismatch paymentType", "typeMismatch paymentMethod", "typeMismatch amount",
			"typeMismatch currency", "typeMismatch parentPaymentId", "typeMismatch description", "typeMismatch card",
			"typeMismatch customer", "typeMismatch billingAddress", "typeMismatch returnUrl", "typeMismatch webhookUrl",
			"typeMismatch startRecurring", "typeMismatch preAuth", "typeMismatch recurringToken", "typeMismatch additionalParameters"}},
	}
	for _, f := range slices.Concat(person, address) {
		field := strings.TrimPrefix(f, "NotNull ")
		cases = append(cases, limitCase{"no " + field, with(t, deposit, field, ""), []string{f}},
			limitCase{"empty " + field, with(t, deposit, field, `""`), []string{f}})
	}
	return cases
}

// lengths are the strings with a limit: the longest that is accepted.
var lengths = map[string]int{
	"referenceId": 256, "parentPaymentId": 32, "description": 512,
	"customer.referenceId": 128, "customer.firstName": 128, "customer.lastName": 128, "customer.phone": 18,
	"customer.accountNumber": 256, "customer.accountName": 64, "customer.bank": 64, "customer.bankCode": 64,
	"customer.bankBranch": 64, "customer.bankBranchCode": 64, "customer.documentNumber": 64, "customer.routingGroup": 64,
	"billingAddress.addressLine1": 300, "billingAddress.addressLine2": 300, "billingAddress.city": 50,
	"billingAddress.postalCode": 12, "billingAddress.state": 40,
}

func stringCases(t *testing.T) []limitCase {
	var cases []limitCase
	for field, most := range lengths {
		cases = append(cases,
			limitCase{field + " too long", with(t, deposit, field, quoted(most+1)), []string{"Size " + field}},
			limitCase{field + " as a number with an exponent", with(t, deposit, field, "1e3"), []string{"typeMismatch " + field}},
			limitCase{field + " as a truth", with(t, deposit, field, "true"), []string{"typeMismatch " + field}},
			limitCase{field + " as list", with(t, deposit, field, "[]"), []string{"typeMismatch " + field}},
			limitCase{field + " as object", with(t, deposit, field, "{}"), []string{"typeMismatch " + field}})
	}
	for _, field := range []string{"customer.citizenshipCountryCode", "customer.locale"} {
		for _, text := range []string{`"r"`, `"ru-RU"`} {
			cases = append(cases, limitCase{field + " " + text, with(t, deposit, field, text), []string{"Size " + field}})
		}
	}
	for text, want := range map[string][]string{
		`"G"`: {"Size"}, `"GBR"`: {"Size"}, `"gb"`: {"Pattern"}, `"g"`: {"Size", "Pattern"}, `"1A"`: {"Pattern"}, `"ÄÖ"`: {"Pattern"}, `7`: {"typeMismatch"},
	} {
		field := "billingAddress.countryCode"
		for i := range want {
			want[i] += " " + field
		}
		cases = append(cases, limitCase{"country " + text, with(t, deposit, field, text), want})
	}
	return cases
}

func amountCases(t *testing.T) []limitCase {
	var cases []limitCase
	for text, want := range map[string]string{
		"0": "DecimalMin", "0.0": "DecimalMin", "0.000009": "DecimalMin", "-1": "DecimalMin", "-0": "DecimalMin", "0e5": "DecimalMin", "1e-6": "DecimalMin",
		"1000000000.000001": "DecimalMax", "1000000001": "DecimalMax", "1e10": "DecimalMax", "1e400": "DecimalMax", "1e31": "DecimalMax",
		"100000000000000000000": "DecimalMax", "1.1000000000000010001": "Digits", "1e-19": "Digits", "1e-400": "Digits",
		`"ten"`: "typeMismatch", `"10.00 EUR"`: "typeMismatch", `""`: "typeMismatch", `"1e2"`: "typeMismatch", `"-1"`: "typeMismatch",
		`"+1"`: "typeMismatch", `" 1"`: "typeMismatch", `"1,5"`: "typeMismatch", `"1."`: "typeMismatch", `".5"`: "typeMismatch",
		`"NaN"`: "typeMismatch", `"0"`: "DecimalMin", `"1000000001"`: "DecimalMax", `"1.0000000000000000001"`: "Digits",
		"true": "typeMismatch", "[1]": "typeMismatch", "{}": "typeMismatch",
		"1." + strings.Repeat("0", 63): "typeMismatch", // 65 characters
	} {
		cases = append(cases, limitCase{"amount " + text, with(t, deposit, "amount", text), []string{want + " amount"}})
	}
	cases = append(cases, limitCase{"more decimals than a cryptocurrency has", with(t, deposit, "currency", `"BTC"`, "amount", "1.0000000000000000001"), []string{"Digits amount"}})
	for _, text := range []string{`"eur"`, `"EURO"`, `"E"`, `"XXZ"`, `978`, `"EUR "`, `{}`} {
		cases = append(cases, limitCase{"currency " + text, with(t, deposit, "currency", text), []string{"typeMismatch currency"}})
	}
	return cases
}

func formCases(t *testing.T) []limitCase {
	var cases []limitCase
	add := func(field, constraint string, texts ...string) {
		for _, text := range texts {
			cases = append(cases, limitCase{field + " " + text, with(t, deposit, field, text), []string{constraint + " " + field}})
		}
	}
	add("paymentMethod", "typeMismatch", `"CASH"`, `"basic_card"`, `"BASIC_CARD_HPP"`, `1`)
	add("customer.accountType", "typeMismatch", `"OTHER"`, `1`)
	add("customer.documentType", "typeMismatch", `"XX_PP"`, `"ar_cdi"`, `1`)
	add("customer.email", "Email", `"john"`, `"@example.com"`, `"john@"`, `"a b@example.com"`, `"a@b@example.com"`, `"a@-b.com"`,
		`"a@b..com"`, `".a@b.com"`, `"a@b.com\n"`)
	add("customer.email", "typeMismatch", "1")
	add("customer.ip", "Pattern", `"1.2.3"`, `"1.2.3.256"`, `"fe80::1%eth0"`, `"localhost"`, `"1.2.3.4:80"`, `"01.2.3.4"`)
	add("customer.ip", "typeMismatch", "1")
	add("customer.dateOfBirth", "Size", `"2001-1-3"`, `"20011203"`, `"2001-12-03T00:00:00"`)
	add("customer.dateOfBirth", "typeMismatch", `"2001-13-03"`, `"2001-02-30"`, `"03-12-2001"`, `"2001/12/03"`, `"1900-02-29"`, `1`)
	add("customer.dateOfFirstDeposit", "typeMismatch", `"2001-1-3"`, `"2001-02-30"`, `"yesterday"`, `20011203`)
	for _, field := range []string{"customer.kycStatus", "customer.paymentInstrumentKycStatus", "startRecurring", "preAuth"} {
		add(field, "typeMismatch", `"yes"`, `"1"`, `1`, `{}`)
	}
	for _, field := range []string{"customer.depositsAmount", "customer.withdrawalsAmount", "customer.depositsCnt", "customer.withdrawalsCnt"} {
		add(field, "typeMismatch", `"one"`, `"1.0"`, `"+1"`, `1.5`, `1e2`, `9223372036854775808`, `true`, `{}`)
	}
	cases = append(cases, limitCase{"customer.email too long", with(t, deposit, "customer.email", `"`+strings.Repeat("a", 252)+`@b.de"`),
		[]string{"Size customer.email"}})
	return cases
}

const card = `{"cardNumber":"4000 0000 0000 0408","cardholderName":"John Doe","cardSecurityCode":"123","expiryMonth":"01","expiryYear":"2090"}`

func cardCases(t *testing.T) []limitCase {
	carded := with(t, deposit, "card", card)
	cases := []limitCase{
		{"card without its number", with(t, deposit, "card", `{"cardholderName":"John Doe"}`), []string{"NotNull card.cardNumber", "NotNull card.expiryMonth", "NotNull card.expiryYear"}},
		{"card as text", with(t, deposit, "card", `"4000000000000408"`), []string{"typeMismatch card"}},
		{"card with another method", with(t, carded, "paymentMethod", `"PIX"`), []string{"Pattern paymentMethod"}},
		{"token and number", with(t, carded, "card.cardToken", `"tok"`), []string{"NotFound card.cardToken"}},
		{"token alone", with(t, carded, "card.cardToken", `"tok"`, "card.cardNumber", ""), []string{"NotFound card.cardToken"}},
		{"faults in the order of the contract", with(t, deposit, "card", `{"cardNumber":{},"cardToken":[],"cardholderName":true,"cardSecurityCode":{},"expiryMonth":{"a":5},"expiryYear":[6]}`),
			[]string{"typeMismatch card.cardToken", "typeMismatch card.cardNumber", "typeMismatch card.cardholderName",
				"typeMismatch card.cardSecurityCode", "typeMismatch card.expiryMonth", "typeMismatch card.expiryYear"}},
	}
	add := func(field, constraint string, texts ...string) {
		for _, text := range texts {
			cases = append(cases, limitCase{field + " " + text, with(t, carded, "card."+field, text), []string{constraint + " card." + field}})
		}
	}
	add("cardNumber", "NotNull", `""`, "null")
	add("cardNumber", "Size", `"4000 0000 0000 0408     "`, quoted(24))
	add("cardNumber", "CreditCardNumber", `"4000 0000 0000 0409"`, `"card"`, `"40000000040"`, `"40000000000000000408"`)
	add("cardToken", "Size", quoted(33))
	add("cardholderName", "Size", quoted(129))
	add("cardSecurityCode", "Size", `"12"`, `"12345"`, `12345`)
	add("cardSecurityCode", "Pattern", `"12a"`, `"１２３"`)
	add("expiryMonth", "Size", `"1"`, `"001"`, `100`)
	add("expiryMonth", "Pattern", `"00"`, `"13"`, `"1a"`, `"-1"`, `0`, `13`, `-1`)
	add("expiryYear", "Size", `"30"`, `"02030"`, `30`)
	add("expiryYear", "Pattern", `"203o"`, `"+203"`)
	return cases
}

func urlCases(t *testing.T) []limitCase {
	var cases []limitCase
	add := func(field, constraint string, texts ...string) {
		for _, text := range texts {
			cases = append(cases, limitCase{field + " " + text, with(t, deposit, field, text), []string{constraint + " " + field}})
		}
	}
	for _, field := range []string{"returnUrl", "webhookUrl"} {
		add(field, "URL", `"thanks"`, `"/back"`, `"ftp://shop.example"`, `"javascript:alert(1)"`, `"data:text/html,x"`, `"view-source:https://shop.example"`,
			`"https://"`, `"https://user@shop.example/"`, `"https://user:pw@shop.example/"`, `"https:shop.example"`, `"https://:80/"`,
			`"https://shop.example:port/"`, `"https://shop.example:0/"`, `"https://shop.example:65536/"`, `"https://shop example/"`,
			`"https://shop℀.example/"`, `"\thttps://shop.example/"`, `"https://sh<op.example/"`, `"https://shop.example/a b"`, `"https://shop.example/%zz"`)
		add(field, "Size", `"https://shop.example/`+strings.Repeat("a", 512)+`"`)
		add(field, "typeMismatch", "1")
	}
	add("returnUrl", "URL", `"https://{id}.shop.example/"`, `"{id}"`)
	add("webhookUrl", "URL", `"https://shop.example/?a=b c"`, `"https://shop.example/#here"`, `"https://shop.example/#"`, `"myapp://back"`)
	return cases
}

func TestCreateAcceptsUpToEveryLimit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		bodies := []string{deposit}
		for field, most := range lengths {
			if field != "parentPaymentId" {
				bodies = append(bodies, with(t, deposit, field, quoted(most)))
			}
		}
		for field, texts := range map[string][]string{
			"amount":   {"0.00001", "1000000000", "1e-5", "1e9", `"10.00"`, "1.000000000000000000", "null", "0.5e1", "1.10000000000000000000000000", "1." + strings.Repeat("0", 62)},
			"currency": {`"JPY"`, `"BTC"`}, "paymentMethod": {`"PIX"`, "null"}, "customer.ip": {`"2001:db8::1"`, `"::ffff:1.2.3.4"`},
			"customer.email":       {`"` + strings.Repeat("a", 251) + `@b.de"`, `"jörg@bücher.example"`, `"a+b@localhost"`},
			"customer.dateOfBirth": {`"2000-02-29"`}, "customer.dateOfFirstDeposit": {`"2000-02-29"`, `""`},
			"customer.documentType": {`"VN_TIN"`}, "customer.accountType": {`"SAVINGS"`}, "customer.kycStatus": {"false", "null"},
			"customer.depositsAmount": {"-5", "9223372036854775807"}, "customer.unknown": {`{"deep":[1]}`}, "state": {`"COMPLETED"`},
			"webhookUrl": {`"http://127.0.0.1:9/hook?a=b"`, `""`, `"shop.example/hook"`, `"https://магазин.рф/hook"`},
			"returnUrl": {`"https://shop.example/{id}/{referenceId}/{state}/{type}?x={other}"`, `"http://[::1]:80/"`, `"HTTPS://Shop.example"`, `"https://shop.example/ab#c d"`,
				`"shop.example"`, `"//shop.example/back"`, `"https://shop.exämple/"`, `"myapp://back/{state}"`},
			"card": {card, with(t, card, "expiryYear", `"2001"`), with(t, card, "cardSecurityCode", `""`, "cardholderName", "")},
		} {
			for _, text := range texts {
				bodies = append(bodies, with(t, deposit, field, text))
			}
		}
		for i, body := range bodies {
			a := c.post(t, "", body, http.StatusOK)
			if got := a.field(t, "state"); got != "CHECKOUT" && got != "DECLINED" {
				t.Errorf("state %s of %s", got, body)
			}
			if n := c.stored(t); n != i+1 {
				t.Fatalf("%d payments stored, want %d: %s", n, i+1, body)
			}
		}
	})
}

func TestCreateAmountTooFineIsStoredDeclined(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, "sqlite"), nil)
	for currency, amount := range map[string]string{"EUR": "0.001", "JPY": "1.5", "KWD": "0.0001"} {
		a := c.post(t, "", with(t, deposit, "amount", amount, "currency", `"`+currency+`"`), http.StatusOK)
		if a.field(t, "state") != "DECLINED" || a.field(t, "errorCode") != "1.08" {
			t.Errorf("%s %s: %s", amount, currency, a.body)
		}
	}
}

func TestCreateURLRulesOfTheShop(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, "sqlite"), func(s *shop.Shop) {
		s.Settings.RequireHTTPS = true
		s.Settings.AllowedReturnHosts = []string{"shop.example"}
		s.Settings.AllowedWebhookHosts = []string{"hooks.example:8443"}
	})
	for _, k := range []struct {
		field, text string
		ok          bool
	}{
		{"returnUrl", "https://shop.example/x", true},
		{"returnUrl", "https://SHOP.example:444/x", true},
		{"returnUrl", "http://shop.example/x", false},
		{"returnUrl", "https://evil.example/shop.example", false},
		{"returnUrl", "https://shop.example.evil.example/", false},
		{"returnUrl", "https://evil.example\\\\@shop.example/", false},
		{"returnUrl", "https://{referenceId}/", false},
		{"webhookUrl", "https://hooks.example:8443/", true},
		{"webhookUrl", "https://hooks.example/", false},
		{"webhookUrl", "http://hooks.example:8443/", false},
	} {
		body := with(t, deposit, k.field, `"`+k.text+`"`, "referenceId", `"shop.example"`)
		a := c.do(t, request{method: http.MethodPost, path: payments, body: body})
		if ok := a.status == http.StatusOK; ok != k.ok {
			t.Errorf("%s %s: %d\n%s", k.field, k.text, a.status, a.body)
		} else if !ok {
			if diff := cmp.Diff([]string{"URL " + k.field}, faultsOf(t, a)); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestWebhooksOfALiveShopAreHTTPS(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, "sqlite"), func(s *shop.Shop) { s.Live = true })
	for text, ok := range map[string]bool{
		"http://hooks.example/a": false, "http://8.8.8.8/": false, "https://hooks.example/a": true, "hooks.example/a": true, "http://127.0.0.1:9/": true,
	} {
		a := c.do(t, request{method: http.MethodPost, path: payments, body: with(t, deposit, "webhookUrl", `"`+text+`"`)})
		if (a.status == http.StatusOK) != ok {
			t.Errorf("%s: %d\n%s", text, a.status, a.body)
		} else if !ok {
			if diff := cmp.Diff([]string{"URL webhookUrl"}, faultsOf(t, a)); diff != "" {
				t.Error(diff)
			}
		}
	}
	if n := c.stored(t); n != 3 {
		t.Errorf("%d payments are stored", n)
	}
}

func TestRelaxedShopDemandsLittle(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, "sqlite"), relaxed)
	c.partial = true
	for _, body := range []string{
		`{"paymentType":"DEPOSIT","currency":"EUR"}`,
		`{"paymentType":"DEPOSIT","currency":"EUR","customer":{"referenceId":"c-1"},"billingAddress":{"countryCode":"GB"}}`,
		`{"paymentType":"WITHDRAWAL","currency":"EUR","amount":1,"paymentMethod":"PIX"}`,
		`{"paymentType":"WITHDRAWAL","currency":"EUR","amount":1,"card":` + card + `}`,
	} {
		c.post(t, "", body, http.StatusOK)
	}
	a := c.post(t, "", `{"paymentType":"WITHDRAWAL","currency":"EUR"}`, http.StatusBadRequest)
	if diff := cmp.Diff([]string{"NotNull paymentMethod", "NotNull amount"}, faultsOf(t, a)); diff != "" {
		t.Error(diff)
	}
}
