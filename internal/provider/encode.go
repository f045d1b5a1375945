package provider

import (
	"net/url"
	"strconv"
)

// Form is a body of the type application/x-www-form-urlencoded under construction. It is written in the order of the calls, so that the
// same request is the same bytes. A form that holds secrets has to be made with room for all of it, because one that grows would leave
// a copy behind.
type Form []byte

// NewForm returns an empty form with room for so many bytes.
func NewForm(room int) Form { return make(Form, 0, room) }

// Text adds a field unless its value is empty.
func (f Form) Text(name, value string) Form {
	if value == "" {
		return f
	}
	return append(f.name(name), url.QueryEscape(value)...)
}

// Number adds a field.
func (f Form) Number(name string, n uint64) Form { return strconv.AppendUint(f.name(name), n, 10) }

// Flag adds a field with the value true, where it is.
func (f Form) Flag(name string, on bool) Form {
	if !on {
		return f
	}
	return append(f.name(name), "true"...)
}

// Secret adds a field of digits that no text is made of.
func (f Form) Secret(name string, digits interface{ AppendTo([]byte) []byte }) Form {
	return digits.AppendTo(f.name(name))
}

func (f Form) name(name string) Form {
	if len(f) > 0 {
		f = append(f, '&')
	}
	return append(append(f, url.QueryEscape(name)...), '=')
}
