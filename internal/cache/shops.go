package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
)

// SettingsAge is how long what a process knows of shops, their terminals and keys may be out of date: a change, or a
// revoked key, takes effect everywhere within it.
const SettingsAge = time.Second

// Shops remembers shops for a moment, since every request needs its shop. Money
// is never decided from it: it holds settings and terminals only. Safe for concurrent use once Read and Now are set.
type Shops struct {
	Read func(context.Context, shop.ID) (shop.Shop, error)
	Now  func() time.Time

	refreshed atomic.Int64 // what was read until this instant is not used any more; nanoseconds

	mu    sync.Mutex
	shops map[shop.ID]entry
}

type entry struct {
	shop *shop.Shop
	read time.Time
}

// Refresh has all be read anew that was read until now.
func (d *Shops) Refresh() { d.refreshed.Store(d.Now().UnixNano()) }

// Fresh reports whether what was read at that instant may still be used.
func (d *Shops) Fresh(read, now time.Time) bool {
	return now.Sub(read) < SettingsAge && read.UnixNano() > d.refreshed.Load()
}

// Get returns the shop with its terminals, at most SettingsAge old. It is shared: it must not be changed. Errors are those of
// Read.
func (d *Shops) Get(ctx context.Context, id shop.ID) (*shop.Shop, error) {
	now := d.Now()
	d.mu.Lock()
	k, ok := d.shops[id]
	d.mu.Unlock()
	if ok && d.Fresh(k.read, now) {
		return k.shop, nil
	}
	s, err := d.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shops == nil {
		d.shops = make(map[shop.ID]entry)
	}
	d.shops[id] = entry{&s, now}
	return &s, nil
}
