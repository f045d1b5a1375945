package records

import (
	"context"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// Log returns at most limit entries of the log of a payment as it was read, newest first, without the newest offset.
func (r *Records) Log(ctx context.Context, p *payment.Payment, limit, offset int) ([]payment.Operation, error) {
	return read(ctx, r, func(tx *store.Tx) ([]payment.Operation, error) {
		return tx.Operations().Page(p.Shop, p.ID, p.Ops-offset, limit)
	})
}
