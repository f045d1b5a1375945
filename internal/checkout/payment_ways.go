package checkout

import (
	"cmp"
	"net/http"

	"github.com/sluicepay/sluice/internal/payment"
)

// choice is a way to pay that has a page of its own, from which the customer can come back.
type choice struct {
	Link, Label string
	Method      payment.Method
	Needs       string // the wallet without which it is not shown; empty for none
}

// fillOther puts a method into the form that is no card: its fields, or what leads on to it.
func (g *Pages) fillOther(r *http.Request, f *form, v *visit, e *entry, shown payment.Method) {
	f.fillFields(g.asks(r, v, shown), v, e)
	if g.remembers(v, shown) {
		f.Save = &saveBox{v.words.Alias.Save, v.words.Alias.SaveHint, e.save}
	}
	f.Title = v.words.Steps[string(shown)].Form
	if len(f.Fields) == 0 {
		f.Plain = cmp.Or(v.words.Steps[string(shown)].Before, v.words.MethodText)
	}
	if f.Chooses { // nothing, or what is paid from: the rest is done elsewhere
		f.Pay = continueWith(v.words, shown)
		f.Title = f.Pay
	}
	if f.Sheet = g.sheet(v, shown); f.Sheet != "" {
		f.Amount = nil
	}
	if f.Button = g.button(v, shown); f.Button != nil {
		f.Plain, f.Button.Says = "", e.of(fieldMethod)
		f.Title = v.words.method(shown) // the button says the rest
	}
}

// fillWays lists the other methods, which have pages of their own.
func (f *form) fillWays(v *visit, shown payment.Method, methods []payment.Method) {
	for i, m := range methods {
		way := choice{Link: v.path + "?" + fieldMethod + "=" + string(m), Label: v.words.method(m), Method: m}
		if shown != "" { // else there may be no other way
			way.Needs = v.needs(m)
		}
		switch {
		case m == shown:
		case i == 0 && shown != "":
			way.Label = continueWith(v.words, m)
			f.First = &way
		default:
			f.Others = append(f.Others, way)
		}
	}
}
