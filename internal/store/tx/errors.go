package tx

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What a caller of this package can meet. Test with errors.Is; the text of an error is for logs only
// and may name tables. No driver error ever leaves the package.
var (
	// ErrNotFound says that a read that wanted one row found none.
	ErrNotFound = errors.New("not found")
	// ErrUnique says that a write met a row with the same unique key. It comes as a *[UniqueError].
	ErrUnique = errors.New("already exists")
	// ErrConstraint says that the schema refused a write: a CHECK, NOT NULL or foreign key.
	ErrConstraint = errors.New("refused by a constraint")
	// ErrConflict says that the body lost against other writers on every one of its runs. Nothing was written.
	ErrConflict = errors.New("lost against concurrent writers")
	// ErrCommitUnknown says that the writes may or may not stand and that this could not be found out.
	// The caller must treat the outcome as unknown, never as failed.
	ErrCommitUnknown = errors.New("outcome of the commit is unknown")
	// ErrUnavailable says that the database cannot be used now. Unless ErrCommitUnknown is in the same
	// error, nothing was written.
	ErrUnavailable = errors.New("database unavailable")
	// ErrFull says that the database has no space left; it is an ErrUnavailable too. Reads go on.
	ErrFull = fmt.Errorf("no space left: %w", ErrUnavailable)
	// ErrBroken says that the storage of the embedded database failed and that nothing is written any more
	// until another process opens it: see [DB.Broken]. It is an ErrUnavailable too.
	ErrBroken = fmt.Errorf("storage failed: %w", ErrUnavailable)
	// ErrClosed says that the DB is closed or closing; it is an ErrUnavailable too.
	ErrClosed = fmt.Errorf("store is closed: %w", ErrUnavailable)
	// ErrReadOnly says that a body given to View tried to write: a mistake in the program.
	ErrReadOnly = errors.New("write inside a read-only transaction")
)

// Inside the package only: both make Update run the body again.
var (
	errRetry = errors.New("transaction must run again")
	errLost  = errors.New("connection lost during commit")
)

// errIndexFull is an ErrFull at a COMMIT of which the disk may have everything but its place in the index.
var errIndexFull = fmt.Errorf("index of the write-ahead log: %w", ErrFull)

// errReplica is an ErrUnavailable by a server that takes no writes, as a replica is.
var errReplica = fmt.Errorf("the server takes no writes: %w", ErrUnavailable)

// errReadLost is the kind of a read whose connection broke under it. A pool may hold connections that
// the server has closed since, so the body gets another run before its caller hears of it.
var errReadLost = fmt.Errorf("%w: %w", ErrUnavailable, errRetry)

// UniqueError says which write met a row with the same unique key.
type UniqueError struct {
	// Write is the name that the table gave the write, such as "payment.create". It is the same on
	// both databases.
	Write string
}

// Error names the write.
func (e *UniqueError) Error() string { return e.Write + ": already exists" }

// Is makes errors.Is(err, ErrUnique) true.
func (e *UniqueError) Is(target error) bool { return target == ErrUnique }

// fault is a driver error reduced to what it means and its text.
type fault struct {
	kind error
	text string
}

func (e *fault) Error() string { return e.kind.Error() + ": " + e.text }
func (e *fault) Unwrap() error { return e.kind }

// errRefused is the kind of every statement error that has no better name, such as a syntax error.
var errRefused = errors.New("statement refused")

// writeError puts the name of the write on its error.
func writeError(name string, err error) error {
	if errors.Is(err, ErrUnique) {
		return &UniqueError{Write: name}
	}
	return fmt.Errorf("write %s: %w", name, err)
}

// missedGuard is the error of a guarded write that did not hit exactly one row.
func missedGuard(name string) error {
	return fmt.Errorf("write %s: guard missed: %w", name, errRetry)
}

// sqliteError reduces an error of the SQLite driver.
func sqliteError(err error) error {
	if err == nil {
		return nil
	}
	if known := contextError(err); known != nil {
		return known
	}
	var e *sqlite.Error
	switch {
	case errors.As(err, &e):
		return &fault{sqliteKind(e.Code()), err.Error()}
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		return &fault{ErrUnavailable, err.Error()}
	}
	return &fault{errRefused, err.Error()} // the driver's own check of arguments or columns
}

func sqliteKind(code int) error {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return ErrUnique
	case sqlite3.SQLITE_IOERR_SHMSIZE: // the index of the write-ahead log cannot grow
		return errIndexFull
	}
	if breaks(code) {
		return ErrBroken
	}
	switch code & 0xff {
	case sqlite3.SQLITE_CONSTRAINT:
		return ErrConstraint
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_SCHEMA:
		return errRetry
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
		return errRefused
	}
	return ErrUnavailable
}

// postgresError reduces an error of the PostgreSQL driver.
func postgresError(err error) error {
	if err == nil {
		return nil
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		if stalePlan(pg) {
			return &fault{errRetry, pg.Error()}
		}
		return &fault{postgresKind(pg.Code), pg.Error()}
	}
	if known := contextError(err); known != nil {
		return known
	}
	var pre pgx.ErrPreprocessingBatch
	var scan pgx.ScanArgError
	if errors.As(err, &pre) && !brokeOff(err) || errors.As(err, &scan) {
		return &fault{errRefused, err.Error()}
	}
	return &fault{ErrUnavailable, err.Error()}
}

// postgresReadError is postgresError for reads, which may be repeated whenever a connection was lost.
func postgresReadError(err error) error {
	reduced := postgresError(err)
	var refused *pgconn.ConnectError
	if errors.Is(reduced, ErrUnavailable) && !errors.As(err, &refused) {
		return &fault{errReadLost, err.Error()}
	}
	return reduced
}

// stalePlan reports a prepared statement that a change of the schema made useless: prepared again it
// works. The same code stands for everything that a server does not support; that stays refused.
func stalePlan(pg *pgconn.PgError) bool {
	return pg.Code == "0A000" && (pg.Routine == "RevalidateCachedQuery" || strings.Contains(pg.Message, "cached plan must not change result type"))
}

func postgresKind(code string) error {
	switch code {
	case "23505":
		return ErrUnique
	case "40001", "40P01", "55P03", "26000":
		// serialization, deadlock, lock timeout; a prepared statement that the server has forgotten
		return errRetry
	case "53100":
		return ErrFull
	case "25006":
		return errReplica
	}
	switch code[:min(2, len(code))] {
	case "23":
		return ErrConstraint
	case "08", "53", "57", "58", "XX":
		return ErrUnavailable
	}
	return errRefused
}

// contextError keeps the two errors of a context recognisable.
func contextError(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("database call: %w", context.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("database call: %w", context.DeadlineExceeded)
	}
	return nil
}
