package store_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// manyPayments writes payments a second apart, straight into the database: a planner has to take it for a large one.
func manyPayments(t *testing.T, d *storetest.Database, db *store.DB, shop payment.ShopID, n int) {
	t.Helper()
	series := "WITH RECURSIVE n(i, at) AS (SELECT 1, CAST($2 AS BIGINT) UNION ALL SELECT i + 1, at + 1000000 FROM n WHERE i < CAST($3 AS BIGINT))"
	id := "printf('%012x70008%015x', n.at / 1000, n.i)"
	if d.Kind == store.Postgres {
		id = "lpad(to_hex(n.at / 1000), 12, '0') || '70008' || lpad(to_hex(n.i), 15, '0')"
	}
	text := series + ` INSERT INTO payment (shop_id, id, version, type, state, reference, currency, pre_auth, start_recurring, created, updated, listed,
			live, tries, ops, events, shard, due_fails)
		SELECT CAST($1 AS TEXT), ` + id + `, 3, 'DEPOSIT', 'COMPLETED', CAST(n.i AS TEXT), 'EUR', FALSE, FALSE, n.at, n.at, n.at,
			0, 1, 1, 1, 3, 0 FROM n`
	err := update(t, db, func(tx *store.Tx) { tx.Write("payment.many", text, string(shop), ordersBegan.UnixMicro(), n) })
	if err != nil {
		t.Fatal(err)
	}
}

var (
	planIndex  = regexp.MustCompile(`(?:using|Index Scan on|INDEX) (payment_(?:pkey|late|listed|reference|parent|due|means|review)|sqlite_autoindex_payment_1)\b`)
	planScan   = regexp.MustCompile(`Seq Scan on payment [a-z]|SCAN [qp]\b`)
	planListed = regexp.MustCompile(`payment_listed`)
)

// indexesOf is by which indexes of payments a query goes, and what is wrong with that.
func indexesOf(lines []string) (used []string, wrong string) {
	found := map[string]bool{}
	for i, line := range lines {
		if planScan.MatchString(line) {
			wrong = line
		}
		if m := planIndex.FindStringSubmatch(line); m != nil {
			found[strings.Replace(strings.TrimPrefix(m[1], "payment_"), "sqlite_autoindex_payment_1", "pkey", 1)] = true
		}
		condition := line
		if i+1 < len(lines) && strings.Contains(lines[i+1], "Index Cond") {
			condition = lines[i+1]
		}
		if planListed.MatchString(line) && !strings.Contains(strings.Replace(condition, "payment_listed", "", 1), "listed") {
			wrong = "the whole index of changes: " + line
		}
	}
	return slices.Sorted(maps.Keys(found)), wrong
}

func explained(t *testing.T, db *store.DB, text string, args []any) []string {
	t.Helper()
	verb := "EXPLAIN "
	if db.Kind() == store.SQLite {
		verb = "EXPLAIN QUERY PLAN "
	}
	lines, err := view(t, db, func(tx *store.Tx) ([]string, error) {
		return store.List(tx, func(s store.Scanner) (line string, err error) {
			var node, parent, unused int64
			if db.Kind() == store.SQLite {
				return line, s.Scan(&node, &parent, &unused, &line)
			}
			return line, s.Scan(&line)
		}, verb+text, args...)
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return lines
}

// secondsOn is that long after the payments of lists began.
func secondsOn(n int) time.Time { return ordersBegan.Add(time.Duration(n) * time.Second) }

// plannedList is a page's statement and by which indexes it goes.
type plannedList struct {
	name, text, want string
	args             []any
	settled          bool // whatever is known of the tables
}

// everyList has every set of filters, near and far, each bound where it leaves little and where it leaves much, with every
// statement that may be asked for it.
func everyList(shop payment.ShopID) (all []plannedList) {
	for kind := range 1 << 6 {
		for _, part := range [][4]int{{100, 19_900, 50, 19_950}, {9_000, 9_100, 9_050, 9_060}, {19_000, 90_000, 10_000, 90_000}, {-1, 500, -1, 10_000}} {
			f := payment.Filter{Shop: shop, Limit: 50}
			for i, into := range []*time.Time{&f.CreatedFrom, &f.CreatedBefore, &f.UpdatedFrom, &f.UpdatedBefore} {
				if kind>>i&1 == 1 {
					*into = secondsOn(part[i])
				}
			}
			if kind>>4&1 == 1 {
				f.After = payment.ID(id.Floor(secondsOn(part[1])))
			}
			if kind>>5&1 == 1 {
				f.Reference = "77"
			}
			all = append(all, listsOf(f)...)
		}
	}
	return all
}

// deepGoesBy is by which indexes of payments the steps go that find a page far into a window.
var deepGoesBy = map[string]string{"tail": "late pkey", "groups": "late listed", "spans": "late listed pkey", "cell": "listed"}

func listsOf(f payment.Filter) (all []plannedList) {
	add := func(how, want string, settled bool, query func(payment.Filter) (string, []any)) {
		text, args := query(f)
		all = append(all, plannedList{fmt.Sprintf("%s, %+v", how, f), text, want, args, settled})
	}
	changed := !f.UpdatedFrom.IsZero() || !f.UpdatedBefore.IsZero()
	for _, f.Offset = range []int{0, 1, 5000} {
		switch {
		case f.Reference != "":
			add("plain", "pkey reference", false, store.ListQuery)
		case changed:
			if f.UpdatedFrom.Equal(secondsOn(9_050)) && !f.UpdatedBefore.IsZero() { // the window that leaves few of them
				add("few changed", "listed pkey", true, changedBy(true))
			}
			add("many changed", "late listed pkey", true, changedBy(false))
			if store.Far(f) {
				for name, query := range store.DeepQueries(f) {
					add("deep, "+name, deepGoesBy[name], name != "cell", func(payment.Filter) (string, []any) { return query.Text, query.Args })
				}
			}
		case store.Far(f):
			add("far", "late pkey", true, store.Pages.Far)
		default:
			add("plain", "pkey", false, store.ListQuery)
		}
	}
	return all
}

// TestEveryListGoesByItsIndexes on both databases, and those of long statements whether or not these know anything of their tables: the plans that docs/lists.md
// tells of.
func TestEveryListGoesByItsIndexes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		shop := talliedShops[0]
		manyPayments(t, d, db, shop, 20_000)
		extend(t, db, shop, ordersBegan.Add(6*time.Hour))
		fill(t, db, shop)
		all := everyList(shop)
		plan := func(text string, args []any) []string { return explained(t, db, text, args) }
		if d.Kind == store.Postgres {
			plan = d.Plans().Kept // which pages go by, see tx.Batch.Planned
		}
		for _, known := range []bool{false, true} {
			if known {
				for _, table := range []string{"payment", "payment_mark", "payment_tally", "payment_histogram"} {
					if err := update(t, db, func(tx *store.Tx) { tx.Write("analyze", "ANALYZE "+table) }); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, l := range all {
				if !known && !l.settled {
					continue // a young database is had to look at its tables
				}
				lines := plan(l.text, l.args)
				used, wrong := indexesOf(lines)
				if got := strings.Join(used, " "); got != l.want || wrong != "" {
					t.Errorf("%s, statistics %t: by %s %s, want %s\n%s", l.name, known, got, wrong, l.want, strings.Join(lines, "\n"))
				}
			}
			narrow := payment.Filter{Shop: shop, UpdatedFrom: secondsOn(100), UpdatedBefore: secondsOn(200)}
			text, args := store.Pages.Few(narrow)
			if used, wrong := indexesOf(plan(text, args)); fmt.Sprint(used) != "[listed]" || wrong != "" {
				t.Errorf("counting a few goes by %v %s", used, wrong)
			}
		}
	})
}

// TestNothingIsScannedAtTheStart: what the process before committed last is found among millions of payments as among a few.
func TestNothingIsScannedAtTheStart(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, store.SQLite).Open() // the only one where it is looked for
	lines := explained(t, db, store.NewestStampsQuery, nil)
	if plan := strings.Join(lines, "\n"); planScan.MatchString(plan) || !planListed.MatchString(plan) {
		t.Errorf("the newest stamps are found by\n%s", plan)
	}
}
