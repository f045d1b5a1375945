package declared

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// errNotFound is the provider's clear word that it has no such thing.
var errNotFound = errors.New("the provider does not know it")

var errAbout = fmt.Errorf("%w: it is about something else", provider.ErrAnswer)

// echo is a path of an answer that has to have what the request was about.
type echo struct {
	path string
	is   *text
}

// list is an answer that has what is asked about among others.
type list struct {
	at    string      // the path of the list
	whole []condition // what the answer says where the list has all that there is
	where []echo      // which one is meant; all of them where it is empty
}

func (r *loader) echoes(n *node, what string) (all []echo) {
	r.each(n, what, func(path string, n *node) {
		r.checkPath(n, path, wholePath)
		e := echo{path, r.template(n, what, everything)}
		if e.is.secret || e.is.has("card.number") || e.is.has("card.code") || len(e.is.parts) == 0 {
			r.faultf(n, "%s compares no secret, and nothing with an empty text", what)
		}
		all = append(all, e)
	})
	return all
}

func (r *loader) listed(n *node) *list {
	l := &list{}
	r.object(n, "list", map[string]func(*node){
		"at": func(n *node) { l.at = r.path(n, "at", "") },
		"whole": func(n *node) {
			r.each(n, "whole", func(path string, n *node) { l.whole = append(l.whole, r.condition(path, n)) })
		},
		"where": func(n *node) { l.where = r.echoes(n, "where") },
	})
	if l.at == "" || len(l.whole) == 0 {
		r.faultf(n, "list needs \"at\", its path, and \"whole\", what the answer says where nothing is left out: else what is not in it would count as not found")
	} else if !slices.ContainsFunc(l.whole, condition.says) {
		r.faultf(n, "whole needs something that stands in the answer: what is missing there proves no list to be whole")
	}
	return l
}

// names reports whether a call is made of that name, or its answer is held against it.
func (c *call) names(name string) bool {
	has := c.path.has(name)
	for _, h := range c.headers {
		has = has || h.text.has(name)
	}
	if c.body != nil {
		c.body.each("", "", func(_, _ string, t *text) { has = has || t.has(name) })
	}
	all := c.echoes
	if c.list != nil {
		all = slices.Concat(all, c.list.where)
	}
	return has || slices.ContainsFunc(all, func(e echo) bool { return e.is.has(name) })
}

func (c *call) isFor(kind payment.AttemptKind) bool {
	return len(c.of) == 0 || slices.Contains(c.of, kind)
}

// asking is the question for an attempt of which that is known; nil for none. The provider's id of an original can be asked for.
func (d *declaration) asking(ref connector.Ref, v *values) *call {
	known := func(p part) bool {
		return p.name == "" || v.of(p.name) != "" || p.name == "original.id" && ref.Of.Key != ""
	}
	for _, c := range d.asks {
		if c.isFor(ref.Kind) && !slices.ContainsFunc(c.path.parts, func(p part) bool { return !known(p) }) {
			return c
		}
	}
	return nil
}

// asksByKey reports whether a payment can be asked about of which the provider has told nothing.
func (d *declaration) asksByKey() bool {
	return slices.ContainsFunc(d.asks, func(c *call) bool {
		return c.isFor(payment.AttemptDeposit) && !c.path.has("id")
	})
}

func (d *declaration) asksByOriginal() bool {
	return slices.ContainsFunc(d.asks, func(c *call) bool { return c.names("original.id") || c.names("original.key") })
}

// found asks for the provider's id of the original, where a call needs it and only our key is known.
func (c *Declared) found(ctx context.Context, by *call, r *connector.Request) error {
	if !by.original || r.Original.ProviderRef != "" || r.Original.Key == "" {
		return nil
	}
	fact, err := c.asking(ctx, callStatus, connector.Ref{Kind: payment.AttemptDeposit, Key: r.Original.Key}, false)
	switch {
	case err != nil:
		return err
	case fact.NotFound:
		return errNotFound
	case fact.ProviderRef == "":
		return fmt.Errorf("%w: no id of the original", provider.ErrAnswer)
	}
	r.Original.ProviderRef = fact.ProviderRef
	return nil
}

// cancel closes what waits. Whatever is answered to that, how it stands then is asked: what has gone on meanwhile could not be closed.
func (c *Declared) cancel(ctx context.Context, by *call, ref connector.Ref) (payment.Fact, error) {
	fact, err := c.ask(ctx, callStatus, ref)
	if err != nil || fact.Class != payment.ClassWaiting || !by.isFor(ref.Kind) {
		return fact, err
	}
	ref.ProviderRef = fact.ProviderRef
	if fact, err = c.ask(ctx, callFence, ref); err != nil {
		return fact, err
	}
	return c.ask(ctx, callStatus, ref)
}

// about reports whether the answer tells our key, where it tells one.
func (d *declaration) about(a answer, q asked) bool {
	return q.by != nil && q.by.keyless || q.key != "" && a.first(d.tells(q, "key")) == q.key
}

// echoed reports whether the answer has all that it has to have of the request.
func (q asked) echoed(a answer) bool {
	return q.by == nil || q.all(a, q.by.echoes)
}

func (q asked) all(a answer, echoes []echo) bool {
	return !slices.ContainsFunc(echoes, func(e echo) bool {
		want, err := e.is.plain(q.v, func(s string) string { return s })
		return err != nil || a.inner(e.path) != want
	})
}

// meant is the answer as it tells of what is asked about, which may stand in it among others. Only a whole list proves that it is not there.
func (d *declaration) meant(a answer, q asked) (answer, error) {
	if q.by.list == nil {
		return a.narrowed(q.by.within, d.tells(q, "key"), q.key), nil
	}
	l, one := q.by.list, answer{status: a.status, body: a.body}
	if slices.ContainsFunc(l.whole, func(c condition) bool { return !c.fits(a) }) {
		return one, fmt.Errorf("%w: it is no whole list", provider.ErrAnswer)
	}
	var items []jsontext.Value
	if v := under(a.body, l.at); v.Kind() != '[' || json.Unmarshal(v, &items) != nil {
		return one, fmt.Errorf("%w: it has no list", provider.ErrAnswer)
	}
	for _, item := range items {
		next := a
		if next.told = item; q.by.within != "" {
			next.told = under(item, q.by.within)
		}
		switch {
		case next.told.Kind() != '{' || !q.echoed(next):
			return one, errAbout
		case !q.all(next, l.where):
		case one.told != nil:
			return one, fmt.Errorf("%w: several are meant", provider.ErrAnswer)
		default:
			one = next
		}
	}
	if one.told == nil {
		return one, errNotFound
	}
	return one, nil
}
