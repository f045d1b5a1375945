// Package storetest gives each test a database of its own, already migrated, of either kind: SQLite
// always, PostgreSQL where SLUICE_TEST_POSTGRES holds the URL of a server on which databases may be
// created. It owns the life of these databases and nothing of what tests do with them; what a store is,
// package store says.
//
// Environment:
//
//   - SLUICE_TEST_POSTGRES: URL of the server; scripts/postgres.sh run sets it.
//   - SLUICE_TEST_POSTGRES_REQUIRED=1: a missing or unreachable server fails the test instead of
//     skipping its PostgreSQL half.
//   - SLUICE_TEST_PG_ISOLATION: default_transaction_isolation of every test database, such as
//     "serializable".
//   - SLUICE_TEST_CITUS: URL of a database at the coordinator of a Citus with workers: see NewCitus.
package storetest

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/sluicepay/sluice/internal/store"
)

// Database is one test's database. Its data stays from one Open to the next until the test ends.
type Database struct {
	t   testing.TB
	url string // "" is SQLite in dir
	dir string

	citus bool // see NewCitus
	// Kind says which database it is.
	Kind store.Kind
}

// Each runs fn as the subtests "sqlite" and "postgres", in parallel, each on a fresh Database. Without a
// server the second is skipped, or failed if SLUICE_TEST_POSTGRES_REQUIRED is set.
func Each(t *testing.T, fn func(t *testing.T, d *Database)) {
	t.Helper()
	for _, kind := range []store.Kind{store.SQLite, store.Postgres} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			fn(t, New(t, kind))
		})
	}
}

// New returns a fresh database of one kind for the rest of the test or benchmark; it is empty until it
// is opened. PostgreSQL without a server skips or fails the test.
func New(t testing.TB, kind store.Kind) *Database {
	t.Helper()
	d := &Database{t: t, Kind: kind}
	if kind == store.SQLite {
		d.dir = t.TempDir()
	} else {
		requireServer(t)
	}
	return d
}

// Open opens the database, migrated unless edit says otherwise, and closes it when the test ends. A
// PostgreSQL database may be opened several times at once, like by several nodes; a SQLite one must be
// closed in between. Any failure ends the test.
func (d *Database) Open(edit ...func(*store.Options)) *store.DB {
	d.t.Helper()
	db, err := d.TryOpen(edit...)
	if err != nil {
		d.t.Fatalf("open %s: %v", d.Kind, err)
	}
	return db
}

// TryOpen is Open for tests that expect opening to fail; only the error of store.Open is returned.
func (d *Database) TryOpen(edit ...func(*store.Options)) (*store.DB, error) {
	d.t.Helper()
	db, err := store.Open(context.Background(), d.Options(edit...))
	if err != nil {
		return nil, err
	}
	d.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			d.t.Errorf("close %s: %v", d.Kind, err)
		}
	})
	return db, nil
}

// Reopen closes db and opens the same data again, as after a restart.
func (d *Database) Reopen(db *store.DB, edit ...func(*store.Options)) *store.DB {
	d.t.Helper()
	if err := db.Close(); err != nil {
		d.t.Fatalf("close %s: %v", d.Kind, err)
	}
	return d.Open(edit...)
}

// Options returns what Open would use, for tests that start another process on the same database.
func (d *Database) Options(edit ...func(*store.Options)) store.Options {
	d.t.Helper()
	opts := store.Options{Dir: d.dir, Migrate: true, Spread: d.citus, Readers: 3}
	for _, e := range edit {
		e(&opts)
	}
	if d.Kind == store.Postgres {
		if d.url == "" {
			d.url = createDatabase(d.t, opts)
		}
		opts.URL = d.url
	}
	return opts
}

// requireServer skips the test when there is no server to use, or fails it when one is required.
func requireServer(t testing.TB) {
	t.Helper()
	err := serverError()
	if err == nil {
		return
	}
	if os.Getenv("SLUICE_TEST_POSTGRES_REQUIRED") == "1" {
		t.Fatalf("PostgreSQL is required: %v", err)
	}
	if errors.Is(err, errNoServer) {
		t.Skip(err)
	}
	t.Fatal(err)
}
