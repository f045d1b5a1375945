// Package tally is the due work that counts the payments of shops, so that a page far from the top of a list costs what the first
// one costs. It makes marks behind the payments as they come, counts again what was written late, and has an eye on what is
// counted: each time it counts a little of it once more. It never runs on behalf of a request.
//
// Read Kind first; what a mark is, and why lists may trust it, is store/marks/marks.go.
package tally

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// Name is that of the work among the kinds of due work.
const Name = "lists"

const (
	// looksEvery is how often it is looked for payments that can be counted; of a shop without any twice as seldom each time.
	looksEvery  = 20 * time.Second
	looksSeldom = 10 * time.Minute
	// atOnce is how many transactions one piece of the work makes: twenty marks each.
	atOnce = 50
	// rests is how long work that has failed again and again waits. It never ends: lists do without it, and are slower.
	rests = time.Hour
)

// Config is what the work is done with. All of it is required.
type Config struct {
	DB   *store.DB
	Now  func() time.Time
	Log  *slog.Logger
	Bell *alarm.Notifier // told of counts that are wrong
}

// Keeper does it.
type Keeper struct {
	c Config

	mu   sync.Mutex
	next time.Time // when it goes on

	// What follows is used by one piece of work at a time.
	read    time.Time // what the database's clock showed last
	settled settled
	until   time.Time // up to when everything was written then; zero where that could not be told
	looks   map[payment.ShopID]look
	audited audited
}

// look is when a shop is looked at next, and how long after the last time that is.
type look struct {
	at    time.Time
	after time.Duration
}

// New makes one, for a runner.
func New(c Config) *Keeper { return &Keeper{c: c, looks: map[payment.ShopID]look{}} }

// Kind is the work, for a runner. Nothing of it is kept: a process that begins looks at all shops once.
func (k *Keeper) Kind() job.Kind {
	return job.Kind{Name: Name, Concurrency: 1, Due: k.due, Run: k.Work, Failed: k.failed}
}

// After adds when the work goes on to what another question says of other kinds of work.
func (k *Keeper) After(next func(context.Context, []int64) (map[string]time.Time, error)) func(context.Context, []int64) (map[string]time.Time, error) {
	return func(ctx context.Context, shards []int64) (map[string]time.Time, error) {
		all, err := next(ctx, shards)
		if err == nil {
			all[Name] = laterOf(k.wakes(), time.UnixMicro(1)) // zero would be never
		}
		return all, err
	}
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (k *Keeper) wakes() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.next
}

func (k *Keeper) sleep(until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next = until
}

func (k *Keeper) due(_ context.Context, shards []int64, before time.Time, _ int) ([]job.Item, error) {
	shard, next := store.ShardOf(Name), k.wakes()
	if next.After(before) || !slices.Contains(shards, shard) {
		return nil, nil
	}
	return []job.Item{{Key: Name, Shard: shard, Due: next}}, nil
}

func (k *Keeper) failed(ctx context.Context, _ job.Item, cause error, next time.Time) error {
	k.c.Log.WarnContext(ctx, "payments not counted: pages far from the top of a list are slower meanwhile", "error", cause)
	if next.IsZero() {
		next = k.c.Now().Add(rests)
	}
	k.sleep(next)
	return nil
}

// Work counts what can be counted, and looks at some of what was counted before.
func (k *Keeper) Work(ctx context.Context, _ job.Item) error {
	now := k.c.Now()
	k.sleep(now.Add(looksEvery))
	reading, shops, err := k.look(ctx)
	if err != nil {
		return err
	}
	if reading.At.Before(k.read) {
		clear(k.looks) // the clock was set back: what is counted may not be settled any more
	}
	k.read = reading.At
	until, ok := k.settled.read(reading)
	if k.until = until; !ok {
		return nil
	}
	left := atOnce
	for _, s := range shops {
		l, known := k.looks[s]
		if known && l.at.After(now) {
			continue
		}
		made, err := k.extend(ctx, s, until, &left)
		if err != nil {
			return err
		}
		if left <= 0 {
			k.sleep(now)
			return job.ErrMore
		}
		l.after = min(max(2*l.after, looksEvery), looksSeldom)
		if made {
			l.after = looksEvery
		}
		l.at = now.Add(l.after)
		k.looks[s] = l
	}
	return k.audit(ctx, shops)
}

// look returns the shops, none while a node is there that does not tell of payments which it writes late.
func (k *Keeper) look(ctx context.Context) (reading store.Reading, shops []payment.ShopID, err error) {
	err = k.c.DB.View(ctx, func(tx *store.Tx) error {
		old, err := tx.Tallies().Untelling()
		if err != nil {
			return err
		}
		if reading, err = tx.Tallies().Clock(); err != nil {
			return err
		}
		if len(old) > 0 {
			shops, k.settled = nil, settled{}
			return nil
		}
		shops, err = tx.Tallies().Shops()
		return err
	})
	return reading, shops, err
}

// fold has the marks of a shop know what was changed, and reports whether that was anything below them.
func (k *Keeper) fold(ctx context.Context, s payment.ShopID, until time.Time) (some bool, err error) {
	for more := true; more; {
		var f store.Folding
		err := k.c.DB.View(ctx, func(tx *store.Tx) (err error) {
			f, err = tx.Tallies().Changes(s, until)
			return err
		})
		more, some = f.More, some || len(f.Marks) > 0
		for done, last := 0, false; err == nil && !last; {
			var now int
			err = k.c.DB.Update(ctx, func(tx *store.Tx) error {
				now, last = tx.Tallies().Fold(s, &f, done)
				return nil
			})
			done = now
		}
		if err != nil {
			return some, fmt.Errorf("shop %s: %w", s, err)
		}
	}
	return some, nil
}

// extend counts the payments of a shop on, and reports whether there was anything to do.
func (k *Keeper) extend(ctx context.Context, s payment.ShopID, until time.Time, left *int) (made bool, err error) {
	if made, err = k.fold(ctx, s, until); err != nil {
		return made, err
	}
	for more := true; more && *left > 0; *left-- {
		var before, now int64
		err := k.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
			before, now, more, err = tx.Tallies().Extend(s, until)
			return err
		})
		if err != nil {
			return made, fmt.Errorf("shop %s: %w", s, err)
		}
		made = made || more || now > before
	}
	return made, k.fill(ctx, s, left)
}

// fill makes the histograms of a shop's marks that have none.
func (k *Keeper) fill(ctx context.Context, s payment.ShopID, left *int) error {
	for u := (store.Unfilled{More: true}); u.More && *left > 0; *left-- {
		err := k.c.DB.View(ctx, func(tx *store.Tx) (err error) {
			u, err = tx.Tallies().Unfilled(s, u.Next)
			return err
		})
		if err == nil && u.Any() {
			err = k.c.DB.Update(ctx, func(tx *store.Tx) error {
				tx.Tallies().Fill(s, &u)
				return nil
			})
		}
		if err != nil {
			return fmt.Errorf("shop %s: %w", s, err)
		}
	}
	return nil
}
