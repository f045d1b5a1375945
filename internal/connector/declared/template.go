package declared

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/connector"
)

// part is a piece of a text: what stands there, or the name of what is put in its place.
type part struct{ literal, name string }

// text is a text with names in braces.
type text struct {
	parts  []part
	secret bool // it has a setting in it
}

// names are what a request can be made of, but for settings.
var names = []string{
	"key", "id", "amount", "currency", "method", "description", "returnUrl", "noticeUrl", "recurring", "card.number", "card.code", "card.month", "card.year",
	"card.holder", "credential", "code", "bank", "original.key", "original.id", "customer.email", "customer.firstName", "customer.lastName",
	"customer.phone", "customer.accountNumber", "customer.accountName", "customer.bank",
}

// secretDigits are names whose values are written as digits and never become a text.
var secretDigits = []string{"card.number", "card.code"}

func everything(name string) bool { return slices.Contains(names, name) }

func onlySettings(string) bool { return false }

func (r *loader) template(n *node, what string, known func(string) bool) *text {
	return r.templateOf(n, r.str(n, what), what, known)
}

// templateOf reads a text with names in braces. Names of settings are known everywhere.
func (r *loader) templateOf(n *node, s, what string, known func(string) bool) *text {
	t := &text{}
	for s != "" {
		before, rest, opens := strings.Cut(s, "{")
		if before != "" {
			t.parts = append(t.parts, part{literal: before})
		}
		if !opens {
			break
		}
		name, after, closes := strings.Cut(rest, "}")
		setting, is := strings.CutPrefix(name, "settings.")
		switch {
		case !closes:
			r.faultf(n, "%s has a brace that does not end", what)
			return t
		case is && !slices.ContainsFunc(r.d.settings, func(s connector.Setting) bool { return s.Name == setting }):
			r.faultf(n, "%s names the setting %q, which is not declared", what, setting)
		case !is && !known(name):
			r.faultf(n, "%s names {%s}, which is not known here", what, name)
		}
		t.secret = t.secret || is
		t.parts = append(t.parts, part{name: name})
		s = after
	}
	return t
}

// template is a body: an object, a list, a text, or a word or number as it stands.
type template struct {
	members []member
	list    []*template
	text    *text
	literal string
	kind    jsontext.Kind
}

type member struct {
	name string
	of   *template
}

// shape reads the body of a request.
func (r *loader) shape(n *node) *template {
	t := &template{kind: n.kind}
	switch n.kind {
	case '{':
		for _, name := range n.names {
			t.members = append(t.members, member{name, r.shape(n.members[name])})
		}
	case '[':
		for _, one := range n.list {
			t.list = append(t.list, r.shape(one))
		}
	case '"':
		t.text = r.template(n, "the body", everything)
	default:
		t.literal = n.text
	}
	return t
}

// values are what stands in the place of names.
type values struct {
	of     func(name string) string
	digits func(name string, b []byte) []byte // of secretDigits
	number bool                               // amounts are numbers, not texts
}

// filled says what came of a template: whether it has names in it, and whether one of them has a value.
type filled struct{ names, values bool }

func (f filled) and(o filled) filled { return filled{f.names || o.names, f.values || o.values} }

// empty reports that nothing is to be written.
func (f filled) empty() bool { return f.names && !f.values }

// json appends the template. What has names of which none has a value is left out.
func (t *template) json(b []byte, v *values) ([]byte, filled) {
	start, all := len(b), filled{}
	switch t.kind {
	case '{':
		b = append(b, '{')
		for _, m := range t.members {
			before := len(b)
			if b[len(b)-1] != '{' {
				b = append(b, ',')
			}
			b, _ = jsontext.AppendQuote(b, m.name)
			out, f := m.of.json(append(b, ':'), v)
			if b, all = out, all.and(f); f.empty() {
				b = b[:before]
			}
		}
		b = append(b, '}')
	case '[':
		b = append(b, '[')
		for _, one := range t.list {
			before := len(b)
			if b[len(b)-1] != '[' {
				b = append(b, ',')
			}
			out, f := one.json(b, v)
			if b, all = out, all.and(f); f.empty() {
				b = b[:before]
			}
		}
		b = append(b, ']')
	case '"':
		b, all = t.text.json(b, v)
	default:
		b = append(b, t.literal...)
	}
	if all.empty() {
		return b[:start], all
	}
	return b, all
}

func (t *text) json(b []byte, v *values) ([]byte, filled) {
	if len(t.parts) == 1 && (t.parts[0].name == "amount" && v.number || t.parts[0].name == "recurring") {
		value := v.of(t.parts[0].name)
		return append(b, value...), filled{true, value != ""}
	}
	var f filled
	b = append(b, '"')
	for _, p := range t.parts {
		switch {
		case p.name == "":
			b = appendInside(b, p.literal)
		case slices.Contains(secretDigits, p.name):
			before := len(b)
			b = v.digits(p.name, b)
			f = f.and(filled{true, len(b) > before})
		default:
			value := v.of(p.name)
			f = f.and(filled{true, value != ""})
			b = appendInside(b, value)
		}
	}
	return append(b, '"'), f
}

// appendInside appends a text as it stands between the quotes of JSON.
func appendInside(b []byte, s string) []byte {
	at := len(b)
	b, _ = jsontext.AppendQuote(b, s) // the only error is about bytes that are not UTF-8, which are replaced
	copy(b[at:], b[at+1:len(b)-1])
	return b[:len(b)-2]
}

// form appends the template as fields of a form, those of objects as name[member].
func (t *template) form(b []byte, name string, v *values) []byte {
	under := func(inner string) string {
		if name == "" {
			return inner
		}
		return name + "[" + inner + "]"
	}
	switch t.kind {
	case '{':
		for _, m := range t.members {
			b = m.of.form(b, under(m.name), v)
		}
	case '[':
		for _, one := range t.list {
			b = one.form(b, name+"[]", v)
		}
	case '"':
		return t.text.field(b, name, v)
	default:
		return append(field(b, name), t.literal...)
	}
	return b
}

func field(b []byte, name string) []byte {
	if len(b) > 0 {
		b = append(b, '&')
	}
	return append(append(b, url.QueryEscape(name)...), '=')
}

func (t *text) field(b []byte, name string, v *values) []byte {
	start := len(b)
	b = field(b, name)
	var f filled
	for _, p := range t.parts {
		before := len(b)
		switch {
		case p.name == "":
			b = append(b, url.QueryEscape(p.literal)...)
			continue
		case slices.Contains(secretDigits, p.name):
			b = v.digits(p.name, b)
		default:
			b = append(b, url.QueryEscape(v.of(p.name))...)
		}
		f = f.and(filled{true, len(b) > before})
	}
	if f.empty() {
		return b[:start]
	}
	return b
}

// plain is the text with values that are escaped for where it stands. A name without a value is an error that names it.
func (t *text) plain(v *values, escape func(string) string) (string, error) {
	if t == nil {
		return "", nil
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.name == "" {
			b.WriteString(p.literal)
			continue
		}
		value := v.of(p.name)
		if value == "" {
			return "", fmt.Errorf("%w: {%s} is not known", connector.ErrIncomplete, p.name)
		}
		b.WriteString(escape(value))
	}
	return b.String(), nil
}

// has reports whether the text has that name in it.
func (t *text) has(name string) bool {
	return t != nil && slices.ContainsFunc(t.parts, func(p part) bool { return p.name == name })
}
