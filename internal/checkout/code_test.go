package checkout_test

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/vault"
)

// seal has the database of the house keep cards.
func (h *house) seal() {
	h.t.Helper()
	master, err := vault.NewMaster(rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	safe, err := vault.NewSafe(func() (vault.Masters, error) { return vault.Masters{master}, nil }, h.clock.Now)
	if err == nil {
		err = h.db.UseSafe(h.t.Context(), safe, rand.Reader, true)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestThePageAsksForTheCodeAlone after a restart, or at another node, where the provider wants it: the card is shown, and its
// other fields are not.
func TestThePageAsksForTheCodeAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.seal()
	id, page := h.deposit(func(c *engine.Create) { c.Means = testCard(t, approved) })
	if a := h.get(page); strings.Contains(a.body, "cc-csc") || strings.Contains(a.body, "cc-number") {
		t.Errorf("the code is asked for where it is known:\n%s", a.body)
	}
	h.cards.Drop(id) // as after a restart
	a := h.get(page)
	a.wants(t, "cc-csc", "ending in "+digits(approved)[12:])
	if strings.Contains(a.body, "cc-number") || strings.Contains(a.body, "cc-exp") {
		t.Errorf("more than the code is asked for:\n%s", a.body)
	}
	for given, fault := range map[string]string{"": "Enter the security code of your card.", "1234": "3 digits", "12x": "code"} {
		a := h.do("POST", page, h.fill(page, "code", given))
		a.wants(t, fault, "cc-csc")
		if h.state(id) != payment.Checkout || a.status != http.StatusUnprocessableEntity || strings.Contains(a.body, "cc-number") {
			t.Errorf("code %q: state %s, status %d", given, h.state(id), a.status)
		}
	}
	if a := h.do("POST", page, h.fill(page)); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "cc-csc") {
		t.Errorf("a form without the field: status %d", a.status)
	}
	h.do("POST", page, h.fill(page, "code", "321"))
	if got := h.state(id); got != payment.Completed {
		t.Errorf("state %s", got)
	}
	if diff := cmp.Diff([]string{"321"}, h.bank.codes); diff != "" {
		t.Errorf("security code (-want +got):\n%s", diff)
	}
}

// TestTheWholeCardIsAskedForOnceItIsForgotten.
func TestTheWholeCardIsAskedForOnceItIsForgotten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.seal()
	id, page := h.deposit(func(c *engine.Create) { c.Means = testCard(t, approved) })
	h.cards.Drop(id)
	form := h.fill(page, "code", "123")
	h.clock.Advance(payment.MeansHold)
	a := h.do("POST", page, form)
	a.wants(t, "enter your card details once more", "cc-number")
	h.get(page).wants(t, "cc-number")
	h.do("POST", page, h.card(page, approved))
	if got := h.state(id); got != payment.Completed {
		t.Errorf("state %s", got)
	}
}
