package checkout

import (
	"net/http"
	"net/url"

	"github.com/sluicepay/sluice/internal/payment"
)

const maxBrought = 24 << 10 // bytes of the query that a customer brings back

// returnPayment is where providers and banks send the customer back to, with whatever method, query and body they
// like. The provider is asked; what the customer has brought is read only for a provider that wants to be told.
func (g *Pages) returnPayment(w http.ResponseWriter, r *http.Request, v *visit) {
	p, err := g.engine.Return(r.Context(), v.target(), func() payment.Brought { return brought(w, r) })
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

// comeBack is where banks send customers back to who know one address of ours only, registered with them. The state that they bring is the token
// of their payment's page, and leads to where that payment's customers come back.
func (g *Pages) comeBack(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("state")
	if _, _, err := g.engine.ParseCheckoutToken(token); err != nil || len(r.URL.RawQuery) > maxBrought {
		g.showNotFound(w, r)
		return
	}
	seeOther(w, r, g.base+BasePath+"/"+token+"/return?"+r.URL.RawQuery)
}

// brought is what came with the customer. What is too long or no form is as good as nothing: the provider is asked anyway.
func brought(w http.ResponseWriter, r *http.Request) (back payment.Brought) {
	if len(r.URL.RawQuery) <= maxBrought {
		if query, err := url.ParseQuery(r.URL.RawQuery); err == nil {
			back.Query = query
		}
	}
	if r.Method == http.MethodPost {
		if form, err := readForm(w, r); err == nil {
			back.Form = form
		}
	}
	return back
}
