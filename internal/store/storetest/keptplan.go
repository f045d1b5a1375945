package storetest

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// Plans keeps a connection to PostgreSQL that shows plans.
type Plans struct {
	d    *Database
	conn *pgx.Conn
}

// Plans connects to the open database, which must be PostgreSQL.
func (d *Database) Plans() *Plans {
	d.t.Helper()
	conn, err := pgx.Connect(d.t.Context(), d.url)
	if err == nil {
		_, err = conn.Exec(d.t.Context(), strings.ReplaceAll(tx.PgPlanned, "true", "false")) // for the connection
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(d.t.Context())) })
	return &Plans{d, conn}
}

// Kept is the plan that PostgreSQL makes once of a statement, for all arguments.
func (p *Plans) Kept(text string, args []any) []string {
	p.d.t.Helper()
	ctx := p.d.t.Context()
	values := make([]string, len(args))
	for i, arg := range args {
		values[i] = fmt.Sprint(arg)
		if s, ok := arg.(string); ok {
			values[i] = "'" + strings.ReplaceAll(s, "'", "''") + "'"
		}
	}
	var lines []string
	_, err := p.conn.Exec(ctx, "PREPARE page AS "+text)
	if err == nil {
		var found pgx.Rows
		if found, err = p.conn.Query(ctx, "EXPLAIN EXECUTE page("+strings.Join(values, ", ")+")", pgx.QueryExecModeSimpleProtocol); err == nil {
			lines, err = pgx.CollectRows(found, pgx.RowTo[string])
		}
	}
	if err == nil {
		_, err = p.conn.Exec(ctx, "DEALLOCATE page")
	}
	if err != nil {
		p.d.t.Fatalf("%s: %v", text, err)
	}
	return lines
}
