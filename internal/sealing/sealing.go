// Package sealing is the due work that seals anew what stands in the database: secrets that older versions left in clear, and
// those that a key seals which was replaced. It goes in passes over the parts that package store names, and has the file of an
// embedded database rewritten in the end, so that nothing is left behind of what stood there in clear.
//
// Read Kind first; how a part is gone through is store/sealing.go, and why in passes docs/vault.md.
package sealing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/store"
)

const (
	// sealedAtOnce is how many rows one transaction of the sealing looks at.
	sealedAtOnce = 200
	// sealingRests is how long sealing that has failed again and again waits. It never ends: secrets would stay in clear.
	sealingRests = time.Hour
	// scrubLooks is how often it is looked whether the tables are done.
	scrubLooks = 30 * time.Second
)

// Name is that of the work among the kinds of due work.
const Name = "sealing"

// whyUnopened is what a human is told.
const whyUnopened = "what is sealed cannot be opened, and cannot be sealed anew"

// Config is what the work is done with. All of it is required.
type Config struct {
	DB   *store.DB
	Now  func() time.Time
	Log  *slog.Logger
	Bell *alarm.Notifier // told what cannot be opened
}

// sealer does it.
type sealer struct{ Config }

// Kind is the work, for a runner.
func Kind(c Config) job.Kind {
	s := sealer{c}
	return job.Kind{Name: Name, Concurrency: 1, Due: s.due, Run: s.work, Failed: s.postpone}
}

func (w sealer) due(ctx context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
	var items []job.Item
	err := w.DB.View(ctx, func(tx *store.Tx) error {
		due, err := tx.Sealings().Due(shards, before, limit)
		items = make([]job.Item, len(due))
		for i, s := range due {
			items[i] = job.Item{Key: s.Part, Shard: s.Shard, Due: s.Due, Fails: s.Fails, Value: s}
		}
		return err
	})
	return items, err
}

// work seals a few rows of a part.
func (w sealer) work(ctx context.Context, i job.Item) error {
	if i.Key == store.SealedFile {
		return w.scrub(ctx, i)
	}
	var was, now store.Sealing
	err := w.DB.Update(ctx, func(tx *store.Tx) (err error) {
		was, now, err = tx.Sealings().SealSome(i.Key, sealedAtOnce)
		return err
	})
	if err != nil {
		return err
	}
	if now.Round > was.Round {
		w.Log.InfoContext(ctx, "secrets sealed", "part", now.Part, "pass", now.Round, "unopened", now.Unopened, "next", now.Due)
		if now.Unopened > 0 {
			w.Bell.Raise(ctx, alarm.Alarm{
				About: alarm.Work, Subject: Name + "/" + now.Part, Why: whyUnopened, Detail: strconv.Itoa(now.Unopened) + " of them",
			})
		}
	}
	if !now.Due.IsZero() && !now.Due.After(w.Now()) {
		return job.ErrMore
	}
	return nil
}

// scrub has the file of the database rewritten when all tables are done, so that nothing is left behind of what stood there in
// clear. A large file is left to an operator: whatever is to be written waits meanwhile.
func (w sealer) scrub(ctx context.Context, i job.Item) error {
	s, ok := i.Value.(store.Sealing)
	if !ok {
		return fmt.Errorf("sealing got %T", i.Value)
	}
	rounds, next := 0, w.Now().Add(scrubLooks)
	done, err := w.sealed(ctx)
	if err == nil && done {
		rounds, next = 1, time.Time{}
		err = w.DB.Scrub(ctx, store.SmallFile)
		if errors.Is(err, store.ErrLarge) {
			w.Log.WarnContext(ctx, "secrets are sealed; traces of what stood there in clear may be left in the database's file until sluice vault scrub rewrites it")
			rounds, err = 0, nil
		}
	}
	if err != nil {
		return err
	}
	return w.DB.Update(ctx, func(tx *store.Tx) error {
		if !tx.MaybeCommitted() {
			tx.Sealings().Delay(&s, rounds, next)
		}
		return nil
	})
}

// sealed reports whether nothing stands in a table in clear any more.
func (w sealer) sealed(ctx context.Context) (bool, error) {
	done := true
	err := w.DB.View(ctx, func(tx *store.Tx) error {
		parts, err := tx.Sealings().List()
		for _, p := range parts {
			done = done && (p.Part == store.SealedFile || p.Round >= store.SealingDone)
		}
		return err
	})
	return done, err
}

func (w sealer) postpone(ctx context.Context, i job.Item, cause error, next time.Time) error {
	s, ok := i.Value.(store.Sealing)
	if !ok {
		return fmt.Errorf("sealing got %T", i.Value)
	}
	w.Log.WarnContext(ctx, "secrets not sealed", "part", s.Part, "error", cause)
	if next.IsZero() {
		next = w.Now().Add(sealingRests)
	}
	return w.DB.Update(ctx, func(tx *store.Tx) error {
		tx.Sealings().Postpone(&s, next)
		return nil
	})
}
