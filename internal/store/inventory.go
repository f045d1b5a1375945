package store

import "errors"

// Inventory says what a backup holds.
type Inventory struct {
	Schema int64            // version of the newest migration
	Rows   map[string]int64 // of the tables that tell most
}

// errNoBackup says that a database is backed up in another way.
var errNoBackup = errors.New("the other database is backed up so")

const sqlInventory = `SELECT (SELECT MAX(version) FROM schema_migration), (SELECT COUNT(*) FROM shop), (SELECT COUNT(*) FROM payment),
	(SELECT COUNT(*) FROM attempt), (SELECT COUNT(*) FROM operation), (SELECT COUNT(*) FROM event), (SELECT COUNT(*) FROM delivery)`

func scanInventory(s scanner) (Inventory, error) {
	i := Inventory{Rows: map[string]int64{}}
	names := []string{"shop", "payment", "attempt", "operation", "event", "delivery"}
	counts := make([]int64, len(names))
	into := []any{&i.Schema}
	for n := range counts {
		into = append(into, &counts[n])
	}
	err := s.Scan(into...)
	for n, name := range names {
		i.Rows[name] = counts[n]
	}
	return i, err
}
