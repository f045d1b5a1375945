package gateway

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payer"
)

// binder reads the fields of one object of a request and collects what is wrong with them, in the order of the calls.
// A method that finds a fault returns the zero value or what it could read: nothing of a faulty request is used.
type binder struct {
	from   *api.Value
	prefix string         // path of the object, with a dot at its end
	strict bool           // demanded fields are demanded
	faults *[]fault       // of the whole request
	number instrument.PAN // of the card in the request, which no other field may repeat
}

func newBinder(doc *api.Value) binder { return binder{from: doc, strict: true, faults: new([]fault)} }

// child reads an object within. It reports false when there is none, or one that says nothing.
func (b binder) child(name string, strict bool) (binder, bool) {
	v := b.from.Get(name)
	switch {
	case v.Blank(), v.Empty():
	case v.Kind() == api.Object:
		return binder{from: v, prefix: b.prefix + name + ".", strict: strict, faults: b.faults, number: b.number}, true
	default:
		b.fault(name, mismatch, "must be an object")
	}
	return binder{}, false
}

func (b binder) fault(name, constraint, message string) {
	*b.faults = append(*b.faults, newFault(b.prefix+name, constraint, message))
}

func (b binder) err() error {
	if len(*b.faults) > 0 {
		return &invalid{*b.faults}
	}
	return nil
}

// string reads a string without looking at its length. An empty one counts as absent.
func (b binder) string(name string) (text string, ok bool) {
	v := b.from.Get(name)
	switch {
	case v.Blank():
	case v.Kind() == api.String:
		return b.harmless(name, v.Text())
	default:
		b.fault(name, mismatch, "must be a string")
	}
	return "", false
}

// said reads a string, or a number that stands for one: its digits as they are written, for a reference, a telephone
// number or a postal code that a program took for a number. A number with an exponent is no such text.
func (b binder) said(name string) (text string, ok bool) {
	v := b.from.Get(name)
	if v.Kind() != api.Number {
		return b.string(name)
	}
	if strings.ContainsAny(v.Text(), "eE") {
		b.fault(name, mismatch, "must be a string")
		return "", false
	}
	return b.harmless(name, v.Text())
}

// harmless keeps the card number out of all fields but its own.
func (b binder) harmless(name, text string) (string, bool) {
	if b.prefix+name != fieldCardNumber && b.number.In(text) {
		b.fault(name, pattern, "must not hold the card number")
		return "", false
	}
	return text, true
}

// text reads a text of at most the given number of characters.
func (b binder) text(name string, most int) string {
	text, ok := b.said(name)
	if ok {
		b.size(name, text, 0, most)
	}
	return text
}

// sized reads a string of a length between least and most characters.
func (b binder) sized(name string, least, most int) string {
	text, ok := b.string(name)
	if ok {
		b.size(name, text, least, most)
	}
	return text
}

func (b binder) size(name, text string, least, most int) {
	if n := utf8.RuneCountInString(text); n < least || n > most {
		b.fault(name, size, sizeText(least, most))
	}
}

// needed is text for a field that is demanded: absent and empty are faults.
func (b binder) needed(name string, most int) string {
	if b.missing(name) {
		return ""
	}
	return b.text(name, most)
}

// missing reports, as a fault, a demanded field that is absent or empty. Where nothing is demanded it is false.
func (b binder) missing(name string) bool { return b.demanded(name, b.from.Get(name).Blank()) }

// missingObject is missing for an object, which may say nothing in more ways.
func (b binder) missingObject(name string) bool {
	v := b.from.Get(name)
	return b.demanded(name, v.Blank() || v.Empty())
}

func (b binder) demanded(name string, absent bool) bool {
	if absent && b.strict {
		b.fault(name, notNull, textNotNull)
	}
	return absent && b.strict
}

// choice reads one of the words that all lists.
func choice[T ~string](b binder, name string, all func() []T) T {
	text, ok := b.string(name)
	if ok && !slices.Contains(all(), T(text)) {
		words := make([]string, 0, len(all()))
		for _, w := range all() {
			words = append(words, string(w))
		}
		b.fault(name, mismatch, "must be one of "+strings.Join(words, ", "))
	}
	return T(text)
}

// boolean reads true or false, or their names in a string.
func (b binder) boolean(name string) *bool {
	v := b.from.Get(name)
	if v.Blank() {
		return nil
	}
	truth, ok := truthOf(v)
	if !ok {
		b.fault(name, mismatch, "must be true or false")
		return nil
	}
	return &truth
}

func truthOf(v *api.Value) (truth, ok bool) {
	switch {
	case v.Kind() == api.Bool:
		return v.True(), true
	case v.Kind() != api.String:
		return false, false
	case strings.EqualFold(v.Text(), "true"):
		return true, true
	}
	return false, strings.EqualFold(v.Text(), "false")
}

func (b binder) is(name string) bool {
	truth := b.boolean(name)
	return truth != nil && *truth
}

// integer reads a whole number of at most 64 bits, written without an exponent, or the string of one. That it ends in
// .0, as programs write one that they hold as a double, changes nothing.
func (b binder) integer(name string) *int64 {
	v := b.from.Get(name)
	if v.Blank() {
		return nil
	}
	text := v.Text()
	if whole, zeros, ok := strings.Cut(text, "."); ok && v.Kind() == api.Number && strings.Trim(zeros, "0") == "" {
		text = whole
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if k := v.Kind(); k != api.Number && k != api.String || err != nil || text[0] == '+' {
		b.fault(name, mismatch, "must be an integer")
		return nil
	}
	return &n
}

// date reads a calendar date.
func (b binder) date(name string) string {
	text, ok := b.string(name)
	if ok {
		b.checkDate(name, text)
	}
	return text
}

// sizedDate is date for a field whose length is limited too.
func (b binder) sizedDate(name string) string {
	text, ok := b.string(name)
	switch {
	case !ok:
	case utf8.RuneCountInString(text) != len(time.DateOnly):
		b.fault(name, size, sizeText(len(time.DateOnly), len(time.DateOnly)))
	default:
		b.checkDate(name, text)
	}
	return text
}

func (b binder) checkDate(name, text string) {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		b.fault(name, mismatch, "must be a date such as 2001-12-03")
	}
}

// ip checks an address of IP version 4 or 6; the empty text is left to others.
func (b binder) ip(name, text string) {
	if text == "" {
		return
	}
	if addr, err := netip.ParseAddr(text); err != nil || addr.Zone() != "" {
		b.fault(name, pattern, "must be an IPv4 or IPv6 address")
	}
}

// email checks the form of an e-mail address; the empty text is left to others.
func (b binder) email(name, text string) {
	if text != "" && !payer.ValidEmail(text) {
		b.fault(name, emailForm, "must be a well-formed email address")
	}
}
