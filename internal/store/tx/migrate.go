package tx

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/store/folder"
)

// What Open and Migrate say about a schema that does not fit this binary.
var (
	// ErrNoDatabase says that there is no database of ours at the place: nothing has been made there yet.
	ErrNoDatabase = errors.New("there is no database of Sluice")
	// ErrSchemaOld says that migrations are missing: run Migrate.
	ErrSchemaOld = errors.New("database schema is older than this binary")
	// ErrSchemaNewer says that a later binary has migrated the database. This one must not touch it.
	ErrSchemaNewer = errors.New("database schema is newer than this binary")
	// ErrAtWork says that processes of an earlier binary work on the database, which must not be migrated under them.
	ErrAtWork = errors.New("processes of an earlier version work on the database")
	// ErrSchemaEdited says that a migration was changed after it had been applied.
	ErrSchemaEdited = errors.New("an applied migration was edited")
)

// migration is one step of the schema. Steps only go forward.
type migration struct {
	version  int64
	name     string
	text     string // rendered for one database
	checksum string // of the file, so equal on both databases
	alone    bool   // processes of an earlier binary must not work beside it
}

// aloneMark begins the file of a step that may only be applied while no process of an earlier binary works on the database.
const aloneMark = "-- Alone: "

// applied is a migration that the database has.
type applied struct {
	version  int64
	name     string
	checksum string
}

var migrationName = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)\.sql$`)

// loadMigrations reads the .sql files, numbered 0001, 0002 and so on without a gap.
func loadMigrations(files fs.FS, kind Kind) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	slices.Sort(names)
	steps := make([]migration, 0, len(names))
	for i, name := range names {
		parts := migrationName.FindStringSubmatch(name)
		if parts == nil {
			return nil, fmt.Errorf("migration %s: name must be NNNN_name.sql", name)
		}
		version, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil || version != int64(i+1) {
			return nil, fmt.Errorf("migration %s: number %04d was expected", name, i+1)
		}
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		source := strings.ReplaceAll(string(raw), "\r\n", "\n")
		text, err := dialects[kind].render(source)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		sum := sha256.Sum256([]byte(source))
		steps = append(steps, migration{version, parts[2], text, hex.EncodeToString(sum[:]), strings.HasPrefix(source, aloneMark)})
	}
	return steps, nil
}

// SchemaDigest identifies the schema that the migrations in files lead to on one kind of database. Tests use it to know a
// database they can copy.
func SchemaDigest(files fs.FS, kind Kind) (string, error) {
	steps, err := loadMigrations(files, kind)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, step := range steps {
		fmt.Fprintf(sum, "%d %s %d\n%s", step.version, step.name, len(step.text), step.text)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Migrate brings the schema up to date and leaves the database closed. Of several processes that do so
// at the same time one applies each step. Errors as for [Open].
func Migrate(ctx context.Context, opts Options, tables Tables) error {
	opts = opts.withDefaults(tables)
	opts.Migrate = true
	kind, err := opts.kind()
	if err != nil {
		return err
	}
	if kind == Postgres {
		config, err := (&DB{log: opts.Logger}).postgresConfig(ctx, opts)
		if err != nil {
			return err
		}
		_, err = preparePostgres(ctx, config.ConnConfig, opts, tables)
		return err
	}
	if err := checkLibrary(ctx); err != nil {
		return err
	}
	lock, err := folder.Hold(opts.Dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	file := newSQLiteFile(opts.Dir, newBreakage(opts.Logger))
	conn, err := file.open(ctx, writerCacheKiB, false)
	if err != nil {
		return err
	}
	defer conn.close()
	return prepareSQLite(ctx, conn, opts)
}

// pending compares what the database has with what the binary knows and returns the missing steps.
func pending(known []migration, have []applied) ([]migration, error) {
	slices.SortFunc(have, func(a, b applied) int { return cmp.Compare(a.version, b.version) })
	for i, a := range have {
		switch {
		case i >= len(known):
			return nil, fmt.Errorf("%w: it has step %04d_%s, the binary ends at %04d", ErrSchemaNewer, a.version, a.name, len(known))
		case a.version != known[i].version:
			return nil, fmt.Errorf("%w: step %04d is missing from the database", ErrSchemaEdited, known[i].version)
		case a.checksum != known[i].checksum:
			return nil, fmt.Errorf("%w: %04d_%s", ErrSchemaEdited, a.version, a.name)
		}
	}
	return known[len(have):], nil
}

// missing turns pending steps into the error of a start that may not migrate.
func missing(steps, known []migration) error {
	switch len(steps) {
	case 0:
		return nil
	case len(known):
		return ErrNoDatabase
	}
	return fmt.Errorf("%w: %d steps missing, the next is %04d_%s", ErrSchemaOld, len(steps), steps[0].version, steps[0].name)
}

const sqlInsertMigration = `INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)`

const sqlListMigrations = `SELECT version, name, checksum FROM schema_migration ORDER BY version`

// The table of applied steps is the one table that no migration creates.
const createMigrationTable = `CREATE TABLE IF NOT EXISTS schema_migration (
	version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)`

func scanApplied(s Scanner) (applied, error) {
	var a applied
	err := s.Scan(&a.version, &a.name, &a.checksum)
	return a, err
}
