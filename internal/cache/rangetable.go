package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/cardrange"
)

// RangesAge is within what time another table of card ranges is used everywhere.
const RangesAge = 10 * time.Second

// Ranges remembers the table of card ranges. It is safe for concurrent use once its fields are set.
type Ranges struct {
	// Read returns the table that is in force with its version; no table where that is still the known one.
	Read func(ctx context.Context, known string) (*cardrange.Table, string, error)
	Now  func() time.Time
	// Failed is told when the table could not be read: the one before stays in use.
	Failed func(context.Context, error)

	table  atomic.Pointer[cardrange.Table]
	read   atomic.Int64 // when; nanoseconds, zero for never
	mu     sync.Mutex   // of who reads
	loaded string       // version
}

// Get returns the table, at most RangesAge old where it can be read, and else the one of before. One caller reads, and the others
// go on with what there is meanwhile; the first ones wait for it.
func (r *Ranges) Get(ctx context.Context) *cardrange.Table {
	now, last := r.Now(), r.read.Load()
	if last != 0 && now.Sub(time.Unix(0, last)).Abs() < RangesAge {
		return r.table.Load()
	}
	if last == 0 {
		r.mu.Lock()
	} else if !r.mu.TryLock() {
		return r.table.Load()
	}
	defer r.mu.Unlock()
	if r.read.Load() != last { // somebody else has read it
		return r.table.Load()
	}
	table, version, err := r.Read(ctx, r.loaded)
	switch {
	case err != nil:
		r.Failed(ctx, err)
	case table != nil:
		r.loaded = version
		r.table.Store(table)
	}
	if err == nil || ctx.Err() == nil { // else only its caller has gone
		r.read.Store(now.UnixNano())
	}
	return r.table.Load()
}
