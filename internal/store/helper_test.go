package store_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
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

func scanAccount(s store.Scanner) (account, error) {
	var a account
	err := s.Scan(&a.ID, &a.Version, &a.Balance, &a.Units, &a.Open, &a.Secret, &a.Note, &a.Created)
	return a, err
}

func testMigrations() fs.FS { return os.DirFS("testdata/migrations") }

func testSchema(o *store.Options) { o.Migrations = testMigrations() }

// each runs fn on both databases, opened with the test schema.
func each(t *testing.T, fn func(t *testing.T, db *store.DB), edit ...func(*store.Options)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		fn(t, d.Open(append(edit, testSchema)...))
	})
}

// addAccount queues an account with the given key and whole units; its note is its own id.
func addAccount(tx *store.Tx, id string, units int) {
	tx.Write("account.create", insertAccount, "shop", id, "0.000000000000000000", units, true, nil, id, tx.Now().UnixMicro())
}

func create(t *testing.T, db *store.DB, ids ...string) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		for _, id := range ids {
			addAccount(tx, id, 0)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func load(tx *store.Tx, id string) (account, error) {
	return store.One(tx, scanAccount, selectAccount, "shop", id)
}

// increment adds one unit to an account by version.
func increment(ctx context.Context, db *store.DB, id string) error {
	return db.Update(ctx, func(tx *store.Tx) error {
		tx.LockKey(id)
		a, err := load(tx, id)
		if err != nil {
			return err
		}
		tx.Guard("account.increment", bumpAccount, "shop", id, a.Version, a.Units+1)
		return nil
	})
}

func unitsOf(t *testing.T, db *store.DB, id string) int64 {
	t.Helper()
	var units int64
	err := db.View(t.Context(), func(tx *store.Tx) error {
		a, err := load(tx, id)
		units = a.Units
		return err
	})
	if err != nil {
		t.Fatalf("read %s: %v", id, err)
	}
	return units
}

func exists(t *testing.T, db *store.DB, id string) bool {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) error {
		_, err := load(tx, id)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("read %s: %v", id, err)
	}
	return err == nil
}
