package checkout

import (
	"net/http"
)

// other is the way back to all methods for a customer who has something to do elsewhere.
type other struct{ Action, Nonce string }

// other is nil where there is no other method, or what is open cannot be closed.
func (g *Pages) other(v *visit) *other {
	if !v.payment.MayLeave(v.now) || !g.engine.Page().CanLeave(v.shop, &v.payment) {
		return nil
	}
	return &other{v.path + "/other", g.engine.SubmitNonce(&v.payment)}
}

// payOther closes what waits for the customer, who wants to pay another way. If it was paid meanwhile, its page says so.
func (g *Pages) payOther(w http.ResponseWriter, r *http.Request, v *visit) {
	form, err := g.takeForm(w, r, v)
	if err != nil {
		g.showProblem(w, r, err)
		return
	}
	if g.current(form, v) {
		if v.payment, err = g.engine.Page().Leave(r.Context(), v.target()); err != nil {
			g.showProblem(w, r, err)
			return
		}
	}
	v.toPage(w, r)
}
