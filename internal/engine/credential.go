package engine

import (
	"context"
	"fmt"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
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
