package checkout_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

var (
	savedName = regexp.MustCompile(`<input type="hidden" name="card" value="([0-9a-f]+)">`)
	savedWay  = regexp.MustCompile(`\?(?:[a-z]+=[A-Z_]+&amp;)?card=([0-9a-f]{16})`)
)

// savingHouse is a checkout of a shop that keeps cards.
func savingHouse(t *testing.T, edit ...func(*shop.Shop)) *house {
	t.Helper()
	h := newHouse(t, append(edit, func(s *shop.Shop) { s.Settings.CardTokens = true })...)
	safe, err := vault.NewSafe(func() (vault.Masters, error) { return vault.ParseMasters(strings.Repeat("c0de", 16)) }, h.clock.Now)
	if err == nil {
		err = h.db.UseSafe(t.Context(), safe, rand.Reader, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// known names the customer of a payment.
func known(customer string) func(*engine.Create) {
	return func(c *engine.Create) { c.Customer = payment.Document(`{"referenceId":"` + customer + `"}`) }
}

// kept are the cards of a customer.
func (h *house) kept(customer string) []engine.CardToken {
	h.t.Helper()
	cards, err := engine.CardsOf(h.engine).Of(context.Background(), h.shop, customer)
	if err != nil {
		h.t.Fatal(err)
	}
	return cards
}

// save has a customer's card kept.
func (h *house) save(customer, number string) {
	h.t.Helper()
	id, page := h.deposit(known(customer))
	form := h.card(page, number)
	form.Set("save", "yes")
	if a := h.do("POST", page, form); a.status != http.StatusSeeOther || h.state(id) != payment.Completed {
		h.t.Fatalf("%d, %s", a.status, h.state(id))
	}
}

// put writes a card that is only looked at.
func (h *house) put(customer string, brand instrument.Brand, masked string, saved bool, expires time.Time) {
	h.t.Helper()
	err := h.db.Update(context.Background(), func(tx *store.Tx) error {
		c := &store.KeptCard{
			Shop: h.shop.ID, Token: masked, Customer: customer, Number: "x", Masked: masked, Brand: brand, Month: "12", Year: "2039",
			Expires: expires, Saved: saved,
		}
		tx.CardTokens().Put(c, expires)
		tx.CardTokens().Prove(c, expires)
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

const otherCard = "5555 5555 5555 4444"

// TestACardIsKeptByConsent: only where the shop keeps cards and knows the customer is it asked, unticked; and only what was ticked is kept.
func TestACardIsKeptByConsent(t *testing.T) {
	t.Parallel()
	h := savingHouse(t)
	for name, page := range map[string]string{
		"nobody": second(h.deposit()), "no money moves": second(h.deposit(known("anna"), func(c *engine.Create) { keeping(c) })),
	} {
		if a := h.get(page); strings.Contains(a.body, `name="save"`) {
			t.Errorf("%s is asked", name)
		}
	}
	id, page := h.deposit(known("anna"))
	a := h.get(page)
	if box := regexp.MustCompile(`<input id="save"[^>]*>`).FindString(a.body); box == "" || strings.Contains(box, "checked") || !strings.Contains(a.body, `<label for="save">`) {
		t.Fatalf("asked by %q", box)
	}
	if h.do("POST", page, h.card(page, approved)); h.state(id) != payment.Completed || len(h.kept("anna")) != 0 {
		t.Errorf("kept without consent: %v", h.kept("anna"))
	}

	id, page = h.deposit(known("anna"))
	wrong := h.do("POST", page, h.fill(page, "number", approved, "expiry", "13/39", "code", "739", "save", "yes"))
	if !strings.Contains(wrong.body, `value="yes" checked`) || len(h.kept("anna")) != 0 {
		t.Error("the tick is lost with a mistake, or the card is kept")
	}
	if h.do("POST", page, h.again(wrong, "expiry", "12/39", "save", "yes")); h.state(id) != payment.Completed {
		t.Fatal(h.state(id))
	}
	cards := h.kept("anna")
	if len(cards) != 1 || !cards[0].Saved || cards[0].Masked != "400000***0408" || cards[0].Year != "2039" {
		t.Fatalf("%+v", cards)
	}

	_, page = h.deposit(known("berta"))
	form := h.card(page, refused)
	form.Set("save", "yes")
	if h.do("POST", page, form); len(h.kept("berta")) != 0 {
		t.Error("a card that was refused is there for the next payment")
	}

	h.shop.Settings.CardTokens = false
	if err := h.update(h.shop); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(engine.SettingsAge)
	id, page = h.deposit(known("clara"))
	if a := h.get(page); strings.Contains(a.body, `name="save"`) {
		t.Error("asked where the shop keeps none")
	}
	form = h.card(page, approved)
	form.Set("save", "yes")
	if h.do("POST", page, form); h.state(id) != payment.Completed || len(h.kept("clara")) != 0 {
		t.Error("kept where the shop keeps none")
	}
}

func second(_ payment.ID, page string) string { return page }

// TestAKeptCardIsPaidWith its security code alone; others can be chosen, or none. Neither number nor token gets to the browser.
func TestAKeptCardIsPaidWith(t *testing.T) {
	t.Parallel()
	h := savingHouse(t)
	h.save("anna", approved)
	h.save("anna", otherCard)
	h.save("berta", "4111 1111 1111 1111")
	tokens := append(h.kept("anna"), h.kept("berta")...)

	id, page := h.deposit(known("anna"))
	secrets := func(a answer) {
		t.Helper()
		for _, c := range tokens {
			if strings.Contains(a.body, c.Token) || strings.Contains(a.body, "400000***0408") {
				t.Errorf("the page shows the token or more than four digits")
			}
		}
		if strings.Contains(a.body, digits(approved)) || strings.Contains(a.body, "1111") {
			t.Error("the page shows a number, or another customer's card")
		}
	}
	first := h.get(page)
	secrets(first)
	if got := first.asked(); len(got) != 1 || got[0] != "code" || !strings.Contains(first.body, "Mastercard ending in 4444") || strings.Contains(first.body, `name="save"`) {
		t.Fatalf("asked for %v\n%s", got, first.body)
	}
	ways := savedWay.FindAllStringSubmatch(first.body, -1)
	if len(ways) != 1 || !strings.Contains(first.body, "Visa ending in 0408") || !strings.Contains(first.body, "Pay with another card") {
		t.Fatalf("other ways: %v\n%s", ways, first.body)
	}
	other := h.get(page + "?card=new")
	if got := other.asked(); len(got) != 4 || len(savedWay.FindAllString(other.body, -1)) != 2 {
		t.Errorf("another card: asked for %v", got)
	}
	chosen := h.get(page + "?card=" + ways[0][1])
	name := savedName.FindStringSubmatch(chosen.body)
	if secrets(chosen); name == nil || name[1] != ways[0][1] {
		t.Fatalf("chosen: %v", name)
	}
	for text, fault := range map[string]string{"": "Enter the security code", "12": "3 or 4 digits", "1234": "has 3 digits"} {
		a := h.do("POST", page, h.again(chosen, "card", name[1], "code", text))
		if secrets(a); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, fault) || !strings.Contains(a.body, "Visa ending in 0408") || len(a.asked()) != 1 {
			t.Errorf("code %q: %d\n%s", text, a.status, a.body)
		}
	}
	if h.state(id) != payment.Checkout {
		t.Fatal(h.state(id))
	}
	a := h.do("POST", page, h.again(chosen, "card", name[1], "code", "739"))
	if a.status != http.StatusSeeOther || h.state(id) != payment.Completed {
		t.Fatalf("%d, %s\n%s", a.status, h.state(id), a.body)
	}
	h.bank.mu.Lock()
	number, code := h.bank.numbers[len(h.bank.numbers)-1], h.bank.codes[len(h.bank.codes)-1]
	h.bank.mu.Unlock()
	if number != digits(approved) || code != "739" {
		t.Errorf("the bank got %s, %q", number, code)
	}
	if len(h.kept("anna")) != 2 {
		t.Error("kept once more, or no more")
	}
	secrets(h.get(page))
}

// TestAKeptCardOfSomebodyElse is no card of this payment, whatever a form names: by another payment's name, by its token, by nothing; nor is one
// that was deleted meanwhile. The customer is asked for a card.
func TestAKeptCardOfSomebodyElse(t *testing.T) {
	t.Parallel()
	h := savingHouse(t)
	h.save("anna", approved)
	h.save("berta", otherCard)
	_, theirs := h.deposit(known("berta"))
	id, page := h.deposit(known("anna"))
	mine := h.get(page)
	for _, name := range []string{savedName.FindStringSubmatch(h.get(theirs).body)[1], h.kept("anna")[0].Token, h.kept("berta")[0].Token, "", "new", "\x00"} {
		a := h.do("POST", page, h.again(mine, "card", name, "code", "739"))
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Please enter your card details once more") || h.state(id) != payment.Checkout {
			t.Errorf("%q: %d, %s", name, a.status, h.state(id))
		}
	}
	if _, err := engine.CardsOf(h.engine).Forget(t.Context(), h.shop, "anna", h.kept("anna")[0].Token); err != nil {
		t.Fatal(err)
	}
	a := h.do("POST", page, h.again(mine, "card", savedName.FindStringSubmatch(mine.body)[1], "code", "739"))
	if a.status != http.StatusUnprocessableEntity || len(a.asked()) != 4 {
		t.Errorf("deleted: %d, %v", a.status, a.asked())
	}
	if len(h.bank.calls()) != 2 {
		t.Error("something was sent")
	}
}

// TestWhichKeptCardsAreShown: those that customers had kept themselves and that are good, the latest five; and none where that cannot be found out.
func TestWhichKeptCardsAreShown(t *testing.T) {
	t.Parallel()
	h := savingHouse(t)
	_, page := h.deposit(known("anna"))
	good := h.clock.Now().Add(1000 * time.Hour)
	h.put("anna", "VISA", "400000***9001", false, good)
	h.put("anna", "VISA", "400000***9002", true, h.clock.Now().Add(-time.Hour))
	if a := h.get(page); strings.Contains(a.body, "900") || len(a.asked()) != 4 {
		t.Error("a card of the merchant's, or one that has expired, is shown")
	}
	for _, n := range "1234567" {
		h.put("anna", "VISA", "400000***800"+string(n), true, good)
	}
	if n := strings.Count(h.get(page).body, "ending in 800"); n != 5 {
		t.Errorf("%d are shown", n)
	}
}
