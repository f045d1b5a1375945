package testkit

import (
	"context"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// Forget leaves the payments of a shop out of the audit at the end: those that no command has made have no log.
func (a *App) Forget(m Member) { a.shops.Delete(m.ID) }

// audit refolds the log of every payment of the test's shops and checks its money.
func (a *App) audit(t testing.TB) {
	a.Engine.Drain()
	ctx := context.WithoutCancel(t.Context())
	a.shops.Range(func(k, _ any) bool {
		for offset := 0; ; offset += payment.MaxLimit {
			list, more, err := a.Records.List(ctx, payment.Filter{
				Shop: k.(shop.ID), Limit: payment.MaxLimit, Offset: offset,
			})
			if err != nil {
				t.Errorf("audit: %v", err)
				return false
			}
			for i := range list {
				if err := Audit(ctx, a.DB, list[i].Shop, list[i].ID); err != nil {
					t.Error(err)
				}
			}
			if !more {
				return true
			}
		}
	})
}

// Audit checks one payment at rest: its log folds to its state, its money is within
// its bounds, its attempts agree with it. The payment and its log are two reads, so what
// looks wrong is looked at again: a payment may not have been at rest.
func Audit(ctx context.Context, db *store.DB, s payment.ShopID, pid payment.ID) (err error) {
	for range 3 {
		if err = audit(ctx, db, s, pid); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

func audit(ctx context.Context, db *store.DB, s payment.ShopID, pid payment.ID) error {
	var p payment.Payment
	var log []payment.Operation
	err := db.View(ctx, func(tx *store.Tx) (err error) {
		if p, err = tx.Payments().Get(s, pid); err != nil {
			return err
		}
		log, err = tx.Operations().List(s, pid)
		return err
	})
	if err != nil {
		return err
	}
	return p.Check(log)
}
