package job

import (
	"context"
	"errors"
	"time"
)

// ErrMore is what a handler returns that did part of its work: the rest is looked for
// again at once, after other keys that are due. It is not a failure.
var ErrMore = errors.New("more of this work is due")

// ErrLeaseLost is the cause of a handler's context that ended because the shard may now
// be another node's.
var ErrLeaseLost = errors.New("lease of the shard is lost")

// ErrStopping is the cause of a handler's context that ended because the runner stops
// and waited long enough.
var ErrStopping = errors.New("runner is stopping")

// Item is one piece of due work.
type Item struct {
	Key   string    // names the work within its kind; one key never runs twice at the same time in a node
	Owner string    // whose work it is, of which no more runs at a time than handlers are left free; empty for nobody's
	Shard int64     // whose holder does it
	Due   time.Time // since when
	Fails int       // failures in a row so far
	Value any       // for the kind's own functions
}

// Kind is one kind of work. Its functions are called from several goroutines.
type Kind struct {
	// Name is unique among the kinds of a runner and a label of metrics.
	Name string
	// Concurrency is how many handlers run at a time in this node; 0 is 16.
	Concurrency int
	// Limit is how many items are read ahead at most; 0 is four times Concurrency.
	Limit int
	// Due returns up to limit items of the shards that are due at or before the instant,
	// longest due first, each key once. Where items have owners, the first item of each comes
	// before any second one: an owner with more than the limit hides nobody's. Items that run now are still due: they are
	// expected among the answers and the limit allows for them.
	Due func(ctx context.Context, shards []int64, before time.Time, limit int) ([]Item, error)
	// Run does the work and records in the store that it is done, or when it is due
	// next. It looks at the work afresh: the item may be old. Nil means so; an item that
	// the store still gives with the same Due afterwards is run again only after a pause
	// of Options.PollEvery. ErrMore: see there. Any other error, and a panic, is a
	// failure, unless the context has ended: then nothing is counted.
	Run func(ctx context.Context, item Item) error
	// Failed records a failure: the item is due again at next, or parked for a human when
	// next is zero. In both cases the store counts one failure more.
	Failed func(ctx context.Context, item Item, err error, next time.Time) error
}

func (k Kind) withDefaults() Kind {
	if k.Concurrency <= 0 {
		k.Concurrency = 16
	}
	if k.Limit <= 0 {
		k.Limit = 4 * k.Concurrency
	}
	return k
}

// complete reports that nothing needed is missing.
func (k Kind) complete() bool { return k.Name != "" && k.Due != nil && k.Run != nil && k.Failed != nil }
