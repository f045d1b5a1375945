package tx

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Snapshot is a state of a PostgreSQL database that another connection can read, as long as the function lasts that is given it.
type Snapshot struct {
	ID     string // what pg_dump takes as --snapshot
	Server int    // version as the server numbers it, such as 150004
	Schema string // where the tables are
}

// ErrRestoring says that a restore into the database was interrupted: it is not whole.
var ErrRestoring = errors.New("a restore into this database was interrupted: drop the database, create it anew and restore again")

// ErrNotEmpty says that the database holds an installation already.
var ErrNotEmpty = errors.New("the database holds an installation")

// Export calls dump with a consistent state of a PostgreSQL database and says what that holds.
func (db *DB) Export(ctx context.Context, dump func(Snapshot) error) (held Inventory, err error) {
	r, ok := db.reader.(*postgresReader)
	if !ok {
		return held, errNoBackup
	}
	if err := db.enter(); err != nil {
		return held, err
	}
	defer db.leave()
	conn, err := pgx.ConnectConfig(ctx, r.pool.Config().ConnConfig.Copy())
	if err != nil {
		return held, connectError(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return held, postgresError(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	for _, setting := range []string{"idle_in_transaction_session_timeout", "statement_timeout"} {
		if _, err := tx.Exec(ctx, "SET LOCAL "+setting+" = 0"); err != nil {
			return held, postgresError(err)
		}
	}
	var s Snapshot
	err = tx.QueryRow(ctx, `SELECT pg_export_snapshot(), CAST(current_setting('server_version_num') AS INT), current_schema()`).
		Scan(&s.ID, &s.Server, &s.Schema)
	if err != nil {
		return held, postgresError(err)
	}
	if held, err = scanInventory(tx.QueryRow(ctx, inventoryOf(db.tables.Counted)), db.tables.Counted); err != nil {
		return held, postgresError(err)
	}
	return held, dump(s)
}

const (
	pgMarkRestoring = `CREATE TABLE restoring (since TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP)`
	pgEndRestoring  = `DROP TABLE IF EXISTS restoring`
	pgIsRestoring   = `SELECT to_regclass(quote_ident(current_schema()) || '.restoring') IS NOT NULL`
	pgTablesHere    = `SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema()
		AND tablename IN (%s)`
	pgHere = `SELECT CAST(current_setting('server_version_num') AS INT), COALESCE(current_schema(), '')`
)

// BeginRestore marks a PostgreSQL database without any of the tables that tell an installation as one that is being restored, which [Open] refuses until
// EndRestore. Errors: ErrNotEmpty, ErrRestoring, ErrUnavailable.
func BeginRestore(ctx context.Context, url string, telling []string) (here Snapshot, err error) {
	return here, onPostgres(ctx, url, func(conn *pgx.Conn) error {
		if err := refuseRestoring(ctx, conn); err != nil {
			return err
		}
		var tables int64
		if err := conn.QueryRow(ctx, fmt.Sprintf(pgTablesHere, "'"+strings.Join(telling, "', '")+"'")).Scan(&tables); err != nil {
			return postgresError(err)
		}
		if tables > 0 {
			return fmt.Errorf("%w: a restore makes a new one, name an empty database by --database", ErrNotEmpty)
		}
		if err := conn.QueryRow(ctx, pgHere).Scan(&here.Server, &here.Schema); err != nil {
			return postgresError(err)
		}
		_, err := conn.Exec(ctx, pgMarkRestoring)
		return postgresError(err)
	})
}

// EndRestore lets a PostgreSQL database be opened that was restored, or that nothing was restored into.
func EndRestore(ctx context.Context, url string) error {
	return onPostgres(ctx, url, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, pgEndRestoring)
		return postgresError(err)
	})
}

func onPostgres(ctx context.Context, url string, do func(*pgx.Conn) error) error {
	config, err := new(DB).postgresConfig(ctx, Options{URL: url})
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return connectError(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// refuseRestoring is ErrRestoring for a database in which a restore has begun and not ended.
func refuseRestoring(ctx context.Context, conn *pgx.Conn) error {
	var begun bool
	if err := conn.QueryRow(ctx, pgIsRestoring).Scan(&begun); err != nil {
		return fmt.Errorf("look for an interrupted restore: %w", postgresError(err))
	}
	if begun {
		return ErrRestoring
	}
	return nil
}
