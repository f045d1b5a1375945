package checkout

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/private"
)

// What a method that is no card has its customers enter stands in the table of methods. One form serves all of them, and one place
// reads it; what a field is called, and what is said when it is wrong, is found by its id.

// asked is a field that this payment's customer has to fill in, and what there is to choose from.
type asked struct {
	instrument.Field

	banks []engine.Bank
}

// option is one of a list.
type option struct {
	Value, Label string
	Selected     bool
}

// asks lists what is asked for a method. Where a provider has no list to choose from, it asks by itself, or not at all.
func (g *Pages) asks(r *http.Request, v *visit, m payment.Method) []asked {
	var all []asked
	for _, f := range m.Spec().Fields {
		a := asked{Field: f}
		if f.Choice {
			if a.banks = g.engine.Page().Banks(r.Context(), v.shop, &v.payment, m); len(a.banks) == 0 {
				continue
			}
		}
		all = append(all, a)
	}
	return all
}

// fillFields puts them into the form.
func (f *form) fillFields(all []asked, v *visit, e *entry) {
	f.Fields, f.Chooses = nil, true
	for i := range all {
		a := &all[i]
		texts := v.words.Fields[a.ID]
		shown := field{
			ID: a.ID, Label: texts.Label, Hint: texts.Hint, Fault: e.of(a.ID), Type: "text", Dir: "ltr", Autocomplete: a.Autocomplete, Mode: a.Mode,
			Required: true,
		}
		if a.Choice {
			shown.Options, shown.Dir = a.options(v, e), "auto"
		} else {
			f.Chooses = false
		}
		f.Fields = append(f.Fields, shown)
	}
}

// options are the banks, with the one that was chosen before, or that the merchant says the customer has.
func (a *asked) options(v *visit, e *entry) []option {
	chosen, of := e.fields[a.ID], payment.Customer{}
	if chosen == "" && v.payment.Customer.Into(&of) == nil {
		chosen = of.BankCode
	}
	options := []option{{Label: v.words.Choose}}
	for _, b := range a.banks {
		options = append(options, option{Value: b.ID, Label: b.Name, Selected: b.ID == chosen})
	}
	return options
}

// readFields checks what was entered, and keeps the means that come of it if all is well.
func (e *entry) readFields(form url.Values, v *visit, kind instrument.Kind, all []asked) {
	for i := range all {
		a := &all[i]
		texts, text := v.words.Fields[a.ID], form.Get(a.ID)
		value, ok := a.read(text)
		switch {
		case nothing(text):
			e.fault(a.ID, texts.Missing)
		case !ok:
			e.fault(a.ID, texts.Wrong)
		default:
			e.means = kind.Of(value)
			if !a.Secret {
				e.fields = map[string]string{a.ID: value}
			}
		}
	}
}

// read reads one field; false says that it is not right.
func (a *asked) read(text string) (string, bool) {
	if a.Choice {
		at := slices.IndexFunc(a.banks, func(b engine.Bank) bool { return b.ID == text })
		if at < 0 {
			return "", false
		}
		return a.banks[at].ID, true
	}
	digits := make([]byte, a.Digits+1) // one more than it has, so that it is seen
	defer clear(digits)
	n, err := takeDigits(digits, text, func(r rune) bool { return blank(r) || unseen(r) || dash(r) })
	return string(digits[:min(n, a.Digits)]), err == nil && n == a.Digits
}

// wipeFields overwrites what of them is secret.
func wipeFields(form url.Values) {
	for _, m := range payment.Methods() {
		for _, f := range m.Spec().Fields {
			if !f.Secret {
				continue
			}
			for _, v := range form[f.ID] {
				private.Wipe(v)
			}
			delete(form, f.ID)
		}
	}
}

// mistaken is the field in which something was mistyped that the last try was refused for; nil where it was not.
func (v *visit) mistaken() *instrument.Field {
	spec, last := v.payment.Method.Spec(), v.payment.LastRefusal()
	if last == nil || spec.Mistake == "" || last.Code != spec.Mistake || len(spec.Fields) == 0 {
		return nil
	}
	return &spec.Fields[0]
}

// again is what the customer is told between tries.
func (v *visit) again() string {
	if f := v.mistaken(); f != nil {
		return v.words.Fields[f.ID].Again
	}
	return v.words.again(v.payment.LastRefusal())
}
