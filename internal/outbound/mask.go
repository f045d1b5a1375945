package outbound

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

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
