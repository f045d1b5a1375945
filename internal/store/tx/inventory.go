package tx

import (
	"errors"
	"strings"
)

// Inventory says what a backup holds.
type Inventory struct {
	Schema int64            // version of the newest migration
	Rows   map[string]int64 // of the tables that tell most
}

// errNoBackup says that a database is backed up in another way.
var errNoBackup = errors.New("the other database is backed up so")

// inventoryOf is the query for an inventory of these tables.
func inventoryOf(tables []string) string {
	var b strings.Builder
	b.WriteString("SELECT (SELECT MAX(version) FROM schema_migration)")
	for _, name := range tables {
		b.WriteString(", (SELECT COUNT(*) FROM " + name + ")")
	}
	return b.String()
}

func scanInventory(s Scanner, tables []string) (Inventory, error) {
	i := Inventory{Rows: map[string]int64{}}
	counts := make([]int64, len(tables))
	into := []any{&i.Schema}
	for n := range counts {
		into = append(into, &counts[n])
	}
	err := s.Scan(into...)
	for n, name := range tables {
		i.Rows[name] = counts[n]
	}
	return i, err
}
