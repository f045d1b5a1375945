package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

func keepsCards(s *shop.Shop) {
	relaxed(s)
	s.Settings.CardTokens = true
}

// cardBody is a deposit of a customer by card.
func cardBody(customer, card string) string {
	return `{"paymentType":"DEPOSIT","amount":10,"currency":"EUR","customer":{"referenceId":"` + customer + `"},"card":` + card + `}`
}

const wholeCard = `{"cardNumber":"4000000000000408","cardSecurityCode":"123","cardholderName":"JANE DOE","expiryMonth":"12","expiryYear":"2039"}`

// cardToken pays with a card and returns its token.
func (c *client) cardToken(t *testing.T, customer string) string {
	t.Helper()
	made := c.post(t, "", cardBody(customer, wholeCard), 200)
	path := "/" + made.field(t, "id")
	paid := c.want(t, request{method: "PATCH", path: payments + path, body: `{"customerIp":"192.0.2.1"}`}, 200)
	var read struct {
		Result struct {
			State   string `json:"state"`
			Details struct {
				Token string `json:"cardToken"`
			} `json:"paymentMethodDetails"`
		} `json:"result"`
	}
	if err := json.Unmarshal(paid.body, &read); err != nil || read.Result.State != "COMPLETED" {
		t.Fatalf("%s, %v", paid.body, err)
	}
	if strings.Contains(string(paid.body), "4000000000000408") {
		t.Errorf("the number is shown: %s", paid.body)
	}
	return read.Result.Details.Token
}

// TestCardTokens: a token is given out with a payment, paid with in the place of a number, listed and deleted; all that is no token of the
// shop is refused at its field.
func TestCardTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, keepsCards)
		c.partial = true
		const of = "/api/v1/customers/anna%2F1%20%C3%B6/card-tokens"
		token := c.cardToken(t, "anna/1 ö")
		if len(token) != 32 {
			t.Fatalf("token %q", token)
		}
		list := c.want(t, request{method: "GET", path: of}, 200)
		var read struct {
			Result []map[string]any `json:"result"`
		}
		if err := json.Unmarshal(list.body, &read); err != nil || len(read.Result) != 1 {
			t.Fatalf("%s", list.body)
		}
		card := read.Result[0]
		updated, _ := card["updated"].(string)
		if _, err := time.Parse("2006-01-02T15:04:05", updated); err != nil {
			t.Errorf("updated %q", updated)
		}
		delete(card, "updated")
		want := `{"brand":"VISA","cardholderName":"JANE DOE","expiryMonth":"12","expiryYear":"2039","id":"` + token +
			`","panMasked":"400000***0408","savedByCustomer":false}`
		if got, err := json.Marshal(card); err != nil || string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		paid := c.post(t, "", cardBody("anna/1 ö", `{"cardToken":"`+token+`","cardSecurityCode":"321"}`), 200)
		if !strings.Contains(string(paid.body), `"cardToken":"`+token+`"`) || !strings.Contains(string(paid.body), `"customerAccountNumber":"400000***0408"`) {
			t.Errorf("%s", paid.body)
		}
		path := "/" + paid.field(t, "id")
		if a := c.want(t, request{method: "PATCH", path: payments + path, body: `{"customerIp":"192.0.2.1"}`}, 200); a.field(t, "state") != "COMPLETED" {
			t.Errorf("%s", a.body)
		}
		payout := strings.Replace(cardBody("anna/1 ö", `{"cardToken":"`+token+`"}`), "DEPOSIT", "WITHDRAWAL", 1)
		if a := c.post(t, "", payout, 200); a.field(t, "state") != "COMPLETED" {
			t.Errorf("%s", a.body)
		}

		stranger := c.other(t, keepsCards)
		off := c.other(t, relaxed)
		stranger.partial, off.partial = true, true
		for name, tc := range map[string]struct {
			c           *client
			card, field string
		}{
			"unknown":             {c, `{"cardToken":"` + strings.Repeat("a", 32) + `"}`, "card.cardToken"},
			"another shop's":      {stranger, `{"cardToken":"` + token + `"}`, "card.cardToken"},
			"of a shop with none": {off, `{"cardToken":"` + token + `","expiryMonth":"12","expiryYear":"2039"}`, "card.cardToken"},
			"too long":            {c, `{"cardToken":"` + token + `a"}`, "card.cardToken"},
			"no text":             {c, `{"cardToken":[]}`, "card.cardToken"},
			"with a number":       {c, `{"cardToken":"` + token + `","cardNumber":"4000000000000408"}`, "card.cardNumber"},
			"half an expiry":      {c, `{"cardToken":"` + token + `","expiryMonth":"12"}`, "card.expiryMonth"},
			"a wrong code":        {c, `{"cardToken":"` + token + `","cardSecurityCode":"12a"}`, "card.cardSecurityCode"},
		} {
			if a := tc.c.post(t, "", cardBody("anna/1 ö", tc.card), 400); !strings.Contains(string(a.body), `"field":"`+tc.field+`"`) {
				t.Errorf("%s: %s", name, a.body)
			}
		}
		if a := c.post(t, "", cardBody("berta", `{"cardToken":"`+token+`"}`), 400); !strings.Contains(string(a.body), `"field":"card.cardToken"`) {
			t.Errorf("another customer's: %s", a.body)
		}

		for _, q := range []request{
			{method: "DELETE", path: "/api/v1/customers/berta/card-tokens/" + token}, {method: "DELETE", path: of + "/%00"},
			{method: "DELETE", path: "/api/v1/customers/%00/card-tokens/" + token}, {method: "DELETE", path: of + "/" + token + token},
		} {
			c.want(t, q, 404)
		}
		stranger.want(t, request{method: "DELETE", path: of + "/" + token}, 404)
		for _, a := range []answer{
			stranger.want(t, request{method: "GET", path: of}, 200), c.want(t, request{method: "GET", path: "/api/v1/customers/%00/card-tokens"}, 200),
			c.want(t, request{method: "GET", path: "/api/v1/customers/" + strings.Repeat("x", 200) + "/card-tokens"}, 200),
		} {
			if !strings.HasSuffix(string(a.body), `"result":[]}`) {
				t.Errorf("%s", a.body)
			}
		}
		if a := c.want(t, request{method: "DELETE", path: of + "/" + token}, 200); a.field(t, "id") != token {
			t.Errorf("%s", a.body)
		}
		c.want(t, request{method: "DELETE", path: of + "/" + token}, 404)
		c.want(t, request{method: "POST", path: of, body: `{}`}, 405)
		if a := c.want(t, request{method: "GET", path: of}, 200); !strings.HasSuffix(string(a.body), `"result":[]}`) {
			t.Errorf("%s", a.body)
		}
	})
}

// TestAPaymentByTokenIsRepeated like any other, also when the card is kept no more; another token under the same key is refused.
func TestAPaymentByTokenIsRepeated(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, keepsCards)
		c.partial = true
		token := c.cardToken(t, "anna")
		send := func(card string, status int) answer {
			return c.want(t, request{method: "POST", path: payments, body: cardBody("anna", card), header: map[string]string{"Idempotency-Key": "k1"}}, status)
		}
		first := send(`{"cardToken":"`+token+`"}`, 200)
		c.want(t, request{method: "DELETE", path: "/api/v1/customers/anna/card-tokens/" + token}, 200)
		again := send(`{"cardToken":"`+token+`"}`, 200)
		if first.field(t, "id") != again.field(t, "id") || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s\n%s", first.body, again.body)
		}
		send(`{"cardToken":"`+strings.Repeat("b", 32)+`"}`, 422)
		send(wholeCard, 422)
	})
}
