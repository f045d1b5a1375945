package engine

import (
	"context"
	"crypto/hmac"
	"errors"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// errFreed: what was taken a moment ago is free again.
var errFreed = errors.New("the reference was given back")

// mostFreed is how often a payment is tried to be made because of that.
const mostFreed = 10

// sameReference answers a request whose reference is taken: the same request gets
// the payment that it made before, another one is refused.
func (e *Engine) sameReference(ctx context.Context, c Create) (Outcome, error) {
	return e.sameRequest(ctx, c, func(tx *store.Tx) (payment.ID, error) {
		row, err := tx.References().Get(c.Shop.ID, c.Type, c.Reference)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return "", errFreed
		case err == nil && !hmac.Equal(row.Fingerprint, c.Fingerprint):
			return "", &DuplicateReference{Of: row.Payment}
		}
		return row.Payment, err
	})
}

// sameRequest answers with the payment that made finds, and stores the request's own key with it: whatever
// becomes of the payment, the key has been used. Several keys may name one payment.
func (e *Engine) sameRequest(ctx context.Context, c Create, made func(*store.Tx) (payment.ID, error)) (Outcome, error) {
	var of payment.ID
	err := e.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if of, err = made(tx); err == nil {
			remember(tx, c.Shop.ID, c.Idem, of)
		}
		return err
	})
	if clashed(err, store.WriteIdempotency) { // by another copy of this request, or another request
		if o, found, err := e.replay(ctx, c.Shop.ID, c.Idem); found || err != nil {
			return o, err
		}
	}
	if err != nil {
		return Outcome{}, storeError(err)
	}
	p, err := e.settle(ctx, c.Shop.ID, of)
	return Outcome{Payment: p, Replayed: true}, err
}

// sameOrder answers a request for an order that exists: the same request gets the payment that it made before.
func (e *Engine) sameOrder(ctx context.Context, c Create) (Outcome, error) {
	return e.sameRequest(ctx, c, func(tx *store.Tx) (payment.ID, error) {
		o, err := tx.Orders().Get(c.Shop.ID, c.Order.ID)
		if err == nil && !hmac.Equal(o.Fingerprint, c.Order.Fingerprint) {
			return "", &OrderTaken{Of: o.Payment}
		}
		return o.Payment, err
	})
}
