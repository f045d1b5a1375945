package tx

import "context"

// Scanner is one row: what a table's scan function reads its columns from. Destinations are
// *string, *int64, *int, *bool, *[]byte, and pointers to such pointers for columns that may be NULL.
type Scanner interface {
	Scan(dest ...any) error
}

// read is one SELECT and what to do with each of its rows.
type read struct {
	sql  string
	args []any
	row  func(Scanner) error
	// point marks a look-up of one row by key, too short to be worth watching the context for.
	point bool
}

// reads runs SELECTs. Several given together share one round trip where the database has one; rows
// come in order. It returns reduced errors.
type reads interface {
	read(ctx context.Context, reads []read) error
}

// reader is where they are run.
type reader interface {
	reads

	snapshot(ctx context.Context, use func(reads) error) error
	close()
}

// reducedRow keeps the driver's errors from a table file's scan function.
type reducedRow struct {
	row    Scanner
	reduce func(error) error
}

// Scan implements Scanner.
func (r *reducedRow) Scan(dest ...any) error { return r.reduce(r.row.Scan(dest...)) }

// One returns the single row that the query finds, or ErrNotFound. Further rows are not looked at.
func One[T any](tx *Tx, scan func(Scanner) (T, error), sql string, args ...any) (T, error) {
	var b Batch
	b.tx = tx
	row := OneIn(&b, scan, sql, args...)
	if err := b.Run(); err != nil {
		var zero T
		return zero, err
	}
	return row.Get()
}

// List returns all rows of the query in its order; none is an empty list.
func List[T any](tx *Tx, scan func(Scanner) (T, error), sql string, args ...any) ([]T, error) {
	var b Batch
	b.tx = tx
	rows := ListIn(&b, scan, sql, args...)
	if err := b.Run(); err != nil {
		return nil, err
	}
	return *rows, nil
}

// Each calls row for every row of the query while it streams, for results too large to keep. It stops
// at the first error of row and returns it. The row function must not use tx.
func (tx *Tx) Each(row func(Scanner) error, sql string, args ...any) error {
	return tx.read([]read{{sql: sql, args: args, row: row}})
}

// Batch collects reads that run together: one round trip on PostgreSQL. Add with OneIn and ListIn,
// then call Run once, then use the results.
type Batch struct {
	tx    *Tx
	reads []read
}

// Batch begins an empty batch.
func (tx *Tx) Batch() *Batch { return &Batch{tx: tx} }

// PgPlanned holds for the reads of its round trip, or of the snapshot.
const PgPlanned = `SELECT set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true),
	set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
	set_config('enable_bitmapscan', 'off', true), set_config('enable_material', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)`

// Planned has PostgreSQL keep the plan that it has once made of each statement of the batch, and run it as it is. Otherwise it would plan
// those of lists again at each run, because it takes plans for their values to be cheaper, and compile them, because it
// overrates what they cost: both take longer than to run them. Without the values it takes a page for a tenth of the table, and would read all
// of that: so it is told not to, nor to read all of a shop once, by several processes, and look at it again for each mark, which it
// believes to be cheaper from some millions of payments on. It is for statements that go by an index step by step.
func (b *Batch) Planned() {
	if b.tx.db.kind == Postgres {
		b.Each(func(Scanner) error { return nil }, PgPlanned)
	}
}

// Each adds a query whose rows are handed over while they stream, as by [Tx.Each].
func (b *Batch) Each(row func(Scanner) error, sql string, args ...any) {
	b.reads = append(b.reads, read{sql: sql, args: args, row: row})
}

// Run performs the reads. When it fails, none of the results may be used.
func (b *Batch) Run() error { return b.tx.read(b.reads) }

// Maybe is a row that a batch may find.
type Maybe[T any] struct {
	Value T
	Found bool
}

// Get returns the row, or ErrNotFound.
func (m *Maybe[T]) Get() (T, error) {
	if !m.Found {
		return m.Value, ErrNotFound
	}
	return m.Value, nil
}

// OneIn adds a query for one row.
func OneIn[T any](b *Batch, scan func(Scanner) (T, error), sql string, args ...any) *Maybe[T] {
	m := &Maybe[T]{}
	b.reads = append(b.reads, read{sql: sql, args: args, point: true, row: func(s Scanner) error {
		if m.Found {
			return nil
		}
		value, err := scan(s)
		if err != nil {
			return err
		}
		m.Value, m.Found = value, true
		return nil
	}})
	return m
}

// ListIn adds a query for all its rows.
func ListIn[T any](b *Batch, scan func(Scanner) (T, error), sql string, args ...any) *[]T {
	rows := &[]T{}
	b.reads = append(b.reads, read{sql: sql, args: args, row: func(s Scanner) error {
		value, err := scan(s)
		if err != nil {
			return err
		}
		*rows = append(*rows, value)
		return nil
	}})
	return rows
}

// ScanInt64 scans a row of one BIGINT, such as a count.
func ScanInt64(s Scanner) (int64, error) {
	var n int64
	err := s.Scan(&n)
	return n, err
}

// ScanText scans a row of one TEXT.
func ScanText(s Scanner) (string, error) {
	var text string
	err := s.Scan(&text)
	return text, err
}
