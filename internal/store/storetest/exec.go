package storetest

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store"
)

// Exec runs one statement on the open database beside the product, for what the product would never write. It must
// change exactly one row.
func (d *Database) Exec(statement string, args ...any) {
	d.t.Helper()
	if changed := d.ExecAll(statement, args...); changed != 1 {
		d.t.Fatalf("%s: %d rows", statement, changed)
	}
}

// ExecAll is Exec for a statement that may change any number of rows, which it returns.
func (d *Database) ExecAll(statement string, args ...any) (changed int64) {
	d.t.Helper()
	ctx := context.WithoutCancel(d.t.Context())
	var err error
	if d.Kind == store.Postgres {
		changed, err = execPostgres(ctx, d.url, statement, args)
	} else {
		changed, err = execSQLite(ctx, filepath.Join(d.dir, "sluice.db"), statement, args)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", statement, err)
	}
	return changed
}

func execPostgres(ctx context.Context, address, statement string, args []any) (int64, error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	tag, err := conn.Exec(ctx, statement, args...)
	return tag.RowsAffected(), err
}

func execSQLite(ctx context.Context, file, statement string, args []any) (int64, error) {
	pool, err := openSQLite(file)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	result, err := pool.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Prepare has the open database parse a statement beside the product.
func (d *Database) Prepare(statement string) error {
	ctx := d.t.Context()
	if d.Kind == store.Postgres {
		conn, err := pgx.Connect(ctx, d.url)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.PgConn().Prepare(ctx, "", statement, nil)
		return err
	}
	pool, err := openSQLite(filepath.Join(d.dir, "sluice.db"))
	if err != nil {
		return err
	}
	defer pool.Close()
	prepared, err := pool.PrepareContext(ctx, statement)
	if err == nil {
		defer prepared.Close()
	}
	return err
}

func openSQLite(file string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?_busy_timeout=60000")
}
