package tx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sluicepay/sluice/internal/store/sqltext"
)

const (
	// leaseMicros is how long a migrator that vanished between two steps keeps others waiting. A step
	// that runs longer is safe: its transaction holds the lease's row.
	leaseMicros = 30_000_000
	leasePoll   = 50 * time.Millisecond
)

// The lease is PostgreSQL's alone, so its statements use the server's clock, which all migrators share. On a Citus nothing may ask for it
// where rows conflict.
const (
	createLeaseTable = `CREATE TABLE IF NOT EXISTS schema_lease (
	name TEXT PRIMARY KEY, owner TEXT NOT NULL, expires_at BIGINT NOT NULL)`

	pgTakeLease = `INSERT INTO schema_lease AS l (name, owner, expires_at)
	VALUES ('migrate', $1, CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000000 AS BIGINT) + $2)
	ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
	WHERE l.owner = excluded.owner
	   OR l.expires_at < excluded.expires_at - $2`

	pgKeepLease = `UPDATE schema_lease
	SET expires_at = CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000000 AS BIGINT) + $2
	WHERE name = 'migrate' AND owner = $1`

	pgDropLease = `DELETE FROM schema_lease WHERE name = 'migrate' AND owner = $1`
)

// preparePostgres checks the schema and, when allowed, applies what is missing, alone among all
// processes that try. Then it sees to it that the tables are where they have to be, and reports whether they are on many nodes.
func preparePostgres(ctx context.Context, config *pgx.ConnConfig, opts Options, tables Tables) (spread bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, config.Copy())
	if err != nil {
		return false, connectError(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	cluster, err := usable(ctx, conn, opts)
	if err == nil && opts.Spread {
		err = cluster.fit()
	}
	if err == nil {
		err = applySteps(ctx, conn, opts, tables.AtWork, cluster)
	}
	if err != nil {
		return false, err
	}
	return cluster.arrange(ctx, conn, opts, tables)
}

// usable makes sure that one can work with the database, whatever is in it, and asks what nodes there are.
func usable(ctx context.Context, conn *pgx.Conn, opts Options) (cluster, error) {
	if err := checkPooler(ctx, conn, opts.URL); err != nil {
		return cluster{}, err
	}
	if !opts.Restoring {
		if err := refuseRestoring(ctx, conn); err != nil {
			return cluster{}, err
		}
	}
	return clusterOf(ctx, conn)
}

// applySteps brings the schema up to date, where that is allowed.
func applySteps(ctx context.Context, conn *pgx.Conn, opts Options, atWork string, on cluster) error {
	known, err := loadMigrations(opts.Migrations, Postgres)
	if err != nil {
		return err
	}
	steps, err := pendingPostgres(ctx, conn, known)
	if err != nil || len(steps) == 0 {
		return err
	}
	if !opts.Migrate {
		return missing(steps, known)
	}
	owner := fmt.Sprintf("%d.%d.%d", os.Getpid(), conn.PgConn().PID(), opts.Now().UnixNano())
	if err := takeLease(ctx, conn, owner); err != nil {
		return err
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), pgDropLease, owner) // else it runs out by itself
	}()
	steps, err = pendingPostgres(ctx, conn, known)
	if err != nil {
		return err
	}
	if atWork != "" && len(steps) < len(known) && slices.ContainsFunc(steps, func(m migration) bool { return m.alone }) {
		if err := refuseAtWork(ctx, conn, atWork, opts.Now()); err != nil {
			return err
		}
	}
	for _, step := range steps {
		if err := on.applyPostgres(ctx, conn, step, owner, opts); err != nil {
			return fmt.Errorf("migration %04d_%s: %w", step.version, step.name, err)
		}
	}
	return nil
}

// refuseAtWork is ErrAtWork with the names of those who work on the database: an earlier binary would go on as it knows the
// tables. None can come later, because it looks at the schema first. Whoever died counts until its time is over.
func refuseAtWork(ctx context.Context, conn *pgx.Conn, sql string, now time.Time) error {
	names, err := namesAtWork(ctx, conn, sql, now)
	if err != nil || names == "" {
		return err
	}
	return fmt.Errorf("%w: stop %s first; one that was killed counts for some seconds more", ErrAtWork, names)
}

// namesAtWork names those who work on the database.
func namesAtWork(ctx context.Context, conn *pgx.Conn, sql string, now time.Time) (string, error) {
	rows, err := conn.Query(ctx, sql, now.UnixMicro())
	var names []string
	if err == nil {
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		return "", fmt.Errorf("who works on the database: %w", postgresError(err))
	}
	return strings.Join(names, ", "), nil
}

// pendingPostgres returns the steps that the database lacks; a database without the table lacks all.
func pendingPostgres(ctx context.Context, conn *pgx.Conn, known []migration) ([]migration, error) {
	var have []applied
	rows, err := conn.Query(ctx, sqlListMigrations)
	if err == nil {
		have, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (applied, error) { return scanApplied(row) })
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42P01" {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("read schema version: %w", postgresError(err))
	}
	return pending(known, have)
}

// takeLease creates the two tables that precede all migrations and waits until the lease is ours.
func takeLease(ctx context.Context, conn *pgx.Conn, owner string) error {
	for {
		tag, err := tryLease(ctx, conn, owner)
		if err == nil && tag == 1 {
			return nil
		}
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42501" {
			return fmt.Errorf("the database has to be migrated, which this role may not: run \"sluice migrate\" as the role that owns it: %w", postgresError(err))
		}
		if err != nil && !startersCollided(err) {
			return fmt.Errorf("migration lease: %w", postgresError(err))
		}
		select {
		case <-time.After(leasePoll):
		case <-ctx.Done():
			return fmt.Errorf("waiting for another migrator: %w", ctx.Err())
		}
	}
}

func tryLease(ctx context.Context, conn *pgx.Conn, owner string) (int64, error) {
	for _, table := range []string{createMigrationTable, createLeaseTable} {
		if _, err := conn.Exec(ctx, table); err != nil {
			return 0, err
		}
	}
	tag, err := conn.Exec(ctx, pgTakeLease, owner, int64(leaseMicros))
	return tag.RowsAffected(), err
}

// startersCollided recognises two processes in CREATE TABLE IF NOT EXISTS or at the lease at once.
func startersCollided(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "23505", "42710", "42P07", "40001", "40P01":
		return true
	}
	return false
}

// applyPostgres runs one step in a transaction that also holds the lease, so a migrator that lost it
// cannot go on.
func (c cluster) applyPostgres(ctx context.Context, conn *pgx.Conn, step migration, owner string, opts Options) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return postgresError(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	tag, err := tx.Exec(ctx, pgKeepLease, owner, int64(leaseMicros))
	if err != nil {
		return postgresError(err)
	}
	if tag.RowsAffected() != 1 {
		return errors.New("another process took over the migration")
	}
	if err := c.oneByOne(ctx, tx); err != nil {
		return err
	}
	texts := []string{step.text}
	if c.citus { // which hands on to the nodes the text of a change as it came, and that has to be one statement
		texts = sqltext.Split(step.text)
	}
	for _, text := range texts {
		if _, err := conn.PgConn().Exec(ctx, text).ReadAll(); err != nil {
			return postgresError(err)
		}
	}
	_, err = tx.Exec(ctx, sqlInsertMigration, step.version, step.name, step.checksum, opts.Now().UnixMicro())
	if err != nil {
		return postgresError(err)
	}
	return postgresError(tx.Commit(ctx))
}
