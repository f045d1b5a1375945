package checkout_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// slows has a shop slow card testing from the first decline of a card.
func slows(s *shop.Shop) {
	s.Settings.CardTesting = shop.Defaults(true).CardTesting
	s.Settings.CardTesting.CardDeclines = 1
}

// TestACardThatIsNotTriedAtTheMoment: the form comes again, nothing has changed, and another card pays.
func TestACardThatIsNotTriedAtTheMoment(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		text string
		edit func(*engine.Create)
	}{
		{"entered on the page", "Nothing was charged", func(*engine.Create) {}},
		{"open method", "Nothing was charged", func(c *engine.Create) { c.Method = "" }},
		{"came with the payment", "Nothing was charged", func(c *engine.Create) { c.Means = testCard(t, refused) }},
		{"to be kept", "No card was added", func(c *engine.Create) {
			c.Amount, c.PreAuth, c.Terms.Verify, c.StartRecurring = money.Amount{}, true, true, true
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, slows)
			_, first := h.deposit()
			h.do("POST", first, h.card(first, refused))
			id, page := h.deposit(tc.edit)
			form := h.card(page, refused)
			form.Set("method", "BASIC_CARD")
			if strings.Contains(h.get(page).body, "Visa ending in 0416") {
				form = h.fill(page)
			}
			before := len(h.bank.calls())
			for range 2 {
				a := h.do("POST", page, form)
				after, err := strconv.Atoi(a.header.Get("Retry-After"))
				if a.status != http.StatusTooManyRequests || err != nil || after < 86_000 || after > 86_400 {
					t.Fatalf("status %d, Retry-After %q\n%s", a.status, a.header.Get("Retry-After"), a.body)
				}
				a.wants(t, "This card cannot be tried at the moment. "+tc.text, `name="number"`, "/cancel")
				a.lacks(t, digits(refused), refused, "ending in", "declined", "Please check your entries")
			}
			if len(h.bank.calls()) != before || h.state(id) != payment.Checkout {
				t.Errorf("%d calls, %s", len(h.bank.calls())-before, h.state(id))
			}
			form = h.card(page, approved)
			form.Set("method", "BASIC_CARD")
			if a := h.do("POST", page, form); a.status != http.StatusSeeOther || len(h.bank.calls()) != before+1 {
				t.Errorf("another card: status %d, %d calls, %s", a.status, len(h.bank.calls())-before, h.state(id))
			}
		})
	}
}
