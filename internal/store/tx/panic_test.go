package tx_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// TestAWriterLivesOnAfterAPanic: one set of writes makes the writer panic whenever it comes, in a group with others.
// Those go through, its own caller gets an error, and the database goes on.
func TestAWriterLivesOnAfterAPanic(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		gate, entered := make(chan struct{}), make(chan struct{})
		var first sync.Once
		db := open(t, d, testSchema, func(o *tx.Options) {
			o.Writers = 1
			o.Jitter = func(time.Duration) time.Duration { return 0 }
			o.Fault = func(p tx.FaultPoint, writes []string) error {
				if p != tx.FaultBeforeGroup {
					return nil
				}
				first.Do(func() { close(entered); <-gate })
				if slices.Contains(writes, "poison") {
					panic("content")
				}
				return nil
			}
		})
		var wg sync.WaitGroup
		wg.Go(func() { create(t, db, "holder") })
		<-entered
		const sets = 20
		errs := make([]error, sets)
		for i := range sets {
			wg.Go(func() {
				errs[i] = db.Update(t.Context(), func(x *tx.Tx) error {
					if id := fmt.Sprint("row ", i); !x.MaybeCommitted() || !has(x, id) {
						addAccount(x, id, 0)
					}
					return nil
				})
			})
		}
		var poisoned error
		wg.Go(func() {
			poisoned = db.Update(t.Context(), func(x *tx.Tx) error {
				x.Write("poison", bumpAccount, "shop", "nobody", int64(1), int64(1))
				return nil
			})
		})
		waitFor(t, db, sets+1)
		close(gate)
		wg.Wait()
		for i, err := range errs {
			if err != nil || !exists(t, db, fmt.Sprint("row ", i)) {
				t.Errorf("set %d: %v", i, err)
			}
		}
		if !errors.Is(poisoned, tx.ErrCommitUnknown) {
			t.Errorf("the one that panics: %v", poisoned)
		}
		create(t, db, "later")
	})
}

func has(x *tx.Tx, id string) bool {
	_, err := load(x, id)
	return err == nil
}

// TestAPanicInABodyOrARowReleasesWhatItHolds: more panics than there are readers, turns or places leave nothing taken.
func TestAPanicInABodyOrARowReleasesWhatItHolds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *tx.DB) {
		create(t, db, "a", "b")
		for range 20 {
			err := rescue.Call(func() error {
				return db.View(t.Context(), func(x *tx.Tx) error {
					_, err := tx.One(x, func(tx.Scanner) (int, error) { panic("row") }, selectAccount, "shop", "a")
					return err
				})
			})
			if rescue.From(err) == nil {
				t.Fatalf("got %v", err)
			}
			err = rescue.Call(func() error {
				return db.Update(t.Context(), func(x *tx.Tx) error {
					x.LockKey("a")
					addAccount(x, "never", 0)
					panic("body")
				})
			})
			if rescue.From(err) == nil {
				t.Fatalf("got %v", err)
			}
		}
		if err := increment(t.Context(), db, "a"); err != nil {
			t.Error(err)
		}
		if exists(t, db, "never") {
			t.Error("what a body queued before its panic was written")
		}
	})
}

// TestAPanicInABatchReleasesItsConnection reads a payment, which is two queries in one round trip, from a row that panics
// nowhere, after many that did.
func TestAPanicInABatchReleasesItsConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *tx.DB) {
		create(t, db, "a")
		for range 20 {
			err := rescue.Call(func() error {
				return db.View(t.Context(), func(x *tx.Tx) error {
					bad := func(tx.Scanner) (int, error) { panic("row") }
					key := []any{"shop", "a"}
					_, _, err := oneAndList(x, bad, selectAccount, key, tx.ScanInt64, countUnits, []any{"shop"})
					return err
				})
			})
			if rescue.From(err) == nil {
				t.Fatalf("got %v", err)
			}
		}
		if !exists(t, db, "a") {
			t.Error("it is gone")
		}
	})
}
