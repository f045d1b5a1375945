// Package records reads what is on record of payments, as merchants and operators are shown it: lists, orders and instructions
// under the merchant's own names, chains, the feed of events. It asks no provider and changes nothing; what has to be known of a
// payment before it is shown is the engine's to find out (engine.Get, engine.History).
//
// Read Records first. A new filter or lookup is a method here and a query in package store.
package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// Records are those of one installation. Safe for concurrent use.
type Records struct{ db *store.DB }

// New returns the records in a database.
func New(db *store.DB) *Records { return &Records{db} }

// read reads one thing. Errors: payment.ErrNotFound; engine.ErrUnavailable.
func read[T any](ctx context.Context, r *Records, one func(*store.Tx) (T, error)) (found T, err error) {
	err = r.db.View(ctx, func(tx *store.Tx) (err error) {
		found, err = one(tx)
		return err
	})
	return found, known(err)
}

// known is an error of the store as callers know it.
func known(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return payment.ErrNotFound
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrConflict):
		return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	return err
}

// List returns payments of a shop, newest first, and whether more follow. The
// payments come without their attempts.
func (r *Records) List(ctx context.Context, f payment.Filter) (list []payment.Payment, more bool, err error) {
	list, err = read(ctx, r, func(tx *store.Tx) (list []payment.Payment, err error) {
		list, more, err = tx.Payments().List(f)
		return list, err
	})
	return list, more, err
}

// Rest is what is left of a page, see ListTo.
type Rest = store.Rest

// ListTo hands a page of a shop's payments over, newest first, until take says that it is full; each is gone when take returns. It
// tells what is left of the page, for ReadRest, and whether more follow after it. begin comes before the first payment, and once
// more where all is read again.
func (r *Records) ListTo(ctx context.Context, f payment.Filter, begin func(), take func(*payment.Payment) bool) (rest Rest, more bool, err error) {
	rest, err = read(ctx, r, func(tx *store.Tx) (rest Rest, err error) {
		begin()
		rest, more, err = tx.Payments().ListTo(f, take)
		return rest, err
	})
	return rest, more, err
}

// ReadRest is ListTo for what is left of a page.
func (r *Records) ReadRest(ctx context.Context, rest Rest, begin func(), take func(*payment.Payment) bool) (Rest, error) {
	return read(ctx, r, func(tx *store.Tx) (Rest, error) {
		begin()
		return tx.Payments().ReadRest(rest, take)
	})
}

// Order returns the shop's order with the merchant's id, or payment.ErrNotFound.
func (r *Records) Order(ctx context.Context, shop payment.ShopID, id string) (engine.Order, error) {
	return read(ctx, r, func(tx *store.Tx) (engine.Order, error) { return tx.Orders().Get(shop, id) })
}

// OrderOf returns the order that a payment was made for, without its id, or payment.ErrNotFound.
func (r *Records) OrderOf(ctx context.Context, shop payment.ShopID, id payment.ID) (engine.Order, error) {
	return read(ctx, r, func(tx *store.Tx) (engine.Order, error) { return tx.Orders().OfPayment(shop, id) })
}

// Logo returns the picture of a shop, or payment.ErrNotFound.
func (r *Records) Logo(ctx context.Context, shop payment.ShopID) (store.Logo, error) {
	return read(ctx, r, func(tx *store.Tx) (store.Logo, error) { return tx.Logos().Get(shop) })
}

// DepositByReference returns the shop's newest deposit with that reference, or payment.ErrNotFound.
func (r *Records) DepositByReference(ctx context.Context, shop payment.ShopID, ref string) (payment.ID, error) {
	return read(ctx, r, func(tx *store.Tx) (payment.ID, error) {
		return tx.Payments().LatestByReference(shop, payment.Deposit, ref)
	})
}

// InstructionNamed returns the shop's instruction with the merchant's own id, or payment.ErrNotFound.
func (r *Records) InstructionNamed(ctx context.Context, shop payment.ShopID, name string) (engine.Instruction, error) {
	return read(ctx, r, func(tx *store.Tx) (engine.Instruction, error) { return tx.Instructions().Named(shop, name) })
}

// PaymentsBetween returns the ids of the shop's payments in a narrow range of ids, both ends included.
func (r *Records) PaymentsBetween(ctx context.Context, shop payment.ShopID, from, to payment.ID) ([]payment.ID, error) {
	return read(ctx, r, func(tx *store.Tx) ([]payment.ID, error) { return tx.Payments().Between(shop, from, to) })
}

// Chain returns the recurring chain that the token continues, or payment.ErrNotFound.
func (r *Records) Chain(ctx context.Context, shop payment.ShopID, token string) (payment.Chain, error) {
	return read(ctx, r, func(tx *store.Tx) (payment.Chain, error) { return tx.Chains().Get(shop, token) })
}
