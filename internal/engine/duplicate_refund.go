package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// twinWindow is how close together two refunds of one deposit, amount and reference look like one that was sent twice.
const twinWindow = time.Minute

// twin looks for such a refund, where the merchant gave nothing by which a repeated request is known: no idempotency key
// and, by other APIs, no name. It is noted as the one that p may duplicate, or p is refused where the shop wants that.
// All that is left cannot be refunded twice.
func (b *creation) twin(tx *store.Tx, p *payment.Payment) error {
	if b.c.Idem.Key != "" || b.c.Terms.Origin != "" || b.c.Amount.IsZero() {
		return nil
	}
	recent, err := tx.Payments().RefundsSince(p.Shop, p.Parent, tx.Now().Add(-twinWindow))
	if err != nil {
		return err
	}
	for i := range recent {
		if r := &recent[i]; r.ID != b.id && r.Asked == p.Asked && r.Reference == p.Reference && r.State() != payment.Declined && r.State() != payment.Cancelled {
			b.duplicate = r.ID
		}
	}
	if b.duplicate != "" && b.c.Shop.Settings.RefuseTwinRefunds {
		return &payment.Refusal{Code: payment.CodeDuplicate, Field: "amount",
			Detail: "a refund of this amount was made less than a minute ago; an Idempotency-Key or another referenceId tells them apart"}
	}
	return nil
}

// toldDuplicate reports a payment that may have been asked for twice.
func (e *Engine) toldDuplicate(ctx context.Context, p *payment.Payment, of payment.ID) {
	e.c.Metrics.Duplicates.Inc(string(p.Type))
	e.c.Log.LogAttrs(ctx, slog.LevelWarn, "payment may be a duplicate", slog.String("payment_id", string(p.ID)),
		slog.String("type", string(p.Type)), slog.String("duplicate_of", string(of)))
}
