package store

import (
	"context"
	"log/slog"
	"time"
)

// The tests live outside the package, because storetest imports it; this file lends them what table
// files use.

// Scanner is scanner.
type Scanner = scanner

// Maybe is maybe.
type Maybe[T any] struct{ m *maybe[T] }

// Get is maybe.get.
func (m Maybe[T]) Get() (T, error) { return m.m.get() }

// Write is Tx.write.
func (tx *Tx) Write(name, sql string, args ...any) { tx.write(name, sql, args...) }

// Guard is Tx.guard.
func (tx *Tx) Guard(name, sql string, args ...any) { tx.guard(name, sql, args...) }

// LockKey is Tx.lockKey.
func (tx *Tx) LockKey(key string) { tx.lockKey(key) }

// Each is Tx.each.
func (tx *Tx) Each(row func(Scanner) error, sql string, args ...any) error {
	return tx.each(row, sql, args...)
}

// One is one.
func One[T any](tx *Tx, scan func(Scanner) (T, error), sql string, args ...any) (T, error) {
	return one(tx, scan, sql, args...)
}

// List is list.
func List[T any](tx *Tx, scan func(Scanner) (T, error), sql string, args ...any) ([]T, error) {
	return list(tx, scan, sql, args...)
}

// OneAndList runs one look-up and one list in one batch.
func OneAndList[T, L any](tx *Tx, scanOne func(Scanner) (T, error), one string, oneArgs []any,
	scanList func(Scanner) (L, error), list string, listArgs []any) (Maybe[T], []L, error) {
	b := tx.batch()
	m := oneIn(b, scanOne, one, oneArgs...)
	l := listIn(b, scanList, list, listArgs...)
	err := b.run()
	return Maybe[T]{m}, *l, err
}

// ScanInt64 is scanInt64.
func ScanInt64(s Scanner) (int64, error) { return scanInt64(s) }

// Guarded is guarded.
func Guarded(sql string) string { return guarded(sql) }

// CheckLibraryVersion is checkLibraryVersion.
func CheckLibraryVersion(version string) error { return checkLibraryVersion(version) }

// LimitReads bounds each read of a PostgreSQL database from now on.
func (db *DB) LimitReads(limit time.Duration) { db.reader.(*postgresReader).limit = limit }

// Prepare has the database parse a statement.
func (db *DB) Prepare(ctx context.Context, sql string) error {
	if r, ok := db.reader.(*postgresReader); ok {
		conn, err := r.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		_, err = conn.Conn().PgConn().Prepare(ctx, "", sql, nil)
		return err
	}
	conn, err := db.reader.(*sqliteReader).file.open(ctx, checkpointKiB, false)
	if err != nil {
		return err
	}
	defer conn.close()
	_, err = conn.prepare(sql) //nolint:sqlclosecheck // closed with the connection
	return err
}

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
