package checkout

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/sluicepay/sluice/internal/payment"
)

// continuePayment records that the customer is being sent to the provider or bank and leads on to the page that
// does it. It needs no nonce: repeating it changes nothing.
func (g *Pages) continuePayment(w http.ResponseWriter, r *http.Request, v *visit) {
	if v.away() == nil {
		v.toPage(w, r)
		return
	}
	_, err := g.engine.SendAway(r.Context(), v.target())
	if refusal := new(payment.Refusal); errors.As(err, &refusal) {
		v.toPage(w, r)
		return
	}
	if err != nil {
		g.showProblem(w, r, err)
		return
	}
	seeOther(w, r, v.path+"/continue")
}

// leavePayment is the last page before the provider's. Browsers hold every redirect that follows a form against the
// page's form-action, and a bank's address is not known when the form is shown; so the chain of redirects ends at
// this page, and the browser goes on from it by itself, as if a link was followed.
func (g *Pages) leavePayment(w http.ResponseWriter, r *http.Request, v *visit) {
	a := v.away()
	if a == nil || !a.Redirected {
		v.toPage(w, r)
		return
	}
	to := asciiURL(a.Next.URL)
	if a.Next.Kind == payment.NextPost {
		g.postPayment(w, r, v, to, a.Next.Form)
		return
	}
	refresh(w.Header(), 0, to)
	g.render(w, r, v, view{
		Page: "payment_leave", Status: http.StatusOK, Title: v.words.LeaveTitle, Text: v.words.LeaveText,
		Link: to, Button: v.words.LeaveLink,
	})
}

// post is a form that leads to a provider or bank.
type post struct {
	Fields []option // by what is sent
}

// postPayment is leavePayment for a provider that wants a form posted: a script sends it, and without one a button does.
func (g *Pages) postPayment(w http.ResponseWriter, r *http.Request, v *visit, to, form string) {
	p := &post{}
	values, err := url.ParseQuery(form)
	if err != nil { // of a connector that is wrong; half a form is sent to nobody
		g.showProblem(w, r, err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			p.Fields = append(p.Fields, option{Value: value, Label: name})
		}
	}
	page := view{
		Page: "payment_post", Status: http.StatusOK, Title: v.words.LeaveTitle, Text: v.words.LeaveText, Action: to, Button: v.words.LeaveLink, Post: p,
	}
	g.render(w, r, v, page)
}
