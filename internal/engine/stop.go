package engine

import (
	"context"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// StopChain ends the recurring chain that a payment began, at an operator's wish or because its charges were revoked.
// Stopping it again changes nothing.
// Errors: *payment.Refusal for a payment without a chain; payment.ErrNotFound; ErrUnavailable.
func (e *Engine) StopChain(ctx context.Context, shop payment.ShopID, id payment.ID) error {
	var d payment.Decision
	err := e.c.DB.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.Payments().Get(shop, id)
		if err != nil {
			return err
		}
		d, err = payment.Decide(p, payment.StopChain{}, tx.Now())
		if err != nil {
			return err
		}
		chain, err := tx.Chains().Get(shop, p.RecurringToken)
		if err != nil || chain.Stopped {
			return err
		}
		tx.Chains().Stop(shop, chain.Token)
		return e.commit(ctx, tx, &changes{d: &d})
	})
	if err == nil {
		e.announced(ctx, &d)
	}
	return storeError(err)
}
