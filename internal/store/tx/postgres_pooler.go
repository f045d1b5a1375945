package tx

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrPooler says that a pooler gives each transaction another connection, and that prepared statements get lost by that.
var ErrPooler = errors.New("the database is behind a pooler that gives each transaction another connection " +
	"(as PgBouncer does with pool_mode=transaction), where statements that were prepared on one are unknown on the next: " +
	"add default_query_exec_mode=exec to the database URL, or let the pooler follow prepared statements " +
	"(max_prepared_statements of PgBouncer 1.21 and later), or use pool_mode=session")

// poolerRounds is how often two connections are compared. Where others use the pool as well, one look may prove nothing.
const poolerRounds = 8

// checkPooler returns ErrPooler where the URL leaves the way of asking to the driver and the driver's does not work. A
// server is known by its process, which it names at the beginning of a connection and when it is asked.
func checkPooler(ctx context.Context, conn *pgx.Conn, url string) error {
	config := conn.Config()
	if config.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement || config.StatementCacheCapacity == 0 ||
		strings.Contains(url, "default_query_exec_mode=") {
		return nil
	}
	own, err := backend(ctx, conn)
	if err != nil || own == strconv.FormatUint(uint64(conn.PgConn().PID()), 10) {
		return nil // no pooler, or no PostgreSQL: what it cannot do it will say
	}
	other, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return connectError(err)
	}
	defer other.Close(context.WithoutCancel(ctx))
	if shared, err := shareBackends(ctx, conn, other, own); err != nil || !shared {
		return err
	}
	return followsStatements(ctx, conn, other)
}

// backend asks which process serves the connection now.
func backend(ctx context.Context, conn *pgx.Conn) (string, error) {
	results, err := conn.PgConn().Exec(ctx, "SELECT pg_backend_pid()").ReadAll()
	if err != nil || len(results) != 1 || len(results[0].Rows) != 1 {
		return "", fmt.Errorf("ask for the serving process: %w", postgresError(err))
	}
	return string(results[0].Rows[0][0]), nil
}

// shareBackends reports that a process served both connections, or one connection was served by two.
func shareBackends(ctx context.Context, conn, other *pgx.Conn, own string) (bool, error) {
	for range poolerRounds {
		second, err := backend(ctx, other)
		if err != nil {
			return false, err
		}
		again, err := backend(ctx, conn)
		if err != nil {
			return false, err
		}
		if second == own || again != own {
			return true, nil
		}
	}
	return false, nil
}

// followsStatements returns ErrPooler unless each connection keeps the statement that was prepared on it, whichever process
// serves it. Both have one name, as those of two processes of ours have.
func followsStatements(ctx context.Context, conn, other *pgx.Conn) error {
	name := "sluice_" + strconv.FormatUint(uint64(conn.PgConn().PID()), 36) + "_" + strconv.FormatUint(uint64(other.PgConn().PID()), 36)
	defer func() {
		_ = conn.PgConn().Deallocate(context.WithoutCancel(ctx), name) // else they go with the processes
		_ = other.PgConn().Deallocate(context.WithoutCancel(ctx), name)
	}()
	texts := map[*pgx.Conn]string{conn: "one", other: "other"}
	for _, c := range []*pgx.Conn{conn, other} {
		if _, err := c.PgConn().Prepare(ctx, name, "SELECT '"+texts[c]+"'::text", nil); err != nil {
			return poolerError(err)
		}
	}
	for range poolerRounds {
		for _, c := range []*pgx.Conn{other, conn} {
			result := c.PgConn().ExecPrepared(ctx, name, nil, nil, nil).Read()
			if result.Err != nil {
				return poolerError(result.Err)
			}
			if len(result.Rows) != 1 || string(result.Rows[0][0]) != texts[c] {
				return ErrPooler
			}
		}
	}
	return nil
}

// poolerError is ErrPooler where a statement was lost or taken, else what the error is.
func poolerError(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && (pg.Code == "42P05" || pg.Code == "26000") {
		return ErrPooler
	}
	return postgresError(err)
}
