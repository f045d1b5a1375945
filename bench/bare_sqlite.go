package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/store"
)

// groupSize is how many units the grouped cells write in one commit.
const groupSize = 64

// bareDB writes units with nothing around the database.
type bareDB interface {
	// single writes each set of a unit with a commit of its own, from so many connections or goroutines.
	single(ctx context.Context, j job, conns int, t timing) (sample, error)
	// grouped writes the sets of groupSize units with one commit.
	grouped(ctx context.Context, j job, t timing) (sample, error)
	// means says by which means single writes.
	means() string
	close()
}

// sqliteBare is an SQLite file with the settings of the product: one writing connection, prepared statements,
// checkpoints in the background.
type sqliteBare struct {
	db       *sql.DB
	writer   *sql.Conn
	ids      *id.Source
	mu       sync.Mutex // one writes at a time
	prepared map[string]*sql.Stmt
	stop     context.CancelFunc
	side     sync.WaitGroup
}

// sqliteURL opens the file with the product's settings.
func sqliteURL(dir string) string {
	settings := url.Values{"_txlock": {"immediate"}, "_busy_timeout": {"5000"}, "_pragma": {
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-8192)", "wal_autocheckpoint(20000)",
	}}
	return "file:" + (&url.URL{Path: filepath.Join(dir, "sluice.db")}).EscapedPath() + "?" + settings.Encode()
}

func openSQLiteBare(ctx context.Context, dir string) (*sqliteBare, error) {
	if err := store.Migrate(ctx, store.Options{Dir: dir}); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", sqliteURL(dir))
	if err != nil {
		return nil, err
	}
	writer, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	b := &sqliteBare{db: db, writer: writer, ids: id.NewSource(time.Now, rand.Reader), prepared: map[string]*sql.Stmt{}}
	ctx, b.stop = context.WithCancel(ctx)
	b.side.Go(func() {
		for ctx.Err() == nil {
			pause(ctx, 200*time.Millisecond)
			_, _ = db.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)") // a busy one is tried again
		}
	})
	return b, nil
}

func (b *sqliteBare) means() string { return "one transaction at a time through database/sql" }

func (b *sqliteBare) close() {
	b.stop()
	b.side.Wait()
	for _, stmt := range b.prepared {
		_ = stmt.Close()
	}
	_ = b.writer.Close() // the folder is thrown away
	_ = b.db.Close()
}

func (b *sqliteBare) single(ctx context.Context, j job, conns int, t timing) (sample, error) {
	l := load{conns: conns, work: b.writing(j, 1)}
	return l.closedLoop(ctx, t)
}

func (b *sqliteBare) grouped(ctx context.Context, j job, t timing) (sample, error) {
	l := load{conns: 2, work: b.writing(j, groupSize)}
	return l.closedLoop(ctx, t)
}

// writing writes so many units at a time, their first sets in one commit, then their second, and so on.
func (b *sqliteBare) writing(j job, group int) work {
	return func(ctx context.Context, _ int, _ time.Time) (step, func(), error) {
		units := make([]unit, group)
		return func() (int, error) {
			for i := range units {
				made, at := b.ids.New()
				units[i] = unit{made, at.UnixMicro()}
			}
			for _, s := range j {
				if err := b.commit(ctx, s, units); err != nil {
					return 0, err
				}
			}
			return group, nil
		}, func() {}, nil
	}
}

// commit writes one set for each of the units in one transaction. It does not end halfway with ctx, because the
// connection is shared.
func (b *sqliteBare) commit(ctx context.Context, s set, units []unit) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if err := b.run(ctx, "BEGIN IMMEDIATE", nil, false); err != nil {
		return err
	}
	for _, u := range units {
		for _, st := range s {
			if err := b.run(ctx, st.numbered(), st.fill(u), true); err != nil {
				_ = b.run(ctx, "ROLLBACK", nil, false)
				return err
			}
		}
	}
	return b.run(ctx, "COMMIT", nil, false)
}

// run executes a prepared statement, which, if it writes, has to hit exactly one row.
func (b *sqliteBare) run(ctx context.Context, text string, args []any, writes bool) error {
	st, ok := b.prepared[text]
	if !ok {
		var err error
		if st, err = b.writer.PrepareContext(ctx, text); err != nil {
			return fmt.Errorf("%.60s: %w", text, err)
		}
		b.prepared[text] = st
	}
	result, err := st.ExecContext(ctx, args...)
	if err != nil {
		return fmt.Errorf("%.60s: %w", text, err)
	}
	if n, err := result.RowsAffected(); writes && (err != nil || n != 1) {
		return fmt.Errorf("%.60s: hit %d rows", text, n)
	}
	return nil
}
