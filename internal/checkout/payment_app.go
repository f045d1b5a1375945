package checkout

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// A customer who pays by a code from the app of a bank may have the app know the shop's customer from then on: the next time it asks without
// a code. The provider knows which apps do, by an alias that is derived from the customer's id and stored nowhere. Whoever has the page's
// address is taken for the customer, as with kept cards, and can do no more than have the app ask: it is confirmed there each time.

const (
	fieldApp = "app" // the app that asks without a code
	withCode = "new" // in its place: a code is entered
)

// aliasWords are the texts of that.
type aliasWords struct{ Save, SaveHint, Held, Text, Others, Code string }

// remembers reports that apps may know the customer by what is entered for the method.
func (g *Pages) remembers(v *visit, m payment.Method) bool {
	return m.Spec().Means == instrument.KindCode && g.cards.Alias(v.shop, &v.payment) != ""
}

// fillApp puts an app that knows the customer into the form, and reports that there is one. The others, and the code, are ways to pages of
// their own.
func (g *Pages) fillApp(r *http.Request, f *form, v *visit, e *entry, m payment.Method) bool {
	if !g.remembers(v, m) {
		return false
	}
	apps := g.engine.Page().Banks(r.Context(), v.shop, &v.payment, m)
	shown := pickedApp(r, e, apps)
	way := url.Values{}
	if v.chooses() {
		way.Set(fieldMethod, string(m))
	}
	link := func(name, label string) {
		way.Set(fieldApp, name)
		f.Saved = append(f.Saved, choice{Link: v.path + "?" + way.Encode(), Label: label, Method: m})
	}
	f.SavedTitle = v.words.Alias.Others
	for i := range apps {
		if a := &apps[i]; a != shown {
			link(a.ID, fill(v.words.Alias.Held, a.Name))
		}
	}
	if shown == nil {
		return false
	}
	f.App, f.Title, f.Plain = shown.ID, v.words.Steps[string(m)].Form, v.words.Alias.Text
	f.Held = &heldCard{Name: fill(v.words.Alias.Held, shown.Name), Method: m}
	link(withCode, v.words.Alias.Code)
	return true
}

// pickedApp is the app that the form is for; nil for a code.
func pickedApp(r *http.Request, e *entry, apps []engine.Bank) *engine.Bank {
	wanted := e.saved
	if wanted == "" && r.Method == http.MethodGet {
		wanted = r.URL.Query().Get(fieldApp)
	}
	at := slices.IndexFunc(apps, func(b engine.Bank) bool { return b.ID == wanted })
	switch {
	case at >= 0:
		return &apps[at]
	case e.typed, wanted == withCode, len(apps) == 0:
		return nil
	}
	return &apps[0]
}

// isApp tells what can be the name of an app; others are nobody's.
func isApp(name string) bool {
	const most = 64
	return name != "" && len(name) <= most && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// readApp reads the order to pay by an app that knows the customer, or what is entered for the method.
func (g *Pages) readApp(e *entry, r *http.Request, form url.Values, v *visit, m payment.Method) {
	if form.Has(fieldApp) && g.remembers(v, m) { // whether the app does know the customer is the provider's to say
		if e.saved = form.Get(fieldApp); isApp(e.saved) {
			e.means = &instrument.Code{Alias: g.cards.Alias(v.shop, &v.payment), App: e.saved}
			return
		}
	}
	e.typed = true
	e.readFields(form, v, m.Spec().Means, g.asks(r, v, m))
	if code, ok := e.means.(*instrument.Code); ok && form.Get(fieldSave) != "" && g.remembers(v, m) {
		code.Alias = g.cards.Alias(v.shop, &v.payment)
	}
	e.save = form.Get(fieldSave) != ""
}
