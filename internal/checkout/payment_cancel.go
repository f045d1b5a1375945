package checkout

import (
	"errors"
	"net/http"

	"github.com/sluicepay/sluice/internal/payment"
)

// cancelPayment closes the checkout at the customer's wish. If the payment has gone on meanwhile, its page says so.
func (g *Pages) cancelPayment(w http.ResponseWriter, r *http.Request, v *visit) {
	form, err := g.takeForm(w, r, v)
	if err != nil {
		g.showProblem(w, r, err)
		return
	}
	if !g.current(form, v) || !v.payment.Payable() {
		v.toPage(w, r)
		return
	}
	g.shelf.clear(v.payment.ID)
	_, err = g.engine.Cancel(r.Context(), v.target())
	if refusal := new(payment.Refusal); err != nil && !errors.As(err, &refusal) {
		g.showProblem(w, r, err)
		return
	}
	v.toPage(w, r)
}
