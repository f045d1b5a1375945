// Package store keeps everything Sluice must not forget, in SQLite or in PostgreSQL. It and its kernel are the only packages
// that know SQL or a database driver. This one owns the tables: their migrations, the texts of SQL that read and write them, and
// how rows become values and back. Transactions, writers, connections, backups and the translation of driver errors are owned
// by the kernel, package tx, and what callers meet of it has its names here too (kernel.go). The store decides nothing about
// payments, and no rule of the domain lives here.
//
// A caller gets at a table by its accessor: tx.Payments().Get(shop, id), tx.Deliveries().Due(key, page). An accessor is a value
// that holds the transaction, and costs nothing. Its verbs are the same everywhere where they mean the same: Get (one, or
// ErrNotFound), List, Due (what is to be worked on), Insert, Update (by the version that was read, where there is one), Postpone
// (after a failure), Delay (without one). What is of several tables at once is in the accessor of the thing that it is about:
// Payments().History, Work().Next. Only what takes several transactions is a method of [DB], such as [DB.ReadFeed].
//
// Read tx.go first (the accessors), then payments.go and columns.go (what a table is made of). A table's file holds its SQL as
// constants named sqlXxx, PostgreSQL text with $N placeholders that SQLite understands too; where the columns stand in a table
// of their own (payments_columns.go, attempts_columns.go) the statements are made of them when the program starts. How a
// transaction lives, and what a body must not do, is in the page of package tx.
package store
