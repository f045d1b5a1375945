package tx

import (
	"context"
	"log/slog"
	"time"
)

// The tests live outside the package, because storetest imports it; this file lends them what is hidden.

// CheckLibraryVersion is checkLibraryVersion.
func CheckLibraryVersion(version string) error { return checkLibraryVersion(version) }

// LimitReads bounds each read of a PostgreSQL database from now on.
func (db *DB) LimitReads(limit time.Duration) { db.reader.(*postgresReader).limit = limit }

// LimitGroups bounds how long each group that is sent to a PostgreSQL database is waited for from now on.
func (db *DB) LimitGroups(limit time.Duration) { db.groupLimit = limit }

// SQLiteKind is sqliteKind.
func SQLiteKind(code int) error { return sqliteKind(code) }

// HoldCheckpoints keeps the checkpointer of an embedded database from its work. It returns one checkpoint, whose failure
// stays unknown to the database until it is given to release.
func (db *DB) HoldCheckpoints(ctx context.Context) (checkpoint func() error, release func(error), err error) {
	file := db.reader.(*sqliteReader).file
	conn, err := file.open(ctx, checkpointKiB, false)
	if err != nil {
		return nil, nil, err
	}
	conn.broken = newBreakage(slog.New(slog.DiscardHandler))
	file.moving.Lock()
	return func() error { return conn.exec(checkpointPassive) }, func(err error) {
		_ = file.broken.note(err)
		file.moving.Unlock()
	}, nil
}

// ToldOnce tells the embedded database that its system reports a failed sync to one descriptor only.
func (db *DB) ToldOnce() { db.reader.(*sqliteReader).file.toldOnce = true }
