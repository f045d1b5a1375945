package sheet_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/wallet/sheet"
)

func sum(amount, currency string) money.Sum {
	return money.Sum{Amount: money.MustParse(amount), Currency: money.Currency(currency)}
}

// TestAmountsAsGoogleTakesThem: with two decimals or none, and nothing that it would take for another amount.
func TestAmountsAsGoogleTakesThem(t *testing.T) {
	t.Parallel()
	g := &shop.GooglePay{Recipient: "merchant:1", PublicKey: "BA=="}
	for _, c := range []struct{ amount, currency, want string }{
		{"10", "EUR", "10"}, {"10.5", "EUR", "10.50"}, {"10.05", "EUR", "10.05"}, {"10.00", "EUR", "10"}, {"0.01", "EUR", "0.01"}, {"1180", "JPY", "1180"},
		{"12.5", "KWD", "12.50"}, {"12.345", "KWD", ""}, {"0.001", "KWD", ""}, {"99999999999999999999", "EUR", "99999999999999999999"},
	} {
		r, ok := sheet.Google(g, "A shop", sum(c.amount, c.currency))
		if ok != (c.want != "") || r.Total.Price != c.want {
			t.Errorf("%s %s: %q, %v, want %q", c.amount, c.currency, r.Total.Price, ok, c.want)
		}
	}
	if _, ok := sheet.Google(g, "A shop", money.Sum{Currency: "EUR"}); ok {
		t.Error("nothing can be agreed to")
	}
}

// TestWhoAsksGoogle: the merchant itself or a provider, by the id that Google has given, in the environment of the account.
func TestWhoAsksGoogle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account          shop.GooglePay
		environment, has string
	}{
		"itself":                    {shop.GooglePay{Recipient: "merchant:42", PublicKey: "BA=="}, sheet.GoogleProduction, `"tokenizationSpecification":{"type":"DIRECT","parameters":{"protocolVersion":"ECv2","publicKey":"BA=="}}`},
		"its id":                    {shop.GooglePay{Recipient: "merchant:42", MerchantID: "of before"}, sheet.GoogleProduction, `"merchantInfo":{"merchantId":"42","merchantName":"A shop"}`},
		"by a provider":             {shop.GooglePay{Recipient: "gateway:northwind", GatewayMerchant: "m7", MerchantID: "42"}, sheet.GoogleProduction, `{"type":"PAYMENT_GATEWAY","parameters":{"gateway":"northwind","gatewayMerchantId":"m7"}}`},
		"by a provider, its id":     {shop.GooglePay{Recipient: "gateway:northwind", GatewayMerchant: "m7", MerchantID: "42"}, sheet.GoogleProduction, `"merchantId":"42"`},
		"nobody knows who":          {shop.GooglePay{Recipient: "gateway:northwind", GatewayMerchant: "m7"}, sheet.GoogleProduction, ""},
		"nobody has to, in tests":   {shop.GooglePay{Recipient: "gateway:northwind", GatewayMerchant: "m7", Test: true}, sheet.GoogleTest, `"merchantInfo":{"merchantName":"A shop"}`},
		"a wallet that is none":     {shop.GooglePay{Recipient: "merchant:42", Pretended: shop.Pretended{Roots: "{}"}}, sheet.GoogleTest, `"merchantId":"42"`},
		"devices alone":             {shop.GooglePay{Recipient: "merchant:42", AuthMethods: []string{"CRYPTOGRAM_3DS"}}, sheet.GoogleProduction, `"allowedAuthMethods":["CRYPTOGRAM_3DS"]`},
		"every card that there is":  {shop.GooglePay{Recipient: "merchant:42"}, sheet.GoogleProduction, `"allowedAuthMethods":["PAN_ONLY","CRYPTOGRAM_3DS"],"allowedCardNetworks":["MASTERCARD","VISA"]`},
		"other networks, a country": {shop.GooglePay{Recipient: "merchant:42", Country: "DE", Networks: []string{"MIR"}}, sheet.GoogleProduction, `"allowedCardNetworks":["MIR"]`},
	} {
		r, ok := sheet.Google(&c.account, "A shop", sum("10", "EUR"))
		text, err := json.Marshal(r)
		if ok != (c.has != "") || err != nil || !strings.Contains(string(text), c.has) || sheet.GoogleEnvironment(&c.account) != c.environment {
			t.Errorf("%s: %v, %v, %s, %s", name, ok, err, sheet.GoogleEnvironment(&c.account), text)
		}
	}
}

// TestWhereAppleCanBeAsked: with a country, a way to begin a session, and a host that Apple has verified, as far as anybody says.
func TestWhereAppleCanBeAsked(t *testing.T) {
	t.Parallel()
	whole := shop.ApplePay{MerchantID: "merchant.one", Country: "DE", Sessions: true}
	for name, c := range map[string]struct {
		edit   func(*shop.ApplePay)
		amount string
		want   bool
	}{
		"all is there":         {func(*shop.ApplePay) {}, "10", true},
		"its own host":         {func(a *shop.ApplePay) { a.Domains = []string{"other.example", "Pay.example"} }, "10", true},
		"another host":         {func(a *shop.ApplePay) { a.Domains = []string{"other.example"} }, "10", false},
		"no country":           {func(a *shop.ApplePay) { a.Country = "" }, "10", false},
		"no certificate":       {func(a *shop.ApplePay) { a.Sessions = false }, "10", false},
		"a gateway of its own": {func(a *shop.ApplePay) { a.Sessions, a.Gateway = false, "http://127.0.0.1:1" }, "10", true},
		"nothing to agree to":  {func(*shop.ApplePay) {}, "0", false},
	} {
		a := whole
		c.edit(&a)
		r, ok := sheet.Apple(&a, "A shop", "pay.example", sum(c.amount, "EUR"))
		if ok != c.want || ok && (r.Total.Amount != c.amount || r.Total.Label != "A shop" || r.Country != "DE") {
			t.Errorf("%s: %v, %+v", name, ok, r)
		}
	}
}
