package tx_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// onServer runs statements on the database beside the store.
func onServer(t *testing.T, d *storetest.Database, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.Options().URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// failing makes the server refuse rows by the code in their note: at the statement those that begin with "now", at the
// commit those that begin with "end".
const failing = `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.note LIKE TG_ARGV[0] || ' %' THEN RAISE EXCEPTION 'no' USING ERRCODE = substr(NEW.note, 5, 5); END IF;
	RETURN NULL; END $$`

func failingDatabase(t *testing.T) *tx.DB {
	t.Helper()
	d := storetest.New(t, tx.Postgres)
	db := open(t, d, testSchema, func(o *tx.Options) { o.Writers = 1 })
	onServer(t, d, failing,
		`CREATE TRIGGER now AFTER INSERT ON t_account FOR EACH ROW EXECUTE FUNCTION fail('now')`,
		`CREATE CONSTRAINT TRIGGER fin AFTER INSERT ON t_account DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail('end')`)
	return db
}

// TestCodesOfFailedBatches: what an error proves depends on where it comes. Before the end of a batch the server's
// refusal proves that nothing stands; at COMMIT some kinds prove nothing; what speaks for a connection never does.
func TestCodesOfFailedBatches(t *testing.T) {
	t.Parallel()
	again, unsure, once := []bool{false, false}, []bool{false, true}, []bool{false}
	for _, c := range []struct {
		note string
		runs []bool // what MaybeCommitted was on each run
		err  error  // nil: the second run is written
	}{
		{"end XX000", unsure, nil}, {"end 57014", unsure, nil}, {"end 58030", unsure, nil}, {"end 08006", unsure, nil},
		{"end 40003", unsure, nil}, {"end 40001", again, nil}, {"end 40P01", again, nil},
		{"end 23514", once, tx.ErrConstraint}, {"end 53100", once, tx.ErrFull}, {"end 0A000", once, errAny},
		{"now 08006", unsure, nil}, {"now 40003", unsure, nil}, {"now 40001", again, nil},
		{"now XX000", once, tx.ErrUnavailable}, {"now 57014", once, tx.ErrUnavailable},
		{"now 0A000", once, errAny}, {"now 23514", once, tx.ErrConstraint},
	} {
		t.Run(c.note, func(t *testing.T) {
			t.Parallel()
			db := failingDatabase(t)
			for round := range 2 { // the second time everything is prepared
				var runs []bool
				id := fmt.Sprint(c.note, " ", round)
				err := db.Update(t.Context(), func(x *tx.Tx) error {
					runs = append(runs, x.MaybeCommitted())
					var note any
					if len(runs) == 1 {
						note = id
					}
					x.Write("entry.create", insertEntry, "shop", id, len(runs), "before")
					x.Write("account.create", insertAccount, "shop", id, "0.000000000000000000", 1, true, nil, note, int64(1))
					x.Write("entry.create", insertEntry, "shop", id, -len(runs), "after")
					return nil
				})
				switch {
				case c.err == nil && err != nil, c.err != nil && err == nil, errors.Is(err, tx.ErrCommitUnknown),
					c.err != nil && !errors.Is(c.err, errAny) && !errors.Is(err, c.err),
					errors.Is(c.err, errAny) && errors.Is(err, tx.ErrUnavailable):
					t.Errorf("got %v, want %v", err, c.err)
				}
				if !slices.Equal(runs, c.runs) {
					t.Errorf("runs saw MaybeCommitted as %v, want %v", runs, c.runs)
				}
				if want := c.err == nil; exists(t, db, id) != want {
					t.Errorf("written %t", !want)
				}
				if left := entries(t, db, id); c.err != nil && left != 0 || c.err == nil && left != 2 {
					t.Errorf("%d entries beside it", left)
				}
				create(t, db, "next "+id) // the connection is as before
			}
		})
	}
}

// errAny stands for an error of no kind of its own.
var errAny = errors.New("any")

func entries(t *testing.T, db *tx.DB, account string) int {
	t.Helper()
	var found []string
	err := db.View(t.Context(), func(x *tx.Tx) (err error) {
		found, err = tx.List(x, func(s tx.Scanner) (text string, err error) { return text, s.Scan(&text) },
			listEntries, "shop", account)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// TestStalePlanIsPreparedAnew: a statement that a change of the schema made useless runs again, and works.
func TestStalePlanIsPreparedAnew(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, tx.Postgres)
	db := open(t, d, testSchema, func(o *tx.Options) { o.Readers = 1 })
	add := func(seq int) {
		err := db.Update(t.Context(), func(x *tx.Tx) error {
			x.Write("entry.create", insertEntry, "shop", "a", seq, "text")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		add(i)
	}
	if n := entries(t, db, "a"); n != 3 {
		t.Fatal(n)
	}
	onServer(t, d, `ALTER TABLE t_entry ALTER COLUMN text TYPE VARCHAR(100)`)
	before := db.Stats().Reruns
	if n := entries(t, db, "a"); n != 3 || db.Stats().Reruns == before {
		t.Errorf("%d entries, %d runs more: the plan was not stale", n, db.Stats().Reruns-before)
	}
	add(3)
}

// TestConnectionLostWhilePreparing cuts a connection while a batch of a new statement is prepared over it: nothing was
// written, so the body runs again and nobody has to wonder.
func TestConnectionLostWhilePreparing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cut  func(*proxy)
		gone bool
	}{
		"the request is lost": {(*proxy).mute, false}, "the answer is lost": {(*proxy).deaf, false},
		"the server stays away": {(*proxy).refuse, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := storetest.New(t, tx.Postgres)
			open(t, d, testSchema)
			cut := newProxy(t, d.Options(testSchema).URL)
			db, err := tx.Open(t.Context(), tx.Options{URL: cut.url, Writers: 1, Migrations: testMigrations()}, tables())
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			create(t, db, "warm") // the connection stands; entries were never written
			var runs []bool
			err = db.Update(t.Context(), func(x *tx.Tx) error {
				runs = append(runs, x.MaybeCommitted())
				x.Write("entry.create", insertEntry, "shop", "a", 1, "text")
				if len(runs) == 1 {
					c.cut(cut)
				}
				return nil
			})
			if slices.Contains(runs, true) || errors.Is(err, tx.ErrCommitUnknown) {
				t.Errorf("runs saw MaybeCommitted as %v, %v", runs, err)
			}
			if c.gone {
				if !errors.Is(err, tx.ErrUnavailable) {
					t.Errorf("got %v, want ErrUnavailable", err)
				}
				return
			}
			if n := entries(t, db, "a"); err != nil || n != 1 || len(runs) != 2 {
				t.Errorf("%d entries after %d runs: %v", n, len(runs), err)
			}
		})
	}
}

// TestReadsLostWhilePreparing cuts a connection while statements of a batch of reads are prepared over it: that is no mistake
// in them, so the body runs again, and a caller is told at most that the database is away.
func TestReadsLostWhilePreparing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cut  func(*proxy)
		gone bool
	}{
		"the request is lost": {(*proxy).mute, false}, "the answer is lost": {(*proxy).deaf, false},
		"the server stays away": {(*proxy).refuse, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := storetest.New(t, tx.Postgres)
			open(t, d, testSchema)
			cut := newProxy(t, d.Options(testSchema).URL)
			db, err := tx.Open(t.Context(), tx.Options{URL: cut.url, Readers: 1, Migrations: testMigrations()}, tables())
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			create(t, db, "a")
			if !exists(t, db, "a") { // the connection stands, and entries were never read
				t.Fatal("nothing is there")
			}
			runs := 0
			err = db.View(t.Context(), func(x *tx.Tx) error {
				if runs++; runs == 1 {
					c.cut(cut)
				}
				_, _, err := oneAndList(x, scanAccount, selectAccount, []any{"shop", "a"}, tx.ScanText, listEntries, []any{"shop", "a"})
				return err
			})
			if c.gone != errors.Is(err, tx.ErrUnavailable) || !c.gone && (err != nil || runs != 2) {
				t.Errorf("%v after %d runs", err, runs)
			}
		})
	}
}

// TestWritesOverADeadPool closes all connections from the server's side: the next write gets over it.
func TestWritesOverADeadPool(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, tx.Postgres)
	open(t, d, testSchema)
	cut := newProxy(t, d.Options(testSchema).URL)
	db, err := tx.Open(t.Context(), tx.Options{URL: cut.url, Migrations: testMigrations()}, tables())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := range 8 {
		id := fmt.Sprint(i)
		err := db.Update(t.Context(), func(x *tx.Tx) error {
			if x.MaybeCommitted() {
				if _, err := load(x, id); !errors.Is(err, tx.ErrNotFound) {
					return err
				}
			}
			addAccount(x, id, i)
			return nil
		})
		if err != nil || !exists(t, db, id) {
			t.Errorf("write %d: %v", i, err)
		}
		cut.drop()
	}
}

// TestAReadThatIsNotAnswered: a server that takes a read and never answers does not hold its caller, nor a connection, for
// ever. A caller who waits no longer than that gets an error of its own.
func TestAReadThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	db := open(t, storetest.New(t, tx.Postgres), testSchema, func(o *tx.Options) { o.Readers = 1 })
	db.LimitReads(time.Millisecond)
	runs := 0
	never := func(x *tx.Tx) error {
		runs++
		_, err := tx.One(x, tx.ScanInt64, `SELECT 1 FROM pg_sleep(3600)`)
		return err
	}
	if err := db.View(t.Context(), never); !errors.Is(err, tx.ErrUnavailable) || runs != 1 {
		t.Errorf("%v after %d runs", err, runs)
	}
	db.LimitReads(time.Minute)
	create(t, db, "a")
	if !exists(t, db, "a") {
		t.Error("the only connection is gone")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := db.View(ctx, never); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, tx.ErrUnavailable) {
		t.Errorf("a caller in a hurry got %v", err)
	}
}
