package tx

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

const defaultParts = 32

// The functions of Citus that put a table where it has to be, and what has one process do so at a time.
const (
	pgAlone     = `SELECT pg_advisory_xact_lock(hashtext('sluice: where the tables are'))`
	pgPart      = `SELECT create_distributed_table($1::text::regclass, $2::text, colocate_with => 'none', shard_count => $3::int)`
	pgPartAlike = `SELECT create_distributed_table($1::text::regclass, $2::text, colocate_with => $3::text)`
	pgCopy      = `SELECT create_reference_table($1::text::regclass)`
	pgSingle    = `SELECT citus_add_local_table_to_metadata($1::text::regclass)`
	pgParts     = `SELECT COUNT(*) FROM pg_dist_shard WHERE logicalrelid = $1::text::regclass`
	pgEmpty     = `SELECT truncate_local_data_after_distributing_table($1::text::regclass)`
)

// layOut moves the tables that the nodes do not know yet to where they have to be, all or none, alone among all processes that try.
// One that was laid out in another way stays there: whoever did it may have had a reason.
func (c cluster) layOut(ctx context.Context, conn *pgx.Conn, opts Options, tables Tables) (l layout, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return l, postgresError(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	if _, err := tx.Exec(ctx, pgAlone); err != nil {
		return l, fmt.Errorf("wait for another process that lays the tables out: %w", postgresError(err))
	}
	if l, err = layoutOf(ctx, conn, tables); err != nil {
		return l, err
	}
	if err := c.ready(ctx, conn, opts, tables, l); err != nil {
		return l, err
	}
	if err := c.oneByOne(ctx, tx); err != nil {
		return l, err
	}
	for _, m := range l.wrong {
		if err := m.move(ctx, tx, opts, tables, &l); err != nil {
			return l, fmt.Errorf("lay out table %s: %w", m.Table, postgresError(err))
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return l, fmt.Errorf("lay out the tables: %w", postgresError(err))
	}
	return layoutOf(ctx, conn, tables)
}

// fit returns why nothing can be laid out here, before anything is changed.
func (c cluster) fit() error {
	switch {
	case !c.citus, c.here && c.workers == 0:
		return ErrNoCluster
	case !c.here:
		return errors.New("tables are laid out at the coordinator of the Citus, and the database URL names a worker")
	case !c.coordinator:
		return errors.New("the coordinator has to be one of the nodes of the Citus, for the tables that stand there alone: " +
			"SELECT citus_set_coordinator_host('its name') at it")
	}
	return nil
}

// ready returns why the tables cannot be laid out now.
func (c cluster) ready(ctx context.Context, conn *pgx.Conn, opts Options, tables Tables, l layout) error {
	if err := c.fit(); err != nil {
		return err
	}
	if wrong := slices.DeleteFunc(slices.Clone(l.wrong), Misplaced.Movable); len(wrong) > 0 {
		return fmt.Errorf("%w; undistribute_table() of Citus takes a table back, after which it can be laid out", misplaced(wrong))
	}
	if opts.Parts > 0 && l.alike != "" {
		var parts int
		if err := conn.QueryRow(ctx, pgParts, pgx.Identifier{l.alike}.Sanitize()).Scan(&parts); err != nil {
			return fmt.Errorf("parts of the tables: %w", postgresError(err))
		}
		if parts != opts.Parts {
			return fmt.Errorf("the tables are divided into %d parts: SELECT alter_distributed_table('%s', shard_count => %d, "+
				"cascade_to_colocated => TRUE) at the coordinator divides them anew, while no server works on them", parts, l.alike, opts.Parts)
		}
	}
	if len(l.wrong) == 0 || tables.AtWork == "" || !opts.Spread {
		return nil
	}
	names, err := namesAtWork(ctx, conn, tables.AtWork, opts.Now())
	if err == nil && names != "" {
		err = fmt.Errorf("servers work on the tables that are to be laid out: stop %s first; one that was killed counts for some seconds more", names)
	}
	return err
}

// Movable reports a table of which Citus can make what it has to be.
func (m Misplaced) Movable() bool { return m.Is == alone || m.Is == Single && m.Want != Single }

// move puts one table where it has to be.
func (m Misplaced) move(ctx context.Context, tx pgx.Tx, opts Options, tables Tables, l *layout) error {
	name := pgx.Identifier{m.Table}.Sanitize()
	var err error
	switch {
	case m.Want == Copied:
		_, err = tx.Exec(ctx, pgCopy, name)
	case m.Want == Single:
		_, err = tx.Exec(ctx, pgSingle, name)
	case l.alike == "":
		_, err = tx.Exec(ctx, pgPart, name, tables.Part, int64(orDefault(opts.Parts, defaultParts)))
		l.alike = m.Table
	default:
		_, err = tx.Exec(ctx, pgPartAlike, name, tables.Part, pgx.Identifier{l.alike}.Sanitize())
	}
	if err == nil && m.Want != Single { // nobody sees the rows any more that it had
		_, err = tx.Exec(ctx, pgEmpty, name)
	}
	return err
}
