package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// held opens a database with one writer that is held before its first group, so that everything
// submitted until release is called ends up in the next groups together.
func held(t *testing.T, d *storetest.Database) (db *store.DB, release func()) {
	t.Helper()
	gate := make(chan struct{})
	entered := make(chan struct{})
	var first sync.Once
	db = d.Open(testSchema, func(o *store.Options) {
		o.Writers = 1
		o.Fault = func(p store.FaultPoint, _ []string) error {
			if p == store.FaultBeforeGroup {
				first.Do(func() { close(entered); <-gate })
			}
			return nil
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		create(t, db, "holder")
	}()
	<-entered
	return db, func() { close(gate); <-done }
}

// waitFor blocks until n sets wait for the writer.
func waitFor(t *testing.T, db *store.DB, n int) {
	t.Helper()
	for db.Stats().Waiting < n {
		if t.Context().Err() != nil {
			t.Fatal("sets never arrived")
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	t.Run("bad sets do not spoil their neighbours", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, d *storetest.Database) {
			db, release := held(t, d)
			const sets = 40
			want := func(i int) error { // every fifth set is bad in one of four ways
				if i%5 != 0 {
					return nil
				}
				return []error{store.ErrUnique, store.ErrConstraint, store.ErrConflict, errors.New("any")}[i/5%4]
			}
			errs := make([]error, sets)
			var wg sync.WaitGroup
			for i := range sets {
				wg.Go(func() { errs[i] = db.Update(t.Context(), setNumber(i, want(i))) })
			}
			waitFor(t, db, sets)
			release()
			wg.Wait()
			for i, err := range errs {
				switch expected := want(i); {
				case expected == nil:
					if err != nil || !exists(t, db, fmt.Sprint("row ", i)) {
						t.Errorf("set %d: %v", i, err)
					}
				case err == nil || exists(t, db, fmt.Sprint("row ", i)):
					t.Errorf("bad set %d was written", i)
				case errors.Is(expected, store.ErrUnique) || errors.Is(expected, store.ErrConstraint) || errors.Is(expected, store.ErrConflict):
					if !errors.Is(err, expected) {
						t.Errorf("set %d: %v, want %v", i, err, expected)
					}
				}
			}
			if largest := db.Stats().LargestGroup; largest < sets {
				t.Errorf("largest group %d, want %d", largest, sets)
			}
		})
	})
	t.Run("two sets that insert one key: one stands, one hears of it", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, d *storetest.Database) {
			db, release := held(t, d)
			errs := make(chan error, 2)
			for range 2 {
				go func() {
					errs <- db.Update(t.Context(), func(tx *store.Tx) error { addAccount(tx, "same", 1); return nil })
				}()
			}
			waitFor(t, db, 2)
			release()
			a, b := <-errs, <-errs
			if (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), store.ErrUnique) {
				t.Errorf("got %v and %v", a, b)
			}
		})
	})
	t.Run("sets with a common key are not in one group, and the later runs again", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, d *storetest.Database) {
			db, release := held(t, d)
			var runs atomic.Int64
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					err := db.Update(t.Context(), func(tx *store.Tx) error {
						runs.Add(1)
						tx.LockKey("x")
						tx.Write("entry.create", insertEntry, "shop", "a", int(runs.Load()), "text")
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			waitFor(t, db, 2)
			release()
			wg.Wait()
			if s := db.Stats(); runs.Load() != 3 || s.LargestGroup != 1 || s.Groups != 3 {
				t.Errorf("runs %d, %+v", runs.Load(), s)
			}
		})
	})
}

// setNumber inserts a row and then does what leads to the wanted error.
func setNumber(i int, want error) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		addAccount(tx, fmt.Sprint("row ", i), i)
		switch want {
		case nil:
		case store.ErrUnique: //nolint:errorlint // names a case of the table
			addAccount(tx, "holder", 1)
		case store.ErrConstraint:
			addAccount(tx, fmt.Sprint("negative ", i), -1)
		case store.ErrConflict:
			tx.Guard("account.increment", bumpAccount, "shop", "nobody", int64(1), 1)
		default:
			tx.Write("nonsense", "INSERT INTO nowhere VALUES ($1)", i)
		}
		return nil
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	t.Run("commit stands, acknowledgement lost: the body can find out", func(t *testing.T) {
		each(t, func(t *testing.T, db *store.DB) {
			var seen []bool
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				seen = append(seen, tx.MaybeCommitted())
				if tx.MaybeCommitted() {
					if _, err := load(tx, "a"); !errors.Is(err, store.ErrNotFound) {
						return err
					}
				}
				addAccount(tx, "a", 1)
				return nil
			})
			if err != nil || len(seen) != 2 || seen[0] || !seen[1] || !exists(t, db, "a") {
				t.Errorf("error %v, runs saw MaybeCommitted as %v", err, seen)
			}
		}, failOnce(store.FaultAfterCommit))
	})
	t.Run("nothing written, acknowledgement lost: the body cannot know and finds out", func(t *testing.T) {
		each(t, func(t *testing.T, db *store.DB) {
			var seen []bool
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				seen = append(seen, tx.MaybeCommitted())
				if tx.MaybeCommitted() {
					if _, err := load(tx, "a"); !errors.Is(err, store.ErrNotFound) {
						t.Errorf("it stands: %v", err)
					}
				}
				addAccount(tx, "a", 1)
				return nil
			})
			if err != nil || len(seen) != 2 || seen[0] || !seen[1] || !exists(t, db, "a") {
				t.Errorf("error %v, runs saw MaybeCommitted as %v", err, seen)
			}
		}, failOnce(store.FaultBeforeCommit))
	})
	for _, point := range []store.FaultPoint{store.FaultBeforeCommit, store.FaultAfterCommit} {
		t.Run("acknowledgement lost, then another writer: "+string(point), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				var db *store.DB
				var lost, came atomic.Bool
				db = d.Open(testSchema, func(o *store.Options) {
					o.Fault = func(p store.FaultPoint, writes []string) error {
						switch {
						case p == point && slices.Equal(writes, []string{"account.increment", "entry.create"}) && lost.CompareAndSwap(false, true):
							return errInjected
						case p == store.FaultBeforeRerun && came.CompareAndSwap(false, true):
							return increment(context.WithoutCancel(t.Context()), db, "a")
						}
						return nil
					}
				})
				create(t, db, "a")
				units := []int64{}
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					tx.LockKey("a")
					a, err := load(tx, "a")
					if err != nil {
						return err
					}
					units = append(units, a.Units)
					tx.Guard("account.increment", bumpAccount, "shop", "a", a.Version, a.Units+1)
					tx.Write("entry.create", insertEntry, "shop", "a", len(units), "text")
					return nil
				})
				want := int64(1) // by the other writer
				if point == store.FaultAfterCommit {
					want = 2
				}
				if err != nil || len(units) != 2 || units[1] != want {
					t.Errorf("%v, runs saw %v, the second should have seen %d", err, units, want)
				}
			})
		})
	}
	t.Run("a read can fail", func(t *testing.T) {
		each(t, func(t *testing.T, db *store.DB) {
			err := db.View(t.Context(), func(tx *store.Tx) error { _, err := load(tx, "a"); return err })
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		}, always(store.FaultRead))
	})
	t.Run("commit stands, acknowledgement lost: a body that does not look is told unknown", func(t *testing.T) {
		each(t, func(t *testing.T, db *store.DB) {
			err := db.Update(t.Context(), func(tx *store.Tx) error { addAccount(tx, "a", 1); return nil })
			if !errors.Is(err, store.ErrCommitUnknown) || !errors.Is(err, store.ErrUnique) {
				t.Errorf("got %v", err)
			}
		}, failOnce(store.FaultAfterCommit))
	})
	t.Run("acknowledgements lost for ever: unknown", func(t *testing.T) {
		each(t, func(t *testing.T, db *store.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			runs := 0
			err := db.Update(ctx, func(tx *store.Tx) error {
				if runs++; runs == 3 {
					cancel()
				}
				tx.Write("entry.create", insertEntry, "shop", "a", runs, "text")
				return nil
			})
			if !errors.Is(err, store.ErrCommitUnknown) {
				t.Errorf("got %v", err)
			}
		}, always(store.FaultAfterCommit))
	})
	t.Run("busy once: written on the second run", func(t *testing.T) {
		each(t, func(t *testing.T, db *store.DB) {
			create(t, db, "a")
			if s := db.Stats(); !exists(t, db, "a") || s.Reruns != 1 {
				t.Errorf("%+v", s)
			}
		}, failOnce(store.FaultBusy))
	})
	t.Run("failed before the group: unavailable and nothing written", func(t *testing.T) {
		each(t, func(t *testing.T, db *store.DB) {
			err := db.Update(t.Context(), func(tx *store.Tx) error { addAccount(tx, "a", 1); return nil })
			if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrCommitUnknown) || exists(t, db, "a") {
				t.Errorf("got %v", err)
			}
			create(t, db, "a")
		}, failOnce(store.FaultBeforeGroup))
	})
}

var errInjected = errors.New("injected")

func failOnce(point store.FaultPoint) func(*store.Options) {
	return func(o *store.Options) {
		var done atomic.Bool // one for each database that is opened
		o.Fault = func(p store.FaultPoint, _ []string) error {
			if p == point && done.CompareAndSwap(false, true) {
				return errInjected
			}
			return nil
		}
	}
}

func always(point store.FaultPoint) func(*store.Options) {
	return func(o *store.Options) {
		o.Fault = func(p store.FaultPoint, _ []string) error {
			if p == point {
				return errInjected
			}
			return nil
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	t.Run("drains what is queued and refuses more", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, d *storetest.Database) {
			db, release := held(t, d)
			const sets = 20
			errs := make(chan error, sets)
			for i := range sets {
				go func() {
					errs <- db.Update(t.Context(), func(tx *store.Tx) error { addAccount(tx, fmt.Sprint(i), 1); return nil })
				}()
			}
			waitFor(t, db, sets)
			closed := make(chan error)
			go func() { closed <- db.Close() }()
			for !errors.Is(db.View(t.Context(), func(*store.Tx) error { return nil }), store.ErrClosed) {
			}
			release()
			for range sets {
				if err := <-errs; err != nil {
					t.Errorf("queued before Close: %v", err)
				}
			}
			if err := <-closed; err != nil {
				t.Error(err)
			}
			err := db.Update(t.Context(), func(*store.Tx) error { t.Error("body ran"); return nil })
			if !errors.Is(err, store.ErrClosed) || !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("after Close: %v", err)
			}
			db = d.Open(testSchema)
			for i := range sets {
				if !exists(t, db, fmt.Sprint(i)) {
					t.Errorf("row %d is gone", i)
				}
			}
		})
	})
	t.Run("does not wait for who asks a database that is away whether a commit stands", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, d *storetest.Database) {
			asked, closing := make(chan struct{}), make(chan struct{})
			reads := 0
			db := d.Open(testSchema, func(o *store.Options) {
				o.Fault = func(at store.FaultPoint, _ []string) error {
					switch at {
					case store.FaultAfterCommit:
						return errInjected
					case store.FaultRead:
						if reads++; reads == 1 {
							close(asked)
							<-closing
						}
						return errInjected
					}
					return nil
				}
			})
			ended := make(chan error, 1)
			go func() {
				ended <- db.Update(t.Context(), func(tx *store.Tx) error {
					if tx.MaybeCommitted() {
						_, err := load(tx, "a")
						return err
					}
					addAccount(tx, "a", 1)
					return nil
				})
			}()
			<-asked
			closed := make(chan error)
			go func() { closed <- db.Close() }()
			for !errors.Is(db.View(t.Context(), func(*store.Tx) error { return nil }), store.ErrClosed) {
			}
			close(closing)
			if err := <-ended; !errors.Is(err, store.ErrCommitUnknown) || reads != 1 {
				t.Errorf("%v after %d reads", err, reads)
			}
			if err := <-closed; err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("stays closed when called again", func(t *testing.T) {
		each(t, func(t *testing.T, db *store.DB) {
			if err := errors.Join(db.Close(), db.Close()); err != nil {
				t.Error(err)
			}
		})
	})
}

// Not parallel: it counts the goroutines of the whole process.
func TestCloseStopsEveryGoroutine(t *testing.T) {
	for _, kind := range []store.Kind{store.SQLite, store.Postgres} {
		t.Run(string(kind), func(t *testing.T) {
			d := storetest.New(t, kind)
			opts := d.Options(testSchema)
			before := runtime.NumGoroutine()
			db, err := store.Open(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			create(t, db, "a")
			if !exists(t, db, "a") {
				t.Error("the row is gone")
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(5 * time.Second)
			for runtime.NumGoroutine() > before {
				if time.Now().After(deadline) {
					stacks := make([]byte, 64<<10)
					t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
				}
				runtime.Gosched()
			}
		})
	}
}
