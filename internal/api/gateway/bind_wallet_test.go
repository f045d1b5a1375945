package gateway_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/purse"
)

const patched = `{"customerIp":"192.0.2.1"}`

// newPayer is a client of a shop that has accounts at the wallets, and its customer.
func newPayer(t *testing.T, d *storetest.Database) (*client, *purse.Purse) {
	t.Helper()
	c := newClient(t, d, relaxed)
	p := purse.New(t, purse.NewMakers(t, c.app.Clock.Now()), "1", c.app.Clock.Now)
	c = c.other(t, func(s *shop.Shop) {
		relaxed(s)
		p.Open(t, s)
	})
	c.partial = true
	return c, p
}

// walletBody is a deposit of 10 euros with something more.
func walletBody(more string) string {
	return `{"paymentType":"DEPOSIT","amount":10,"currency":"EUR"` + more + `}`
}

// TestTokensOfWallets: in each form in which a token can be written, with the deposit and with the order to pay.
func TestTokensOfWallets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c, p := newPayer(t, d)
		for _, m := range []payment.Method{payment.GooglePay, payment.ApplePay} {
			field := map[payment.Method]string{payment.GooglePay: "googlePay", payment.ApplePay: "applePay"}[m]
			for name, write := range map[string]func(token string) string{
				"a text":      func(token string) string { return `{"token":` + strconv.Quote(token) + `}` },
				"an object":   func(token string) string { return `{"token":` + token + `}` },
				"as it comes": func(token string) string { return token },
				"paymentData": func(token string) string {
					return `{"token":{"paymentData":` + token + `,"transactionIdentifier":"x"}}`
				},
			} {
				token := string(p.Token(t, m, purse.Card("4000000000000408", true), 1000))
				made := c.post(t, "", walletBody(`,"`+field+`":`+write(token)), 200)
				if !strings.Contains(string(made.body), `"paymentMethod":"`+string(m)+`"`) {
					t.Errorf("%s as %s: %s", field, name, made.body)
				}
				paid := c.want(t, request{method: "PATCH", path: payments + "/" + made.field(t, "id"), body: patched}, 200)
				if !strings.Contains(string(paid.body), `"state":"COMPLETED"`) || !strings.Contains(string(paid.body), "400000***0408") {
					t.Errorf("%s as %s: %s", field, name, paid.body)
				}

				token = string(p.Token(t, m, purse.Card("4000000000000408", true), 1000))
				opened := c.post(t, "", walletBody(""), 200)
				open := opened.field(t, "id")
				brought := strings.TrimSuffix(patched, "}") + `,"` + field + `":` + write(token) + `}`
				paid = c.want(t, request{method: "PATCH", path: payments + "/" + open, body: brought, header: map[string]string{"Idempotency-Key": "k" + open}}, 200)
				if !strings.Contains(string(paid.body), `"state":"COMPLETED"`) {
					t.Errorf("%s as %s with the order to pay: %s", field, name, paid.body)
				}
				again := c.want(t, request{method: "PATCH", path: payments + "/" + open, body: brought, header: map[string]string{"Idempotency-Key": "k" + open}}, 200)
				if again.header.Get("Idempotency-Replayed") != "true" {
					t.Errorf("asked twice: %s", again.body)
				}
			}
		}
		for _, answer := range c.operations(t) {
			if strings.Contains(answer, "4000000000000408") || strings.Contains(answer, purse.Cryptogram) {
				t.Errorf("a log shows more than it may: %s", answer)
			}
		}
	})
}

// operations are the logs of the shop's payments.
func (c *client) operations(t *testing.T) (logs []string) {
	t.Helper()
	var list struct {
		Result []struct {
			ID string `json:"id"`
		} `json:"result"`
	}
	if err := json.Unmarshal(c.want(t, request{method: "GET", path: payments}, 200).body, &list); err != nil || len(list.Result) == 0 {
		t.Fatal(err)
	}
	for _, p := range list.Result {
		logs = append(logs, string(c.want(t, request{method: "GET", path: payments + "/" + p.ID + "/operations"}, 200).body))
	}
	return logs
}

// TestTokensThatAreRefused is about each reason that a merchant can have given; nothing comes of any of them.
func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c, p := newPayer(t, d)
		card := purse.Card("4000000000000408", true)
		google, apple := string(p.FromGoogle(t, card, nil)), string(p.FromApple(t, card, 1000, nil))
		opened := c.post(t, "", walletBody(""), 200)
		open := opened.field(t, "id")
		late := string(p.FromApple(t, card, 1000, nil))
		c.app.Clock.Advance(time.Hour)
		for more, want := range map[string]string{
			`"googlePay":"x"`:                     `WalletToken.paymentRequest.googlePay`,
			`"googlePay":12`:                      `typeMismatch.paymentRequest.googlePay`,
			`"googlePay":[1]`:                     `typeMismatch.paymentRequest.googlePay`,
			`"applePay":{"token":` + google + `}`: "must be a token of the wallet that is good for this payment: format",
			`"applePay":{"token":` + late + `}`:   "payment: signing-time",
			`"googlePay":{"token":` + google + `},"applePay":{"token":` + apple + `}`: `Pattern.paymentRequest.googlePay`,
			`"googlePay":{"token":` + google + `},"card":` + wholeCard:                `Pattern.paymentRequest.googlePay`,
			`"googlePay":{"token":` + google + `},"paymentMethod":"APPLEPAY"`:         `Pattern.paymentRequest.paymentMethod`,
		} {
			got := string(c.post(t, "", walletBody(","+more), 400).body)
			if !strings.Contains(got, want) {
				t.Errorf("%s\n%s has no %s", more, got, want)
			}
			if strings.Contains(more, "paymentMethod") || strings.Contains(more, `"googlePay":{`) && !strings.Contains(more, "card") && !strings.Contains(more, "applePay") {
				continue
			}
			path := payments + "/" + open
			if got := string(c.want(t, request{method: "PATCH", path: path, body: strings.TrimSuffix(patched, "}") + "," + more + "}"}, 400).body); !strings.Contains(got, "Pay") {
				t.Errorf("with the order to pay: %s", got)
			}
		}
		if now := string(c.want(t, request{method: "GET", path: payments + "/" + open}, 200).body); !strings.Contains(now, `"state":"CHECKOUT"`) {
			t.Errorf("changed: %s", now)
		}
		bare := c.other(t, relaxed)
		bare.partial = true
		if got := string(bare.post(t, "", walletBody(`,"googlePay":{"token":`+google+`}`), 400).body); !strings.Contains(got, "the shop has no account") {
			t.Errorf("a shop without an account: %s", got)
		}
		made := c.post(t, "", walletBody(`,"paymentMethod":"BASIC_CARD"`), 200)
		mixed := made.field(t, "id")
		fresh := string(p.FromGoogle(t, card, nil))
		got := string(c.want(t, request{method: "PATCH", path: payments + "/" + mixed, body: strings.TrimSuffix(patched, "}") + `,"googlePay":` + fresh + `}`}, 400).body)
		if !strings.Contains(got, "the token is of another method") {
			t.Errorf("a payment by card: %s", got)
		}
		refund := `{"paymentType":"WITHDRAWAL","amount":10,"currency":"EUR","card":` + wholeCard + `,"googlePay":{"token":"x"}}`
		c.post(t, "", refund, 200) // it pays to the card
	})
}
