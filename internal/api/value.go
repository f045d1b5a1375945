package api

import (
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/private"
)

// Kind is the JSON type of a Value.
type Kind uint8

// The kinds. Absent stands for null too: requests do not tell them apart.
const (
	Absent Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// Value is one value of a decoded document. The zero Value is absent. Texts share the memory of the document: clone
// what outlives the request, and what shares a document with secrets.
type Value struct {
	kind    Kind
	truth   bool
	text    string
	members []Member
}

// Member is a named value of an object, or an element of an array, with an empty name.
type Member struct {
	Name  string
	Value Value
}

// Kind returns the type of the value. Like all methods it may be called on nil, which is absent.
func (v *Value) Kind() Kind {
	if v == nil {
		return Absent
	}
	return v.kind
}

// Text is the characters of a string or the literal of a number as it was written, and empty for any other kind.
func (v *Value) Text() string {
	if v == nil {
		return ""
	}
	return v.text
}

// True reports whether the value is the literal true.
func (v *Value) True() bool { return v != nil && v.truth }

// Members returns the members of an object in the order of the document, or the elements of an array.
func (v *Value) Members() []Member {
	if v == nil {
		return nil
	}
	return v.members
}

// Get returns the member of that name, in exactly this spelling. It is absent when there is none, when it is null,
// and when v is not an object.
func (v *Value) Get(name string) *Value {
	if v.Kind() == Object {
		for i := range v.members {
			if v.members[i].Name == name {
				return &v.members[i].Value
			}
		}
	}
	return nil
}

// Wipe overwrites the characters of a secret in the memory of the document, so that nothing of it may be read any more. What
// it was an escaped spelling of stays there.
func (v *Value) Wipe() {
	if v == nil {
		return
	}
	private.Wipe(v.text)
	v.text = ""
}

// Blank reports whether a value says nothing: it is absent, null or an empty string.
func (v *Value) Blank() bool {
	return v.Kind() == Absent || v.Kind() == String && v.text == ""
}

// Empty reports whether the value is an object that says nothing: one without members, or with none but such as say
// nothing themselves.
func (v *Value) Empty() bool {
	if v.Kind() != Object {
		return false
	}
	for i := range v.members {
		if m := &v.members[i].Value; !m.Blank() && !m.Empty() {
			return false
		}
	}
	return true
}

// Decimal is the amount that a number or a string is. Errors are those of package money; money.ErrSyntax for any other kind.
func (v *Value) Decimal() (money.Amount, error) {
	switch v.Kind() {
	case Number:
		return money.ParseJSONNumber(v.Text())
	case String:
		return money.Parse(v.Text())
	default:
		return money.Amount{}, money.ErrSyntax
	}
}
