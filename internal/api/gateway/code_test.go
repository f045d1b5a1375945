package gateway_test

import (
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestPatchBringsTheCodeAlone where the node that got it is another one and the provider wants it. The published API has no
// card in a PATCH: what else stands there is passed over, as ever.
func TestPatchBringsTheCodeAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, func(s *shop.Shop) {
			relaxed(s)
			s.Terminals[0].Config = []byte(strings.TrimSuffix(string(s.Terminals[0].Config), "}") + `,"askSecurityCode":true}`)
		})
		create := func(number, code string) string {
			made := c.post(t, "", `{"paymentType":"DEPOSIT","amount":10,"currency":"EUR","card":{"cardNumber":"`+number+`",`+
				`"cardSecurityCode":"`+code+`","cardholderName":"JANE DOE","expiryMonth":"12","expiryYear":"2039"}}`, 200)
			path := "/" + made.field(t, "id")
			c.app.Cards.Drop(payment.ID(path[1:])) // as at another node
			return path
		}
		patch := func(path, card string, status int) answer {
			body := `{"customerIp":"192.0.2.1"` + card + `}`
			return c.want(t, request{method: "PATCH", path: payments + path, body: body}, status)
		}
		path := create("4000000000000408", "123")
		for card, want := range map[string]string{
			``:                                   "NotNull.depositPatchRequest.card.cardSecurityCode",
			`,"card":{}`:                         "NotNull.depositPatchRequest.card.cardSecurityCode",
			`,"card":{"cardSecurityCode":""}`:    "NotNull.depositPatchRequest.card.cardSecurityCode",
			`,"card":{"cardSecurityCode":"1"}`:   "Size.depositPatchRequest.card.cardSecurityCode",
			`,"card":{"cardSecurityCode":"12x"}`: "Pattern.depositPatchRequest.card.cardSecurityCode",
			`,"card":{"cardSecurityCode":[1]}`:   "card.cardSecurityCode",
			`,"card":{"cardNumber":"4000000000000127","cardSecurityCode":"123"}`: "NotNull.depositPatchRequest.card.cardSecurityCode",
		} {
			a := patch(path, card, 400)
			if !strings.Contains(string(a.body), want) {
				t.Errorf("%s: want %s in %s", card, want, a.body)
			}
		}
		if a := c.get(t, path, 200); a.field(t, "state") != "CHECKOUT" {
			t.Errorf("%s", a.body)
		}
		if a := patch(path, `,"card":{"cardSecurityCode":"321"}`, 200); a.field(t, "state") != "COMPLETED" {
			t.Errorf("%s", a.body)
		}
		if a := patch(create("371449635398431", "0123"), `,"card":{"cardSecurityCode":123}`, 200); a.field(t, "state") != "COMPLETED" {
			t.Errorf("%s", a.body) // a number: its leading zero is put back
		}
		c.want(t, request{method: "PATCH", path: payments + "/nobody", body: `{"customerIp":"192.0.2.1","card":{"cardSecurityCode":123}}`}, 404)
	})
}
