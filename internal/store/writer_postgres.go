package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// groupTimeout bounds one round trip of a group, connecting included.
	groupTimeout = 30 * time.Second
	// maxRegroups bounds how often a group is sent again without the set that spoiled it, before its
	// sets go one by one.
	maxRegroups = 3
)

// postgresCommitter sends a group as one batch: one round trip, which PostgreSQL runs as one implicit
// transaction because nothing but the end of the batch synchronises.
type postgresCommitter struct {
	pool       *pgxpool.Pool
	guards     map[string]string // statement to its guarded form
	statistics *statistics
}

// commit sends the group. One failing statement undoes a whole batch, so a set that spoiled the group
// is put aside, the others go again, and the spoilers follow alone to get an answer of their own.
func (c *postgresCommitter) commit(group []*writeSet, errs []error) {
	defer c.statistics.count(len(group))
	left := make([]int, len(group))
	for i := range left {
		left[i] = i
	}
	var alone []int
	for try := 0; len(left) > 1; try++ {
		spoiler, err := c.send(pickSets(group, left))
		if err == nil {
			left = nil
			break
		}
		if groupEnds(err) && !errors.Is(err, errRetry) || isLost(err) {
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
	ctx, cancel := context.WithTimeout(context.Background(), groupTimeout)
	defer cancel()
	var b pgx.Batch
	for _, set := range sets {
		for _, w := range set.writes {
			b.Queue(c.text(w), w.args...)
		}
	}
	conn, err := c.pool.Acquire(ctx)
	if err != nil {
		return -1, fmt.Errorf("%w: no connection to write: %s", ErrUnavailable, err.Error())
	}
	defer conn.Release()
	results := conn.SendBatch(ctx, &b)
	for i, set := range sets {
		for _, w := range set.writes {
			if _, err := results.Exec(); err != nil {
				_ = results.Close() // reports the same error again
				return c.refusal(i, w, err)
			}
		}
	}
	if err := results.Close(); err != nil {
		return -1, commitError(err)
	}
	return -1, nil
}

// text is the statement as sent.
func (c *postgresCommitter) text(w write) string {
	if !w.guard {
		return w.sql
	}
	sql, ok := c.guards[w.sql]
	if !ok {
		sql = guarded(w.sql)
		c.guards[w.sql] = sql
	}
	return sql
}

// refusal is the outcome when a statement failed. An answer of the server in the place of a result
// proves that the end of the batch was not reached, so nothing was committed.
func (c *postgresCommitter) refusal(set int, w write, err error) (int, error) {
	if _, ok := errors.AsType[pgx.ErrPreprocessingBatch](err); ok {
		// Found while preparing the batch, before any statement ran; which set it was is not told.
		return -1, writeError("(one of the batch)", postgresError(err))
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return -1, commitError(err)
	}
	if pg.Code == "22012" && w.guard {
		return set, missedGuard(w.name)
	}
	return set, writeError(w.name, postgresError(err))
}

// commitError is the outcome when the batch ended without an answer to each of its statements, or at
// its commit. Only a plain refusal of the server, or proof that nothing was sent, is definite.
func commitError(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Severity != "FATAL" && pg.Severity != "PANIC" {
		return fmt.Errorf("commit: %w", postgresError(err))
	}
	if pgconn.SafeToRetry(err) {
		return fmt.Errorf("%w: nothing was sent: %s", ErrUnavailable, err.Error())
	}
	return fmt.Errorf("%w: %s", errLost, err.Error())
}

func (c *postgresCommitter) close() {}
