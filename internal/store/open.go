package store

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/sluicepay/sluice/internal/store/nodes"
	"github.com/sluicepay/sluice/internal/store/places"
	"github.com/sluicepay/sluice/internal/store/tx"
	"github.com/sluicepay/sluice/internal/vault"
)

//go:embed migrations
var migrationFiles embed.FS

// kernel is under another name here so that DB has its methods and nobody gets at it.
type kernel = tx.DB

// DB is an open database. Its methods may be called from any goroutine.
type DB struct {
	*kernel

	log      *slog.Logger
	safe     *vault.Safe // nil where nothing is sealed
	unopened sync.Map    // terminals of which it was told that their settings cannot be opened
}

// Open opens the database and checks that its schema is the one this binary knows. Errors:
// [ErrFolderInUse], [ErrRestoring], [ErrNoDatabase], [ErrSchemaOld], [ErrSchemaNewer], [ErrSchemaEdited], [ErrAtWork], [ErrUnavailable], or a setting
// that makes no sense.
func Open(ctx context.Context, opts Options) (*DB, error) {
	db := &DB{log: opts.Logger}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	opened, err := tx.Open(ctx, opts, tables(db))
	if err != nil {
		return nil, err
	}
	db.kernel = opened
	return db, nil
}

// tables is what the kernel has to know of the tables.
func tables(db *DB) tx.Tables {
	return tx.Tables{
		Migrations: builtIn(),
		Counted:    []string{"shop", "payment", "attempt", "operation", "event", "delivery"},
		AtWork:     nodes.AtWork,
		Spread:     places.Of(),
		Part:       places.Part,
		Restamp:    tx.Statement{Name: "payment.stamp", SQL: sqlStampPayment},
		Owner:      db,
	}
}

// builtIn returns the folder of migrations inside the binary.
func builtIn() fs.FS {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		panic(err) // the name is a constant that embed has checked
	}
	return files
}

// SchemaDigest identifies the schema that the migrations in files lead to on one kind of database; nil
// files are the built-in ones. Tests use it to know a database they can copy.
func SchemaDigest(files fs.FS, kind Kind) (string, error) {
	if files == nil {
		files = builtIn()
	}
	return tx.SchemaDigest(files, kind)
}

// Migrate brings the schema up to date and leaves the database closed. Of several processes that do so
// at the same time one applies each step. Errors as for [Open].
func Migrate(ctx context.Context, opts Options) error { return tx.Migrate(ctx, opts, tables(nil)) }

// BeginRestore marks a PostgreSQL database without tables of ours as one that is being restored, which [Open] refuses until
// EndRestore. Errors: ErrNotEmpty, ErrRestoring, ErrUnavailable.
func BeginRestore(ctx context.Context, url string) (Snapshot, error) {
	return tx.BeginRestore(ctx, url, []string{"schema_migration", "installation", "shop", "payment", "attempt", "operation"})
}

// EndRestore lets a PostgreSQL database be opened that was restored, or that nothing was restored into.
func EndRestore(ctx context.Context, url string) error { return tx.EndRestore(ctx, url) }

// PlaceOf tells where the database is that the options name. It connects to nothing.
func PlaceOf(opts Options) (Place, error) { return tx.PlaceOf(opts) }

// ToolSettings returns what PostgreSQL's own programs have to be told beside the URL so that they protect the connection as
// this program does: see [tx.ToolSettings].
func ToolSettings(url string, checked bool, major int) (map[string]string, error) {
	return tx.ToolSettings(url, checked, major)
}

// Update runs body and then writes, all or nothing, what it queued: see [tx.DB.Update], also for the errors. The body may run
// several times, so that it must not do anything but use the Tx and set variables of its caller afresh.
func (db *DB) Update(ctx context.Context, body func(*Tx) error) error {
	return db.kernel.Update(ctx, func(k *tx.Tx) error { return body((*Tx)(k)) })
}

// View runs body, which may only read: see [tx.DB.View], also for the errors.
func (db *DB) View(ctx context.Context, body func(*Tx) error) error {
	return db.kernel.View(ctx, func(k *tx.Tx) error { return body((*Tx)(k)) })
}

// owner is the DB that a transaction of the kernel belongs to.
func owner(k *tx.Tx) *DB {
	db, _ := k.Owner().(*DB)
	return db
}
