package gateway

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// binder reads the fields of one object of a request and collects what is wrong with them, in the order of the calls.
// A method that finds a fault returns the zero value or what it could read: nothing of a faulty request is used.
type binder struct {
	from   *api.Value
	prefix string      // path of the object, with a dot at its end
	strict bool        // demanded fields are demanded
	faults *[]fault    // of the whole request
	number payment.PAN // of the card in the request, which no other field may repeat
}

func newBinder(doc *api.Value) binder { return binder{from: doc, strict: true, faults: new([]fault)} }

// child reads an object within. It reports false when there is none.
func (b binder) child(name string, strict bool) (binder, bool) {
	v := b.from.Get(name)
	switch v.Kind() {
	case api.Object:
		return binder{from: v, prefix: b.prefix + name + ".", strict: strict, faults: b.faults, number: b.number}, true
	case api.Absent:
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

// string reads a string without looking at its length.
func (b binder) string(name string) (text string, ok bool) {
	v := b.from.Get(name)
	switch v.Kind() {
	case api.String:
		if b.prefix+name == fieldCardNumber || !b.number.In(v.Text()) {
			return v.Text(), true
		}
		b.fault(name, pattern, "must not hold the card number")
	case api.Absent:
	default:
		b.fault(name, mismatch, "must be a string")
	}
	return "", false
}

// text reads a string of at most the given number of characters.
func (b binder) text(name string, most int) string { return b.sized(name, 0, most) }

// sized reads a string of a length between least and most characters.
func (b binder) sized(name string, least, most int) string {
	text, ok := b.string(name)
	if n := utf8.RuneCountInString(text); ok && (n < least || n > most) {
		b.fault(name, size, sizeText(least, most))
	}
	return text
}

// needed is text for a field that is demanded: absent and empty are faults.
func (b binder) needed(name string, most int) string {
	if b.missing(name) {
		return ""
	}
	return b.text(name, most)
}

// missing reports, as a fault, a demanded field that is absent or empty. Where nothing is demanded it is false.
func (b binder) missing(name string) bool {
	if !b.strict {
		return false
	}
	v := b.from.Get(name)
	if v.Kind() == api.Absent || v.Kind() == api.String && v.Text() == "" {
		b.fault(name, notNull, textNotNull)
		return true
	}
	return false
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

// amount reads a number, or a string holding a plain decimal, in the bounds of the contract.
func (b binder) amount(name string) money.Amount {
	v := b.from.Get(name)
	var a money.Amount
	var err error
	switch v.Kind() {
	case api.Absent:
		return a
	case api.Number:
		a, err = money.ParseJSONNumber(v.Text())
	case api.String:
		a, err = money.Parse(v.Text())
	default:
		err = money.ErrSyntax
	}
	switch {
	case errors.Is(err, money.ErrNegative), err == nil && a.Cmp(leastAmount) < 0:
		b.fault(name, decimalMin, "must be greater than or equal to 0.00001")
	case errors.Is(err, money.ErrPrecision), errors.Is(err, money.ErrRange) && tiny(v.Text()):
		b.fault(name, digitsBound, "numeric value out of bounds (<10 digits>.<18 digits> expected)")
	case errors.Is(err, money.ErrRange), err == nil && a.Cmp(mostAmount) > 0:
		b.fault(name, decimalMax, "must be less than or equal to 1000000000")
	case err != nil:
		b.fault(name, mismatch, "must be a decimal number such as 11.12")
	}
	return a
}

// The bounds of every amount in a request.
var (
	leastAmount = money.MustParse("0.00001")
	mostAmount  = money.MustParse("1000000000")
)

// tiny reports whether a number is out of range for its negative exponent.
func tiny(literal string) bool {
	return strings.Contains(literal, "e-") || strings.Contains(literal, "E-")
}

func (b binder) boolean(name string) *bool {
	v := b.from.Get(name)
	switch v.Kind() {
	case api.Bool:
		truth := v.True()
		return &truth
	case api.Absent:
	default:
		b.fault(name, mismatch, "must be true or false")
	}
	return nil
}

func (b binder) is(name string) bool {
	truth := b.boolean(name)
	return truth != nil && *truth
}

// integer reads a whole number of at most 64 bits, written without a point or exponent.
func (b binder) integer(name string) *int64 {
	v := b.from.Get(name)
	if v.Kind() == api.Absent {
		return nil
	}
	n, err := strconv.ParseInt(v.Text(), 10, 64)
	if v.Kind() != api.Number || err != nil {
		b.fault(name, mismatch, "must be an integer")
		return nil
	}
	return &n
}

// date reads a calendar date.
func (b binder) date(name string) string {
	text, ok := b.string(name)
	if ok && text != "" {
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
	if text != "" && !validEmail(text) {
		b.fault(name, emailForm, "must be a well-formed email address")
	}
}

// validEmail accepts one @ with something before it and a host name after it. Whether mail arrives there is another
// question.
func validEmail(s string) bool {
	local, host, found := strings.Cut(s, "@")
	if !found || local == "" || host == "" || strings.ContainsAny(s, "\"(),:;<>[\\] \t\r\n") {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || strings.Contains(label, "@") {
			return false
		}
	}
	return true
}
