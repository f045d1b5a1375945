package yandexpay

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
)

// readObject returns the object in the body of a request. No body and an empty list, which some clients send for it,
// are an empty object. Errors are those of api.ReadObject.
func readObject(c *call) (*api.Value, error) {
	body, err := api.ReadBody(c.w, c.Request)
	if err != nil {
		return nil, err
	}
	text := strings.Trim(string(body), " \t\r\n")
	if text == "" || text[0] == '[' && strings.Trim(text[1:], " \t\r\n") == "]" {
		return nil, nil //nolint:nilnil // an absent value is an empty object
	}
	return api.Decode(body)
}

const mustBeGiven = "must be given"

// binder reads the fields of one object of a request and collects what is wrong with them, in the order of the calls.
// A method that finds a fault returns the zero value or what it could read: nothing of a faulty request is used.
type binder struct {
	from   *api.Value
	prefix string // path of the object, with a dot at its end
	faults *[]fault
}

func newBinder(doc *api.Value) binder { return binder{from: doc, faults: new([]fault)} }

func (b binder) fault(name, message string) {
	*b.faults = append(*b.faults, fault{b.prefix + name, message})
}

// err is the answer to a request with faults, or nil.
func (b binder) err() error {
	if len(*b.faults) > 0 {
		return badRequest(*b.faults)
	}
	return nil
}

func (b binder) has(name string) bool { return b.said(name).Kind() != api.Absent }

// said is the value of a field that may be left out: absent too where it is an empty string, by which some clients say
// nothing.
func (b binder) said(name string) *api.Value {
	v := b.from.Get(name)
	if v.Kind() == api.String && v.Text() == "" {
		return nil
	}
	return v
}

// needs reports whether a field is there, and a fault where it is not.
func (b binder) needs(name string) bool {
	if !b.has(name) {
		b.fault(name, mustBeGiven)
		return false
	}
	return true
}

// child reads an object within. It reports false when there is none.
func (b binder) child(name string) (binder, bool) {
	v := b.said(name)
	switch v.Kind() {
	case api.Object:
		return binder{from: v, prefix: b.prefix + name + ".", faults: b.faults}, true
	case api.Absent:
	default:
		b.fault(name, "must be an object")
	}
	return binder{}, false
}

// in is a binder whose faults are those of an object within.
func (b binder) in(name string) binder {
	return binder{prefix: b.prefix + name + ".", faults: b.faults}
}

// each reads a list of objects. Where it is needed, it must be there.
func (b binder) each(name string) []binder {
	v := b.said(name)
	if v.Kind() != api.Array {
		if v.Kind() != api.Absent {
			b.fault(name, "must be a list")
		}
		return nil
	}
	members := v.Members()
	all := make([]binder, 0, len(members))
	for i := range members {
		at := name + "[" + strconv.Itoa(i) + "]"
		if members[i].Value.Kind() != api.Object {
			b.fault(at, "must be an object")
			continue
		}
		all = append(all, binder{from: &members[i].Value, prefix: b.prefix + at + ".", faults: b.faults})
	}
	return all
}

// text reads a string of at most that many characters.
func (b binder) text(name string, most int) string {
	v := b.from.Get(name)
	switch v.Kind() {
	case api.String:
		if utf8.RuneCountInString(v.Text()) > most {
			b.fault(name, "must have at most "+strconv.Itoa(most)+" characters")
		}
		return v.Text()
	case api.Absent:
	default:
		b.fault(name, "must be a string")
	}
	return ""
}

// needed reads a string that must be there and not empty.
func (b binder) needed(name string) string {
	if v := b.from.Get(name); v.Kind() == api.String && v.Text() == "" {
		b.fault(name, "must not be empty")
	} else if b.needs(name) {
		return b.text(name, maxText)
	}
	return ""
}

// word reads one of the given words, or none.
func (b binder) word(name string, words ...string) string {
	text := b.text(name, maxText)
	if text != "" && !slices.Contains(words, text) {
		b.fault(name, "must be one of "+strings.Join(words, ", "))
	}
	return text
}

func (b binder) boolean(name string) bool {
	v := b.said(name)
	if k := v.Kind(); k != api.Bool && k != api.Absent {
		b.fault(name, "must be true or false")
	}
	return v.True()
}

// integer reads a whole number, or a string of its digits, between least and most; otherwise where there is none.
func (b binder) integer(name string, least, most, otherwise int) int {
	v := b.said(name)
	if v.Kind() == api.Absent {
		return otherwise
	}
	n, ok := whole(v)
	if !ok || n < least || n > most {
		b.fault(name, "must be an integer from "+strconv.Itoa(least)+" to "+strconv.Itoa(most))
	}
	return n
}

// whole is the whole number that a value is: a number in any spelling, such as 1800.0, or a string of digits.
func whole(v *api.Value) (n int, ok bool) {
	if v.Kind() == api.Number {
		a, err := money.ParseJSONNumber(v.Text())
		steps, exact := a.Minor(0)
		return int(min(steps, math.MaxInt)), err == nil && exact
	}
	n, err := strconv.Atoi(v.Text())
	return n, err == nil && v.Kind() == api.String
}

// mostAmount bounds every amount in a request.
var mostAmount = money.MustParse("1000000000")

// amount reads an amount of at most that many decimals, as a number or a string; nil where there is none.
func (b binder) amount(name string, decimals int) *money.Amount {
	v := b.said(name)
	if v.Kind() == api.Absent {
		return nil
	}
	a, err := v.Decimal()
	switch {
	case errors.Is(err, money.ErrNegative):
		b.fault(name, "must not be negative")
	case errors.Is(err, money.ErrPrecision), err == nil && a.Decimals() > decimals:
		b.fault(name, "must have at most "+strconv.Itoa(decimals)+" decimals")
	case errors.Is(err, money.ErrRange):
		b.fault(name, "must be a decimal number up to "+mostAmount.String())
	case err == nil && a.Cmp(mostAmount) > 0:
		b.fault(name, "must be at most "+mostAmount.String())
	case err != nil:
		b.fault(name, "must be a decimal number such as 123.45")
	}
	return &a
}

// sound runs read and reports whether it found no fault, so that what it read can be judged further.
func (b binder) sound(read func()) bool {
	before := len(*b.faults)
	read()
	return len(*b.faults) == before
}

// neededAmount is amount for a field that must be there.
func (b binder) neededAmount(name string, decimals int) money.Amount {
	if a := b.amount(name, decimals); a != nil {
		return *a
	}
	b.fault(name, mustBeGiven)
	return money.Amount{}
}

// raw keeps whatever is there, in one spelling: the names of objects are sorted.
func (b binder) raw(name string) json.RawMessage {
	v := b.from.Get(name)
	if v.Kind() == api.Absent {
		return nil
	}
	return appendCanonical(nil, v)
}

func appendCanonical(dst []byte, v *api.Value) []byte {
	switch v.Kind() {
	case api.Object:
		members := slices.Clone(v.Members())
		slices.SortFunc(members, func(a, b api.Member) int { return strings.Compare(a.Name, b.Name) })
		dst = append(dst, '{')
		for i := range members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(api.AppendString(dst, members[i].Name), ':')
			dst = appendCanonical(dst, &members[i].Value)
		}
		return append(dst, '}')
	case api.Array:
		dst = append(dst, '[')
		for i := range v.Members() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCanonical(dst, &v.Members()[i].Value)
		}
		return append(dst, ']')
	case api.String:
		return api.AppendString(dst, v.Text())
	case api.Number:
		return append(dst, v.Text()...)
	case api.Bool:
		return strconv.AppendBool(dst, v.True())
	default:
		return append(dst, `null`...)
	}
}

// patience is how long the caller wants to wait for a provider.
func (y *YandexPay) patience(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("X-Request-Timeout"))
	if err != nil {
		return y.MostPatience
	}
	most := int(y.MostPatience.Milliseconds())
	return time.Duration(max(leastPatience, min(n, most))) * time.Millisecond
}

const (
	leastPatience = 1000 // milliseconds
	mostPatience  = 10 * time.Second
)
