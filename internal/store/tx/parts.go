package tx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store/sqltext"
)

// Where tables are divided among nodes, a statement is one node's business only if the part is among its parameters, and a
// transaction only if all its statements are of one part. Then the node commits it by itself; any other is committed in
// two phases by all nodes that have a share in it.

// OnNodes is a statement as it is sent where the tables are on many nodes.
func OnNodes(sql string) string { return strings.ReplaceAll(sql, StampSQL, spreadStampSQL) }

// partOf is the part of all writes of the set, or "".
func (db *DB) partOf(set *writeSet) (part string) {
	for i, w := range set.writes {
		n := sqltext.Parameter(w.sql, db.tables.Part)
		if n == 0 || n > len(w.args) {
			return ""
		}
		of, is := w.args[n-1].(string)
		if !is || i > 0 && of != part {
			return ""
		}
		part = of
	}
	return part
}

// byPart divides a group into those of one part each, in the order in which they came; sets of several parts, or of none, are
// alone.
func byPart(group []*writeSet) [][]int {
	var parts [][]int
	for i, set := range group {
		at := -1
		if set.part != "" {
			at = slices.IndexFunc(parts, func(p []int) bool { return group[p[0]].part == set.part })
		}
		if at < 0 {
			parts = append(parts, []int{i})
		} else {
			parts[at] = append(parts[at], i)
		}
	}
	return parts
}

// errNoConnection says that nothing could be sent.
var errNoConnection = fmt.Errorf("%w: no connection to write", ErrUnavailable)

// commitParts sends what a group has for each part. Where nobody answers, those of the other parts do not wait for that, too.
func (c *postgresCommitter) commitParts(group []*writeSet, errs []error) {
	var away error
	for _, part := range byPart(group) {
		if away == nil {
			c.commitPart(group, part, errs)
		} else {
			for _, i := range part {
				errs[i] = away
			}
		}
		if last := errs[part[0]]; errors.Is(last, errNoConnection) {
			away = last
		}
	}
}

// end commits what has been written on many nodes, where a missed guard is no error of the server's: a guard that the
// server counts, see Guarded, would have its node plan each statement anew. It is one round trip more, and the COMMIT was not
// sent before it, so that whatever was wrong up to here left nothing behind.
func (c *postgresCommitter) end(ctx context.Context, conn *pgx.Conn, err, closed error) error {
	if err != nil {
		return notSent(err)
	}
	if closed != nil {
		return notSent(lostError(closed))
	}
	tag, err := conn.Exec(ctx, sqlCommit, pgx.QueryExecModeSimpleProtocol)
	return committed(tag, err)
}

// notSent is the error of a transaction whose COMMIT was never sent: it is undone, whoever is lost.
func notSent(err error) error {
	if isLost(err) {
		return &fault{ErrUnavailable, err.Error()}
	}
	return err
}
