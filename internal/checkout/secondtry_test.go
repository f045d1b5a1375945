package checkout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// attempts has a shop's customers try so often.
func attempts(n int) func(*shop.Shop) {
	return func(s *shop.Shop) { s.Settings.CheckoutAttempts = n }
}

// TestADeclineIsTriedAgain: the form comes back with the reason and without the card that was declined; the last try decides.
func TestADeclineIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, attempts(3))
	id, page := h.deposit(func(c *engine.Create) {
		c.Means = testCard(t, digits(refused))
	})
	if a := h.get(page); strings.Contains(a.body, `name="number"`) {
		t.Fatalf("the card that came with the payment is asked for:\n%s", a.body)
	}
	h.do("POST", page, h.fill(page)) // with the card that came
	for n := range 2 {
		a := h.get(page)
		if h.state(id) != payment.Pending || !strings.Contains(a.body, "not enough money") || !strings.Contains(a.body, `name="number"`) || strings.Contains(a.body, "0416") {
			t.Fatalf("after %d tries %s:\n%s", n+1, h.state(id), a.body)
		}
		if n == 0 {
			h.do("POST", page, h.card(page, refused))
		}
	}
	h.do("POST", page, h.card(page, approved))
	if a := h.get(page); h.state(id) != payment.Completed || len(h.bank.calls()) != 3 {
		t.Errorf("%s after %d calls:\n%s", h.state(id), len(h.bank.calls()), a.body)
	}
}

// TestTriesAreCounted: a shop's setting says how many there are, and one is the last.
func TestTriesAreCounted(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 10} {
		h := newHouse(t, attempts(n))
		id, page := h.deposit()
		for range max(n, 1) {
			if h.state(id) == payment.Declined {
				t.Errorf("%d tries: declined before", n)
			}
			h.do("POST", page, h.card(page, refused))
			h.clock.Advance(2 * time.Minute) // of which a card may have so many
		}
		if h.state(id) != payment.Declined || len(h.bank.calls()) != max(n, 1) {
			t.Errorf("%d tries: %s after %d calls", n, h.state(id), len(h.bank.calls()))
		}
	}
}

// TestADeclinedPaymentEndsWithItsTime: whoever does not try again has been declined.
func TestADeclinedPaymentEndsWithItsTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t, attempts(3))
	id, page := h.deposit()
	h.do("POST", page, h.card(page, refused))
	h.clock.Advance(61 * time.Minute)
	if err := h.engine.Work(t.Context(), h.shop.ID, id); err != nil {
		t.Fatal(err)
	}
	if a := h.get(page); h.state(id) != payment.Declined || !strings.Contains(a.body, "declined") {
		t.Errorf("%s:\n%s", h.state(id), a.body)
	}
}
