package engine

import (
	"context"
	"fmt"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// sealFact seals what a provider said that charges the customer again: from here on it stands in rows.
func (e *Engine) sealFact(ctx context.Context, shop payment.ShopID, id payment.ID, f *payment.Fact) {
	f.Credential = e.c.DB.Seal(ctx, store.CredentialPlace(shop, string(id)), f.Credential)
}

// openCredential opens what the chain charges by. Where that cannot be done nothing is sent.
func (e *Engine) openCredential(tx *store.Tx, shop payment.ShopID, c *payment.Chain) (instrument.Means, error) {
	plain, err := tx.Open(store.CredentialPlace(shop, string(c.Payment)), c.Credential)
	if err != nil {
		e.c.Log.Error("a recurring chain cannot be continued", "shop_id", string(shop), "payment_id", string(c.Payment), "error", err)
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &instrument.Credential{Handle: plain}, nil
}

// chained is how the next payment of a chain is sent: at the terminal where that began. A chain that was stopped, or whose
// terminal is not in use any more, leads nowhere.
func (e *Engine) chained(tx *store.Tx, s *shop.Shop, p *payment.Payment, chain *payment.Chain) (payment.Start, callInput, error) {
	t := s.Terminal(chain.TerminalID)
	if why := overAt(chain, t); why != "" {
		return payment.Start{Plan: payment.Plan{
			NoRoute: payment.CodeNoRecurring, Out: []payment.LeftOut{{Terminal: chain.Terminal, Why: why}},
		}}, callInput{}, nil
	}
	means, err := e.openCredential(tx, p.Shop, chain)
	if err != nil {
		return payment.Start{}, callInput{}, err
	}
	need := route.Need{
		Type: p.Type, Method: p.Method, Currency: p.Moves().Currency, PreAuth: p.Holds(p.Method), Recurring: true,
	}
	facts := route.Facts{Need: need, Terminals: []shop.Terminal{*t}}
	x := callInput{means: means, chain: chain.Payment, at: e.reachIn(s, t.ID)}
	return payment.Start{Plan: route.Plan(facts, route.Only(route.Chain), nil, route.DrawOf(p.ID)), Run: e.runAt(x.at)}, x, nil
}

// overAt is why a chain cannot be continued at its terminal; empty where it can.
func overAt(c *payment.Chain, t *shop.Terminal) payment.Obstacle {
	switch {
	case c.Stopped:
		return payment.BecauseStopped
	case t == nil:
		return payment.BecauseRemoved
	case !t.Enabled:
		return payment.BecauseDisabled
	}
	return ""
}
