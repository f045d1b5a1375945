package tx

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
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
	made, err := c.raw.PrepareContext(context.Background(), positional(text))
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

func (c *sqliteConn) query(ctx context.Context, q read) error {
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
		if err := assign(to, r.values[i]); err != nil {
			return &fault{errRefused, fmt.Sprintf("column %d: %s", i+1, err)}
		}
	}
	return nil
}

// assign puts what the driver read where it is wanted.
func assign(to any, value driver.Value) error {
	switch to := to.(type) {
	case *string:
		return assignText(to, value)
	case *int64:
		return assignNumber(to, value)
	case *int:
		var n int64
		err := assignNumber(&n, value)
		*to = int(n)
		return err
	case *bool:
		truth, err := driver.Bool.ConvertValue(value)
		if err != nil {
			return err //nolint:wrapcheck // by the caller
		}
		*to, _ = truth.(bool)
		return nil
	case *[]byte:
		return assignBytes(to, value)
	case **string:
		return assignOptional(to, value, assignText)
	case **int64:
		return assignOptional(to, value, assignNumber)
	}
	return fmt.Errorf("nothing is read into a %T", to)
}

func assignOptional[T any](to **T, value driver.Value, assign func(*T, driver.Value) error) error {
	if *to = nil; value == nil {
		return nil
	}
	held := new(T)
	*to = held
	return assign(held, value)
}

func assignText(to *string, value driver.Value) error {
	switch value := value.(type) {
	case string:
		*to = value
	case []byte:
		*to = string(value)
	case int64:
		*to = strconv.FormatInt(value, 10)
	default:
		return fmt.Errorf("a %T is no text", value)
	}
	return nil
}

func assignNumber(to *int64, value driver.Value) error {
	n, ok := value.(int64)
	if !ok {
		return fmt.Errorf("a %T is no number", value)
	}
	*to = n
	return nil
}

func assignBytes(to *[]byte, value driver.Value) error {
	switch value := value.(type) {
	case nil:
		*to = nil
	case []byte:
		*to = value // a copy already
	case string:
		*to = []byte(value)
	default:
		return fmt.Errorf("a %T is no bytes", value)
	}
	return nil
}
