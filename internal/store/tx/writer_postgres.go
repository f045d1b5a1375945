package tx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// groupTimeout bounds how long one round trip of a group is waited for, connecting included.
	groupTimeout = 30 * time.Second
	// maxRegroups bounds how often a group is sent again without the set that spoiled it, before its
	// sets go one by one.
	maxRegroups = 3
)

// The transaction is stated, and with the batch it is still one round trip. A batch without it is one
// transaction to PostgreSQL, because nothing but its end synchronises; other engines that speak its
// protocol commit each statement by itself.
const (
	sqlBegin    = "BEGIN"
	sqlCommit   = "COMMIT"
	sqlRollback = "ROLLBACK"
)

// postgresCommitter sends a group as one batch with its BEGIN and COMMIT. After a statement that failed
// the server skips the rest of the batch, COMMIT too.
type postgresCommitter struct {
	db         *DB
	pool       *pgxpool.Pool
	readers    *pgxpool.Pool
	texts      map[string]string // statement to the form that is sent
	statistics *statistics
	spoiled    spoiled // by a test's hook, of the batch that is under way

	spread bool // the tables are on many nodes: see parts.go
}

// commit sends the group, on many nodes by what it has for each part: a transaction of one part is one node's business.
func (c *postgresCommitter) commit(group []*writeSet, errs []error) {
	defer c.statistics.count(len(group))
	if !c.spread {
		left := make([]int, len(group))
		for i := range left {
			left[i] = i
		}
		c.commitPart(group, left, errs)
		return
	}
	c.commitParts(group, errs)
}

// commitPart sends those that are left of the group. One failing statement undoes a whole batch, so a set that spoiled it
// is put aside, the others go again, and the spoilers follow alone to get an answer of their own.
func (c *postgresCommitter) commitPart(group []*writeSet, left []int, errs []error) {
	var alone []int
	for try := 0; len(left) > 1; try++ {
		spoiler, err := c.send(pickSets(group, left))
		if err == nil {
			left = nil
			break
		}
		if errors.Is(err, ErrUnavailable) || isLost(err) { // of the database, not of one set
			for _, i := range left {
				errs[i] = err
			}
			left = nil
			break
		}
		if spoiler < 0 || try == maxRegroups {
			break
		}
		alone = append(alone, left[spoiler])
		left = append(left[:spoiler], left[spoiler+1:]...)
	}
	for _, i := range slices.Concat(left, alone) {
		_, errs[i] = c.send(group[i : i+1])
	}
}

func pickSets(group []*writeSet, which []int) []*writeSet {
	sets := make([]*writeSet, len(which))
	for n, i := range which {
		sets[n] = group[i]
	}
	return sets
}

// send writes the sets, all or none. When it fails because of one statement it returns the place of
// that statement's set, else -1.
func (c *postgresCommitter) send(sets []*writeSet) (spoiler int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.db.groupLimit)
	defer cancel()
	b := c.batch(sets)
	conn, err := c.pool.Acquire(ctx)
	if err != nil {
		return -1, fmt.Errorf("%w: %s", errNoConnection, err.Error())
	}
	defer conn.Release()
	results := conn.SendBatch(ctx, b)
	if c.spoiled.cut {
		_ = results.Close() // nobody gets the answers
		return -1, lostError(errors.Join(errBrokenOff, conn.Conn().Close(ctx)))
	}
	spoiler, err = c.outcome(sets, results)
	closed := results.Close() // what it reports is known, or comes after the answer to COMMIT
	if c.spread {
		err = c.end(ctx, conn.Conn(), err, closed)
	}
	if err != nil {
		rollBack(ctx, conn.Conn().PgConn())
	}
	if errors.Is(err, errReplica) {
		c.leave()
	}
	return spoiler, err
}

// batch is what is sent for the sets.
func (c *postgresCommitter) batch(sets []*writeSet) *pgx.Batch {
	b := new(pgx.Batch)
	b.Queue(sqlBegin)
	for _, set := range sets {
		for _, w := range set.writes {
			b.Queue(c.text(w), w.args...)
		}
	}
	if !c.spread { // there COMMIT follows by itself
		b.Queue(sqlCommit)
		c.spoiled = c.db.spoil(b, sets)
	}
	return b
}

// leave gives up all connections: the server takes no writes, so that an address which has led to a primary leads, or has
// led, to a replica. Connections that are made anew find the way, and those that stand would stay there.
func (c *postgresCommitter) leave() {
	c.pool.Reset()
	c.readers.Reset()
}

// outcome reads the answers to the batch, that to COMMIT last if it is among it.
func (c *postgresCommitter) outcome(sets []*writeSet, results pgx.BatchResults) (spoiler int, err error) {
	if _, err := results.Exec(); err != nil {
		return -1, statementError("begin", err)
	}
	for i, set := range sets {
		for _, w := range set.writes {
			tag, err := results.Exec()
			if err != nil {
				return c.refusal(i, w, err)
			}
			if c.spread && w.guard && tag.RowsAffected() != 1 {
				return i, missedGuard(w.name)
			}
		}
	}
	if c.spread {
		return -1, nil
	}
	tag, err := results.Exec()
	if err == nil {
		err = c.db.answer(c.spoiled, sets)
	}
	return -1, committed(tag, err)
}

// committed is the outcome that the answer to COMMIT tells.
func committed(tag pgconn.CommandTag, err error) error {
	switch {
	case err != nil:
		return commitError(err)
	case tag.String() != sqlCommit: // the server undid it, whatever it was that it did not tell
		return fmt.Errorf("%w: COMMIT was answered by %q", errRetry, tag.String())
	}
	return nil
}

// rollBack ends what a failed batch left open, so that the connection can be used again. One that is not
// told is closed by the pool, and the server undoes the transaction all the same.
func rollBack(ctx context.Context, conn *pgconn.PgConn) {
	if conn.IsClosed() || conn.TxStatus() == 'I' {
		return
	}
	_ = conn.Exec(ctx, sqlRollback).Close()
}

// text is the statement as sent.
func (c *postgresCommitter) text(w write) string {
	if !w.guard && !w.stamped {
		return w.sql
	}
	sql, ok := c.texts[w.sql]
	if !ok {
		sql = w.sql
		switch {
		case w.stamped && c.db.serverClock && c.spread:
			sql = OnNodes(sql)
		case w.stamped && c.db.serverClock:
			sql = strings.ReplaceAll(sql, StampSQL, serverStampSQL)
		}
		if w.guard && !c.spread {
			sql = Guarded(sql)
		}
		c.texts[w.sql] = sql
	}
	return sql
}

// refusal is the outcome when a statement failed, and the place of its set where it is to blame.
func (c *postgresCommitter) refusal(set int, w write, err error) (int, error) {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && !speaksForConnection(pg) {
		if _, early := errors.AsType[pgx.ErrPreprocessingBatch](err); early {
			set = -1 // found while the batch was prepared; whose it was is not told
		} else if pg.Code == "22012" && w.guard {
			return set, missedGuard(w.name)
		}
		return set, writeError(w.name, postgresError(err))
	}
	return -1, statementError(w.name, err)
}

// statementError is the outcome when the batch broke off before its COMMIT was answered. A refusal in
// the place of a statement's result proves that the COMMIT was not reached.
func statementError(name string, err error) error {
	if _, early := errors.AsType[pgx.ErrPreprocessingBatch](err); early {
		return writeError(name, preparingError(err))
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && !speaksForConnection(pg) {
		return writeError(name, postgresError(err))
	}
	return lostError(err)
}

// preparingError is the outcome when the batch could not be prepared: nothing was written, so that it
// may be sent again over another connection.
func preparingError(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && !speaksForConnection(pg) {
		return postgresError(err)
	}
	if _, ok := errors.AsType[*pgconn.PgError](err); !ok && !brokeOff(err) {
		return postgresError(err) // an argument that cannot be encoded
	}
	return &fault{errReadLost, err.Error()}
}

// brokeOff tells a connection that was lost, or too slow, from a mistake in what was to be sent.
func brokeOff(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || pgconn.Timeout(err) || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded)
}

// commitError is the outcome when COMMIT was not answered by success. An error of these classes can come
// after the commit was written, or from a pooler that speaks for a server it has lost.
func commitError(err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || speaksForConnection(pg) {
		return lostError(err)
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "XX", "57", "58":
		return lostError(err)
	}
	return fmt.Errorf("commit: %w", postgresError(err))
}

// speaksForConnection reports an error that is no answer to a statement: the connection ends with it, at
// the server or at a pooler before it. 40003 is an engine that does not know itself.
func speaksForConnection(pg *pgconn.PgError) bool {
	return pg.Severity == "FATAL" || pg.Severity == "PANIC" || strings.HasPrefix(pg.Code, "08") || pg.Code == "40003"
}

// lostError is an outcome that only the database knows, unless it is proved that nothing was sent: then
// the set may be sent again.
func lostError(err error) error {
	if pgconn.SafeToRetry(err) {
		return &fault{errReadLost, "nothing was sent: " + err.Error()}
	}
	return fmt.Errorf("%w: %s", errLost, err.Error())
}

// reset has nothing to do: send releases its connection, which is not used again while something runs on it.
func (c *postgresCommitter) reset(error) {}

func (c *postgresCommitter) close() {}
