package checkout_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

func keepsTokens(s *shop.Shop) { s.Settings.CardTokens = true }

// blik makes a payment by BLIK of a customer whom the shop knows by a name; of nobody without one.
func (p *provider) blik(customer string, edit ...func(*engine.Create)) (payment.ID, string) {
	p.t.Helper()
	return p.deposit(append([]func(*engine.Create){func(e *engine.Create) {
		e.Method, e.Currency, e.Amount = payment.Blik, "PLN", money.MustParse("30")
		if e.Customer = ""; customer != "" {
			e.Customer = payment.Document(`{"referenceId":"` + customer + `","locale":"en"}`)
		}
	}}, edit...)...)
}

// agree pays by a code and has the app know the customer from then on.
func (p *provider) agree(t *testing.T, customer, app string) {
	t.Helper()
	id, page := p.blik(customer)
	p.do("POST", page, p.fill(page+"?app=new", "blik", "123456", "save", "yes"))
	p.inApp("remember-" + app)
	p.later(page).wants(t, "Payment successful")
	p.wantEnd(id, payment.Completed, "")
}

// TestBlikWithoutACode: who has agreed, on the page and in the app of the bank, is asked by the app the next time, and by another customer's
// page nobody is.
func TestBlikWithoutACode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decision, says string
		wait           time.Duration
		state          payment.State
		error          payment.ErrorCode
	}{
		"confirmed":    {"approve", "Payment successful", 0, payment.Completed, ""},
		"refused":      {"cancel", "Payment cancelled", 0, payment.Cancelled, payment.CodeByCustomer},
		"declined":     {"decline", "Payment declined", 0, payment.Declined, "4.00"},
		"not answered": {"", "Payment declined", 3 * time.Minute, payment.Declined, payment.CodeAbandoned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, keepsTokens)
			_, page := p.blik("anna")
			first := p.get(page)
			first.wants(t, "Next time without a code", `id="blik"`)
			first.lacks(t, `name="app"`, `id="save" name="save" type="checkbox" value="yes" checked`)
			p.agree(t, "anna", "mbank")

			id, page := p.blik("anna")
			form := p.get(page)
			form.wants(t, "BLIK in mBank", `name="app" value="mbank"`, "The app asks you to confirm", "Enter a BLIK code", "Pay PLN\u00a030.00")
			form.lacks(t, `id="blik"`, `id="save"`, "Pay by card")
			form.wants(t, "<h1>Pay with BLIK</h1>")
			p.get(page+"?app=new").wants(t, `id="blik"`, "BLIK in mBank")
			_, others := p.blik("berta")
			p.get(others).lacks(t, "BLIK in mBank")

			if a := p.do("POST", page, p.fill(page, "app", "mbank")); a.status != http.StatusSeeOther || p.state(id) != payment.Pending {
				t.Fatalf("%d, %s:\n%s", a.status, p.state(id), a.body)
			}
			p.get(page).wants(t, "Confirm in your bank&#39;s app")
			if c.decision != "" {
				p.inApp(c.decision)
			}
			p.clock.Advance(c.wait)
			p.later(page).wants(t, c.says)
			p.wantEnd(id, c.state, c.error)
		})
	}
}

// TestSeveralAppsKnowTheCustomer: each is offered by its name, and the one that was chosen asks.
func TestSeveralAppsKnowTheCustomer(t *testing.T) {
	t.Parallel()
	p := newProvider(t, keepsTokens)
	p.agree(t, "anna", "mbank")
	p.agree(t, "anna", "pko")
	id, page := p.deposit(func(e *engine.Create) {
		e.Method, e.Currency, e.Amount, e.Customer = "", "PLN", money.MustParse("30"), `{"referenceId":"anna","locale":"en"}`
	})
	p.get(page+"?method=BLIK").wants(t, `name="app" value="mbank"`, `method=BLIK"`, `app=pko&amp;method=BLIK"`, "BLIK in PKO iPKO")
	p.get(page+"?app=pko&method=BLIK").wants(t, `name="app" value="pko"`, "Pay PLN\u00a030.00")
	p.do("POST", page, p.fill(page, "method", "BLIK", "app", "pko"))
	p.inApp("approve")
	p.later(page).wants(t, "Payment successful")
	p.wantEnd(id, payment.Completed, "")
}

// TestAnAppThatForgot: an alias lasts as long as the bank says. Who had it offered before is refused, and pays with a code then; and so is
// whoever names an app that never knew the customer.
func TestAnAppThatForgot(t *testing.T) {
	t.Parallel()
	p := newProvider(t, keepsTokens, attempts(3))
	p.agree(t, "anna", "mbank")
	id, page := p.blik("anna")
	p.do("POST", page, p.fill(page, "app", "pko"))
	p.get(page).wants(t, "Your bank did not accept this payment", `name="app" value="mbank"`)
	p.clock.Advance(20 * time.Minute)
	p.do("POST", page, p.fill(page+"?app=new", "blik", "123456"))
	p.inApp("approve")
	p.later(page).wants(t, "Payment successful")
	p.wantEnd(id, payment.Completed, "")

	p.clock.Advance(91 * 24 * time.Hour)
	_, page = p.blik("anna")
	a := p.get(page)
	a.wants(t, `id="blik"`, "Next time without a code")
	a.lacks(t, "mBank")
}

// TestNobodyIsRememberedUnasked: without consent, in a shop that keeps nothing, or of a customer without a name nothing is told the provider;
// and there an app cannot be named.
func TestNobodyIsRememberedUnasked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		customer, save string
		edit           func(*shop.Shop)
	}{
		"without consent": {"anna", "", keepsTokens}, "shop keeps nothing": {"anna", "yes", func(*shop.Shop) {}}, "nobody": {"", "yes", keepsTokens},
	} {
		p := newProvider(t, c.edit)
		id, page := p.blik(c.customer)
		if c.save != "" {
			p.get(page).lacks(t, `id="save"`)
		}
		p.do("POST", page, p.fill(page, "blik", "123456", "save", c.save))
		agreed := p.do("POST", p.appOf(page), url.Values{"decision": {"remember-mbank"}}) // which the app does not offer
		if agreed.status != http.StatusUnprocessableEntity || p.state(id) != payment.Pending {
			t.Errorf("%s: %d, %s", name, agreed.status, p.state(id))
		}
		if c.save != "" {
			_, page = p.blik(c.customer)
			if a := p.do("POST", page, p.fill(page, "app", "mbank")); a.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: an app is named: %d", name, a.status)
			}
		}
	}
}
