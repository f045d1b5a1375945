package e2e

import (
	"fmt"
	"testing"
)

// browserMethodLooks looks at what customers of methods that are no card see, narrow and wide, by day and by night, and written from
// right to left.
func browserMethodLooks(t *testing.T, b *tab, s *browserSite) {
	for _, language := range []string{"en", "ar"} {
		speaks := func(method, currency string) browserPayment {
			return s.create(t, map[string]any{"paymentMethod": method, "currency": currency, "customer": speaking(language)})
		}
		b.look(1280, "light")
		b.open(speaks("BLIK", "PLN").RedirectURL)
		b.fill("blik", "12345")
		b.click("button.primary")
		b.eventually("a fault at the code", `document.querySelector("#blik-fault") !== null`)
		everyLook(t, b, language, "blik-fault")
		b.fill("blik", "500500")
		b.click("button.primary")
		b.eventually("the code was wrong", `document.querySelector("#blik-fault") === null`)
		everyLook(t, b, language, "blik-again")
		b.fill("blik", "123456")
		b.click("button.primary")
		b.eventually("the app is to be opened", `document.querySelector("#left") !== null`)
		everyLook(t, b, language, "blik-app")

		b.open(speaks("PIX", "BRL").RedirectURL)
		everyLook(t, b, language, "pix-before")
		b.click("button.primary")
		b.eventually("a code", `document.querySelector("#copied") !== null`)
		everyLook(t, b, language, "pix")

		b.open(speaks("PAY_BY_LINK", "PLN").RedirectURL)
		b.click("button.primary")
		b.eventually("a fault at the bank", `document.querySelector("#bank-fault") !== null`)
		everyLook(t, b, language, "bank-fault")
		b.text(`document.querySelector("#bank").value = "mbank"`)
		b.click("button.primary")
		b.heading("Log in at mBank")
		b.click("button[value=pending]")
		b.eventually("the bank has it", `document.querySelector("#news") !== null`)
		everyLook(t, b, language, "done")
	}
}

// everyLook takes pictures of a page, and looks for what does not fit, cannot be read or hit.
func everyLook(t *testing.T, b *tab, language, what string) {
	t.Helper()
	for _, width := range []int64{320, 390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.look(width, scheme)
			b.shot(fmt.Sprintf("%s-%s-%d-%s", what, language, width, scheme))
			fits(t, b, what+" "+language, width)
			if got := b.text(lowContrast); got != "" {
				t.Errorf("%s at %d in the %s hard to read: %s", what, width, scheme, got)
			}
		}
	}
}
