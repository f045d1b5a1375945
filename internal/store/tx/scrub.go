package tx

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// SmallFile is the length of a database file that is rewritten in about a second, so that nobody who writes has to give up.
const SmallFile = 64 << 20

// ErrLarge says that a file is too long to be rewritten while others write.
var ErrLarge = errors.New("the database's file is large")

// Scrub rewrites the embedded database's file and empties its log, so that neither holds traces of what its rows held before.
// What is to be written waits meanwhile, and fails where that takes longer than five seconds: a file that is longer than most
// fails with ErrLarge; a most of 0 allows any. On PostgreSQL it does nothing. See docs/vault.md for what it cannot do.
func (db *DB) Scrub(ctx context.Context, most int64) error {
	r, ok := db.reader.(*sqliteReader)
	if !ok {
		return nil
	}
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	if info, err := os.Stat(r.file.path); err != nil {
		return fmt.Errorf("database file: %w", err)
	} else if most > 0 && info.Size() > most {
		return fmt.Errorf("%w: %d MiB", ErrLarge, info.Size()>>20)
	}
	conn, err := r.file.open(ctx, readerCacheKiB, false)
	if err != nil {
		return err
	}
	defer conn.close()
	if err := conn.exec("VACUUM"); err != nil { //nolint:contextcheck // what has begun to be rewritten is finished
		return err
	}
	var busy int64
	err = conn.query(ctx, read{sql: "PRAGMA wal_checkpoint(TRUNCATE)", row: func(s Scanner) error {
		var log, moved int64
		return s.Scan(&busy, &log, &moved)
	}})
	if err == nil && busy != 0 {
		err = fmt.Errorf("%w: the write-ahead log is read by others and cannot be emptied now", ErrUnavailable)
	}
	return err
}
