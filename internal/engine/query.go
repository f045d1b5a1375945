package engine

import (
	"context"
	"errors"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// Get returns a payment of the shop, or payment.ErrNotFound. When its outcome is
// open and a check is due, the provider is asked first.
func (e *Engine) Get(ctx context.Context, shop payment.ShopID, id payment.ID) (payment.Payment, error) {
	p, err := e.load(ctx, shop, id)
	if err != nil {
		return payment.Payment{}, err
	}
	a := p.LiveAttempt()
	if a == nil || a.Leased(e.Now(), e.Owner, e.Exclusive) {
		return p, nil
	}
	abandoned := a.Op != 0 // its process died with the call running
	if !abandoned && e.Now().Before(a.NextCheck) {
		return p, nil
	}
	return e.check(ctx, p, payment.OpCheckState)
}

func (e *Engine) load(ctx context.Context, shop payment.ShopID, id payment.ID) (payment.Payment, error) {
	var p payment.Payment
	err := e.DB.View(ctx, func(tx *store.Tx) (err error) {
		p, err = tx.Payment(shop, id)
		return err
	})
	return p, storeError(err)
}

// List returns payments of a shop, newest first, and whether more follow. The
// payments come without their attempts.
func (e *Engine) List(ctx context.Context, f payment.Filter) (list []payment.Payment, more bool, err error) {
	err = e.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, more, err = tx.ListPayments(f)
		return err
	})
	return list, more, storeError(err)
}

// Operations returns the whole log of a payment, oldest first, or
// payment.ErrNotFound. Like Get it asks the provider first when that is due.
func (e *Engine) Operations(ctx context.Context, shop payment.ShopID, id payment.ID) ([]payment.Operation, error) {
	if _, err := e.Get(ctx, shop, id); err != nil {
		return nil, err
	}
	var log []payment.Operation
	err := e.DB.View(ctx, func(tx *store.Tx) (err error) {
		log, err = tx.Operations(shop, id)
		return err
	})
	return log, storeError(err)
}

// check asks the provider about the live attempt and books what it says. A payment
// that somebody else is working on, or that has nothing to ask for, is returned as
// it is.
func (e *Engine) check(ctx context.Context, p payment.Payment, op payment.OperationKind) (payment.Payment, error) {
	return e.checkFor(ctx, p, op, 0)
}

// checkFor is check for a caller who waits no longer than that, see carryFor.
func (e *Engine) checkFor(ctx context.Context, p payment.Payment, op payment.OperationKind, wait time.Duration) (payment.Payment, error) {
	begin := payment.BeginAsk{Op: op, Run: e.run(e.askLimit()), Exclusive: e.Exclusive}
	d, err := e.decide(ctx, p.Shop, p.ID, begin)
	if errors.Is(err, payment.ErrBusy) {
		return e.load(ctx, p.Shop, p.ID)
	}
	if err != nil {
		return payment.Payment{}, err
	}
	return e.carryFor(ctx, &d, exchange{}, wait), nil
}

// resolve settles the live attempt, if the provider can tell, before a new command:
// nothing new is decided on an open outcome that could be known. Who waits no longer than that goes on without knowing.
func (e *Engine) resolve(ctx context.Context, shop payment.ShopID, id payment.ID, wait time.Duration) error {
	p, err := e.load(ctx, shop, id)
	if err != nil {
		return err
	}
	a := p.LiveAttempt()
	if a == nil || a.Leased(e.Now(), e.Owner, e.Exclusive) {
		return nil
	}
	_, err = e.checkFor(ctx, p, payment.OpCheckState, wait)
	return err
}
