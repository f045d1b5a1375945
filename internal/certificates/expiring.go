package certificates

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/wallet/accounts"
)

// Name is that of the work among the kinds of due work.
const Name = "certificates"

const (
	// looksEvery is how often the shops are read.
	looksEvery = 24 * time.Hour
	// rests is how long the work waits when it has failed again and again. It never ends.
	rests = time.Hour
)

// stages are when a human is told, the latest first, and what.
var stages = []struct {
	before time.Duration
	why    string
}{
	{0, "the %s certificate of Apple Pay has ended: customers cannot pay by it any more"},
	{7 * 24 * time.Hour, "the %s certificate of Apple Pay ends within seven days"},
	{30 * 24 * time.Hour, "the %s certificate of Apple Pay ends within thirty days"},
}

// Watch looks at the certificates of all shops. A node tells of each stage of a certificate once.
type Watch struct {
	DB   *store.DB
	Bell *alarm.Notifier
	Now  func() time.Time
	Log  *slog.Logger

	mu   sync.Mutex
	next time.Time
	told map[notice]bool
}

// notice is what a human was told of.
type notice struct {
	shop shop.ID
	use  string
	ends time.Time
	why  string
}

// Kind is the work, for a runner.
func (w *Watch) Kind() job.Kind {
	return job.Kind{Name: Name, Concurrency: 1, Due: w.due, Run: w.Work, Failed: w.failed}
}

// After adds when the work goes on to what another question says of other kinds of work.
func (w *Watch) After(next func(context.Context, []int64) (map[string]time.Time, error)) func(context.Context, []int64) (map[string]time.Time, error) {
	return func(ctx context.Context, shards []int64) (map[string]time.Time, error) {
		all, err := next(ctx, shards)
		if err == nil {
			if all[Name] = w.wakes(); all[Name].IsZero() { // that would be never
				all[Name] = time.UnixMicro(1)
			}
		}
		return all, err
	}
}

func (w *Watch) wakes() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

func (w *Watch) sleep(until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = until
}

// due is one item for all shops, which the node has that has the shard of its name.
func (w *Watch) due(_ context.Context, shards []int64, before time.Time, _ int) ([]job.Item, error) {
	shard, next := store.ShardOf(Name), w.wakes()
	if next.After(before) || !slices.Contains(shards, shard) {
		return nil, nil
	}
	return []job.Item{{Key: Name, Shard: shard, Due: next}}, nil
}

func (w *Watch) failed(ctx context.Context, _ job.Item, cause error, next time.Time) error {
	w.Log.WarnContext(ctx, "certificates of shops are not looked at", "error", cause)
	if next.IsZero() {
		next = w.Now().Add(rests)
	}
	w.sleep(next)
	return nil
}

// Work looks at the certificates of all shops that are active.
func (w *Watch) Work(ctx context.Context, _ job.Item) error {
	w.sleep(w.Now().Add(looksEvery))
	var shops []shop.Shop
	err := w.DB.View(ctx, func(tx *store.Tx) (err error) {
		if shops, err = tx.Shops().List(); err != nil {
			return err
		}
		shops = slices.DeleteFunc(shops, func(s shop.Shop) bool { return !s.Active || s.Settings.Wallets.Apple == nil })
		for i := range shops { // a list has no secrets
			whole, err := tx.Shops().Get(shops[i].ID)
			switch {
			case errors.Is(err, store.ErrUnavailable):
				return err
			case err == nil: // what cannot be opened is told by the work that seals anew
				shops[i] = whole
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range shops {
		s := &shops[i]
		keys, err := accounts.Read(s.Settings.Wallets.Keys)
		if err != nil { // who needs them says so
			continue
		}
		for _, e := range keys.Expiries() {
			w.look(ctx, s.ID, e)
		}
	}
	return nil
}

// look tells of a certificate whose time is near.
func (w *Watch) look(ctx context.Context, of shop.ID, e accounts.Expiry) {
	left := e.At.Sub(w.Now())
	for _, stage := range stages {
		if left > stage.before {
			continue
		}
		n := notice{of, e.Use, e.At, fmt.Sprintf(stage.why, e.Use)}
		if w.first(n) {
			w.Bell.Raise(ctx, alarm.Alarm{
				Shop: of, About: alarm.Shop, Subject: string(of), Why: n.why, Detail: fmt.Sprintf("%q ends %s", e.Subject, e.At.UTC().Format(time.RFC3339)),
			})
		}
		return
	}
}

// first reports that nobody was told of it yet.
func (w *Watch) first(n notice) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told[n] {
		return false
	}
	if w.told == nil {
		w.told = map[notice]bool{}
	}
	w.told[n] = true
	return true
}
