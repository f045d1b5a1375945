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
		switch {
		case !slices.Contains(callNames, name):
			r.faultf(n, "there is no call %q: %s", name, strings.Join(callNames, ", "))
		case name == callStatus:
			all := []*node{n}
			if n.kind == '[' {
				all = n.list
			}
			for _, one := range all {
				r.d.asks = append(r.d.asks, r.call(one, name))
			}
			if len(r.d.asks) > 0 {
				r.d.calls[name] = r.d.asks[0]
			}
		default:
			r.d.calls[name] = r.call(n, name)
		}
	})
	r.d.traits.PreAuth = r.d.calls[callHold] != nil
}

func (r *loader) call(n *node, name string) *call {
	c := &call{stands: n}
	known := map[string]func(*node){
		"send":    func(n *node) { r.send(n, c) },
		"headers": func(n *node) { c.headers = r.header(n, everything) },
		"once":    func(n *node) { c.once = http.CanonicalHeaderKey(r.str(n, "once")) },
		"body":    func(n *node) { c.body = r.shape(n) },
		"within":  func(n *node) { c.within = r.path(n, "within", "") },
		"told":    func(n *node) { r.toldBy(n, c) },
		"echoes":  func(n *node) { c.echoes = r.echoes(n, "echoes") },
	}
	switch name {
	case callStatus:
		known["for"] = func(n *node) { c.of = r.kinds(n) }
		known["list"] = func(n *node) { c.list = r.listed(n) }
	case callFence:
		known["for"] = func(n *node) { c.of = r.kinds(n) }
		known["after"] = func(n *node) {
			if c.after = r.str(n, "after") == callStatus; !c.after {
				r.faultf(n, "after is status: it is asked first, and only what waits is closed")
			}
		}
	}
	r.object(n, name, known)
	if c.path == nil {
		r.faultf(n, "%s needs \"send\", as \"POST /payments\"", name)
	}
	if reads := name == callStatus || name == callProbe; c.path != nil && reads != (c.method == http.MethodGet) && name != callFence {
		r.faultf(n, "%s is sent by %s: what asks is a GET, and nothing else is", name, c.method)
	}
	if name == callStatus && c.body != nil {
		r.faultf(n, "status has a body, which a GET has not")
	}
	if c.keyless && !slices.ContainsFunc(c.echoes, func(e echo) bool { return e.is.has("original.key") || e.is.has("key") }) {
		r.faultf(n, "%s tells no key: \"echoes\" has to say by {key} or {original.key} what the answer is about", name)
	}
	if c.of != nil && name == callFence && !c.after {
		r.faultf(n, "a fence that is \"for\" some kinds comes \"after\" status, which the others are asked by")
	}
	c.original = c.names("original.id")
	return c
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

var toldNames = []string{"id", "key", "amount", "currency", "code", "url", "credential", "brand", "country", "first6", "last4"}

func (r *loader) told(n *node) { r.d.told = r.toldPaths(n, false) }

// toldBy reads where answers to one call tell something elsewhere than others do.
func (r *loader) toldBy(n *node, c *call) {
	c.told = r.toldPaths(n, true)
	c.keyless = slices.Equal(c.told["key"], []string{""})
}

func (r *loader) toldPaths(n *node, byCall bool) map[string][]string {
	all := map[string][]string{}
	r.each(n, "told", func(name string, n *node) {
		if !slices.Contains(toldNames, name) {
			r.faultf(n, "nothing is known of a told %q: %s", name, strings.Join(toldNames, ", "))
		}
		if all[name] = r.strs(n, name); byCall && name == "key" && slices.Equal(all[name], []string{""}) {
			return // such answers tell none
		}
		for _, p := range all[name] {
			r.checkPath(n, p, wholePath)
		}
	})
	return all
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

// allPaths reads one path, or a list of them.
func (r *loader) allPaths(n *node, what, before string) []string {
	all := r.strs(n, what)
	for _, p := range all {
		r.checkPath(n, p, before)
	}
	return all
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
	addresses := slices.Concat(r.d.told["credential"], r.d.told["url"])
	for call, c := range r.d.calls {
		addresses = slices.Concat(addresses, c.told["credential"], c.told["url"])
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
	for _, path := range addresses {
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
