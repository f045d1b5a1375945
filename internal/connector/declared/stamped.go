package declared

import (
	"net/http"
	"slices"
	"strings"
)

// signed reads what the header with the signature looks like.
func (r *loader) signed(n *node, o *notices) {
	parts := []string{r.str(n, "form")}
	if o.separator != "" {
		parts = strings.Split(parts[0], o.separator)
	}
	for _, s := range parts {
		t := r.templateOf(n, s, "form", func(name string) bool { return name == "signature" || name == "time" && o.separator != "" })
		if t.has("signature") == t.has("time") || t.names() != 1 || t.secret {
			r.faultf(n, "form is words around {signature}; with a separator each of its parts is words around {signature} or {time}")
		}
		o.form = append(o.form, t)
	}
}

func (o *notices) formHas(name string) bool {
	return slices.ContainsFunc(o.form, func(t *text) bool { return t.has(name) })
}

// stamped is the time and the signatures in the headers. While a secret is replaced there may be several, of which one that fits is
// enough; parts of other names are passed over.
func (o *notices) stamped(header http.Header) (stamp string, given []string) {
	if o.time != "" {
		stamp = header.Get(o.time)
	}
	for _, whole := range header.Values(o.header) {
		parts := []string{whole}
		if o.separator != "" {
			parts = strings.Split(whole, o.separator)
		}
		for _, part := range parts {
			for _, t := range o.form {
				value, is := t.after(strings.TrimSpace(part))
				switch {
				case is && t.has("time"):
					stamp = value
				case is:
					given = append(given, value)
				}
			}
		}
	}
	return stamp, given
}

// after is what stands in a text in the place of the only name of the template, before or after which words may stand.
func (t *text) after(s string) (value string, is bool) {
	before, behind, named := "", "", false
	for _, p := range t.parts {
		switch {
		case p.name != "":
			named = true
		case named:
			behind = p.literal
		default:
			before = p.literal
		}
	}
	s, starts := strings.CutPrefix(s, before)
	s, ends := strings.CutSuffix(s, behind)
	return s, starts && ends
}

// names counts the places for values in a text.
func (t *text) names() (n int) {
	for _, p := range t.parts {
		if p.name != "" {
			n++
		}
	}
	return n
}
