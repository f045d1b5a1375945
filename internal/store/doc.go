// Package store keeps everything Sluice must not forget, in SQLite or in PostgreSQL, and is the only
// package that knows SQL or a database driver. It owns transactions, group commit, the schema and the
// translation of driver errors; it decides nothing about payments, and no rule of the domain lives here.
//
// A transaction body runs in the caller's goroutine. Its reads go to the database at once; its writes
// are queued in the [Tx] and leave together after the body returned nil, in one database transaction
// that they share with the writes of other callers. So a body never sees its own writes, and what keeps
// two bodies apart is not a lock but a guarded statement: one that names the version that was read and
// must hit exactly one row. A guard that hits none runs the whole body again.
//
// Read tx.go first (the life of a transaction), then write.go and read.go (what table files are made
// of), then writer.go (how sets of writes are grouped). A table file holds its SQL as constants named
// sqlXxx, PostgreSQL text with $N placeholders that SQLite understands too; dialect.go has the few
// fragments that differ.
package store
