package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// errNoSuch is the provider's clear word that it does not know something, or that its list does not have it.
var errNoSuch = errors.New("the provider does not know it")

// Status asks how the attempt stands: by the provider's id where there is one, else by our key in the list; a capture or void by its deposit.
func (g *Gateway) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if ref.Key == "" {
		return payment.Fact{}, errors.New("gateway status: no key")
	}
	a := about{kind: ref.Kind, key: ref.Key, asked: true, id: ref.ProviderRef, verifies: ref.Kind == payment.AttemptDeposit && ref.Amount.IsZero()}
	if ref.Kind == payment.AttemptCapture || ref.Kind == payment.AttemptVoid {
		a.of, a.id = ref.Of.Key, cmp.Or(ref.ProviderRef, ref.Of.ProviderRef)
	}
	p, err := g.find(ctx, a)
	if errors.Is(err, errNoSuch) {
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	}
	var f payment.Fact
	if err == nil {
		f, err = a.fact(p)
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("gateway status: %w", err)
	}
	return f, nil
}

// find reads the payment that is meant.
func (g *Gateway) find(ctx context.Context, a about) (*wirePayment, error) {
	if a.id != "" {
		if err := known(a.id); err != nil {
			return nil, err
		}
		res, err := g.api.Get(ctx, onePath+a.id)
		if err != nil {
			return nil, err //nolint:wrapcheck // by each caller
		}
		if res.Status == http.StatusOK {
			return readOne(res.Body)
		}
		f, err := refused(res)
		if err == nil && res.Status == http.StatusNotFound && f.RawCode == "" {
			return nil, errNoSuch
		}
		return nil, cmp.Or(err, provider.Unclear(res.Status, ""))
	}
	reference := a.key
	if a.kind == payment.AttemptCapture || a.kind == payment.AttemptVoid {
		reference, a.kind, a.key = a.of, payment.AttemptDeposit, a.of
	}
	if reference == "" {
		return nil, fmt.Errorf("%w: neither an id nor a key", provider.ErrAnswer)
	}
	// The sister version looks back for a day unless it is told otherwise.
	listed, err := g.list(ctx, url.Values{"referenceId.eq": {reference}, "created.gte": {"2000-01-01T00:00:00"}, "limit": {"20"}}.Encode())
	if err != nil {
		return nil, err
	}
	return a.choose(listed)
}

// list reads a page of payments that has to be the last one, or begins one.
func (g *Gateway) list(ctx context.Context, query string) ([]*wirePayment, error) {
	res, err := g.api.Get(ctx, allPath+"?"+query)
	if err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if res.Status != http.StatusOK {
		return nil, provider.Unclear(res.Status, "") //nolint:wrapcheck // by each caller
	}
	var e struct {
		Status int            `json:"status"`
		More   bool           `json:"hasMore"`
		Result []*wirePayment `json:"result"`
	}
	if err := provider.Read(res.Body, &e); err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if e.Status != http.StatusOK || e.Result == nil || e.More && query != "limit=1" {
		return nil, fmt.Errorf("%w: it is no whole list", provider.ErrAnswer)
	}
	return e.Result, nil
}

// choose takes the one that our request made. A request that was made again, since it had not left, may have left a deposit in its checkout
// behind, or one whose time was over there; of several that are more than that nothing is known.
func (a *about) choose(listed []*wirePayment) (*wirePayment, error) {
	rank := map[string]int{stateCheckout: 1, stateCancelled: 2}
	const beyond = 3
	var chosen *wirePayment
	best, paid := 0, 0
	for _, p := range listed {
		if p == nil {
			return nil, errOther
		}
		if err := a.check(p); err != nil {
			return nil, err
		}
		n := cmp.Or(rank[p.State], beyond)
		if n == beyond {
			paid++
		}
		if n > best {
			chosen, best = p, n
		}
	}
	switch {
	case paid > 1:
		return nil, fmt.Errorf("%w: several payments carry the key", provider.ErrAnswer)
	case chosen == nil:
		return nil, errNoSuch
	}
	return chosen, nil
}
