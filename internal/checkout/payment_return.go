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
	if to := v.returnURL(); to != "" && v.settled() {
		seeOther(w, r, to)
		return
	}
	v.toPage(w, r)
}
