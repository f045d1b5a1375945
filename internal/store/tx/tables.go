package tx

import "io/fs"

// Tables is what the kernel has to know of the tables that stand on it. All of it is given to [Open] and nothing is changed
// afterwards.
type Tables struct {
	// Migrations make the tables; the top folder holds NNNN_name.sql files.
	Migrations fs.FS
	// Counted are those whose rows an [Inventory] counts.
	Counted []string
	// AtWork lists the names of processes that work on the database now; its argument is the instant. Empty where nobody can
	// tell. Only PostgreSQL is asked: a file of SQLite has one owner.
	AtWork string
	// Spread says of every table where its rows are on an engine that has many nodes; those that are Parted are divided by the
	// column Part.
	Spread map[string]Spread
	Part   string
	// Restamp stamps a row again, whose shop and id are its arguments after the stamp: see [Stamp].
	Restamp Statement
	// Owner is handed on to bodies: see [Tx.Owner].
	Owner any
}

// Statement is a named text of SQL.
type Statement struct{ Name, SQL string }
