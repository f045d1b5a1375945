// Package tx is the kernel of the store: transactions with group commit on SQLite and on PostgreSQL, and all that a database
// needs around them: opening, migrating, backup, the translation of driver errors, and the few fragments of SQL in which the
// two differ. It knows no table but its own two, of applied migrations and of who applies them; what stands in a row, and which
// texts of SQL read and write it, is the business of package store above it, which alone imports it.
//
// A transaction body runs in the caller's goroutine. Its reads go to the database at once; its writes
// are queued in the [Tx] and leave together after the body returned nil, in one database transaction
// that they share with the writes of other callers. So a body never sees its own writes, and what keeps
// two bodies apart is not a lock but a guarded statement: one that names the version that was read and
// must hit exactly one row. A guard that hits none runs the whole body again.
//
// What a table is made of are the writes of [Tx] (Write, Guard, Version), its reads ([One], [List], [Tx.Each], and [Batch] with
// [OneIn] and [ListIn] for several in one round trip), and [Tx.LockKey], by which bodies on one thing stay out of each other's
// way. Statements are PostgreSQL text with $N placeholders, which SQLite understands too. Amounts travel as text, instants by
// [Micros] and [FromMicros], empty texts as NULL by [Nullable]; work that comes due is divided by [ShardOf].
//
// Read tx.go first (the life of a transaction), then write.go and read.go, then writer.go (how sets of writes are grouped),
// package turns (who goes first when bodies meet), and stamp.go.
package tx
