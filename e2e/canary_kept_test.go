package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/loopback"
)

// keptName is by what a page names a kept card.
var keptName = regexp.MustCompile(`<input type="hidden" name="card" value="([0-9a-f]+)">`)

// pay posts the form of a page.
func (c *canary) pay(page string, form url.Values) int {
	return c.raw("POST", strings.TrimPrefix(page, c.server.base), "application/x-www-form-urlencoded", form.Encode())
}

// tokens are those of a customer.
func (c *canary) tokens(customer string) (tokens []string) {
	c.t.Helper()
	var list struct{ Result []struct{ ID string } }
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.server.base+"/api/v1/customers/"+customer+"/card-tokens", http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	err = json.NewDecoder(res.Body).Decode(&list)
	_ = res.Body.Close() // it was read
	if err != nil || res.StatusCode != http.StatusOK {
		c.t.Fatalf("%d, %v", res.StatusCode, err)
	}
	c.raw("GET", "/api/v1/customers/"+customer+"/card-tokens", "text/plain", "")
	for _, one := range list.Result {
		tokens = append(tokens, one.ID)
	}
	return tokens
}

// TestKeptCardsAreNowhereInClear: cards are kept by API and by consent on the page, paid with, paid out to and deleted, against a provider that
// answers, errs and dawdles, and their numbers and codes are sent where they do not belong, while the keys are rotated. Neither is anywhere
// afterwards.
func TestKeptCardsAreNowhereInClear(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, database string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, database, "--metrics-listen", loopback.Address(t), "--private-webhooks")
		s.start(t)
		hooked := newReceiver(t, nil, nil)
		c := &canary{client: s.newShopSet(t, sim, 0, `{"cardTokens":true}`), t: t, server: s}
		of := func(body object, customer string) object {
			person, _ := body["customer"].(object)
			return with(with(body, "customer", with(person, "referenceId", customer)), "webhookUrl", hooked.URL+"/h")
		}
		for i, amount := range []string{"10.00", "6600.05", "6600.07", "6600.08", "6600.10", "6600.11", "6600.13", "6600.22", "6600.27", "10000001.00", "11.00"} {
			made := c.must(t, request{method: "POST", path: payments, body: of(deposit("api "+amount, amount), "anna")})
			c.must(t, request{method: "PATCH", path: pathOf(made.payment.ID), body: browser})
			page := c.must(t, request{method: "POST", path: payments, body: of(order("DEPOSIT", "page "+amount, amount), "berta")}).payment.RedirectURL
			c.pay(page, url.Values{"nonce": {nonceOf(t, page)}, "method": {"BASIC_CARD"}, "number": {cardNumber}, "expiry": {"12/89"}, "code": {securityCode},
				"holder": {"JANE DOE"}, "save": {"yes"}})
			if i == 0 || i == 5 {
				var rotated struct{ KeyID string }
				s.admin(t, &rotated, "vault", "rotate", "--json")
			}
			for _, token := range c.tokens("anna") {
				body := with(of(order("DEPOSIT", "token "+amount, amount), "anna"), "card", object{"cardToken": token, "cardSecurityCode": securityCode})
				paid := c.must(t, request{method: "POST", path: payments, body: body})
				c.must(t, request{method: "PATCH", path: pathOf(paid.payment.ID), body: browser})
				c.raw("GET", pathOf(paid.payment.ID)+"/operations", "text/plain", "")
				c.must(t, request{method: "POST", path: payments, body: with(of(order("WITHDRAWAL", "out "+amount, "5.00"), "anna"), "card", object{"cardToken": token})})
				for name, wrong := range map[string]object{
					"a text":       with(body, "description", "my card is "+cardNumber),
					"the customer": with(body, "customer", object{"referenceId": cardNumber}),
				} {
					raw, err := json.Marshal(wrong)
					if err != nil {
						t.Fatal(err)
					}
					if status := c.json("POST", payments, string(raw)); status != 400 {
						t.Errorf("%s that repeats the number of a kept card: status %d", name, status)
					}
				}
			}
			c.payKept(of(order("DEPOSIT", "kept "+amount, amount), "berta"))
		}
		for _, text := range spelledNumbers {
			for _, path := range []string{"/api/v1/customers/" + url.PathEscape(text) + "/card-tokens", "/api/v1/customers/anna/card-tokens/" + url.PathEscape(text)} {
				if text != spelledNumbers["base64"] { // a word, in an error's path
					c.raw("GET", path, "text/plain", "")
					c.raw("DELETE", path, "text/plain", "")
				}
			}
		}
		anna, berta := c.tokens("anna"), c.tokens("berta")
		if len(anna) != 1 || len(berta) != 1 {
			t.Fatalf("kept: %v, %v", anna, berta)
		}
		if status := c.raw("DELETE", "/api/v1/customers/anna/card-tokens/"+anna[0], "text/plain", ""); status != 200 || len(c.tokens("anna")) != 0 {
			t.Errorf("deleted: %d", status)
		}
		c.raw("GET", payments+"?limit=1000", "text/plain", "")
		await(t, "events of what was paid and declined", patience, func() bool { return len(hooked.all()) >= 10 })
		for _, h := range hooked.all() {
			c.answers.Write(h.body)
		}
		report(t, "answers and events", c.answers.Bytes())
		s.kill() // the log and the write-ahead log stay as they are
		searchSecrets(t, dir, database)
	})
}

// payKept pays on a page with the card that was kept there.
func (c *canary) payKept(body object) {
	c.t.Helper()
	page := c.must(c.t, request{method: "POST", path: payments, body: body}).payment.RedirectURL
	shown := pageOf(c.t, page)
	name := keptName.FindStringSubmatch(shown)
	if name == nil {
		c.t.Fatalf("no kept card is offered:\n%s", shown)
	}
	c.answers.WriteString(shown)
	c.pay(page, url.Values{"nonce": {nonceOf(c.t, page)}, "method": {"BASIC_CARD"}, "card": {name[1]}, "code": {"12"}})
	c.pay(page, url.Values{"nonce": {nonceOf(c.t, page)}, "method": {"BASIC_CARD"}, "card": {cardNumber}, "code": {securityCode}})
	c.pay(page, url.Values{"nonce": {nonceOf(c.t, page)}, "method": {"BASIC_CARD"}, "card": {name[1]}, "code": {securityCode}})
}
