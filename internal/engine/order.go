package engine

import (
	"context"
	"crypto/hmac"
	"errors"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// What dialects keep beside payments, as the store keeps it: the engine never looks into their JSON.
type (
	// Terms are what some merchant APIs ask for beside the payment itself.
	Terms = payment.Terms
	// Order is what a dialect keeps beside a payment under the merchant's own id.
	Order = store.Order
	// Instruction is what a merchant said with a capture, void or refund.
	Instruction = store.Instruction
	// History is a deposit with everything that belongs to it.
	History = store.History
)

// OrderTaken is returned when the shop has an order with that id already, made by another request.
type OrderTaken struct{ Of payment.ID }

// Error implements error.
func (o *OrderTaken) Error() string { return "the order exists already as payment " + string(o.Of) }

// NameTaken is returned when the shop has used the name of an instruction before.
type NameTaken struct {
	By   Instruction // the instruction of that name
	Same bool        // it had the same fingerprint
}

// Error implements error.
func (n *NameTaken) Error() string {
	return "the name is in use for an operation of payment " + string(n.By.Payment)
}

// unnamed returns *NameTaken when the instruction's name is in use.
func (e *Engine) unnamed(ctx context.Context, shop payment.ShopID, i *Instruction) error {
	if i == nil || i.Name == "" {
		return nil
	}
	var by Instruction
	err := e.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		by, err = tx.Instructions().Named(shop, i.Name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return storeError(err)
	}
	return &NameTaken{By: by, Same: hmac.Equal(by.Fingerprint, i.Fingerprint)}
}

// History returns a payment of the shop with everything that belongs to it, or payment.ErrNotFound. Where the outcome
// of the payment or of one of its refunds is open and a check is due, the provider is asked first.
func (e *Engine) History(ctx context.Context, shop payment.ShopID, id payment.ID) (History, error) {
	if _, err := e.Get(ctx, shop, id); err != nil {
		return History{}, err
	}
	h, err := e.history(ctx, shop, id)
	if err != nil {
		return History{}, err
	}
	open := false
	for i := range h.Refunds {
		if r := &h.Refunds[i]; r.Live != 0 {
			if _, err := e.Get(ctx, shop, r.ID); err != nil {
				return History{}, err
			}
			open = true
		}
	}
	if !open {
		return h, nil
	}
	return e.history(ctx, shop, id)
}

func (e *Engine) history(ctx context.Context, shop payment.ShopID, id payment.ID) (h History, err error) {
	err = e.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		h, err = tx.Payments().History(shop, id)
		return err
	})
	return h, storeError(err)
}
