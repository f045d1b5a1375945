package tx_test

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

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// held opens a database with one writer that is held before its first group, so that everything
// submitted until release is called ends up in the next groups together.
func held(t *testing.T, d *storetest.Database) (db *tx.DB, release func()) {
	t.Helper()
	gate := make(chan struct{})
	entered := make(chan struct{})
	var first sync.Once
	db = open(t, d, testSchema, func(o *tx.Options) {
		o.Writers = 1
		o.Fault = func(p tx.FaultPoint, _ []string) error {
			if p == tx.FaultBeforeGroup {
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
func waitFor(t *testing.T, db *tx.DB, n int) {
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
				return []error{tx.ErrUnique, tx.ErrConstraint, tx.ErrConflict, errors.New("any")}[i/5%4]
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
				case errors.Is(expected, tx.ErrUnique) || errors.Is(expected, tx.ErrConstraint) || errors.Is(expected, tx.ErrConflict):
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
					errs <- db.Update(t.Context(), func(x *tx.Tx) error { addAccount(x, "same", 1); return nil })
				}()
			}
			waitFor(t, db, 2)
			release()
			a, b := <-errs, <-errs
			if (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), tx.ErrUnique) {
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
					err := db.Update(t.Context(), func(x *tx.Tx) error {
						runs.Add(1)
						x.LockKey("x")
						x.Write("entry.create", insertEntry, "shop", "a", int(runs.Load()), "text")
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
func setNumber(i int, want error) func(*tx.Tx) error {
	return func(x *tx.Tx) error {
		addAccount(x, fmt.Sprint("row ", i), i)
		switch want {
		case nil:
		case tx.ErrUnique: //nolint:errorlint // names a case of the table
			addAccount(x, "holder", 1)
		case tx.ErrConstraint:
			addAccount(x, fmt.Sprint("negative ", i), -1)
		case tx.ErrConflict:
			x.Guard("account.increment", bumpAccount, "shop", "nobody", int64(1), 1)
		default:
			x.Write("nonsense", "INSERT INTO nowhere VALUES ($1)", i)
		}
		return nil
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	t.Run("commit stands, acknowledgement lost: the body can find out", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			var seen []bool
			err := db.Update(t.Context(), func(x *tx.Tx) error {
				seen = append(seen, x.MaybeCommitted())
				if x.MaybeCommitted() {
					if _, err := load(x, "a"); !errors.Is(err, tx.ErrNotFound) {
						return err
					}
				}
				addAccount(x, "a", 1)
				return nil
			})
			if err != nil || len(seen) != 2 || seen[0] || !seen[1] || !exists(t, db, "a") {
				t.Errorf("error %v, runs saw MaybeCommitted as %v", err, seen)
			}
		}, failOnce(tx.FaultAfterCommit))
	})
	t.Run("nothing written, acknowledgement lost: the body cannot know and finds out", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			var seen []bool
			err := db.Update(t.Context(), func(x *tx.Tx) error {
				seen = append(seen, x.MaybeCommitted())
				if x.MaybeCommitted() {
					if _, err := load(x, "a"); !errors.Is(err, tx.ErrNotFound) {
						t.Errorf("it stands: %v", err)
					}
				}
				addAccount(x, "a", 1)
				return nil
			})
			if err != nil || len(seen) != 2 || seen[0] || !seen[1] || !exists(t, db, "a") {
				t.Errorf("error %v, runs saw MaybeCommitted as %v", err, seen)
			}
		}, failOnce(tx.FaultBeforeCommit))
	})
	for _, point := range []tx.FaultPoint{tx.FaultBeforeCommit, tx.FaultAfterCommit} {
		t.Run("acknowledgement lost, then another writer: "+string(point), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				var db *tx.DB
				var lost, came atomic.Bool
				db = open(t, d, testSchema, func(o *tx.Options) {
					o.Fault = func(p tx.FaultPoint, writes []string) error {
						switch {
						case p == point && slices.Equal(writes, []string{"account.increment", "entry.create"}) && lost.CompareAndSwap(false, true):
							return errInjected
						case p == tx.FaultBeforeRerun && came.CompareAndSwap(false, true):
							return increment(context.WithoutCancel(t.Context()), db, "a")
						}
						return nil
					}
				})
				create(t, db, "a")
				units := []int64{}
				err := db.Update(t.Context(), func(x *tx.Tx) error {
					x.LockKey("a")
					a, err := load(x, "a")
					if err != nil {
						return err
					}
					units = append(units, a.Units)
					x.Guard("account.increment", bumpAccount, "shop", "a", a.Version, a.Units+1)
					x.Write("entry.create", insertEntry, "shop", "a", len(units), "text")
					return nil
				})
				want := int64(1) // by the other writer
				if point == tx.FaultAfterCommit {
					want = 2
				}
				if err != nil || len(units) != 2 || units[1] != want {
					t.Errorf("%v, runs saw %v, the second should have seen %d", err, units, want)
				}
			})
		})
	}
	t.Run("a read can fail", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			err := db.View(t.Context(), func(x *tx.Tx) error { _, err := load(x, "a"); return err })
			if !errors.Is(err, tx.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		}, always(tx.FaultRead))
	})
	t.Run("commit stands, acknowledgement lost: a body that does not look is told unknown", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			err := db.Update(t.Context(), func(x *tx.Tx) error { addAccount(x, "a", 1); return nil })
			if !errors.Is(err, tx.ErrCommitUnknown) || !errors.Is(err, tx.ErrUnique) {
				t.Errorf("got %v", err)
			}
		}, failOnce(tx.FaultAfterCommit))
	})
	t.Run("acknowledgements lost for ever: unknown", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			runs := 0
			err := db.Update(ctx, func(x *tx.Tx) error {
				if runs++; runs == 3 {
					cancel()
				}
				x.Write("entry.create", insertEntry, "shop", "a", runs, "text")
				return nil
			})
			if !errors.Is(err, tx.ErrCommitUnknown) {
				t.Errorf("got %v", err)
			}
		}, always(tx.FaultAfterCommit))
	})
	t.Run("busy once: written on the second run", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			create(t, db, "a")
			if s := db.Stats(); !exists(t, db, "a") || s.Reruns != 1 {
				t.Errorf("%+v", s)
			}
		}, failOnce(tx.FaultBusy))
	})
	t.Run("failed before the group: unavailable and nothing written", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			err := db.Update(t.Context(), func(x *tx.Tx) error { addAccount(x, "a", 1); return nil })
			if !errors.Is(err, tx.ErrUnavailable) || errors.Is(err, tx.ErrCommitUnknown) || exists(t, db, "a") {
				t.Errorf("got %v", err)
			}
			create(t, db, "a")
		}, failOnce(tx.FaultBeforeGroup))
	})
}

var errInjected = errors.New("injected")

func failOnce(point tx.FaultPoint) func(*tx.Options) {
	return func(o *tx.Options) {
		var done atomic.Bool // one for each database that is opened
		o.Fault = func(p tx.FaultPoint, _ []string) error {
			if p == point && done.CompareAndSwap(false, true) {
				return errInjected
			}
			return nil
		}
	}
}

func always(point tx.FaultPoint) func(*tx.Options) {
	return func(o *tx.Options) {
		o.Fault = func(p tx.FaultPoint, _ []string) error {
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
					errs <- db.Update(t.Context(), func(x *tx.Tx) error { addAccount(x, fmt.Sprint(i), 1); return nil })
				}()
			}
			waitFor(t, db, sets)
			closed := make(chan error)
			go func() { closed <- db.Close() }()
			for !errors.Is(db.View(t.Context(), func(*tx.Tx) error { return nil }), tx.ErrClosed) {
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
			err := db.Update(t.Context(), func(*tx.Tx) error { t.Error("body ran"); return nil })
			if !errors.Is(err, tx.ErrClosed) || !errors.Is(err, tx.ErrUnavailable) {
				t.Errorf("after Close: %v", err)
			}
			db = open(t, d, testSchema)
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
			db := open(t, d, testSchema, func(o *tx.Options) {
				o.Fault = func(at tx.FaultPoint, _ []string) error {
					switch at {
					case tx.FaultAfterCommit:
						return errInjected
					case tx.FaultRead:
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
				ended <- db.Update(t.Context(), func(x *tx.Tx) error {
					if x.MaybeCommitted() {
						_, err := load(x, "a")
						return err
					}
					addAccount(x, "a", 1)
					return nil
				})
			}()
			<-asked
			closed := make(chan error)
			go func() { closed <- db.Close() }()
			for !errors.Is(db.View(t.Context(), func(*tx.Tx) error { return nil }), tx.ErrClosed) {
			}
			close(closing)
			if err := <-ended; !errors.Is(err, tx.ErrCommitUnknown) || reads != 1 {
				t.Errorf("%v after %d reads", err, reads)
			}
			if err := <-closed; err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("stays closed when called again", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			if err := errors.Join(db.Close(), db.Close()); err != nil {
				t.Error(err)
			}
		})
	})
}

// Not parallel: it counts the goroutines of the whole process.
func TestCloseStopsEveryGoroutine(t *testing.T) {
	for _, kind := range []tx.Kind{tx.SQLite, tx.Postgres} {
		t.Run(string(kind), func(t *testing.T) {
			d := storetest.New(t, kind)
			opts := d.Options(testSchema)
			before := runtime.NumGoroutine()
			db, err := tx.Open(t.Context(), opts, tables())
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
