package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// Requests as real clients send them, which a reader that takes the contract to the letter would refuse.

// TestTranscriptAddresses shows which addresses are taken and why others are not.
func TestTranscriptAddresses(t *testing.T) {
	record(t, "create_addresses", nil, func(t *testing.T, s *transcript) {
		for _, back := range []string{"www.shop.example", "https://магазин.рф/{id}", "myapp://back", "com.shop.app:/paid?{state}"} {
			s.post(t, "returnUrl "+back, "", with(t, deposit, "returnUrl", `"`+back+`"`), 200)
		}
		for _, back := range []string{"javascript:alert(1)", "data:text/html,x", "https://user@shop.example/", "myapp://user@back", "https://shop.example:65536/", "https://shop.example/a b", "thanks"} {
			s.post(t, "returnUrl "+back, "", with(t, deposit, "returnUrl", `"`+back+`"`), 400)
		}
		s.post(t, "webhookUrl", "", with(t, deposit, "webhookUrl", `"магазин.рф/hook"`), 200)
		for _, hook := range []string{"myapp://back", "https://shop.example/#hook", "https://shop.example/a?b=c d", "https://shop.example:0/"} {
			s.post(t, "webhookUrl "+hook, "", with(t, deposit, "webhookUrl", `"`+hook+`"`), 400)
		}
	})
}

// TestTheCustomerReturnsToWhatWasMeant follows an address from the request to the page that leads there.
func TestTheCustomerReturnsToWhatWasMeant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		for given, want := range map[string]string{
			"www.shop.example/{state}": "https://www.shop.example/COMPLETED", "https://магазин.рф/x": "https://xn--80aairftm.xn--p1ai/x",
			"myapp://back/{referenceId}": "myapp://back/A%3BB", "https://shop.example/?a=b c": "https://shop.example/?a=b%20c",
		} {
			a := c.post(t, "", with(t, deposit, "card", card, "returnUrl", `"`+given+`"`, "referenceId", `"A;B"`), http.StatusOK)
			c.want(t, request{method: http.MethodPatch, path: payments + "/" + a.field(t, "id"), body: browser}, http.StatusOK)
			page := c.page(t, a.field(t, "redirectUrl"))
			if got := page.header.Get("Refresh"); got != "6; url="+want {
				t.Errorf("%s: Refresh %q", given, got)
			}
			if !strings.Contains(string(page.body), `href="`+want+`"`) {
				t.Errorf("%s: no link to %s", given, want)
			}
		}
	})
}

// TestOneMeaningOneFingerprint: what says the same in other words is the same request.
func TestSpellingsOfAnAddressAreOneRequest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, func(s *shop.Shop) { s.Settings.ReferenceMode = shop.ReferenceStrict })
		body := with(t, deposit, "referenceId", `"A-1"`)
		first := c.post(t, "", with(t, body, "returnUrl", `"https://xn--80aairftm.xn--p1ai/x"`), http.StatusOK)
		again := c.post(t, "", with(t, body, "returnUrl", `"магазин.рф/x"`), http.StatusOK)
		if again.field(t, "id") != first.field(t, "id") {
			t.Error("another payment")
		}
	})
}

// page opens an address of the hosted page.
func (c *client) page(t *testing.T, address string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.read(t, r)
}
