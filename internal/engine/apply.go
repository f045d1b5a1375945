package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// decide loads one payment, decides and writes, again from the start whenever
// another writer came first. A decision that changes nothing writes nothing.
func (e *Engine) decide(ctx context.Context, shop payment.ShopID, id payment.ID, c payment.Command) (payment.Decision, error) {
	return e.decideOn(ctx, new(unconfirmed), payment.Payment{Shop: shop, ID: id}, c)
}

// decideOn is decide for a payment that this process has just committed: with a version
// it is taken as it is on the first run. Whoever changed it meanwhile wins at the guard,
// and the next run reads. u belongs to the command. A human is told of also in the same transaction.
func (e *Engine) decideOn(ctx context.Context, u *unconfirmed, known payment.Payment, c payment.Command,
	also ...payment.Alarm) (payment.Decision, error) {
	var d payment.Decision
	var x callInput
	fresh := known.Version != 0
	err := e.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if mine, err := u.resolved(tx, &d, &x); mine || err != nil {
			return err
		}
		p := known
		if fresh {
			fresh = false
			tx.Payments().Expect(&p)
		} else if p, err = tx.Payments().Get(known.Shop, known.ID); err != nil {
			return err
		}
		if d, err = payment.Decide(p, c, tx.Now()); err != nil {
			return err
		}
		if d.Also = slices.Clip(also); d.Idle() && len(also) == 0 {
			return nil
		}
		return e.commit(ctx, tx, &changes{d: &d})
	})
	if err != nil {
		u.ended(err, &d, &x)
		return payment.Decision{}, storeError(err)
	}
	e.announced(ctx, &d)
	return d, nil
}

// announced reports a committed decision to logs and metrics, and to a human where it raises alarms.
func (e *Engine) announced(ctx context.Context, d *payment.Decision) {
	p := &d.Payment
	e.observe(ctx, d)
	if alarms := alarmsOf(d); len(alarms) > 0 {
		e.bell.Tell(ctx, alarms...)
	}
	if as := p.ScreenedAs(); d.Screened && as != "" {
		e.c.Metrics.Screened.Inc(as)
	}
	if len(d.Opened)+len(d.Ended) > 0 {
		e.c.Metrics.Payments.Inc(string(p.Type), string(p.State()))
	}
}

// storeError turns the store's errors into the engine's.
func storeError(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return payment.ErrNotFound
	case errors.Is(err, payment.ErrLost), errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrCommitUnknown):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return cardText(err)
}
