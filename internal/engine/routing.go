package engine

import (
	"context"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
)

// start plans a payment that goes to a provider now, and says what is known of the first terminal.
func (e *Engine) start(s *shop.Shop, p *payment.Payment) (payment.Start, *reached) {
	facts := route.Facts{Need: route.NeedOf(p, p.Method), Terminals: s.Terminals}
	plan := route.Plan(facts, e.c.Rules, e.unfit(s, p), route.DrawOf(p.ID))
	var at *reached
	if len(plan.Steps) > 0 {
		at = e.reachIn(s, plan.Steps[0].Terminal.ID)
	}
	return payment.Start{Plan: plan, Run: e.runAt(at)}, at
}

// unfit tells of the terminals that a payment is not tried at for what their connectors are: where a card is to be verified,
// those that cannot do it. One that cannot be opened stays: what is wrong with it comes out, and is logged, when it is called.
func (e *Engine) unfit(s *shop.Shop, p *payment.Payment) route.Health {
	if !p.Terms.Verify {
		return nil
	}
	unfit := route.Health{}
	for i := range s.Terminals {
		t := &s.Terminals[i]
		if !t.Enabled {
			continue
		}
		c, err := e.connectors.Get(s, t.ID)
		if err != nil {
			continue
		}
		if _, ok := connector.As[connector.Verifier](c.Connector); !ok {
			unfit[t.ID] = payment.BecauseVerify
		}
	}
	return unfit
}

// onward says what is known of the calls that the plan has after the attempt, as the shop is set up now; nothing where the plan
// has none. held reports that what the customer pays with is at hand.
func (e *Engine) onward(s *shop.Shop, p *payment.Payment, a *payment.Attempt, at *reached, held bool) payment.Onward {
	steps, err := a.Rest.Steps()
	if s == nil || err != nil || len(steps) == 0 {
		return payment.Onward{}
	}
	o := payment.Onward{Asks: at.to == nil && a.ProviderRef != "" || at.to != nil && at.to.Traits().Asks(a.ProviderRef)}
	for i := range steps {
		o.Ready = append(o.Ready, e.ready(s, p, steps[i].Terminal.ID, held))
	}
	return o
}

// ready says whether the payment could be tried at the terminal now.
func (e *Engine) ready(s *shop.Shop, p *payment.Payment, terminal string, held bool) payment.Ready {
	t := s.Terminal(terminal)
	if t == nil {
		return payment.Ready{Terminal: terminal, Why: payment.BecauseRemoved}
	}
	at := e.reachIn(s, terminal)
	r := payment.Ready{Terminal: terminal, Run: e.runAt(at), Why: route.Obstacle(route.NeedOf(p, p.Method), t)}
	switch {
	case r.Why != "":
	case at.to == nil && !outbound.Ours(at.fault):
		r.Why = payment.BecauseSettings
	case p.NeedsCard() && !held:
		r.Why = payment.BecauseMeans
	case p.Type == payment.Deposit && (!p.Method.Spec().Means.Another() || at.lacks(p) != ""):
		r.Why = payment.BecauseMeans
	}
	return r
}

// onwardFrom is onward for the answer to a call. The shop is read anew, so that what was switched off meanwhile is not gone on
// with; where that fails, what was read before the call counts.
func (e *Engine) onwardFrom(ctx context.Context, p *payment.Payment, a *payment.Attempt, at *reached, held bool) (payment.Onward, *shop.Shop) {
	if a.Rest == "" {
		return payment.Onward{}, nil
	}
	s, err := e.shops.Get(ctx, p.Shop)
	if err != nil {
		s = at.shop
	}
	return e.onward(s, p, a, at, held), s
}

// inputOf is what the call of a decision needs that another call, or a notice, has led to: one that gives a late success
// back at the terminal where it was found, or the next try of the plan, with the means and by the shop's settings.
func (e *Engine) inputOf(d *payment.Decision, at *reached, s *shop.Shop, means instrument.Means) callInput {
	a := &d.Call.Attempt
	if a.Reverses == 0 && s != nil {
		return callInput{at: e.reachIn(s, a.TerminalID), means: means}
	}
	for i := range d.Payment.Attempts {
		if won := &d.Payment.Attempts[i]; won.Seq == a.Reverses {
			return callInput{original: won, at: at}
		}
	}
	return callInput{at: at}
}
