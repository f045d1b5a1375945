package tx_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// fault is one that the next group at its point meets.
type fault struct{ next atomic.Pointer[error] }

func (f *fault) at(point tx.FaultPoint) func(*tx.Options) {
	return func(o *tx.Options) {
		o.Fault = func(p tx.FaultPoint, _ []string) error {
			if p == point {
				if err := f.next.Swap(nil); err != nil {
					return *err
				}
			}
			return nil
		}
	}
}

// TestErrorsAtCommit: an error in the place of COMMIT's answer is an outcome that nobody knows where a worker, a connection or
// the server may have gone between the two: the body is told to look. What proves that nothing stands is
// tried again, or told.
func TestErrorsAtCommit(t *testing.T) {
	t.Parallel()
	codes := map[string]bool{ // unknown, or not
		"XX000": true, "XX001": true, "08000": true, "08006": true, "08P01": true, "57014": true, "57P01": true, "57P05": true,
		"58000": true, "58030": true, "40003": true, "40001": false, "40P01": false,
	}
	for _, point := range []tx.FaultPoint{tx.FaultCommitUndone, tx.FaultCommitStands} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				var f fault
				db := open(t, d, testSchema, f.at(point))
				for code, unsure := range codes {
					if !unsure && point == tx.FaultCommitStands {
						continue // these say that it does not
					}
					var seen, stood []bool
					err := tx.ServerError(code)
					f.next.Store(&err)
					err = db.Update(t.Context(), func(x *tx.Tx) error {
						seen = append(seen, x.MaybeCommitted())
						_, err := load(x, code)
						stood = append(stood, err == nil)
						if err == nil && x.MaybeCommitted() {
							return nil
						}
						addAccount(x, code, 1)
						x.Write("entry.create", insertEntry, "shop", code, 1, "beside it")
						return nil
					})
					told := unsure || db.Kind() == tx.SQLite // which has no codes: each is unknown there
					if err != nil || !slices.Equal(seen, []bool{false, told}) || stood[len(stood)-1] != (point == tx.FaultCommitStands) {
						t.Errorf("%s: %v, runs saw MaybeCommitted as %v, and the row as %v", code, err, seen, stood)
					}
					if n := entries(t, db, code); !exists(t, db, code) || n != 1 {
						t.Errorf("%s: the row is there %t, with %d entries", code, exists(t, db, code), n)
					}
				}
			})
		})
	}
}

// TestBrokenOffGroupLeavesNothing ends the connection after each number of statements of a group, when the server has done
// them and has been told that no more come. Nothing of the group stands, as it would if they were not in a transaction.
func TestBrokenOffGroupLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		var f fault
		db := open(t, d, testSchema, f.at(tx.FaultBrokenOff))
		for after := range 5 {
			id := fmt.Sprint("after ", after)
			var err error = tx.BrokenOff(after)
			f.next.Store(&err)
			var seen []bool
			err = db.Update(t.Context(), func(x *tx.Tx) error {
				seen = append(seen, x.MaybeCommitted())
				row, left, err := oneAndList(x, scanAccount, selectAccount, []any{"shop", id}, tx.ScanText, listEntries, []any{"shop", id})
				if err != nil {
					return err
				}
				if row.Found || len(left) > 0 {
					return fmt.Errorf("the account stands %t, %d entries", row.Found, len(left))
				}
				addAccount(x, id, 1)
				for seq := range 3 {
					x.Write("entry.create", insertEntry, "shop", id, seq, "text")
				}
				return nil
			})
			if n := entries(t, db, id); err != nil || !slices.Equal(seen, []bool{false, true}) || !exists(t, db, id) || n != 3 {
				t.Errorf("%s: %v, runs saw MaybeCommitted as %v, %d entries", id, err, seen, n)
			}
		}
	})
}

// TestWhatFailsLastLeavesNothingBefore: a set whose last statement fails leaves none of those before it, whatever follows on
// the same connection.
func TestWhatFailsLastLeavesNothingBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last func(*tx.Tx)
		want error
	}{
		"a duplicate": {func(x *tx.Tx) { addAccount(x, "there", 1) }, tx.ErrUnique},
		"a guard that misses": {func(x *tx.Tx) {
			x.Guard("account.increment", bumpAccount, "shop", "there", int64(7), 1)
		}, tx.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db *tx.DB) {
				create(t, db, "there")
				err := db.Update(t.Context(), func(x *tx.Tx) error {
					addAccount(x, "new", 1)
					x.Write("entry.create", insertEntry, "shop", "new", 1, "text")
					c.last(x)
					return nil
				})
				create(t, db, "after")
				if n := entries(t, db, "new"); !errors.Is(err, c.want) || errors.Is(err, tx.ErrCommitUnknown) || exists(t, db, "new") || n != 0 {
					t.Errorf("%v; the row is there %t, %d entries", err, exists(t, db, "new"), n)
				}
				if got := unitsOf(t, db, "there"); got != 0 || !exists(t, db, "after") {
					t.Errorf("%d units of the other, the next is there %t", got, exists(t, db, "after"))
				}
			}, func(o *tx.Options) { o.Writers, o.Jitter = 1, func(time.Duration) time.Duration { return 0 } })
		})
	}
}

// TestUnsupportedIsNotTriedAgain: what the server says it cannot do is no reason to run a body again, in a write as in a read.
// The code is that of a plan that a change of the schema made useless: see TestStalePlanIsPreparedAnew.
func TestUnsupportedIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, tx.Postgres)
	db := open(t, d, testSchema)
	onServer(t, d, `CREATE FUNCTION unable() RETURNS BIGINT LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'cannot do that' USING ERRCODE = '0A000'; END $$`)
	for name, body := range map[string]func(x *tx.Tx) error{
		"write": func(x *tx.Tx) error {
			x.Write("account.set", `UPDATE t_account SET units = unable() WHERE shop_id = $1`, "shop")
			return nil
		},
		"read": func(x *tx.Tx) error { _, err := tx.One(x, tx.ScanInt64, `SELECT unable()`); return err },
	} {
		create(t, db, name)
		runs := 0
		err := db.Update(t.Context(), func(x *tx.Tx) error { runs++; return body(x) })
		if err == nil || runs != 1 || errors.Is(err, tx.ErrConflict) || errors.Is(err, tx.ErrUnavailable) || errors.Is(err, tx.ErrCommitUnknown) {
			t.Errorf("%s: %v after %d runs", name, err, runs)
		}
	}
}

// TestWritesFindTheWayFromAReplica: connections to a server that takes no writes are given up, so that writes go on as soon as
// the address leads to one that does.
func TestWritesFindTheWayFromAReplica(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, tx.Postgres)
	open(t, d, testSchema)
	u, err := pgx.ParseConfig(d.Options().URL)
	if err != nil {
		t.Fatal(err)
	}
	only := func(what string) {
		onServer(t, d, "SET default_transaction_read_only = off", "ALTER DATABASE "+u.Database+" SET default_transaction_read_only = "+what)
	}
	only("on")
	db, err := tx.Open(t.Context(), tx.Options{URL: d.Options().URL, Writers: 1, Migrations: testMigrations()}, tables())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	insert := func(id string) error {
		return db.Update(t.Context(), func(x *tx.Tx) error { addAccount(x, id, 1); return nil })
	}
	if err := insert("a"); !errors.Is(err, tx.ErrUnavailable) || errors.Is(err, tx.ErrCommitUnknown) || exists(t, db, "a") {
		t.Errorf("at a replica: %v", err)
	}
	only("off")
	if err := insert("a"); err != nil { // connections that were made before are gone
		t.Errorf("at a primary again: %v", err)
	}
	if !exists(t, db, "a") {
		t.Error("the row is not there")
	}
}

// TestAWriteThatIsNotWaitedForIsNotBrokenOff holds a statement at the server until nobody waits for its group any more: the
// server is not told to give it up, because a commit that waits for its replica would stand without it.
func TestAWriteThatIsNotWaitedForIsNotBrokenOff(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, tx.Postgres)
	create(t, open(t, d, testSchema), "a")
	holder, err := pgx.Connect(t.Context(), d.Options().URL)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(t.Context())
	hold, err := holder.Begin(t.Context())
	if err == nil {
		_, err = hold.Exec(t.Context(), `SELECT 1 FROM t_account FOR UPDATE`)
	}
	if err != nil {
		t.Fatal(err)
	}
	between := newProxy(t, d.Options(testSchema).URL)
	db, err := tx.Open(t.Context(), tx.Options{URL: between.url, Writers: 1, Migrations: testMigrations()}, tables())
	if err != nil {
		t.Fatal(err)
	}
	create(t, db, "warm")
	if err := increment(t.Context(), db, "warm"); err != nil { // the statement is prepared
		t.Fatal(err)
	}
	db.LimitGroups(50 * time.Millisecond)
	runs := 0
	err = db.Update(t.Context(), func(x *tx.Tx) error {
		if runs++; runs == 2 {
			db.LimitGroups(time.Minute)
			if err := hold.Rollback(t.Context()); err != nil {
				return err
			}
		}
		a, err := load(x, "a")
		if err != nil || a.Units > 0 {
			return err
		}
		x.Guard("account.increment", bumpAccount, "shop", "a", a.Version, a.Units+1)
		return nil
	})
	if got := unitsOf(t, db, "a"); err != nil || got != 1 {
		t.Errorf("%v after %d runs, %d units", err, runs, got)
	}
	if err := db.Close(); err != nil { // when all connections are cleared away
		t.Error(err)
	}
	if n := between.cancels.Load(); n > 0 {
		t.Errorf("the server was told %d times to give up what it did", n)
	}
}
