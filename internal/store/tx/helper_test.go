package tx_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

const (
	insertAccount = `INSERT INTO t_account (shop_id, id, version, balance, units, open, secret, note, created_at)
		VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8)`
	selectAccount = `SELECT id, version, CAST(balance AS TEXT), units, open, secret, note, created_at
		FROM t_account WHERE shop_id = $1 AND id = $2`
	bumpAccount = `UPDATE t_account SET version = version + 1, units = $4 WHERE shop_id = $1 AND id = $2 AND version = $3`
	insertEntry = `INSERT INTO t_entry (shop_id, account_id, seq, text) VALUES ($1, $2, $3, $4)`
	listEntries = `SELECT text FROM t_entry WHERE shop_id = $1 AND account_id = $2 ORDER BY seq`
	countUnits  = `SELECT COALESCE(SUM(units), 0) FROM t_account WHERE shop_id = $1`
)

type account struct {
	ID      string
	Version int64
	Balance string
	Units   int64
	Open    bool
	Secret  []byte
	Note    *string
	Created int64
}

func scanAccount(s tx.Scanner) (account, error) {
	var a account
	err := s.Scan(&a.ID, &a.Version, &a.Balance, &a.Units, &a.Open, &a.Secret, &a.Note, &a.Created)
	return a, err
}

func testMigrations() fs.FS { return os.DirFS("testdata/migrations") }

// tables are those of the tests.
func tables() tx.Tables { return tx.Tables{Migrations: testMigrations()} }

func testSchema(o *tx.Options) { o.Migrations = testMigrations() }

// each runs fn on both databases, opened with the test schema.
func each(t *testing.T, fn func(t *testing.T, db *tx.DB), edit ...func(*tx.Options)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		fn(t, open(t, d, append(edit, testSchema)...))
	})
}

// addAccount queues an account with the given key and whole units; its note is its own id.
func addAccount(x *tx.Tx, id string, units int) {
	x.Write("account.create", insertAccount, "shop", id, "0.000000000000000000", units, true, nil, id, x.Now().UnixMicro())
}

func create(t *testing.T, db *tx.DB, ids ...string) {
	t.Helper()
	err := db.Update(t.Context(), func(x *tx.Tx) error {
		for _, id := range ids {
			addAccount(x, id, 0)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func load(x *tx.Tx, id string) (account, error) {
	return tx.One(x, scanAccount, selectAccount, "shop", id)
}

// increment adds one unit to an account by version.
func increment(ctx context.Context, db *tx.DB, id string) error {
	return db.Update(ctx, func(x *tx.Tx) error {
		x.LockKey(id)
		a, err := load(x, id)
		if err != nil {
			return err
		}
		x.Guard("account.increment", bumpAccount, "shop", id, a.Version, a.Units+1)
		return nil
	})
}

func unitsOf(t *testing.T, db *tx.DB, id string) int64 {
	t.Helper()
	var units int64
	err := db.View(t.Context(), func(x *tx.Tx) error {
		a, err := load(x, id)
		units = a.Units
		return err
	})
	if err != nil {
		t.Fatalf("read %s: %v", id, err)
	}
	return units
}

func exists(t *testing.T, db *tx.DB, id string) bool {
	t.Helper()
	err := db.View(t.Context(), func(x *tx.Tx) error {
		_, err := load(x, id)
		return err
	})
	if err != nil && !errors.Is(err, tx.ErrNotFound) {
		t.Fatalf("read %s: %v", id, err)
	}
	return err == nil
}

// open is d.Open for a database of the kernel alone.
func open(t testing.TB, d *storetest.Database, edit ...func(*tx.Options)) *tx.DB {
	t.Helper()
	db, err := tryOpen(t, d, edit...)
	if err != nil {
		t.Fatalf("open %s: %v", d.Kind, err)
	}
	return db
}

// tryOpen is open for tests that expect it to fail.
func tryOpen(t testing.TB, d *storetest.Database, edit ...func(*tx.Options)) (*tx.DB, error) {
	t.Helper()
	db, err := tx.Open(context.Background(), d.Options(edit...), tables())
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close %s: %v", d.Kind, err)
		}
	})
	return db, nil
}

// reopen closes db and opens the same data again, as after a restart.
func reopen(t testing.TB, d *storetest.Database, db *tx.DB, edit ...func(*tx.Options)) *tx.DB {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatalf("close %s: %v", d.Kind, err)
	}
	return open(t, d, edit...)
}

// oneAndList runs one look-up and one list in one batch.
func oneAndList[T, L any](x *tx.Tx, scanOne func(tx.Scanner) (T, error), one string, oneArgs []any,
	scanList func(tx.Scanner) (L, error), list string, listArgs []any) (*tx.Maybe[T], []L, error) {
	b := x.Batch()
	m := tx.OneIn(b, scanOne, one, oneArgs...)
	l := tx.ListIn(b, scanList, list, listArgs...)
	err := b.Run()
	return m, *l, err
}
