package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store"
)

// Rows returns every row of every table of the open database as text, beside the product.
func (d *Database) Rows() []string {
	d.t.Helper()
	ctx := context.WithoutCancel(d.t.Context())
	var rows []string
	var err error
	if d.Kind == store.Postgres {
		rows, err = rowsPostgres(ctx, d.url)
	} else {
		rows, err = rowsSQLite(ctx, filepath.Join(d.dir, "sluice.db"))
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return rows
}

func rowsPostgres(ctx context.Context, address string) ([]string, error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	found, err := conn.Query(ctx, `SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'`)
	if err != nil {
		return nil, err
	}
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	var all []string
	for _, table := range tables {
		found, err := conn.Query(ctx, fmt.Sprintf("SELECT CAST(to_jsonb(r) AS TEXT) FROM %s r", table))
		if err != nil {
			return nil, err
		}
		texts, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			return nil, err
		}
		all = append(all, texts...)
	}
	return all, nil
}

func rowsSQLite(ctx context.Context, file string) ([]string, error) {
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?_busy_timeout=60000")
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	var all []string
	tables, err := column(ctx, pool, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		texts, err := column(ctx, pool, fmt.Sprintf("SELECT * FROM %q", table)) //nolint:unqueryvet // every column of every table is wanted
		if err != nil {
			return nil, err
		}
		all = append(all, texts...)
	}
	return all, nil
}

// column returns each row as one text, its values apart by line ends.
func column(ctx context.Context, pool *sql.DB, query string) ([]string, error) {
	found, err := pool.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	var all []string
	for found.Next() {
		values, into := make([][]byte, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, string(bytes.Join(values, []byte("\n"))))
	}
	return all, found.Err()
}
