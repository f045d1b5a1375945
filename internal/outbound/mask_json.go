package outbound

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// jsonMasker copies a valid JSON text, compactly, and hides values on the way. It trusts the text to be valid.
type jsonMasker struct {
	src   string
	pos   int
	allow *allowSet
	out   []byte
}

// value copies one value. shown says whether the member it belongs to is allowed; the result is false where the text
// is nested too deeply to be looked at.
func (m *jsonMasker) value(shown shape, depth int) bool {
	if depth > maxMaskedDeep {
		return false
	}
	m.space()
	switch m.src[m.pos] {
	case '{':
		return m.members('}', shown, depth)
	case '[':
		return m.members(']', shown, depth)
	case '"':
		raw := m.str()
		m.out = appendString(m.out, shown.of(unquote(raw)))
	default:
		m.literal(shown)
	}
	return true
}

// members copies an object or an array up to its closing character.
func (m *jsonMasker) members(closing byte, shown shape, depth int) bool {
	m.out = append(m.out, m.src[m.pos])
	m.pos++
	for n := 0; ; n++ {
		m.space()
		switch m.src[m.pos] {
		case closing:
			m.pos++
			m.out = append(m.out, closing)
			return true
		case ',':
			m.pos++
			m.space()
			m.out = append(m.out, ',')
		}
		inner := shown
		if closing == '}' {
			name := unquote(m.str())
			inner = m.allow.fields[name]
			m.out = appendString(m.out, maskName(name))
			m.space()
			m.pos++ // the colon
			m.out = append(m.out, ':')
		}
		if !m.value(inner, depth+1) {
			return false
		}
	}
}

// literal copies a number, true, false or null. A number that is a card number becomes a string.
func (m *jsonMasker) literal(shown shape) {
	start := m.pos
	for m.pos < len(m.src) && strings.IndexByte(" \t\r\n,]}", m.src[m.pos]) < 0 {
		m.pos++
	}
	text := m.src[start:m.pos]
	if masked := shown.of(text); text != "null" && masked != text {
		m.out = appendString(m.out, masked)
		return
	}
	m.out = append(m.out, text...)
}

func (m *jsonMasker) space() {
	for m.pos < len(m.src) && strings.IndexByte(" \t\r\n", m.src[m.pos]) >= 0 {
		m.pos++
	}
}

// str returns the string at the present position with its quotes and escapes.
func (m *jsonMasker) str() string {
	start := m.pos
	for m.pos++; m.src[m.pos] != '"'; m.pos++ {
		if m.src[m.pos] == '\\' {
			m.pos++
		}
	}
	m.pos++
	return m.src[start:m.pos]
}

func unquote(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	if json.Unmarshal([]byte(raw), &s) != nil {
		return hidden
	}
	return s
}

// appendString appends s as a JSON string. Control characters other than tabs and line ends become U+FFFD, as do bytes
// that are not UTF-8: an escape of four digits could complete a card number.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < ' ' || (r >= 0x7f && r < 0xa0):
			b = utf8.AppendRune(b, utf8.RuneError)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
