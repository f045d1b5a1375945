package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// pays is what the customer does, from the page on.
func (a *providerAccount) pays(t *testing.T, b *tab, p *paid, l life) {
	t.Helper()
	b.open(p.RedirectURL)
	switch l.way {
	case byBlik:
		a.paysByBlik(t, b, l)
	case byPix:
		b.heading("Continue with Pix")
		b.click("button.primary")
		if a.arrives(t, b, "Pay with Pix") != "" {
			a.scan(t, b.text(`document.querySelector("#copied").value`))
			a.deliver(t)
			a.arrives(t, b, welcome)
		}
	case byLink, byAccount, byPage, byPageHold:
		b.eventually("the form", `document.querySelector("button.primary") !== null`)
		if a.choice != "" {
			b.choose("bank", a.choice)
		}
		b.click("button.primary")
		if a.agreesThere(t, b) {
			a.confirms(t, b)
		}
	default:
		b.fillCard(a.cards[l.way])
		b.click("button.primary")
		if a.bank == "" || l.way == byCard {
			a.arrives(t, b, welcome)
			return
		}
		if a.agreesThere(t, b) {
			a.arrives(t, b, welcome)
		}
	}
}

// welcome is the headline of the shop's page, to which the customer returns.
const welcome = "Welcome back"

// agreesThere has the customer agree on the provider's page. It reports false where the payment is refused before.
func (a *providerAccount) agreesThere(t *testing.T, b *tab) bool {
	t.Helper()
	at := a.arrives(t, b, a.bank, "One more step with your bank")
	if at != "" && at != a.bank { // the page has come by itself to the step, and goes no further without its customer
		b.click("button.primary")
		at = a.arrives(t, b, a.bank)
	}
	if at == a.bank {
		b.click(a.agrees)
	}
	return at == a.bank
}

// paysByBlik enters a code, and confirms in the bank's app, which may ask before our page knows of it. A code that is refused is asked for again.
func (a *providerAccount) paysByBlik(t *testing.T, b *tab, l life) {
	t.Helper()
	b.heading("Pay with BLIK")
	enter := func() {
		b.fill("blik", "777123")
		b.click("button.primary")
	}
	enter()
	if l.mishap == refusal && l.call == atPay {
		again := `document.body.textContent.includes("wrong, used already, or too old")`
		b.eventually("the code once more", again+" || "+titled(declined))
		if b.has("#blik") {
			enter()
		}
	}
	if l.call != atPay || l.mishap == fine {
		a.arrives(t, b, "Confirm in your bank's app")
	}
	a.confirms(t, b)
}

// confirms has the bank carry out what it was asked for, as soon as it was, and waits until the customer is back at the shop.
func (a *providerAccount) confirms(t *testing.T, b *tab) {
	t.Helper()
	for deadline := time.Now().Add(browserPatience); time.Now().Before(deadline); {
		a.deliver(t)
		if a.finish != nil {
			a.finish(a.lastKey(atPay))
		}
		if _, ok := b.shows(time.Second, titled(declined)+" || "+titled(welcome)); ok {
			return
		}
	}
	a.arrives(t, b, welcome)
}

// declined is the headline of a payment that was refused.
const declined = "Payment declined"

// arrives waits for a page with one of those headlines, while the provider tells what it has to tell, and says which it is; empty where the
// payment is refused before.
func (a *providerAccount) arrives(t *testing.T, b *tab, want ...string) string {
	t.Helper()
	condition := titled(declined)
	for _, one := range want {
		condition += " || " + titled(one)
	}
	headline := `document.querySelector("h1").textContent`
	for deadline := time.Now().Add(browserPatience); time.Now().Before(deadline); {
		a.deliver(t)
		if at, ok := b.shows(time.Second, condition, headline); ok {
			return strings.TrimPrefix(at, declined)
		}
	}
	return strings.TrimPrefix(b.eventually("the page "+strings.Join(want, " or "), condition, headline), declined)
}

// deliver has the provider post what it has to tell and was not taken yet.
func (a *providerAccount) deliver(t *testing.T) {
	t.Helper()
	for _, n := range a.notices() {
		if !a.told[string(n.body)] {
			a.post(t, n)
		}
	}
}

// post is one notice.
func (a *providerAccount) post(t *testing.T, n notice) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.notify, strings.NewReader(string(n.body)))
	if err != nil {
		t.Fatal(err)
	}
	q.Header = n.header
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode/100 != 2 {
		t.Fatalf("notice %s: status %d", n.body, res.StatusCode)
	}
	a.told[string(n.body)] = true
}
