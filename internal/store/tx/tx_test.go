package tx_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

func TestUpdate(t *testing.T) {
	t.Parallel()
	t.Run("every column type comes back as it went in", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			note := "zażółć 漢字"
			err := db.Update(t.Context(), func(x *tx.Tx) error {
				x.Write("account.create", insertAccount, "shop", "a", "1234567890.000000000000000001", 7, true,
					[]byte{0, 255, 1}, note, int64(1_700_000_000_123_456))
				x.Write("account.create", insertAccount, "shop", "b", "0.500000000000000000", 0, false, nil, nil, int64(1))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []account
			err = db.View(t.Context(), func(x *tx.Tx) error {
				got = nil
				for _, id := range []string{"a", "b"} {
					a, err := load(x, id)
					if err != nil {
						return err
					}
					got = append(got, a)
				}
				return nil
			})
			want := []account{
				{"a", 1, "1234567890.000000000000000001", 7, true, []byte{0, 255, 1}, &note, 1_700_000_000_123_456},
				{"b", 1, "0.500000000000000000", 0, false, nil, nil, 1},
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("error %v, difference:\n%s", err, diff)
			}
		})
	})
	t.Run("parameters bind by number, whatever their order", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			create(t, db, "a")
			err := db.Update(t.Context(), func(x *tx.Tx) error {
				x.Guard("account.set", `UPDATE t_account SET units = $3 WHERE id = $2 AND shop_id = $1 AND id = $2`, "shop", "a", 5)
				return nil
			})
			if got := unitsOf(t, db, "a"); err != nil || got != 5 {
				t.Errorf("units %d, error %v", got, err)
			}
		})
	})
	t.Run("a body's error writes nothing and comes back as it is", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			mine := errors.New("mine")
			err := db.Update(t.Context(), func(x *tx.Tx) error {
				addAccount(x, "a", 1)
				return mine
			})
			if err != mine || exists(t, db, "a") { //nolint:errorlint // not even wrapped
				t.Errorf("error %v, row exists %t", err, exists(t, db, "a"))
			}
		})
	})
	t.Run("the clock stands still in whole microseconds UTC", func(t *testing.T) {
		at := time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.FixedZone("east", 3600))
		each(t, func(t *testing.T, db *tx.DB) {
			err := db.Update(t.Context(), func(x *tx.Tx) error {
				if want := time.Date(2026, 5, 1, 11, 0, 0, 123456000, time.UTC); x.Now() != want {
					t.Errorf("Now is %v, want %v", x.Now(), want)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}, func(o *tx.Options) { o.Now = func() time.Time { return at } })
	})
	t.Run("a batch reads a row and a list", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			create(t, db, "a")
			for i := range 3 {
				if err := db.Update(t.Context(), func(x *tx.Tx) error {
					x.Write("entry.create", insertEntry, "shop", "a", i, fmt.Sprint("entry ", i))
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
			text := func(s tx.Scanner) (string, error) { var v string; err := s.Scan(&v); return v, err }
			err := db.View(t.Context(), func(x *tx.Tx) error {
				row, entries, err := oneAndList(x, scanAccount, selectAccount, []any{"shop", "a"},
					text, listEntries, []any{"shop", "a"})
				if err != nil {
					return err
				}
				a, err := row.Get()
				if diff := cmp.Diff([]string{"entry 0", "entry 1", "entry 2"}, entries); err != nil || a.ID != "a" || diff != "" {
					t.Errorf("account %q, error %v, entries:\n%s", a.ID, err, diff)
				}
				none, _, err := oneAndList(x, scanAccount, selectAccount, []any{"shop", "x"},
					text, listEntries, []any{"shop", "x"})
				if err != nil {
					return err
				}
				if _, err := none.Get(); !errors.Is(err, tx.ErrNotFound) {
					t.Errorf("absent row: %v", err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	})
}

func TestUpdateMistakes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body func(*tx.Tx) error
		want error // nil: any error
	}{
		"unsupported argument": {func(x *tx.Tx) error {
			x.Write("account.create", insertAccount, time.Now())
			return nil
		}, nil},
		"missing argument": {func(x *tx.Tx) error { x.Write("account.create", insertAccount, "shop"); return nil }, nil},
		"syntax":           {func(x *tx.Tx) error { x.Write("nonsense", "INSERT NONSENSE"); return nil }, nil},
		"check constraint": {func(x *tx.Tx) error { addAccount(x, "a", -1); return nil }, tx.ErrConstraint},
		"not null": {func(x *tx.Tx) error {
			x.Write("account.create", insertAccount, "shop", nil, "0", 0, true, nil, nil, int64(1))
			return nil
		}, tx.ErrConstraint},
		"read of a table that is not there": {func(x *tx.Tx) error {
			_, err := tx.One(x, tx.ScanInt64, "SELECT 1 FROM nowhere")
			return err
		}, nil},
		"scan into the wrong type": {func(x *tx.Tx) error {
			_, err := tx.One(x, tx.ScanInt64, "SELECT 'abc'")
			return err
		}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db *tx.DB) {
				err := db.Update(t.Context(), test.body)
				if err == nil || test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				for _, kind := range []error{tx.ErrUnavailable, tx.ErrConflict, tx.ErrCommitUnknown} {
					if errors.Is(err, kind) {
						t.Errorf("a mistake is reported as %v: %v", kind, err)
					}
				}
				create(t, db, "afterwards")
			})
		})
	}
	t.Run("write in a view", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			err := db.View(t.Context(), func(x *tx.Tx) error { addAccount(x, "a", 1); return nil })
			if !errors.Is(err, tx.ErrReadOnly) || exists(t, db, "a") {
				t.Errorf("got %v", err)
			}
		})
	})
}

func TestUniqueErrorNamesTheWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *tx.DB) {
		create(t, db, "a")
		runs := 0
		err := db.Update(t.Context(), func(x *tx.Tx) error {
			runs++
			x.Write("entry.create", insertEntry, "shop", "a", 1, "text")
			addAccount(x, "a", 1)
			return nil
		})
		var unique *tx.UniqueError
		if !errors.As(err, &unique) || unique.Write != "account.create" || !errors.Is(err, tx.ErrUnique) {
			t.Errorf("got %v", err)
		}
		if runs != 1 {
			t.Errorf("body ran %d times, want once", runs)
		}
	})
}

func TestConflictRunsTheBodyAgain(t *testing.T) {
	t.Parallel()
	t.Run("with fresh reads", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			create(t, db, "a")
			runs := 0
			err := db.Update(t.Context(), func(x *tx.Tx) error {
				runs++
				a, err := load(x, "a")
				if err != nil {
					return err
				}
				if runs <= 3 { // someone else is faster, three times
					if err := increment(t.Context(), db, "a"); err != nil {
						return err
					}
				}
				x.Write("entry.create", insertEntry, "shop", "a", 1, "text")
				x.Guard("account.increment", bumpAccount, "shop", "a", a.Version, a.Units+1)
				return nil
			})
			if got := unitsOf(t, db, "a"); err != nil || runs != 4 || got != 4 {
				t.Errorf("runs %d, units %d, error %v", runs, got, err)
			}
		})
	})
	t.Run("but not for ever", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			runs := 0
			err := db.Update(t.Context(), func(x *tx.Tx) error {
				runs++
				x.Guard("account.increment", bumpAccount, "shop", "nobody", int64(1), 1)
				return nil
			})
			if !errors.Is(err, tx.ErrConflict) || runs != 20 {
				t.Errorf("runs %d, error %v", runs, err)
			}
		}, func(o *tx.Options) { o.Jitter = func(time.Duration) time.Duration { return 0 } })
	})
	t.Run("when a guard hits two rows", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			create(t, db, "a", "b")
			err := db.Update(t.Context(), func(x *tx.Tx) error {
				x.Guard("account.all", `UPDATE t_account SET units = 9 WHERE shop_id = $1`, "shop")
				return nil
			})
			if got := unitsOf(t, db, "a"); !errors.Is(err, tx.ErrConflict) || got != 0 {
				t.Errorf("units %d, error %v", got, err)
			}
		}, func(o *tx.Options) { o.Jitter = func(time.Duration) time.Duration { return 0 } })
	})
}

// No update may be lost: not with the lock key, not without it, and not between two nodes.
func TestNoLostUpdate(t *testing.T) {
	t.Parallel()
	const workers, rounds = 16, 100
	for name, keyed := range map[string]bool{"with a lock key": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				nodes := []*tx.DB{open(t, d, testSchema)}
				if d.Kind == tx.Postgres {
					nodes = append(nodes, open(t, d, testSchema))
				}
				create(t, nodes[0], "hot")
				var wg sync.WaitGroup
				for w := range workers {
					wg.Go(func() {
						for range rounds {
							if err := insist(t.Context(), nodes[w%len(nodes)], keyed); err != nil {
								t.Errorf("worker %d: %v", w, err)
								return
							}
						}
					})
				}
				wg.Wait()
				if got := unitsOf(t, nodes[0], "hot"); got != workers*rounds {
					t.Errorf("units %d, want %d", got, workers*rounds)
				}
				t.Logf("%+v", nodes[0].Stats())
			})
		})
	}
}

// insist increments the hot account until it is done.
func insist(ctx context.Context, db *tx.DB, keyed bool) error {
	for {
		err := db.Update(ctx, func(x *tx.Tx) error {
			if keyed {
				x.LockKey("hot")
			}
			a, err := load(x, "hot")
			if err != nil {
				return err
			}
			x.Guard("account.increment", bumpAccount, "shop", "hot", a.Version, a.Units+1)
			return nil
		})
		if !errors.Is(err, tx.ErrConflict) {
			return err
		}
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	t.Run("ended before the writer took the set: nothing is written", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, d *storetest.Database) {
			gate := make(chan struct{})
			entered := make(chan struct{}, 16)
			db := open(t, d, testSchema, func(o *tx.Options) {
				o.Writers = 1
				o.Fault = func(p tx.FaultPoint, _ []string) error {
					if p == tx.FaultBeforeGroup {
						entered <- struct{}{}
						<-gate
					}
					return nil
				}
			})
			first := make(chan error, 1)
			go func() {
				first <- db.Update(t.Context(), func(x *tx.Tx) error { addAccount(x, "first", 1); return nil })
			}()
			<-entered // the only writer is now held inside the first group
			ctx, cancel := context.WithCancel(t.Context())
			err := db.Update(ctx, func(x *tx.Tx) error {
				addAccount(x, "second", 1)
				time.AfterFunc(time.Millisecond, cancel)
				return nil
			})
			if !errors.Is(err, context.Canceled) || errors.Is(err, tx.ErrCommitUnknown) {
				t.Errorf("second: %v", err)
			}
			close(gate)
			if err := <-first; err != nil {
				t.Errorf("first: %v", err)
			}
			if !exists(t, db, "first") || exists(t, db, "second") {
				t.Error("want the first row and not the second")
			}
		})
	})
	t.Run("ended before the body: it does not run", func(t *testing.T) {
		each(t, func(t *testing.T, db *tx.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			body := func(*tx.Tx) error { t.Error("body ran"); return nil }
			if err := db.Update(ctx, body); !errors.Is(err, context.Canceled) {
				t.Errorf("Update: %v", err)
			}
			if err := db.View(ctx, body); !errors.Is(err, context.Canceled) {
				t.Errorf("View: %v", err)
			}
		})
	})
}
