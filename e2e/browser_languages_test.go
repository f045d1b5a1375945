package e2e

import (
	"fmt"
	"testing"
)

// browserLanguages looks at the form in every language, with a fault in it, narrow and wide: nothing runs out of the page, and a card is
// paid on the one that is written from right to left.
func browserLanguages(t *testing.T, b *tab, s *browserSite) {
	for _, language := range []string{"de", "es", "fr", "it", "pl", "pt", "ru", "tr", "uk", "ar", "zh"} {
		p := s.create(t, map[string]any{"amount": 1234567.5, "paymentMethod": nil, "currency": "PLN", "customer": speaking(language)})
		b.look(320, "light")
		b.open(p.RedirectURL)
		b.fill("number", "4000 0000 0000 0409")
		b.click("button.primary")
		b.eventually("faults", `document.querySelector(".fault") !== null`)
		for _, width := range []int64{320, 1280} {
			b.look(width, "light")
			b.shot(fmt.Sprintf("%s-%d", language, width))
			fits(t, b, language, width)
		}
	}
	p := s.create(t, map[string]any{"returnUrl": nil, "customer": speaking("ar")})
	b.open(p.RedirectURL)
	for what, want := range map[string]string{
		`getComputedStyle(document.body).direction`: "rtl", `getComputedStyle(document.querySelector("#number")).direction`: "ltr",
		`getComputedStyle(document.querySelector("#expiry")).textAlign`:                                                                         "right",
		`String(document.querySelector("#expiry").getBoundingClientRect().left > document.querySelector("#code").getBoundingClientRect().left)`: "true",
	} {
		if got := b.text(what); got != want {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
	}
	b.fillCard("4000 0000 0000 0408")
	b.click("button.primary")
	b.heading("تم الدفع بنجاح")
	b.shot("ar-paid")
}

func speaking(locale string) map[string]any {
	return map[string]any{"locale": locale, "firstName": "Ada", "lastName": "Lovelace", "email": "ada@shop.example", "phone": "44 2072243688", "ip": "192.0.2.1"}
}

func fits(t *testing.T, b *tab, language string, width int64) {
	t.Helper()
	if got := b.text(sideways); got != "false" {
		t.Errorf("%s at %d scrolls sideways", language, width)
	}
	if got := b.text(smallTargets); got != "" {
		t.Errorf("%s at %d too small to hit: %s", language, width, got)
	}
	if got := b.text(cutShort); got != "" {
		t.Errorf("%s at %d does not fit: %s", language, width, got)
	}
}

// sideways tells whether the page is wider than its window.
const sideways = `String(document.documentElement.scrollWidth > innerWidth)`

// cutShort lists what is wider than the element that it stands in.
const cutShort = `[...document.querySelectorAll("h1, p, label, button, a, li")]
	.filter(e => e.clientWidth > 1 && !e.matches(".offscreen, .skip") && e.scrollWidth > e.clientWidth + 1).map(e => e.id || e.textContent.trim()).join(", ")`
