package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// SettingsAge is how long what a process knows of shops, their terminals and keys may be out of date: a change, or a
// revoked key, takes effect everywhere within it.
const SettingsAge = time.Second

// refresh makes this process read shops, terminals and keys anew. Others do so within SettingsAge.
func (e *Engine) refresh() { e.shops.refreshed.Store(e.Now().UnixNano()) }

// Fresh reports whether what was read about a shop at that instant may still be used.
func (e *Engine) Fresh(read time.Time) bool { return e.shops.fresh(read, e.Now()) }

// InForce is the instant from which a change that is committed is in force everywhere; in this process it is from now on.
func (e *Engine) InForce() time.Time {
	e.refresh()
	if e.c.Exclusive { // there is no other process
		return e.Now()
	}
	return e.Now().Add(SettingsAge)
}

// directory remembers shops for a moment, since every request needs its shop. Money
// is never decided from it: it holds settings and terminals only.
type directory struct {
	read func(context.Context, shop.ID) (shop.Shop, error)
	now  func() time.Time

	refreshed atomic.Int64 // what was read until this instant is not used any more; nanoseconds

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
			s, err = tx.Shops().Get(id)
			return err
		})
		return s, err
	}, now: now, shops: make(map[shop.ID]shopEntry)}
}

func (d *directory) fresh(read, now time.Time) bool {
	return now.Sub(read) < SettingsAge && read.UnixNano() > d.refreshed.Load()
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
	if ok && d.fresh(k.read, now) {
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
