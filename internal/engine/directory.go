package engine

import (
	"context"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// shopAge is how long a shop's settings may be out of date in this process: a
// change or a revoked key takes effect everywhere within it.
const shopAge = time.Second

// directory remembers shops for a moment, since every request needs its shop. Money
// is never decided from it: it holds settings and terminals only.
type directory struct {
	read func(context.Context, shop.ID) (shop.Shop, error)
	now  func() time.Time

	mu    sync.Mutex
	shops map[shop.ID]shopEntry
}

type shopEntry struct {
	shop *shop.Shop
	read time.Time
}

func newDirectory(db *store.DB, now func() time.Time) *directory {
	return &directory{read: func(ctx context.Context, id shop.ID) (s shop.Shop, err error) {
		err = db.View(ctx, func(tx *store.Tx) error {
			s, err = tx.Shop(id)
			return err
		})
		return s, err
	}, now: now, shops: make(map[shop.ID]shopEntry)}
}

// Shop returns the shop with its terminals, at most a second old, or
// payment.ErrNotFound. The shop is shared: it must not be changed.
func (e *Engine) Shop(ctx context.Context, id shop.ID) (*shop.Shop, error) {
	s, err := e.shops.get(ctx, id)
	return s, storeError(err)
}

func (d *directory) get(ctx context.Context, id shop.ID) (*shop.Shop, error) {
	now := d.now()
	d.mu.Lock()
	k, ok := d.shops[id]
	d.mu.Unlock()
	if ok && now.Sub(k.read) < shopAge {
		return k.shop, nil
	}
	s, err := d.read(ctx, id)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.shops[id] = shopEntry{&s, now}
	d.mu.Unlock()
	return &s, nil
}
