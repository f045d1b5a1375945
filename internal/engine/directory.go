package engine

import (
	"context"
	"time"

	"github.com/sluicepay/sluice/internal/cache"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// SettingsAge is how old what a process knows of shops, their terminals and keys may be.
const SettingsAge = cache.SettingsAge

// Fresh reports whether what was read about a shop at that instant may still be used.
func (e *Engine) Fresh(read time.Time) bool { return e.shops.Fresh(read, e.Now()) }

// InForce is the instant from which a change that is committed is in force everywhere; in this process it is from now on.
func (e *Engine) InForce() time.Time {
	e.shops.Refresh()
	if e.c.Exclusive { // there is no other process
		return e.Now()
	}
	return e.Now().Add(SettingsAge)
}

// readShop is what the shops of an engine are read by.
func readShop(db *store.DB) func(context.Context, shop.ID) (shop.Shop, error) {
	return func(ctx context.Context, id shop.ID) (s shop.Shop, err error) {
		err = db.View(ctx, func(tx *store.Tx) error {
			s, err = tx.Shops().Get(id)
			return err
		})
		return s, err
	}
}

// Shop returns the shop with its terminals, at most a second old, or
// payment.ErrNotFound. The shop is shared: it must not be changed.
func (e *Engine) Shop(ctx context.Context, id shop.ID) (*shop.Shop, error) {
	s, err := e.shops.Get(ctx, id)
	return s, storeError(err)
}
