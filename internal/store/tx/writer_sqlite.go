package tx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
)

// sqliteCommitter writes groups through the one connection that may write.
type sqliteCommitter struct {
	file   *sqliteFile
	log    *slog.Logger
	conn   *sqliteConn // nil after a failure; opened again for the next group
	active func()      // told after each commit, for the checkpointer
	apart  int         // how many of the next groups have a savepoint for each set
}

// groupsApart is for how many groups after a set that failed each set gets a savepoint. Savepoints cost, for SQLite copies
// every page that a set touches; and where one set fails others soon do, which would have a group written twice.
const groupsApart = 16

// commit writes the group in one transaction. When a set fails it is undone as a whole and written again with each set behind
// a savepoint of its own, so that the set which fails is undone alone; anything worse than that fails the whole group.
func (c *sqliteCommitter) commit(group []*writeSet, errs []error) {
	if err := c.transact(group, errs); err != nil {
		c.drop(err)
		fill(errs, err)
		return
	}
	c.active()
	c.shorten()
}

// shorten moves the write-ahead log into the database file here and now when it has grown so long that
// the checkpointer cannot keep up, which slows the writers down to what the disk takes. SQLite's own way
// of doing that would hide a failed sync.
func (c *sqliteCommitter) shorten() {
	if c.file.copies.Load() > 0 {
		return // it cannot be shortened before the copy is made
	}
	if info, err := os.Stat(c.file.wal()); err != nil || info.Size() < longWAL {
		return
	}
	if err := c.conn.exec(checkpointPassive); err != nil {
		c.log.Warn("write-ahead log not shortened", "error", err)
	}
}

func (c *sqliteCommitter) transact(group []*writeSet, errs []error) error {
	if err := c.connect(); err != nil {
		return err
	}
	applied, err := c.applyAll(group, errs)
	if err != nil {
		return err
	}
	if applied == 0 {
		return c.conn.exec("ROLLBACK")
	}
	if err = c.conn.exec("COMMIT"); err == nil {
		err = c.file.kept()
	}
	if errors.Is(err, ErrUnavailable) && (!errors.Is(err, ErrFull) || errors.Is(err, errIndexFull)) {
		return fmt.Errorf("%w: %w", ErrCommitUnknown, err) // the disk may have it, for the next process to find
	}
	return err
}

// applyAll begins the transaction and runs the statements of all sets; applied is how many of them did not fail.
func (c *sqliteCommitter) applyAll(group []*writeSet, errs []error) (applied int, err error) {
	if err := c.conn.exec("BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	several := len(group) > 1
	apart := several && c.apart > 0
	if apart {
		c.apart--
	}
	for i, set := range group {
		err := c.applyAlone(set, apart)
		switch {
		case isFatal(err):
			return 0, err
		case err != nil && several && !apart:
			if err := c.conn.exec("ROLLBACK"); err != nil {
				return 0, err
			}
			c.apart = groupsApart
			return c.applyAll(group, errs)
		}
		if errs[i] = err; err == nil {
			applied++
		}
	}
	return applied, nil
}

// applyAlone runs the statements of one set. With a savepoint, a failure leaves the transaction as it
// was before the set; without, the set is the transaction.
func (c *sqliteCommitter) applyAlone(set *writeSet, savepoint bool) error {
	if !savepoint {
		return c.apply(set)
	}
	if err := c.conn.exec("SAVEPOINT one"); err != nil {
		return &fatalError{err}
	}
	failed := c.apply(set)
	if isFatal(failed) {
		return failed
	}
	if failed != nil {
		if err := c.conn.exec("ROLLBACK TO one"); err != nil {
			return &fatalError{err}
		}
	}
	if err := c.conn.exec("RELEASE one"); err != nil {
		return &fatalError{err}
	}
	return failed
}

func (c *sqliteCommitter) apply(set *writeSet) error {
	for _, w := range set.writes {
		n, err := c.conn.execute(w.sql, w.args)
		switch {
		case err != nil && groupEnds(err):
			return &fatalError{writeError(w.name, err)}
		case err != nil:
			return writeError(w.name, err)
		case w.guard && n != 1:
			return missedGuard(w.name)
		}
	}
	return nil
}

// fatalError marks an error of a statement after which SQLite may have undone the whole transaction.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

func isFatal(err error) bool {
	var fatal *fatalError
	return errors.As(err, &fatal)
}

// groupEnds tells errors of the database from errors of one set.
func groupEnds(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, errRetry)
}

func (c *sqliteCommitter) connect() error {
	if c.conn != nil {
		return nil
	}
	conn, err := c.file.open(context.Background(), writerCacheKiB, false)
	if err != nil {
		return fmt.Errorf("writer: %w", err)
	}
	c.conn = conn
	return nil
}

// drop gives up the connection and with it whatever the failed transaction left: a new connection is
// the one state that is known to be good. After a failure of the storage there is none, and it is left
// alone.
func (c *sqliteCommitter) drop(cause error) {
	if c.file.broken.failure() != nil {
		return
	}
	c.log.Warn("sqlite write group failed", "error", cause)
	if c.conn == nil {
		return
	}
	if err := c.conn.exec("ROLLBACK"); err != nil {
		c.log.Debug("nothing to roll back", "error", err)
	}
	c.conn.close()
	c.conn = nil
}

// reset gives the connection up even if it cannot be closed any more.
func (c *sqliteCommitter) reset(cause error) {
	if c.file.broken.failure() == nil {
		defer func() { c.conn = nil }()
	}
	c.drop(cause)
}

func (c *sqliteCommitter) close() {
	if c.conn != nil {
		c.conn.close()
	}
}
