package tx

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Examination is what is to be said of a database without opening it.
type Examination struct {
	Workers int64       // of a Citus; 0 for one node
	Wrong   []Misplaced // tables that are not where they have to be
	Away    []string    // nodes of a Citus that are disabled, or that another cannot reach
}

// The nodes, and whom they reach. Each is asked for all.
const (
	pgDisabled = `SELECT nodename || ':' || nodeport || ' is disabled' FROM pg_dist_node WHERE NOT isactive ORDER BY 1`
	pgReached  = `SELECT DISTINCT to_nodename || ':' || to_nodeport || ' cannot be reached' FROM citus_check_cluster_node_health()
	WHERE NOT result ORDER BY 1`
)

// Examine says what is not as it should be, and changes nothing. Errors as for [Open], but that a folder in use by another process is as
// it should be; what was found before one is there.
func Examine(ctx context.Context, opts Options, tables Tables) (found Examination, err error) {
	opts = opts.withDefaults(tables)
	opts.Migrate = false
	kind, err := opts.kind()
	if err != nil {
		return found, err
	}
	if kind != Postgres {
		db, err := Open(ctx, opts, tables)
		if err == nil {
			err = db.Close()
		} else if errors.Is(err, ErrFolderInUse) { // by one that has opened it
			err = nil
		}
		return found, err
	}
	config, err := (&DB{log: opts.Logger}).postgresConfig(ctx, opts)
	if err != nil {
		return found, err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig.Copy())
	if err != nil {
		return found, connectError(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	c, err := usable(ctx, conn, opts)
	if err == nil && c.workers > 0 {
		found.Workers = c.workers
		found.Away, err = unreached(ctx, conn)
	}
	if err == nil {
		err = applySteps(ctx, conn, opts, "", c) // which says what is missing
	}
	if err != nil || !c.citus {
		return found, err
	}
	l, err := layoutOf(ctx, conn, tables)
	if err == nil && (l.begun || c.workers > 0) {
		found.Wrong = l.wrong
	}
	return found, err
}

// unreached names the nodes that do not answer.
func unreached(ctx context.Context, conn *pgx.Conn) (names []string, err error) {
	for _, question := range []string{pgDisabled, pgReached} {
		rows, err := conn.Query(ctx, question)
		if err != nil {
			return names, fmt.Errorf("which nodes answer: %w", postgresError(err))
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return names, fmt.Errorf("which nodes answer: %w", postgresError(err))
		}
		names = append(names, found...)
	}
	return names, nil
}
