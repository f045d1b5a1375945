package tx

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Where tables are divided among nodes, a statement is one node's business only if the part is among its parameters, and a
// transaction only if all its statements are of one part. Then the node commits it by itself; any other is committed in
// two phases by all nodes that have a share in it.

// partPlaces remembers for each statement what [PartArgument] found.
var partPlaces sync.Map

// PartArgument returns the number of the statement's parameter that is the part, from 1, or 0 if no parameter is: an INSERT gives
// it as the column's value, other statements compare the column with it. A statement that compares it twice, as one of
// several selects does, compares it with the same parameter.
func PartArgument(sql, column string) int {
	type key struct{ sql, column string }
	if known, ok := partPlaces.Load(key{sql, column}); ok {
		return known.(int) //nolint:forcetypeassert // nothing else is kept there
	}
	n := partArgument(sql, column)
	partPlaces.Store(key{sql, column}, n)
	return n
}

var (
	insertValues = regexp.MustCompile(`(?s)^\s*INSERT INTO \w+ \(([^)]*)\)\s*VALUES \((.*)`)
	parameter    = regexp.MustCompile(`^\s*\$(\d+)`)
)

func partArgument(sql, column string) int {
	if found := insertValues.FindStringSubmatch(sql); found != nil {
		at := slices.IndexFunc(strings.Split(found[1], ","), func(name string) bool { return strings.TrimSpace(name) == column })
		if at < 0 {
			return 0
		}
		return parameterOf(nthValue(found[2], at))
	}
	whole := regexp.MustCompile(`\b` + regexp.QuoteMeta(column) + ` = `)
	for _, at := range whole.FindAllStringIndex(sql, -1) {
		if n := parameterOf(sql[at[1]:]); n > 0 {
			return n
		}
	}
	return 0
}

// parameterOf is the number of the parameter that the text begins with, or 0.
func parameterOf(text string) int {
	found := parameter.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1]) // digits
	return n
}

// nthValue is the text from the value at that place of a list on; "" where there is none.
func nthValue(list string, place int) string {
	depth := 0
	for i, c := range list {
		if depth == 0 && place == 0 {
			return list[i:]
		}
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return ""
			}
		case ',':
			if depth == 0 {
				place--
			}
		}
	}
	return ""
}

// OnNodes is a statement as it is sent where the tables are on many nodes.
func OnNodes(sql string) string { return strings.Replace(sql, StampSQL, spreadStampSQL, 1) }

// partOf is the part of all writes of the set, or "".
func (db *DB) partOf(set *writeSet) (part string) {
	for i, w := range set.writes {
		n := PartArgument(w.sql, db.tables.Part)
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
