package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/terminals"
)

// reached is what was read about a terminal before an intent to call it was stored. Nothing of it is read again
// afterwards, so that our database cannot decide what the call or its answer means.
type reached struct {
	name   string            // id of the terminal
	shop   *shop.Shop        // as it was read; nil where there is none
	to     *terminals.Opened // nil where the settings say that it cannot be called
	fault  error             // why not
	honour bool              // the shop keeps the money of a late success
}

// reach reads what a call to the terminal needs. The error is ErrUnavailable, and says nothing about the terminal: its
// settings could not be read.
func (e *Engine) reach(ctx context.Context, id payment.ShopID, terminal string) (*reached, error) {
	s, err := e.shops.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return &reached{name: terminal, fault: fmt.Errorf("shop of terminal %s: %w", terminal, err)}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: shop of terminal %s: %w", ErrUnavailable, terminal, err)
	}
	return e.reachIn(s, terminal), nil
}

// reachIn is reach with a shop that was read already.
func (e *Engine) reachIn(s *shop.Shop, terminal string) *reached {
	r := &reached{name: terminal, shop: s, honour: s.Settings.HonourLateSuccess}
	r.to, r.fault = e.connectors.Get(s, terminal)
	if outbound.Ours(r.fault) { // it could not be opened, whatever its settings are
		r.fault = fmt.Errorf("%w: %w", outbound.ErrOurs, r.fault)
	}
	return r
}

// runAt is the run of one call there.
func (e *Engine) runAt(r *reached) payment.Run {
	if r == nil || r.to == nil {
		return e.run(defaultCallTimeout)
	}
	return e.run(e.callTimeout(r.to))
}

// latePolicy says what the shop does about a success that comes after the end.
func (e *Engine) latePolicy(r *reached) payment.LatePolicy {
	return payment.LatePolicy{Honour: r.honour, Run: e.runAt(r)}
}
