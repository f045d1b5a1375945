package checkout

import (
	"net/http"
)

// returnPayment is where providers and banks send the customer back to, with whatever method, query and body they
// like: none of it is read. The provider is asked instead.
func (g *Pages) returnPayment(w http.ResponseWriter, r *http.Request, v *visit) {
	p, err := g.engine.Return(r.Context(), v.target())
	if err != nil {
		g.showProblem(w, r, err)
		return
	}
	v.payment = p
	// An app is opened from our page: browsers hold redirects against the form-action of the provider's page, and some
	// open no app without a click.
	if to := v.returnURL(); v.settled() && isWeb(to) {
		seeOther(w, r, to)
		return
	}
	v.toPage(w, r)
}
