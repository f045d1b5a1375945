package gateway

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/payment"
)

// Bounds of additionalParameters, for which nothing is published.
const (
	maxAdditional      = 50
	maxAdditionalName  = 128  // characters
	maxAdditionalValue = 1024 // characters
)

// additional reads the merchant's own parameters, a map of strings, into the form in which they are kept and shown: by
// name. Members that are null are left out, and codes of customers, which are kept nowhere. What is wrong with one is told of the whole, for its name is the merchant's.
func (b binder) additional() payment.Document {
	const field = fieldAdditional
	v := b.from.Get(field)
	if v.Blank() {
		return ""
	}
	if v.Kind() != api.Object {
		b.fault(field, mismatch, "must be an object of strings")
		return ""
	}
	members := slices.DeleteFunc(slices.Clone(v.Members()), func(m api.Member) bool {
		return m.Value.Kind() == api.Absent || secretParam(m.Name)
	})
	slices.SortFunc(members, func(a, b api.Member) int { return strings.Compare(a.Name, b.Name) })
	if len(members) > maxAdditional {
		b.fault(field, size, sizeText(0, maxAdditional))
		return ""
	}
	o := newObject(nil)
	for i := range members {
		name := members[i].Name
		text, constraint, message := additionalText(&members[i].Value, name)
		if constraint == "" && (b.number.In(name) || b.number.In(text)) {
			constraint, message = pattern, "must not hold the card number"
		}
		if constraint != "" {
			b.fault(field, constraint, message)
			return ""
		}
		o.Named(name, text)
	}
	return payment.Document(o.whole())
}

// additionalText reads one parameter, or says what is wrong with it.
func additionalText(v *api.Value, name string) (text, constraint, message string) {
	text = v.Text()
	switch k := v.Kind(); {
	case k == api.Bool && v.True():
		text = "true"
	case k == api.Bool:
		text = "false"
	case k != api.String && k != api.Number:
		return "", mismatch, "must be an object of strings"
	}
	if name == "" || utf8.RuneCountInString(name) > maxAdditionalName || utf8.RuneCountInString(text) > maxAdditionalValue {
		return "", size, "names must have 1 to 128 characters and values at most 1024"
	}
	return text, "", ""
}
