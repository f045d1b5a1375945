package tx

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/sluicepay/sluice/internal/store/plain"
	"github.com/sluicepay/sluice/internal/store/sqltext"
)

// Reads go to the driver directly. database/sql would lock and unlock twice for each row, and look at most values by reflection:
// a third of the time of a list. Nothing that it is for is needed, since a connection belongs to whoever reads.

// sqliteStatement is a prepared SELECT.
type sqliteStatement interface {
	driver.Stmt
	driver.StmtQueryContext
}

// prepareRead returns the SELECT of this text, prepared once, as prepare does for statements that write.
func (c *sqliteConn) prepareRead(text string) (sqliteStatement, error) {
	if stmt, ok := c.selects[text]; ok {
		return stmt, nil
	}
	if len(c.selects) >= maxStatements {
		c.forgetReads()
	}
	made, err := c.raw.PrepareContext(context.Background(), sqltext.Positional(text))
	if err != nil {
		return nil, c.reduce(err)
	}
	stmt, ok := made.(sqliteStatement)
	if !ok {
		return nil, c.reduce(errors.Join(errors.New("the driver's statement knows no context"), made.Close()))
	}
	c.selects[text] = stmt
	return stmt, nil
}

func (c *sqliteConn) forgetReads() {
	for text, stmt := range c.selects {
		_ = stmt.Close() // frees memory; a failure here has no consequence
		delete(c.selects, text)
	}
}

func (c *sqliteConn) query(ctx context.Context, q read) error { //nolint:contextcheck // a point is too short to be worth watching
	stmt, err := c.prepareRead(q.sql)
	if err != nil {
		return err
	}
	if q.point {
		ctx = context.Background()
	}
	args, err := namedValues(q.args)
	if err != nil {
		return c.reduce(err)
	}
	rows, err := stmt.QueryContext(ctx, args)
	if err != nil {
		return c.reduce(err)
	}
	defer func() { _ = rows.Close() }() // what there is to say, the last row has said
	each := &sqliteRow{values: make([]driver.Value, len(rows.Columns()))}
	for {
		switch err := rows.Next(each.values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return c.reduce(err)
		}
		if err := q.row(each); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return c.reduce(err)
		}
	}
}

// namedValues are the arguments as the driver takes them.
func namedValues(args []any) ([]driver.NamedValue, error) {
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	return named, nil
}

// sqliteRow is one row of a SELECT.
type sqliteRow struct{ values []driver.Value }

// Scan implements Scanner.
func (r *sqliteRow) Scan(dest ...any) error {
	if len(dest) != len(r.values) {
		return &fault{errRefused, fmt.Sprintf("%d columns are read into %d places", len(r.values), len(dest))}
	}
	for i, to := range dest {
		if err := plain.Assign(to, r.values[i]); err != nil {
			return &fault{errRefused, fmt.Sprintf("column %d: %s", i+1, err)}
		}
	}
	return nil
}
