package store_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/sqltext"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// acrossShops are the statements that have no shop as their parameter, and why each may go to all nodes. Whoever adds one says
// so here.
var acrossShops = map[string]string{
	"sqlDuePayments": "due work", "sqlDueNotices": "due work", "sqlDueUntold": "due work", "sqlDueEndpoints": "due work, on one node",
	"dueEndpointsEverywhere": "due work, on many nodes", "sqlBacklog": "how much is due, for metrics",
	"nextPayment": "due work", "nextNotice": "due work", "nextUntold": "due work", "nextDelivery": "due work",
	"sqlHurryUntold": "an operator has all tried again", "sqlHurryAbandoned": "the start of the only process",
	"sqlParkedPayments": "what an operator looks at", "sqlParkedNotices": "what an operator looks at",
	"sqlListUntold": "what an operator looks at", "sqlReviews": "what an operator looks at, of all shops or of one",
	"alarmColumns": "what an operator looks at, of all shops or of one, or by the alarm's id", "untoldColumns": "the beginning of others",
	"sqlAskUnsent": "after a restore", "sqlAskOpen": "after a restore", "sqlHurryOpen": "after a restore", "sqlMarkLost": "after a restore",
	"sqlLostPayments": "after a restore", "sqlMeansFrom": "a pass over all that is sealed", "sqlChainsFrom": "a pass over all that is sealed",
	"sqlAttemptsFrom": "a pass over all that is sealed", "sqlCardsFrom": "a pass over all that is sealed", "sqlDueCards": "due work", "sqlSpentDue": "due work", "sqlSentDue": "due work", "sqlAnySealed": "the first start", "sqlNewestStamps": "SQLite only",
}

// TestEveryTableHasItsPlace: a table that a migration adds has to say where its rows are on an engine with many nodes.
func TestEveryTableHasItsPlace(t *testing.T) {
	t.Parallel()
	places, column := store.Spread()
	made := map[string]string{"schema_migration": "", "schema_lease": ""} // by the kernel
	for _, statement := range migrated(t) {
		if found := regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*)\)`).FindStringSubmatch(statement); found != nil {
			made[found[1]] = found[2]
		}
	}
	for name, columns := range made {
		switch places[name] {
		case "":
			t.Errorf("table %s has no place in places.Of: where are its rows when a shop's are on one of many nodes?", name)
		case store.Parted:
			if !regexp.MustCompile(`(?m)^\s*` + column + `\s`).MatchString(columns) {
				t.Errorf("table %s is divided by %s and has no such column", name, column)
			}
		}
	}
	for name := range places {
		if _, is := made[name]; !is {
			t.Errorf("places.Of names %s, and no migration makes it", name)
		}
	}
}

// TestUniqueKeysBeginWithTheShop: an engine of many nodes can only tell whether a row is unique among those of its own node.
func TestUniqueKeysBeginWithTheShop(t *testing.T) {
	t.Parallel()
	if wrong := wrongKeys(migrated(t)); len(wrong) > 0 {
		t.Error(strings.Join(wrong, "\n"))
	}
	for _, bad := range []string{
		"CREATE TABLE payment (\n\tshop_id TEXT,\n\tid TEXT NOT NULL PRIMARY KEY\n)",
		"CREATE TABLE payment (\n\tshop_id TEXT,\n\tid TEXT,\n\tPRIMARY KEY (id, shop_id)\n)",
		"CREATE TABLE payment (\n\tshop_id TEXT,\n\tid TEXT,\n\tUNIQUE (id)\n)",
		"CREATE UNIQUE INDEX x ON event (payment_id) WHERE position IS NULL",
		"ALTER TABLE payment ADD COLUMN name TEXT UNIQUE",
	} {
		if len(wrongKeys([]string{bad})) == 0 {
			t.Errorf("%s: nothing was found", bad)
		}
	}
}

// wrongKeys finds unique keys of tables that are divided by the shop which do not begin with it.
func wrongKeys(statements []string) (wrong []string) {
	places, column := store.Spread()
	about := regexp.MustCompile(`(?:CREATE TABLE|ALTER TABLE) (\w+)|CREATE UNIQUE INDEX \w+ ON (\w+)`)
	keys := regexp.MustCompile(`(?:PRIMARY KEY|UNIQUE)\s*\(([^)]*)\)|CREATE UNIQUE INDEX \w+ ON \w+ \(([^)]*)\)`)
	alone := regexp.MustCompile(`(?m)^\s*(?:ALTER TABLE \w+ ADD COLUMN )?(\w+) [^(\n]*\b(?:PRIMARY KEY|UNIQUE)\b`)
	for _, statement := range statements {
		found := about.FindStringSubmatch(statement)
		if found == nil || places[found[1]+found[2]] != store.Parted {
			continue
		}
		table := found[1] + found[2]
		for _, key := range keys.FindAllStringSubmatch(statement, -1) {
			if first, _, _ := strings.Cut(key[1]+key[2], ","); strings.TrimSpace(first) != column {
				wrong = append(wrong, fmt.Sprintf("table %s has the unique key (%s), which does not begin with %s: it would be unique at one node only, "+
					"and the nodes refuse it", table, key[1]+key[2], column))
			}
		}
		for _, key := range alone.FindAllStringSubmatch(statement, -1) {
			if key[1] != column && key[1] != "CREATE" {
				wrong = append(wrong, fmt.Sprintf("table %s has the unique column %s without %s: it would be unique at one node only, and the nodes "+
					"refuse it", table, key[1], column))
			}
		}
	}
	return wrong
}

// migrated returns the statements of all migrations, without comments.
func migrated(t *testing.T) (statements []string) {
	t.Helper()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d migrations, %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile(`--[^\n]*`).ReplaceAllString(string(raw), "")
		statements = append(statements, strings.Split(text, ";")...)
	}
	return statements
}

// TestStatementsNameTheShop: the shop is a parameter of every statement on what shops have, so that it is one node's business. A
// join that only implies it is not enough.
func TestStatementsNameTheShop(t *testing.T) {
	t.Parallel()
	places, column := store.Spread()
	divided := regexp.MustCompile(`\b(?:FROM|INTO|UPDATE|JOIN) (` + strings.Join(slices.Collect(func(yield func(string) bool) {
		for name, place := range places {
			if place == store.Parted && !yield(name) {
				return
			}
		}
	}), "|") + `)\b`)
	check := func(name, text string) string {
		switch {
		case !divided.MatchString(text), acrossShops[name] != "":
			return ""
		case sqltext.Parameter(text, column) == 0:
			return fmt.Sprintf("%s: %s is no parameter, so that every node has to look: %s", name, column, text)
		}
		return ""
	}
	statements := sqlConstants(t)
	for _, name := range slices.Sorted(maps.Keys(statements)) {
		if wrong := check(name, statements[name]); wrong != "" {
			t.Error(wrong)
		}
	}
	for _, bad := range []string{
		"SELECT e.id FROM endpoint e JOIN delivery d ON d.endpoint_id = e.id",
		"SELECT e.id FROM endpoint e JOIN delivery d ON d.shop_id = e.shop_id",
		"INSERT INTO event (id, shop_id) VALUES ($1, upper($2))",
		"UPDATE payment SET due = $1 WHERE id = $2",
	} {
		if check("bad", bad) == "" {
			t.Errorf("%s: nothing was found", bad)
		}
	}
	for name := range acrossShops {
		if _, is := statements[name]; strings.HasPrefix(name, "sql") && !is {
			t.Errorf("%s is no statement any more: take it from the list", name)
		}
	}
}

// TestStatementsAreOneNodesBusiness has Citus tell how it goes about every statement: those that name the shop are one task on one
// shard, also where they look into several tables, and none is refused.
func TestStatementsAreOneNodesBusiness(t *testing.T) {
	t.Parallel()
	d := storetest.NewCitus(t)
	d.Open()
	statements := sqlConstants(t)
	for _, name := range slices.Sorted(maps.Keys(statements)) {
		switch name {
		case "sqlBegin", "sqlCommit", "sqlRollback": // nothing that is planned
			continue
		case "sqlDueEndpoints", "sqlInsertEvent", "sqlNewestStamps": // for one node: another is sent to many
			continue
		}
		text := statements[name]
		if name != "sqlAskOpen" { // whose instant is its own, and no stamp
			text = store.OnNodes(text)
		}
		plan, err := d.Explain(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if acrossShops[name] != "" {
			continue
		}
		if tasks := regexp.MustCompile(`Task Count: \d+`).FindAllString(plan, -1); len(tasks) > 1 || len(tasks) == 1 && tasks[0] != "Task Count: 1" {
			t.Errorf("%s is %s\n%s", name, strings.Join(tasks, ", "), plan)
		}
	}
}
