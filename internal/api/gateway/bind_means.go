package gateway

import (
	"strings"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// What customers enter for a method that is no card, merchants pass on in additionalParameters, where later versions of the
// contract have what a provider needs beyond the fields of its own: under the name that the table of methods has for it.

const fieldAdditional = "additionalParameters"

// maxChosen is how long the name of one of a provider's list may be.
const maxChosen = 64

// param is such a parameter of a request.
type param struct {
	instrument.Field

	kind instrument.Kind
}

// params lists those that there are, in the order of the methods.
func params() []param {
	var all []param
	named := map[string]bool{}
	for _, m := range payment.Methods() {
		spec := m.Spec()
		for _, f := range spec.Fields {
			if f.Param != "" && !named[f.Param] {
				named[f.Param] = true
				all = append(all, param{f, spec.Means})
			}
		}
	}
	return all
}

// secretParam reports that a parameter of that name is passed on once, and neither kept nor shown.
func secretParam(name string) bool {
	for _, p := range params() {
		if p.Secret && p.Param == name {
			return true
		}
	}
	return false
}

// wipeParams overwrites those that are secret.
func wipeParams(doc *api.Value) {
	for _, p := range params() {
		if p.Secret {
			doc.Get(fieldAdditional).Get(p.Param).Wipe()
		}
	}
}

// entering reports that a request brings something for a method that is no card.
func entering(doc *api.Value) bool {
	for _, p := range params() {
		if !doc.Get(fieldAdditional).Get(p.Param).Blank() {
			return true
		}
	}
	return false
}

// entered reads what the customer has entered, for a payment by m, or by the method that it is for where m is empty; of secrets
// only, where all else is kept as it comes. It is copied out of the request.
func (b binder) entered(m payment.Method, secrets bool) instrument.Means {
	v := b.from.Get(fieldAdditional)
	if v.Kind() != api.Object {
		return nil // a fault of the whole, or nothing
	}
	b = binder{from: v, prefix: b.prefix + fieldAdditional + ".", faults: b.faults, number: b.number}
	var means instrument.Means
	for _, p := range params() {
		if v.Get(p.Param).Blank() || secrets && !p.Secret {
			continue
		}
		value := b.param(p.Field)
		if m != "" && m.Spec().Means != p.kind {
			b.fault(p.Param, pattern, "is of no use for "+string(m))
			continue
		}
		means = p.kind.Of(strings.Clone(value))
	}
	return means
}

// code reads the code that comes with a new payment, as a card does: of a deposit, for the order to go ahead with it.
func (b binder) code(d demands, c *engine.Create) {
	entered := b.entered(c.Method, true)
	switch {
	case entered == nil:
	case c.Type != payment.Deposit || d.followUp:
		b.fault(fieldAdditional, pattern, "a code is of use for a deposit only")
	default:
		c.Means = entered
	}
}

// param reads one of them. A number has lost its leading zeros.
func (b binder) param(f instrument.Field) string {
	if f.Digits == 0 {
		text, ok := b.said(f.Param)
		if ok && utf8.RuneCountInString(text) > maxChosen {
			b.fault(f.Param, size, sizeText(0, maxChosen))
		}
		return text
	}
	text, ok := b.padded(f.Param, f.Digits)
	if ok && (len(text) != f.Digits || !allDigits(text)) {
		b.fault(f.Param, pattern, "must be a code of digits as the customer's bank shows it")
	}
	return text
}
