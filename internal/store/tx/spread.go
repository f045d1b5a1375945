package tx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Spread says where the rows of a table are, on an engine that has many nodes.
type Spread string

const (
	// Parted: each row is on one node, all of one part on the same, whatever table they are of.
	Parted Spread = "divided among the nodes"
	// Copied: all rows are on every node.
	Copied Spread = "on every node"
	// Single: all rows are on the coordinator, where every node finds them.
	Single Spread = "on the coordinator, known to all nodes"
)

// The other places where the nodes may have a table.
const (
	alone     Spread = "on the coordinator, unknown to the nodes"
	elsewhere Spread = "divided by another column or alone on one node"
	apart     Spread = "divided among the nodes, but not beside the other tables"
)

// ErrSpread says that the nodes of a Citus do not have the tables as this program needs them.
var ErrSpread = errors.New("tables are not where they have to be on the nodes of this Citus")

// ErrNoCluster says that there are no nodes on which tables could be laid out.
var ErrNoCluster = errors.New("the database is no Citus with worker nodes")

// cluster is what the database says of its nodes.
type cluster struct {
	citus       bool
	workers     int64 // active ones
	coordinator bool  // it is among its own nodes
	here        bool  // the connection is to it
}

const (
	pgIsCluster = `SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')`
	pgNodes     = `SELECT COUNT(*) FILTER (WHERE groupid <> 0 AND isactive), COUNT(*) FILTER (WHERE groupid = 0) > 0,
	COALESCE((SELECT groupid = 0 FROM pg_dist_local_group), TRUE) FROM pg_dist_node`

	// Tables that are hashed have a key; copies have the method n and the model t, others by themselves n and s.
	pgSpread = `SELECT c.relname::text, COALESCE(p.partmethod::text, ''), COALESCE(p.repmodel::text, ''), COALESCE(p.colocationid, 0)::bigint,
	CASE WHEN p.partmethod = 'h' THEN column_to_column_name(p.logicalrelid, p.partkey) ELSE '' END
	FROM pg_class c LEFT JOIN pg_dist_partition p ON p.logicalrelid = c.oid
	WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')`

	// Of a table that is divided among nodes one node after the other is changed, so that what follows in the transaction sees it.
	pgOneByOne = `SELECT set_config('citus.multi_shard_modify_mode', 'sequential', TRUE)`
)

// clusterOf asks what nodes there are.
func clusterOf(ctx context.Context, conn *pgx.Conn) (c cluster, err error) {
	if err = conn.QueryRow(ctx, pgIsCluster).Scan(&c.citus); err == nil && c.citus {
		err = conn.QueryRow(ctx, pgNodes).Scan(&c.workers, &c.coordinator, &c.here)
	}
	if err != nil {
		return c, fmt.Errorf("nodes of the database: %w", postgresError(err))
	}
	return c, nil
}

// oneByOne has a transaction that changes the schema change one part after the other.
func (c cluster) oneByOne(ctx context.Context, tx pgx.Tx) error {
	if !c.citus {
		return nil
	}
	_, err := tx.Exec(ctx, pgOneByOne)
	return postgresError(err)
}

// Misplaced is a table that is not where it has to be.
type Misplaced struct {
	Table    string
	Is, Want Spread
}

// String says where the table is and has to be.
func (m Misplaced) String() string {
	return fmt.Sprintf("table %s is %s, and has to be %s", m.Table, m.Is, m.Want)
}

// layout is where the tables are.
type layout struct {
	wrong []Misplaced
	alike string // a table that is divided as it has to be, "" for none
	begun bool   // the nodes know at least one of the tables
}

// arrange sees to it that the tables are where they have to be, and reports whether they are on many nodes. A database on which
// nobody has begun to lay them out, and that has no workers, is one node like any other.
func (c cluster) arrange(ctx context.Context, conn *pgx.Conn, opts Options, tables Tables) (bool, error) {
	if !c.citus {
		return false, nil
	}
	l, err := layoutOf(ctx, conn, tables)
	if err != nil {
		return false, err
	}
	if opts.Spread || opts.Migrate && l.begun && len(l.wrong) > 0 {
		if l, err = c.layOut(ctx, conn, opts, tables); err != nil {
			return false, err
		}
	}
	switch {
	case len(l.wrong) == 0:
		return true, nil
	case !l.begun && c.workers == 0:
		return false, nil
	}
	return false, misplaced(l.wrong)
}

func misplaced(wrong []Misplaced) error {
	if others := len(wrong) - 1; others > 0 {
		return fmt.Errorf("%w: %s; %d others are not either", ErrSpread, wrong[0], others)
	}
	return fmt.Errorf("%w: %s", ErrSpread, wrong[0])
}

// layoutOf reads where the tables are.
func layoutOf(ctx context.Context, conn *pgx.Conn, tables Tables) (l layout, err error) {
	type place struct {
		method, model, key string
		group              int64
	}
	found, groups := map[string]place{}, map[int64]int{}
	rows, err := conn.Query(ctx, pgSpread)
	if err == nil {
		var name string
		var p place
		_, err = pgx.ForEachRow(rows, []any{&name, &p.method, &p.model, &p.group, &p.key}, func() error {
			if found[name] = p; tables.Spread[name] == Parted && p.method == "h" && p.key == tables.Part {
				groups[p.group]++
			}
			return nil
		})
	}
	if err != nil {
		return l, fmt.Errorf("where the tables are: %w", postgresError(err))
	}
	group, most := int64(0), 0 // that most of the divided tables are in
	for g, n := range groups {
		if n > most || n == most && g < group {
			group, most = g, n
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tables.Spread)) {
		p, exists := found[name]
		if !exists {
			continue
		}
		is := elsewhere
		switch {
		case p.method == "":
			is = alone
		case p.method == "h" && p.key == tables.Part && p.group == group:
			is, l.alike = Parted, name
		case p.method == "h" && p.key == tables.Part:
			is = apart
		case p.method == "n" && p.model == "t":
			is = Copied
		case p.method == "n" && p.group == 0:
			is = Single
		}
		l.begun = l.begun || is != alone
		if want := tables.Spread[name]; is != want {
			l.wrong = append(l.wrong, Misplaced{name, is, want})
		}
	}
	return l, nil
}
