package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
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

// sealFact seals what a provider said that charges the customer again: from here on it stands in rows.
func (e *Engine) sealFact(ctx context.Context, shop payment.ShopID, id payment.ID, f *payment.Fact) {
	f.Credential = e.c.DB.Seal(ctx, store.CredentialPlace(shop, string(id)), f.Credential)
}

// openCredential opens what the chain charges by. Where that cannot be done nothing is sent.
func (e *Engine) openCredential(tx *store.Tx, shop payment.ShopID, c *payment.Chain) (instrument.Means, error) {
	plain, err := tx.Open(store.CredentialPlace(shop, string(c.Payment)), c.Credential)
	if err != nil {
		e.c.Log.Error("a recurring chain cannot be continued", "shop_id", string(shop), "payment_id", string(c.Payment), "error", err)
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &instrument.Credential{Handle: plain}, nil
}

func (e *Engine) dueSealing(ctx context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
	var items []job.Item
	err := e.c.DB.View(ctx, func(tx *store.Tx) error {
		due, err := tx.Sealings().Due(shards, before, limit)
		items = make([]job.Item, len(due))
		for i, s := range due {
			items[i] = job.Item{Key: s.Part, Shard: s.Shard, Due: s.Due, Fails: s.Fails, Value: s}
		}
		return err
	})
	return items, err
}

// workSealing seals a few rows of a part.
func (e *Engine) workSealing(ctx context.Context, i job.Item) error {
	if i.Key == store.SealedFile {
		return e.scrub(ctx, i)
	}
	var was, now store.Sealing
	err := e.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		was, now, err = tx.Sealings().SealSome(i.Key, sealedAtOnce)
		return err
	})
	if err != nil {
		return err
	}
	if now.Round > was.Round {
		e.c.Log.InfoContext(ctx, "secrets sealed", "part", now.Part, "pass", now.Round, "unopened", now.Unopened, "next", now.Due)
		if now.Unopened > 0 {
			e.bell.Raise(ctx, alarm.Alarm{
				About: alarm.Work, Subject: WorkSealing + "/" + now.Part, Why: whyUnopened, Detail: strconv.Itoa(now.Unopened) + " of them",
			})
		}
	}
	if !now.Due.IsZero() && !now.Due.After(e.Now()) {
		return job.ErrMore
	}
	return nil
}

// scrub has the file of the database rewritten when all tables are done, so that nothing is left behind of what stood there in
// clear. A large file is left to an operator: whatever is to be written waits meanwhile.
func (e *Engine) scrub(ctx context.Context, i job.Item) error {
	s, ok := i.Value.(store.Sealing)
	if !ok {
		return fmt.Errorf("sealing got %T", i.Value)
	}
	rounds, next := 0, e.Now().Add(scrubLooks)
	done, err := e.sealed(ctx)
	if err == nil && done {
		rounds, next = 1, time.Time{}
		err = e.c.DB.Scrub(ctx, store.SmallFile)
		if errors.Is(err, store.ErrLarge) {
			e.c.Log.WarnContext(ctx, "secrets are sealed; traces of what stood there in clear may be left in the database's file until sluice vault scrub rewrites it")
			rounds, err = 0, nil
		}
	}
	if err != nil {
		return err
	}
	return e.c.DB.Update(ctx, func(tx *store.Tx) error {
		if !tx.MaybeCommitted() {
			tx.Sealings().Delay(&s, rounds, next)
		}
		return nil
	})
}

// sealed reports whether nothing stands in a table in clear any more.
func (e *Engine) sealed(ctx context.Context) (bool, error) {
	done := true
	err := e.c.DB.View(ctx, func(tx *store.Tx) error {
		parts, err := tx.Sealings().List()
		for _, p := range parts {
			done = done && (p.Part == store.SealedFile || p.Round >= store.SealingDone)
		}
		return err
	})
	return done, err
}

func (e *Engine) postponeSealing(ctx context.Context, i job.Item, cause error, next time.Time) error {
	s, ok := i.Value.(store.Sealing)
	if !ok {
		return fmt.Errorf("sealing got %T", i.Value)
	}
	e.c.Log.WarnContext(ctx, "secrets not sealed", "part", s.Part, "error", cause)
	if next.IsZero() {
		next = e.Now().Add(sealingRests)
	}
	return e.c.DB.Update(ctx, func(tx *store.Tx) error {
		tx.Sealings().Postpone(&s, next)
		return nil
	})
}
