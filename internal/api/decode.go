package api

import (
	"fmt"
	"unicode/utf8"
)

// Limits of a request document.
const (
	MaxBody  = 64 << 10 // bytes
	MaxDepth = 32       // levels, the document itself being the first
)

// SyntaxError says why a document was refused. It never holds any part of the document.
type SyntaxError struct {
	Offset int // of the byte at fault, from 0
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// Reasons of a SyntaxError that are worth telling apart from plain bad syntax.
const (
	reasonSyntax    = "syntax error"
	reasonEnd       = "unexpected end"
	reasonTrailing  = "data after the document"
	reasonObject    = "the document is not an object"
	reasonDepth     = "nested too deeply"
	reasonDuplicate = "name used twice in an object"
	reasonUTF8      = "invalid UTF-8"
	reasonSurrogate = "lone surrogate"
	reasonNUL       = "NUL character"
	reasonControl   = "control character in a string"
	reasonEscape    = "unknown escape sequence"
)

// Decode reads one JSON object (RFC 8259). It is stricter than encoding/json, so that two readers of a request can
// never understand it differently: names are case-sensitive and may not repeat within an object, nothing may follow
// the object but white space, and invalid UTF-8, lone surrogates and NUL are refused, escaped or not. Numbers are
// kept as they are written. The caller bounds the size; nesting is bounded by MaxDepth.
//
// The error is a *SyntaxError.
func Decode(body []byte) (*Value, error) {
	p := parser{text: string(body), stack: make([]Member, 0, 24)}
	if !utf8.ValidString(p.text) {
		return nil, &SyntaxError{invalidAt(p.text), reasonUTF8}
	}
	p.space()
	if p.pos < len(p.text) && p.text[p.pos] != '{' {
		return nil, &SyntaxError{p.pos, reasonObject}
	}
	root, err := p.value(1)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(p.text) {
		return nil, p.fail(reasonTrailing)
	}
	return &root, nil
}

func invalidAt(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !hasPrefixAt(s, i, "\uFFFD") {
			return i
		}
	}
	return len(s)
}

func hasPrefixAt(s string, i int, prefix string) bool {
	return len(s)-i >= len(prefix) && s[i:i+len(prefix)] == prefix
}

// parser walks over text. Members of containers that are still open wait on the stack, so that each container is
// allocated once, in its final size.
type parser struct {
	text  string
	pos   int
	stack []Member
}

// fail reports the byte at the current position, or the end of the text.
func (p *parser) fail(reason string) error {
	if p.pos >= len(p.text) {
		return &SyntaxError{len(p.text), reasonEnd}
	}
	return &SyntaxError{p.pos, reason}
}

func (p *parser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next skips white space and returns the byte after it, 0 at the end of the text.
func (p *parser) next() byte {
	p.space()
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// value reads the value at the current position, which is on level depth if it is a container.
func (p *parser) value(depth int) (v Value, err error) {
	switch c := p.next(); {
	case c == '"':
		v.kind = String
		v.text, err = p.string()
	case c == '{':
		v.kind = Object
		v.members, err = p.object(depth)
	case c == '[':
		v.kind = Array
		v.members, err = p.array(depth)
	case c == '-' || c >= '0' && c <= '9':
		v.kind = Number
		v.text, err = p.number()
	case c == 't':
		v.kind, v.truth = Bool, true
		err = p.literal("true")
	case c == 'f':
		v.kind = Bool
		err = p.literal("false")
	case c == 'n':
		err = p.literal("null")
	default:
		err = p.fail(reasonSyntax)
	}
	return v, err
}

func (p *parser) literal(word string) error {
	for i := range len(word) {
		if p.pos >= len(p.text) || p.text[p.pos] != word[i] {
			return p.fail(reasonSyntax)
		}
		p.pos++
	}
	return nil
}

func (p *parser) object(depth int) ([]Member, error) {
	if depth > MaxDepth {
		return nil, p.fail(reasonDepth)
	}
	p.pos++
	if p.next() == '}' {
		p.pos++
		return nil, nil
	}
	mark := len(p.stack)
	var names nameSet
	for {
		name, err := p.memberName(&names, mark)
		if err != nil {
			return nil, err
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		p.stack = append(p.stack, Member{name, v})
		done, err := p.separator('}')
		if err != nil {
			return nil, err
		}
		if done {
			return p.pop(mark), nil
		}
	}
}

// memberName reads a name and its colon; the members before it in its object lie above mark.
func (p *parser) memberName(names *nameSet, mark int) (string, error) {
	if p.next() != '"' {
		return "", p.fail(reasonSyntax)
	}
	at := p.pos
	name, err := p.string()
	if err != nil {
		return "", err
	}
	if names.repeats(p.stack[mark:], name) {
		return "", &SyntaxError{at, reasonDuplicate}
	}
	if p.next() != ':' {
		return "", p.fail(reasonSyntax)
	}
	p.pos++
	return name, nil
}

func (p *parser) array(depth int) ([]Member, error) {
	if depth > MaxDepth {
		return nil, p.fail(reasonDepth)
	}
	p.pos++
	if p.next() == ']' {
		p.pos++
		return nil, nil
	}
	mark := len(p.stack)
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		p.stack = append(p.stack, Member{Value: v})
		done, err := p.separator(']')
		if err != nil {
			return nil, err
		}
		if done {
			return p.pop(mark), nil
		}
	}
}

// separator reads what follows a member: a comma, or the end of the container.
func (p *parser) separator(end byte) (done bool, err error) {
	switch p.next() {
	case end:
		p.pos++
		return true, nil
	case ',':
		p.pos++
		return false, nil
	}
	return false, p.fail(reasonSyntax)
}

// pop takes what lies above mark from the stack.
func (p *parser) pop(mark int) []Member {
	taken := make([]Member, len(p.stack)-mark)
	copy(taken, p.stack[mark:])
	p.stack = p.stack[:mark]
	return taken
}

// manyNames is from when on names are looked up in a map rather than one by one.
const manyNames = 32

// nameSet finds repeated names of one object, in time that does not grow with the square of their number.
type nameSet map[string]struct{}

// repeats reports whether name is among those of the members before it.
func (s *nameSet) repeats(before []Member, name string) bool {
	if len(before) < manyNames {
		for i := range before {
			if before[i].Name == name {
				return true
			}
		}
		return false
	}
	if *s == nil {
		*s = make(nameSet, 2*manyNames)
		for i := range before {
			(*s)[before[i].Name] = struct{}{}
		}
	}
	_, found := (*s)[name]
	(*s)[name] = struct{}{}
	return found
}
