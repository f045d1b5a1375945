package yandexpay

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
)

// shape is what the published schema says of a value that is kept as it came. What does not have it is accepted, because
// it decides nothing, and not shown, because strict clients could not read the answer.
type shape struct {
	append  func(dst []byte, v *api.Value) ([]byte, bool) // of a value without members
	of      *shape                                        // of the elements of a list, of which those without it are left out
	members []member                                      // of an object, in the order in which they are shown
}

type member struct {
	name   string
	needed bool
	shape  *shape
}

// Shapes of single values.
var (
	aText    = &shape{append: appendText}
	aTruth   = &shape{append: appendTruth}
	aNumber  = &shape{append: appendNumber}
	aDecimal = &shape{append: appendDecimal}
)

// Shapes of what carts hold.
var (
	measurements = &shape{members: []member{
		{"height", true, aNumber}, {"length", true, aNumber}, {"weight", true, aNumber}, {"width", true, aNumber},
	}}
	features = &shape{members: []member{
		{"pointsDisabled", false, aTruth},
		{"tariffModifier", false, oneOf("VERY_LOW", "LOW", "MEDIUM", "HIGH", "VERY_HIGH")},
	}}
	coupons = &shape{of: &shape{members: []member{
		{"description", false, aText}, {"status", false, oneOf("VALID", "INVALID", "EXPIRED")}, {"value", true, aText},
	}}}
	discounts = &shape{of: &shape{members: []member{
		{"amount", true, aDecimal}, {"description", true, aText}, {"discountId", true, aText},
	}}}
	itemTypes = []string{"PHYSICAL", "DIGITAL", "UNSPECIFIED"}
)

// receipt is what is said to the tax authority about a line.
var receipt = &shape{members: []member{
	{"agent", false, &shape{members: []member{
		{"agentType", true, between(1, 7)},
		{"operation", false, aText},
		{"paymentsOperator", false, &shape{members: []member{{"phones", false, texts}}}},
		{"phones", false, texts},
		{"transferOperator", false, &shape{members: []member{
			{"address", false, aText}, {"inn", false, aText}, {"name", false, aText}, {"phones", false, texts},
		}}},
	}}},
	{"excise", false, aDecimal},
	{"markQuantity", false, &shape{members: []member{
		{"denominator", true, between(1, mostMarks)}, {"numerator", true, between(1, mostMarks)},
	}}},
	{"measure", false, between(0, 255)},
	{"paymentMethodType", false, between(1, 7)},
	{"paymentSubjectType", false, between(1, 26)},
	{"productCode", false, aText},
	{"supplier", false, &shape{members: []member{{"inn", false, aText}, {"name", false, aText}, {"phones", false, texts}}}},
	{"tax", true, between(1, 12)},
	{"title", false, aText},
}}

var texts = &shape{of: aText}

const mostMarks = 1_000_000_000

// shown writes what was kept in the form that the schema gives it, or null.
func (o *object) shown(name string, raw json.RawMessage, s *shape) {
	o.Name(name)
	if dst, ok := s.write(o.Dst, kept(raw)); ok {
		o.Dst = dst
		return
	}
	o.Dst = append(o.Dst, `null`...)
}

// shownList is shown for a list, which is empty where there is none.
func (o *object) shownList(name string, raw json.RawMessage, s *shape) {
	o.Name(name)
	if dst, ok := s.write(o.Dst, kept(raw)); ok {
		o.Dst = dst
		return
	}
	o.Dst = append(o.Dst, `[]`...)
}

// write appends a value that has the shape. What it has appended where it reports false is to be dropped.
func (s *shape) write(dst []byte, v *api.Value) ([]byte, bool) {
	switch {
	case s.of != nil:
		return s.of.writeEach(dst, v)
	case s.members == nil:
		return s.append(dst, v)
	case v.Kind() != api.Object:
		return dst, false
	}
	begun := byte('{')
	for i := range s.members {
		m := &s.members[i]
		text, ok := m.shape.write(nil, v.Get(m.name))
		if !ok && m.needed {
			return dst, false
		}
		if ok {
			dst = append(api.AppendString(append(dst, begun), m.name), ':')
			dst, begun = append(dst, text...), ','
		}
	}
	if begun == '{' { // there is nothing in it that the schema knows
		return dst, false
	}
	return append(dst, '}'), true
}

func (s *shape) writeEach(dst []byte, v *api.Value) ([]byte, bool) {
	if v.Kind() != api.Array {
		return dst, false
	}
	dst = append(dst, '[')
	first := true
	for i := range v.Members() {
		text, ok := s.write(nil, &v.Members()[i].Value)
		if !ok {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		dst, first = append(dst, text...), false
	}
	return append(dst, ']'), true
}

func appendText(dst []byte, v *api.Value) ([]byte, bool) {
	if v.Kind() != api.String {
		return dst, false
	}
	return api.AppendString(dst, v.Text()), true
}

func appendTruth(dst []byte, v *api.Value) ([]byte, bool) {
	return strconv.AppendBool(dst, v.True()), v.Kind() == api.Bool
}

// decimal is the amount that a number or a string is.
func decimal(v *api.Value) (money.Amount, bool) {
	a, err := v.Decimal()
	return a, err == nil
}

func appendNumber(dst []byte, v *api.Value) ([]byte, bool) {
	a, ok := decimal(v)
	return a.AppendTo(dst), ok
}

func appendDecimal(dst []byte, v *api.Value) ([]byte, bool) {
	a, ok := decimal(v)
	return append(appendAmount(append(dst, '"'), a, leastDecimals), '"'), ok
}

func oneOf(words ...string) *shape {
	return &shape{append: func(dst []byte, v *api.Value) ([]byte, bool) {
		return api.AppendString(dst, v.Text()), v.Kind() == api.String && slices.Contains(words, v.Text())
	}}
}

func between(least, most int) *shape {
	return &shape{append: func(dst []byte, v *api.Value) ([]byte, bool) {
		n, ok := whole(v)
		return strconv.AppendInt(dst, int64(n), 10), ok && least <= n && n <= most
	}}
}
