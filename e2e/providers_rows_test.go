package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/double/adyen"
	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/double/gateway"
	"github.com/sluicepay/sluice/internal/double/paypal"
	"github.com/sluicepay/sluice/internal/double/pix"
	"github.com/sluicepay/sluice/internal/double/stripe"
)

// The buttons of pages that pay.
const (
	completes = "button[value=complete]"
	pay       = "button[value=pay]"
)

// providers has a row for each connector but that of the simulator, which the other tests here are about.
var providers = []pretended{
	{
		name: "stripe", settings: object{"apiKey": "sk_test_e2e", "webhookSecret": "whsec_e2e"}, scale: 100, late: true, more: []string{byBlik},
		cards: map[string]string{byCard: "4242424242424242", byChallenge: "4000000000003220", byHold: "4000000000003220"}, bank: "3D Secure 2 Test Page", agrees: completes,
		calls: map[string]string{atPay: stripe.OpPay, atCapture: stripe.OpCapture, atRefund: stripe.OpRefund},
		open: func(a *providerAccount, address string) {
			d := stripe.New(stripe.Config{Now: time.Now, APIKey: "sk_test_e2e", WebhookSecret: []string{"whsec_e2e"}, URL: address})
			a.double, a.finish = d, func(key string) bool { return d.Finish(key, true) }
			a.notices = func() []notice {
				return posts(d.Events(), func(body []byte) http.Header {
					return http.Header{"Stripe-Signature": {stripe.Signature(body, time.Now(), "whsec_e2e")}}
				})
			}
		},
	},
	{
		name: "adyen", settings: object{"apiKey": "AQE_e2e", "merchantAccount": "E2EMerchant", "hmacKey": strings.Repeat("0123456789ABCDEF", 4)},
		scale: 100, late: true, more: []string{byBlik},
		cards: map[string]string{byCard: "4111111111111111", byChallenge: "4212345678901237", byHold: "4212345678901237"}, bank: "3D Secure test page", agrees: completes,
		calls: map[string]string{atPay: adyen.OpPay, atCapture: adyen.OpCapture, atRefund: adyen.OpRefund},
		never: func(way, call string, f frame.Fault) bool { // Adyen can be asked nothing, and what it wants of a customer stands in its answer alone
			return f.Before || call == atPay && f.Kind != frame.Rejected && (way == byChallenge || way == byHold)
		},
		open: func(a *providerAccount, address string) {
			d := adyen.New(adyen.Config{Now: time.Now, APIKey: "AQE_e2e", MerchantAccount: "E2EMerchant", HMACKey: strings.Repeat("0123456789ABCDEF", 4), URL: address})
			a.double, a.finish = d, func(key string) bool { return d.Finish(key, true) }
			a.notices = func() []notice { return posts(d.Events(), func([]byte) http.Header { return http.Header{} }) }
		},
	},
	{
		name: "paypal", settings: object{"clientId": "AX_e2e", "clientSecret": "EX_e2e", "webhookId": "1JE4291016473214C"}, scale: 1, late: true, more: []string{byBlik},
		cards: map[string]string{byCard: "4242424242424242", byChallenge: "4868719460707704", byHold: "4868719460707704"}, bank: "Your bank asks", agrees: completes,
		calls: map[string]string{atPay: paypal.OpCreate, atCapture: paypal.OpCapture, atRefund: paypal.OpRefund},
		open: func(a *providerAccount, address string) {
			d := paypal.New(paypal.Config{Now: time.Now, ClientID: "AX_e2e", Secret: "EX_e2e", WebhookID: "1JE4291016473214C", URL: address})
			a.double, a.finish = d, func(key string) bool { return d.Finish(strings.TrimSuffix(key, "-take"), true) }
			a.notices = func() []notice {
				return posts(d.Events(), func(body []byte) http.Header {
					return d.Headers(body, time.Now(), "1JE4291016473214C", paypal.Certificates()[0])
				})
			}
		},
	},
	{
		name: "gateway", settings: object{"apiKey": "gw_e2e_key", "signingKey": "gw_e2e_signing"}, scale: 1, late: true,
		cards: map[string]string{byCard: gateway.Good, byHold: gateway.Good},
		calls: map[string]string{atPay: gateway.OpExecute, atCapture: gateway.OpCapture, atRefund: gateway.OpRefund},
		never: unsent, // two answers more than ten minutes apart prove it
		open: func(a *providerAccount, address string) {
			d := gateway.New(gateway.Config{Now: time.Now, APIKey: "gw_e2e_key", SigningKey: "gw_e2e_signing", URL: address})
			a.double, a.finish = d, func(key string) bool { return d.Finish(key, true) }
			a.notices = func() (all []notice) {
				for _, e := range d.Events() {
					all = append(all, notice{http.Header{"Content-Type": {"application/json"}, "Signature": {e.Signature}}, e.Body})
				}
				return all
			}
		},
	},
	{
		name: "pix", scale: 1, more: []string{byPix},
		settings: object{"clientId": "app", "clientSecret": "pix_e2e_secret", "key": "123e4567-e12b-12d1-a456-426655440000", "noticeToken": "pix_e2e_token"},
		calls:    map[string]string{atPay: pix.OpCharge, atRefund: pix.OpReturn},
		never:    unsent, // a bank may show it later: two answers an hour apart prove it
		open: func(a *providerAccount, address string) {
			a.own = with(with(a.settings, "url", address), "tokenUrl", address+"/oauth/token")
			d := pix.New(pix.Config{Now: time.Now, ClientID: "app", ClientSecret: "pix_e2e_secret", Key: "123e4567-e12b-12d1-a456-426655440000"})
			var all []notice
			a.double = d
			a.notices = func() []notice {
				if body := d.Notice(); body != nil {
					all = append(all, notice{http.Header{"Content-Type": {"application/json"}, "X-Notice-Token": {"pix_e2e_token"}}, body})
				}
				return all
			}
			a.scan = func(t *testing.T, code string) {
				t.Helper()
				if _, err := d.Pay(code); err != nil {
					t.Error(err)
				}
			}
		},
	},
	przelewy24Row, payuRow, openBankingRow, yandexPayRow("yandexpay", false), yandexPayRow("yandexpay, two stages", true),
}
