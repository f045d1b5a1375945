package checkout

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/web"
)

// submitPayment takes the form, checks it and sends the payment to a provider. Whatever comes of that, the browser
// is led on to a page that can be reloaded without paying again.
func (g *Pages) submitPayment(w http.ResponseWriter, r *http.Request, v *visit) {
	form, err := g.takeForm(w, r, v)
	if err != nil {
		g.showProblem(w, r, err)
		return
	}
	if !g.current(form, v) || !v.payment.Payable() || v.expired() {
		v.toPage(w, r)
		return
	}
	e := g.readEntry(r, form, v)
	wipeForm(form)
	defer instrument.Wipe(e.means)
	if e.right != nil || e.faulty() {
		g.formAgain(w, r, v, e, form.Get(fieldTicket))
		return
	}
	browser, err := g.browser(r)
	if err != nil {
		g.showProblem(w, r, err)
		return
	}
	o, err := g.engine.Execute(r.Context(), engine.Execute{
		Target: v.target(), Hosted: true, Method: e.method, Amount: e.amount, Means: e.means, Browser: browser, Customer: e.filled.Customer, Billing: e.filled.Billing, Save: e.save,
		From: web.ClientIP(r, g.trusted),
	})
	if err != nil {
		g.notSubmitted(w, r, v, e, err)
		return
	}
	g.shelf.clear(v.payment.ID)
	v.payment = o.Payment
	if v.away() != nil {
		g.continuePayment(w, r, v)
		return
	}
	v.toPage(w, r)
}

// formAgain shows the form with what is wrong, or is to be changed; what was right is kept.
func (g *Pages) formAgain(w http.ResponseWriter, r *http.Request, v *visit, e *entry, ticket string) {
	if e.lost { // perhaps to a form that was sent twice, and has paid
		if p, err := g.engine.Look(r.Context(), v.shop.ID, v.payment.ID); err != nil || g.engine.SubmitNonce(&p) != g.engine.SubmitNonce(&v.payment) {
			e.right.Wipe()
			v.toPage(w, r)
			return
		}
	}
	if e.change != "" {
		e.faults = nil
	}
	if e.right != nil {
		g.shelve(e, v, ticket)
	}
	g.showForm(w, r, v, e)
}

// notSubmitted answers an order that the engine did not take: with the form where the customer can do something
// about it, else with the payment as it is.
func (g *Pages) notSubmitted(w http.ResponseWriter, r *http.Request, v *visit, e *entry, err error) {
	if slowed := new(engine.Slowed); errors.As(err, &slowed) {
		g.shelf.clear(v.payment.ID)
		w.Header().Set("Retry-After", strconv.FormatInt(int64(slowed.After/time.Second), 10))
		e.slowed = true
		g.showForm(w, r, v, e)
		return
	}
	if token := new(engine.TokenRefused); errors.As(err, &token) {
		g.log.DebugContext(r.Context(), "the token of a wallet is not taken", "payment_id", string(v.payment.ID), "wallet", string(token.Method), "fault", string(token.Fault))
		e.fault(fieldMethod, v.words.WalletFailed)
		g.showForm(w, r, v, e)
		return
	}
	if missing := new(payment.Missing); errors.As(err, &missing) {
		switch missing.Field {
		case "amount":
			e.fault(fieldAmount, v.words.AmountMissing)
		case "card":
			e.fault(fieldNumber, v.words.CardAgain)
		case "card.cardSecurityCode":
			e.fault(fieldCode, v.words.CodeMissing)
		case "paymentMethod":
			e.fault(fieldMethod, v.words.MethodMissing)
		default: // of who pays: another terminal would be the first now
			e.faults = nil
		}
		g.showForm(w, r, v, e)
		return
	}
	if repeated := new(engine.CardText); errors.As(err, &repeated) && len(e.person) > 0 {
		for _, d := range payer.Details() {
			if e.person[d] != "" {
				e.fault(string(d), v.words.Person.fault(d, e.person[d]))
			}
		}
		g.showForm(w, r, v, e)
		return
	}
	if refusal := new(payment.Refusal); errors.As(err, &refusal) {
		if refusal.Field != "amount" {
			v.toPage(w, r) // another tab or click was faster
			return
		}
		e.fault(fieldAmount, v.words.AmountWrong)
		g.showForm(w, r, v, e)
		return
	}
	g.showProblem(w, r, err)
}
