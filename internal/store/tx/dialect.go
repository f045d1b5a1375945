package tx

import (
	"fmt"
	"strings"
)

// Kind names the database behind a DB.
type Kind string

// The two databases.
const (
	SQLite   Kind = "sqlite"
	Postgres Kind = "postgres"
)

// Everything that differs between the two databases in SQL text is in this file, and there are four
// such fragments. Migrations write the first three as {{amount}}, {{id}} and {{clustered}}; the fourth
// is the shape of a guarded statement.
//
// The rest of the portable subset needs no fragment: TEXT, BIGINT (also for instants, in microseconds
// UTC), BOOLEAN and BYTEA mean the same on both. STRICT tables are not used because they know neither
// BIGINT, BOOLEAN nor BYTEA.
type dialect struct {
	// amount is the type of a column of money. Amounts travel as text both ways: a parameter is the
	// canonical text, and see plain.ReadAmounts.
	amount string
	// id is the type of an identifier. On PostgreSQL its order must not depend on the server's locale,
	// or lists would differ between installations and between the two databases.
	id string
	// clustered ends a CREATE TABLE whose rows should be stored in primary key order. Worth it for
	// small rows that are found by their key alone.
	clustered string
}

var dialects = map[Kind]dialect{
	SQLite:   {amount: "TEXT", id: "TEXT", clustered: " WITHOUT ROWID"},
	Postgres: {amount: "NUMERIC(38,18)", id: `TEXT COLLATE "C"`, clustered: ""},
}

// render puts the fragments of one database into the text of a migration.
func (d dialect) render(text string) (string, error) {
	out := strings.NewReplacer(
		"{{amount}}", d.amount,
		"{{id}}", d.id,
		"{{clustered}}", d.clustered,
	).Replace(text)
	if at := strings.Index(out, "{{"); at >= 0 {
		return "", fmt.Errorf("unknown fragment %.20q", out[at:])
	}
	return out, nil
}

// Guarded makes PostgreSQL itself refuse a guarded statement that did not hit exactly one row, so that
// a whole group of writes is one round trip: (false)::int is zero, and dividing by it aborts the
// transaction with code 22012. On SQLite the writer counts the rows instead.
func Guarded(sql string) string {
	return "WITH hit AS (" + sql + " RETURNING 1) SELECT 1 / (count(*) = 1)::int FROM hit"
}
