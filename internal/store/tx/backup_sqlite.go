package tx

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
)

// SQLiteFile is the name of the embedded database in the data folder.
const SQLiteFile = sqliteFileName

// CopyTo writes the embedded database, as it stands now, into a new file, synced and checked, while reads and writes go on. A
// failure of the place where the copy goes says nothing about the database. The file is left behind when it fails.
func (db *DB) CopyTo(ctx context.Context, path string) (Inventory, error) {
	r, ok := db.reader.(*sqliteReader)
	if !ok {
		return Inventory{}, errNoBackup
	}
	if err := db.enter(); err != nil {
		return Inventory{}, err
	}
	defer db.leave()
	if err := db.broken.failure(); err != nil {
		return Inventory{}, err
	}
	made, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return Inventory{}, fmt.Errorf("copy of the database: %w", err)
	}
	defer func() { _ = made.Close() }() // it is synced
	if err := r.file.copyTo(ctx, path); err != nil {
		return Inventory{}, err
	}
	if err := made.Sync(); err != nil {
		return Inventory{}, fmt.Errorf("copy of the database: %w", err)
	}
	return checkSQLite(ctx, path, db.tables.Counted)
}

// copyTo reads the database in one transaction. The write-ahead log grows as long as that lasts, because what the copy still
// reads cannot be moved out of it; the writers are not to look for that after every commit.
func (f *sqliteFile) copyTo(ctx context.Context, path string) error {
	conn, err := f.open(ctx, readerCacheKiB, false)
	if err != nil {
		return err
	}
	defer conn.close()
	f.copies.Add(1)
	defer f.copies.Add(-1)
	if _, err := conn.conn.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("copy of the database: %w", ctx.Err())
		}
		return fmt.Errorf("copy of the database: %w", sqliteError(err)) // may be of the other file, so that it breaks nothing here
	}
	return nil
}

// checkSQLite reads a whole database file that nobody writes, and says what it holds in these tables.
func checkSQLite(ctx context.Context, path string, tables []string) (Inventory, error) {
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&immutable=1")
	if err != nil {
		return Inventory{}, fmt.Errorf("check %s: %w", path, sqliteError(err))
	}
	defer pool.Close()
	var verdict string
	if err := pool.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return Inventory{}, fmt.Errorf("check %s: %w", path, sqliteError(err))
	}
	if verdict != "ok" {
		return Inventory{}, fmt.Errorf("check %s: %s", path, verdict)
	}
	held, err := scanInventory(pool.QueryRowContext(ctx, inventoryOf(tables)), tables)
	if err != nil {
		return Inventory{}, fmt.Errorf("check %s: %w", path, sqliteError(err))
	}
	return held, nil
}
