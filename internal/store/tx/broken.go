package tx

import (
	"errors"
	"log/slog"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"
)

// breakage remembers the first failure of the storage under the embedded database. After it nothing is
// written any more, because a file whose sync failed once may have lost what it was given and still
// report the next sync as good. Only a new process, which reads from the disk what is really there, knows
// what stands. PostgreSQL does this for itself, so there it never happens.
type breakage struct {
	log  *slog.Logger
	gone chan struct{} // closed with the first failure

	mu  sync.Mutex
	err error
}

func newBreakage(log *slog.Logger) *breakage {
	return &breakage{log: log, gone: make(chan struct{})}
}

// note takes an error of the database and returns it. The first that tells of failed storage is kept and
// logged.
func (b *breakage) note(err error) error {
	if !errors.Is(err, ErrBroken) {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
		close(b.gone)
		b.log.Error("storage failed: nothing is written any more and the process has to end",
			"error", err,
			"hint", "look at the kernel's log and the health of the disk; started again, the server reads what the disk kept")
	}
	return err
}

// failure is what broke the storage, nil while it works.
func (b *breakage) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// breaks tells, by SQLite's code, errors after which a file cannot be trusted from errors that leave it
// as it was. Among those of input and output, locks, memory and the shared index of the write-ahead log
// are harmless: nothing that is kept depends on them, and a full disk shows in the index first.
func breaks(code int) bool {
	switch code {
	case sqlite3.SQLITE_IOERR_NOMEM, sqlite3.SQLITE_IOERR_BLOCKED, sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_IOERR_UNLOCK,
		sqlite3.SQLITE_IOERR_RDLOCK, sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK, sqlite3.SQLITE_IOERR_SHMOPEN,
		sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMLOCK, sqlite3.SQLITE_IOERR_SHMMAP:
		return false
	case sqlite3.SQLITE_READONLY_DBMOVED: // the file was replaced or removed while it was open
		return true
	}
	switch code & 0xff {
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	}
	return false
}

// Broken is closed when the storage under the embedded database fails: a write, a sync, a read or the
// file itself. From then on every Update fails with [ErrBroken], and the owner has to end the process.
// Reads go on as far as they can. On PostgreSQL it is never closed.
func (db *DB) Broken() <-chan struct{} { return db.broken.gone }

// Failure returns what closed Broken, an [ErrBroken]; nil before.
func (db *DB) Failure() error { return db.broken.failure() }
