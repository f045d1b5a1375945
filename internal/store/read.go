package store

import "context"

// scanner is one row: what a table file's scan function reads its columns from. Destinations are
// *string, *int64, *int, *bool, *[]byte, and pointers to such pointers for columns that may be NULL.
type scanner interface {
	Scan(dest ...any) error
}

// read is one SELECT and what to do with each of its rows.
type read struct {
	sql  string
	args []any
	row  func(scanner) error
	// point marks a look-up of one row by key, too short to be worth watching the context for.
	point bool
}

// reader runs SELECTs. Several given together share one round trip where the database has one; rows
// come in order. It returns reduced errors.
type reader interface {
	read(ctx context.Context, reads []read) error
	close()
}

// reducedRow keeps the driver's errors from a table file's scan function.
type reducedRow struct {
	row    scanner
	reduce func(error) error
}

func (r *reducedRow) Scan(dest ...any) error { return r.reduce(r.row.Scan(dest...)) }

// one returns the single row that the query finds, or ErrNotFound. Further rows are not looked at.
func one[T any](tx *Tx, scan func(scanner) (T, error), sql string, args ...any) (T, error) {
	var b batch
	b.tx = tx
	row := oneIn(&b, scan, sql, args...)
	if err := b.run(); err != nil {
		var zero T
		return zero, err
	}
	return row.get()
}

// list returns all rows of the query in its order; none is an empty list.
func list[T any](tx *Tx, scan func(scanner) (T, error), sql string, args ...any) ([]T, error) {
	var b batch
	b.tx = tx
	rows := listIn(&b, scan, sql, args...)
	if err := b.run(); err != nil {
		return nil, err
	}
	return *rows, nil
}

// each calls row for every row of the query while it streams, for results too large to keep. It stops
// at the first error of row and returns it. The row function must not use tx.
func (tx *Tx) each(row func(scanner) error, sql string, args ...any) error {
	return tx.read([]read{{sql: sql, args: args, row: row}})
}

// batch collects reads that run together: one round trip on PostgreSQL. Add with oneIn and listIn,
// then call run once, then use the results.
type batch struct {
	tx    *Tx
	reads []read
}

// batch begins an empty batch.
func (tx *Tx) batch() *batch { return &batch{tx: tx} }

// run performs the reads. When it fails, none of the results may be used.
func (b *batch) run() error { return b.tx.read(b.reads) }

// maybe is a row that a batch may find.
type maybe[T any] struct {
	value T
	found bool
}

// get returns the row, or ErrNotFound.
func (m *maybe[T]) get() (T, error) {
	if !m.found {
		return m.value, ErrNotFound
	}
	return m.value, nil
}

// oneIn adds a query for one row.
func oneIn[T any](b *batch, scan func(scanner) (T, error), sql string, args ...any) *maybe[T] {
	m := &maybe[T]{}
	b.reads = append(b.reads, read{sql: sql, args: args, point: true, row: func(s scanner) error {
		if m.found {
			return nil
		}
		value, err := scan(s)
		if err != nil {
			return err
		}
		m.value, m.found = value, true
		return nil
	}})
	return m
}

// listIn adds a query for all its rows.
func listIn[T any](b *batch, scan func(scanner) (T, error), sql string, args ...any) *[]T {
	rows := &[]T{}
	b.reads = append(b.reads, read{sql: sql, args: args, row: func(s scanner) error {
		value, err := scan(s)
		if err != nil {
			return err
		}
		*rows = append(*rows, value)
		return nil
	}})
	return rows
}

// scanInt64 scans a row of one BIGINT, such as a count.
func scanInt64(s scanner) (int64, error) {
	var n int64
	err := s.Scan(&n)
	return n, err
}

// scanText scans a row of one TEXT.
func scanText(s scanner) (string, error) {
	var text string
	err := s.Scan(&text)
	return text, err
}
