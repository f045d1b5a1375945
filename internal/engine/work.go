package engine

import (
	"context"
	"errors"

	"github.com/sluicepay/sluice/internal/payment"
)

// Work does what is due on a payment: it ends a checkout whose time ran out, or asks
// the provider about an open outcome. Nothing is due any more when it returns nil, or
// the payment says when it will be.
func (e *Engine) Work(ctx context.Context, shop payment.ShopID, id payment.ID) error {
	p, err := e.load(ctx, shop, id)
	if err != nil {
		return err
	}
	now := e.Now()
	if p.State() == payment.Checkout {
		if now.Before(p.CheckoutUntil) {
			return nil
		}
		return e.expire(ctx, &p)
	}
	a := p.LiveAttempt()
	if a == nil && p.State() == payment.Authorized {
		a = p.Standing()
	}
	if a == nil || a.Leased(now, e.Owner, e.Exclusive) || now.Before(a.NextCheck) && a.Op == 0 {
		return nil
	}
	_, err = e.check(ctx, p, payment.OpCheckState)
	return err
}

// expire closes a checkout that nobody finished.
func (e *Engine) expire(ctx context.Context, p *payment.Payment) error {
	_, err := e.decide(ctx, p.Shop, p.ID, payment.Cancel{ByClock: true})
	if refusal := new(payment.Refusal); errors.As(err, &refusal) {
		return nil // the customer came at the last moment
	}
	if err != nil {
		return err
	}
	e.Vault.Drop(p.ID)
	return nil
}
