package api

import (
	"unicode/utf16"
	"unicode/utf8"
)

// string reads the string at the current position. Without escapes it is a part of the text, not a copy.
func (p *parser) string() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			p.pos++
			return p.text[start : p.pos-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.control(c)
		}
		p.pos++
	}
	return "", p.fail(reasonEnd)
}

func (p *parser) control(c byte) error {
	if c == 0 {
		return p.fail(reasonNUL)
	}
	return p.fail(reasonControl)
}

// escaped reads the rest of a string in which the first escape has just been met.
func (p *parser) escaped(start int) (string, error) {
	out := append(make([]byte, 0, p.pos-start+32), p.text[start:p.pos]...)
	defer func() { clear(out) }() // it may be a secret
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case c == '"':
			p.pos++
			return string(out), nil
		case c < ' ':
			return "", p.control(c)
		case c != '\\':
			out = append(out, c)
			p.pos++
			continue
		}
		r, err := p.escape()
		if err != nil {
			return "", err
		}
		out = utf8.AppendRune(out, r)
	}
	return "", p.fail(reasonEnd)
}

// escape reads one escape sequence, or two that make a surrogate pair.
func (p *parser) escape() (rune, error) {
	at := p.pos
	p.pos++
	if p.pos >= len(p.text) {
		return 0, p.fail(reasonEnd)
	}
	c := p.text[p.pos]
	switch c {
	case '"', '\\', '/':
		p.pos++
		return rune(c), nil
	case 'u':
		p.pos++
		return p.unicode(at)
	}
	for i := range len(shortEscapes) / 2 {
		if shortEscapes[2*i] == c {
			p.pos++
			return rune(shortEscapes[2*i+1]), nil
		}
	}
	return 0, p.fail(reasonEscape)
}

// shortEscapes are pairs of a letter and what it stands for.
const shortEscapes = "b\bf\fn\nr\rt\t"

// unicode reads what follows \u, and the second half of a surrogate pair with it. at is where the escape begins.
func (p *parser) unicode(at int) (rune, error) {
	r, err := p.hex4()
	switch {
	case err != nil:
		return 0, err
	case r == 0:
		return 0, &SyntaxError{at, reasonNUL}
	case !utf16.IsSurrogate(r):
		return r, nil
	}
	if !hasPrefixAt(p.text, p.pos, `\u`) {
		return 0, &SyntaxError{at, reasonSurrogate}
	}
	p.pos += 2
	low, err := p.hex4()
	if err != nil {
		return 0, err
	}
	pair := utf16.DecodeRune(r, low)
	if pair == utf8.RuneError {
		return 0, &SyntaxError{at, reasonSurrogate}
	}
	return pair, nil
}

func (p *parser) hex4() (rune, error) {
	var r rune
	for range 4 {
		if p.pos >= len(p.text) {
			return 0, p.fail(reasonEnd)
		}
		c := p.text[p.pos]
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, p.fail(reasonEscape)
		}
		p.pos++
	}
	return r, nil
}
