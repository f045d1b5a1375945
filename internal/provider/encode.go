package provider

import (
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Digits are a secret that no text is made of, such as the number of a card.
type Digits interface{ AppendTo([]byte) []byte }

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
func (f Form) Secret(name string, digits Digits) Form {
	return digits.AppendTo(f.name(name))
}

func (f Form) name(name string) Form {
	if len(f) > 0 {
		f = append(f, '&')
	}
	return append(append(f, url.QueryEscape(name)...), '=')
}

// Object is a JSON object under construction, written in the order of the calls, so that the same request is the same bytes. One that holds
// secrets has to be made with room for all of it, because one that grows would leave a copy behind. Names are written as they are: they are
// the program's own.
type Object []byte

// NewObject returns an empty object with room for so many bytes.
func NewObject(room int) Object { return append(make(Object, 0, room+2), '{') }

// Text adds a member unless its value is empty. Bytes that are not UTF-8 are replaced.
func (o Object) Text(name, value string) Object {
	if value == "" {
		return o
	}
	out, _ := jsontext.AppendQuote(o.name(name), value) // the only error is about such bytes
	return out
}

// Number adds a member.
func (o Object) Number(name string, n uint64) Object { return strconv.AppendUint(o.name(name), n, 10) }

// Bool adds a member.
func (o Object) Bool(name string, v bool) Object { return strconv.AppendBool(o.name(name), v) }

// Secret adds a member with digits as text.
func (o Object) Secret(name string, digits Digits) Object {
	return append(digits.AppendTo(append(o.name(name), '"')), '"')
}

// Nest adds an object unless it is empty. What is nested is copied: secrets go into the outermost object by Open and Close.
func (o Object) Nest(name string, inner Object) Object {
	if len(inner) <= 1 {
		return o
	}
	return append(append(o.name(name), inner...), '}')
}

// List adds a list of objects unless there are none.
func (o Object) List(name string, items ...Object) Object {
	if len(items) == 0 {
		return o
	}
	o = append(o.name(name), '[')
	for i, item := range items {
		if i > 0 {
			o = append(o, ',')
		}
		o = append(append(o, item...), '}')
	}
	return append(o, ']')
}

// Raw adds a member whose value is JSON already.
func (o Object) Raw(name string, value []byte) Object { return append(o.name(name), value...) }

// Open begins an object in this one, without a copy: members that follow are its until Close.
func (o Object) Open(name string) Object { return append(o.name(name), '{') }

// Close ends what Open began.
func (o Object) Close() Object { return append(o, '}') }

// Bytes is the whole object. Nothing can be added any more.
func (o Object) Bytes() []byte { return append(o, '}') }

func (o Object) name(name string) Object {
	if o[len(o)-1] != '{' {
		o = append(o, ',')
	}
	return append(append(append(o, '"'), name...), `":`...)
}
