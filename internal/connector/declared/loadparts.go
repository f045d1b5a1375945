package declared

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

func (r *loader) calls(n *node) {
	r.each(n, "calls", func(name string, n *node) {
		if !slices.Contains(callNames, name) {
			r.faultf(n, "there is no call %q: %s", name, strings.Join(callNames, ", "))
			return
		}
		c := &call{}
		r.object(n, name, map[string]func(*node){
			"send":    func(n *node) { r.send(n, c) },
			"headers": func(n *node) { c.headers = r.header(n, everything) },
			"once":    func(n *node) { c.once = http.CanonicalHeaderKey(r.str(n, "once")) },
			"body":    func(n *node) { c.body = r.shape(n) },
			"within":  func(n *node) { c.within = r.path(n, "within", "") },
		})
		if c.path == nil {
			r.faultf(n, "%s needs \"send\", as \"POST /payments\"", name)
		}
		if reads := name == callStatus || name == callProbe; c.path != nil && reads != (c.method == http.MethodGet) && name != callFence {
			r.faultf(n, "%s is sent by %s: what asks is a GET, and nothing else is", name, c.method)
		}
		r.d.calls[name] = c
	})
	r.d.traits.PreAuth = r.d.calls[callHold] != nil
}

func (r *loader) send(n *node, c *call) {
	method, path, ok := strings.Cut(r.str(n, "send"), " ")
	if !ok || !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, method) || !strings.HasPrefix(path, "/") {
		r.faultf(n, "send is a method and a path, as \"POST /payments\"")
		return
	}
	c.method = method
	if strings.Contains(path, "{settings.") || strings.Contains(path, "{card.") || strings.Contains(path, "{credential") {
		r.faultf(n, "an address holds no setting, card or credential: it may stand in a log")
	}
	c.path = r.templateOf(n, path, "send", everything)
}

func (r *loader) header(n *node, known func(string) bool) (all []header) {
	r.each(n, "headers", func(name string, n *node) {
		if !provider.Word(name, 64) {
			r.faultf(n, "%q is no name of a header", name)
		}
		all = append(all, header{http.CanonicalHeaderKey(name), r.template(n, name, known)})
	})
	return all
}

func (r *loader) told(n *node) {
	known := []string{"id", "key", "amount", "currency", "code", "url", "credential", "brand", "country", "first6", "last4"}
	r.each(n, "told", func(name string, n *node) {
		if !slices.Contains(known, name) {
			r.faultf(n, "nothing is known of a told %q: %s", name, strings.Join(known, ", "))
		}
		r.d.told[name] = r.path(n, name, wholePath)
	})
}

func (r *loader) codes(n *node) {
	r.each(n, "declines", func(name string, n *node) {
		d := provider.Decline{Class: payment.ClassDeclinedHard}
		r.object(n, "a decline", map[string]func(*node){
			"code": func(n *node) { d.Code = r.code(n) },
			"soft": func(n *node) {
				if r.flag(n, "soft") {
					d.Class = payment.ClassDeclinedSoft
				}
			},
			"ends": func(n *node) { d.Ends = r.flag(n, "ends") },
		})
		if d.Code == "" {
			r.faultf(n, "decline %q needs \"code\", one of docs/errors.md", name)
		}
		r.d.declines[name] = d
	})
}

func (r *loader) code(n *node) payment.ErrorCode {
	c := payment.ErrorCode(r.str(n, "code"))
	if !c.Valid() {
		r.faultf(n, "%q is none of our codes", c)
	}
	return c
}

func (r *loader) log(n *node) {
	r.object(n, "log", map[string]func(*node){
		"fields":  func(n *node) { r.d.loggable.Fields = r.strs(n, "fields") },
		"cards":   func(n *node) { r.d.loggable.Cards = r.strs(n, "cards") },
		"headers": func(n *node) { r.d.loggable.Headers = r.strs(n, "headers") },
		"query":   func(n *node) { r.d.loggable.Query = r.strs(n, "query") },
	})
	for _, name := range r.d.loggable.Headers {
		if slices.ContainsFunc(r.d.headers, func(h header) bool { return strings.EqualFold(h.name, name) && h.text != nil && h.text.secret }) {
			r.faultf(n, "header %s has a setting in it, and is not shown", name)
		}
	}
}

// path reads a path: names with points between them, after what it may begin with.
func (r *loader) path(n *node, what, before string) string {
	p := r.str(n, what)
	r.checkPath(n, p, before)
	return p
}

func (r *loader) checkPath(n *node, p, before string) {
	for part := range strings.SplitSeq(strings.TrimPrefix(p, before), ".") {
		switch {
		case !provider.Word(part, 64):
			r.faultf(n, "%q is no path here: names with points between them", p)
			return
		case strings.Trim(part, "0123456789") == "":
			r.faultf(n, "%q names a place in a list: name the list in \"within\" of the call, and the one in it with our key is read", p)
			return
		}
	}
}

// hidden checks that no field is shown in the record of messages that has something secret in it.
func (r *loader) hidden(n *node) {
	shown := func(name string) bool { return slices.Contains(r.d.loggable.Fields, name) }
	for call, c := range r.d.calls {
		if c.body == nil {
			continue
		}
		c.body.each("", "", func(name, inForm string, t *text) {
			for _, secret := range []string{"card.code", "credential", "card.number", "code"} {
				if t.has(secret) && (shown(name) || shown(inForm)) {
					r.faultf(n, "log shows %s, which has {%s} in it in %s", name, secret, call)
				}
			}
			if t.secret && (shown(name) || shown(inForm)) {
				r.faultf(n, "log shows %s, which has a setting in it in %s", name, call)
			}
		})
	}
	for _, path := range []string{r.d.told["credential"], r.d.told["url"]} {
		if name := path[strings.LastIndex(path, ".")+1:]; path != "" && shown(name) {
			r.faultf(n, "log shows %s, by which a customer could be charged, or whose page it is", name)
		}
	}
}

// each hands over the texts of a body, with the name of each as it is in JSON and in a form.
func (t *template) each(name, inForm string, take func(name, inForm string, t *text)) {
	switch t.kind {
	case '{':
		for _, m := range t.members {
			under := m.name
			if inForm != "" {
				under = inForm + "[" + m.name + "]"
			}
			m.of.each(m.name, under, take)
		}
	case '[':
		for _, one := range t.list {
			one.each(name, inForm+"[]", take)
		}
	case '"':
		take(name, inForm, t.text)
	}
}
