package outbound

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/private"
)

// Allowlist names what the record of messages may show; everything else is replaced by three asterisks. A connector
// gives its own. Fields are names of JSON members and form fields at any depth, compared exactly: naming an object
// does not show its members, naming an array shows the plain values in it. Headers are compared without regard to
// case, Query holds names of query parameters.
type Allowlist struct {
	Fields  []string
	Cards   []string // names of fields that hold a card number, shown as its first six and last four digits
	Headers []string
	Query   []string
}

const (
	hidden = "***"
	// maxShownBody bounds the body in a recorded message, in bytes after masking.
	maxShownBody = 16 << 10
	// maxMaskedBody is the largest body that is looked into at all.
	maxMaskedBody = 64 << 10
	// maxShownName bounds a name that the other side chose: longer ones may well be values.
	maxShownName  = 64
	maxMaskedDeep = 32
)

// shape is how much of a value is shown.
type shape uint8

const (
	hide shape = iota
	show
	ends // of a card number
)

type allowSet struct {
	fields  map[string]shape
	query   map[string]shape
	headers []string // canonical form
}

func newAllowSet(a Allowlist) *allowSet {
	set := &allowSet{fields: setOf(a.Fields), query: setOf(a.Query), headers: []string{"Content-Type"}}
	for _, n := range a.Cards {
		set.fields[n] = ends
	}
	for _, h := range a.Headers {
		if h = http.CanonicalHeaderKey(h); !slices.Contains(set.headers, h) {
			set.headers = append(set.headers, h)
		}
	}
	slices.Sort(set.headers)
	return set
}

// of returns what is shown of a value.
func (s shape) of(value string) string {
	switch s {
	case show:
		return MaskDigits(value)
	case ends:
		return cardEnds(value)
	case hide:
	}
	return hidden
}

// cardEnds shows a card number whether or not its check digit is right; what is too
// short to be one, or has too few digits in between, is hidden.
func cardEnds(value string) string {
	digits := make([]byte, 0, len(value))
	defer clear(digits[:cap(digits)])
	for i := range len(value) {
		if isDigit(value[i]) {
			digits = append(digits, value[i])
		}
	}
	if len(digits) < 14 {
		return hidden
	}
	return string(digits[:6]) + hidden + string(digits[len(digits)-4:])
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func setOf(names []string) map[string]shape {
	set := make(map[string]shape, len(names))
	for _, n := range names {
		set[n] = show
	}
	return set
}

// maskBody returns what may be shown of a body: JSON and form bodies with all values hidden that are not allowed, of
// any other body only its size and type.
func (a *allowSet) maskBody(body []byte, contentType string) string {
	if len(body) == 0 {
		return ""
	}
	var shown []byte
	switch {
	case len(body) > maxMaskedBody:
	case looksLikeJSON(body) && json.Valid(body):
		m := jsonMasker{src: private.Text(body), allow: a, out: make([]byte, 0, len(body)+64)}
		if m.value(hide, 0) {
			shown = m.out
		}
	case strings.HasPrefix(contentType, "application/x-www-form-urlencoded"):
		shown = appendMaskedPairs(nil, string(body), a.fields)
	}
	if shown == nil {
		return "[" + strconv.Itoa(len(body)) + " bytes not shown]"
	}
	text, cut := string(shown), ""
	if len(text) > maxShownBody {
		text, cut = truncate(text, maxShownBody), "[cut, "+strconv.Itoa(len(text))+" bytes in all]"
	}
	// Names and values were masked one by one; escaping and cutting may have made a new number of what was none.
	return MaskDigits(text) + cut
}

func looksLikeJSON(body []byte) bool {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return c == '{' || c == '['
	}
	return false
}

// maskURL shows scheme, host, path and the allowed query values; a user name, password or fragment never.
func (a *allowSet) maskURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: MaskDigits(u.Path)}
	shown.RawPath = strings.ReplaceAll(shown.EscapedPath(), "%2A", "*")
	if u.RawQuery == "" {
		return MaskDigits(shown.String())
	}
	b := append([]byte(shown.String()), '?')
	return MaskDigits(string(appendMaskedPairs(b, u.RawQuery, a.query)))
}

// appendMaskedPairs rewrites name=value&… with all values hidden whose name is not allowed.
func appendMaskedPairs(b []byte, pairs string, allowed map[string]shape) []byte {
	first := true
	for pair := range strings.SplitSeq(pairs, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		if !first {
			b = append(b, '&')
		}
		first = false
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			b = append(b, hidden+"="+hidden...)
			continue
		}
		shown := allowed[name]
		b = append(b, url.QueryEscape(maskName(name))...)
		b = append(b, '=')
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			shown = hide
		}
		if shown != show {
			b = append(b, shown.of(value)...)
			continue
		}
		if masked := MaskDigits(value); masked != value {
			b = append(b, masked...) // digits, separators and asterisks around what may need escaping
			continue
		}
		b = append(b, url.QueryEscape(value)...)
	}
	return b
}

func maskName(name string) string {
	if len(name) > maxShownName {
		return hidden
	}
	return MaskDigits(name)
}

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
