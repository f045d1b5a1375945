package kept

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/store"
)

// Name is that of the work among the kinds of due work.
const Name = "kept cards"

const (
	// looksEvery is how often it is looked for cards that are over their time.
	looksEvery = time.Hour
	// forgottenAtOnce is how many one transaction takes away.
	forgottenAtOnce = 200
	// rests is how long the work waits when it has failed again and again. It never ends: cards would stay.
	rests = time.Hour
)

// Forgetter takes away what is over its time: cards that no payment was approved with, or that have expired long ago, and the names of
// wallets' tokens that nobody takes any more, and what says which requests may be sent again.
type Forgetter struct {
	DB  *store.DB
	Now func() time.Time
	Log *slog.Logger

	mu   sync.Mutex
	next time.Time
}

// Kind is the work, for a runner.
func (f *Forgetter) Kind() job.Kind {
	return job.Kind{Name: Name, Concurrency: 1, Due: f.due, Run: f.Work, Failed: f.failed}
}

// After adds when the work goes on to what another question says of other kinds of work.
func (f *Forgetter) After(next func(context.Context, []int64) (map[string]time.Time, error)) func(context.Context, []int64) (map[string]time.Time, error) {
	return func(ctx context.Context, shards []int64) (map[string]time.Time, error) {
		all, err := next(ctx, shards)
		if err == nil {
			all[Name] = f.wakes()
			if all[Name].IsZero() { // that would be never
				all[Name] = time.UnixMicro(1)
			}
		}
		return all, err
	}
}

func (f *Forgetter) wakes() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next
}

func (f *Forgetter) sleep(until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = until
}

// due is one item for all cards, which the node has that has the shard of its name.
func (f *Forgetter) due(_ context.Context, shards []int64, before time.Time, _ int) ([]job.Item, error) {
	shard, next := store.ShardOf(Name), f.wakes()
	if next.After(before) || !slices.Contains(shards, shard) {
		return nil, nil
	}
	return []job.Item{{Key: Name, Shard: shard, Due: next}}, nil
}

func (f *Forgetter) failed(ctx context.Context, _ job.Item, cause error, next time.Time) error {
	f.Log.WarnContext(ctx, "what is kept and over its time is not taken away", "error", cause)
	if next.IsZero() {
		next = f.Now().Add(rests)
	}
	f.sleep(next)
	return nil
}

// Work takes away what is over its time.
func (f *Forgetter) Work(ctx context.Context, _ job.Item) error {
	now, seen := f.Now(), 0
	f.sleep(now.Add(looksEvery))
	err := f.DB.Update(ctx, func(tx *store.Tx) error {
		over, err := tx.CardTokens().Due(now, forgottenAtOnce)
		for _, k := range over {
			tx.CardTokens().Forget(k)
		}
		if err != nil {
			return err
		}
		spent, err := tx.SpentTokens().Due(now, forgottenAtOnce)
		for _, s := range spent {
			tx.SpentTokens().Forget(s)
		}
		if err != nil {
			return err
		}
		sent, err := tx.SentRequests().Due(now, forgottenAtOnce)
		for _, r := range sent {
			tx.SentRequests().Forget(r)
		}
		seen = max(len(over), len(spent), len(sent))
		return err
	})
	if err == nil && seen == forgottenAtOnce {
		f.sleep(now)
		return job.ErrMore
	}
	return err
}
