package store_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// manyPayments writes payments a second apart, straight into the database: a planner has to take it for a large one.
func manyPayments(t *testing.T, d *storetest.Database, db *store.DB, shop payment.ShopID, n int) {
	t.Helper()
	series := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < CAST($3 AS BIGINT))"
	id := "printf('%032x', n.i)"
	if d.Kind == store.Postgres {
		id = "lpad(to_hex(n.i), 32, '0')"
	}
	text := series + ` INSERT INTO payment (shop_id, id, version, type, state, reference, currency, pre_auth, start_recurring, created, updated, listed,
			live, tries, ops, events, shard, due_fails)
		SELECT CAST($1 AS TEXT), ` + id + `, 3, 'DEPOSIT', 'COMPLETED', CAST(n.i AS TEXT), 'EUR', FALSE, FALSE, CAST($2 AS BIGINT) + n.i, CAST($2 AS BIGINT) + n.i, CAST($2 AS BIGINT) + CAST(n.i AS BIGINT) * 1000000,
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

// TestEveryListGoesByItsIndexes on both databases, and those of long statements whether or not these know anything of their tables: the plans that docs/lists.md
// tells of.
func TestEveryListGoesByItsIndexes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		shop := talliedShops[0]
		manyPayments(t, d, db, shop, 20_000)
		extend(t, db, shop, ordersBegan.Add(time.Hour))
		at := func(n int) time.Time { return ordersBegan.Add(time.Duration(n) * time.Second) }
		created := payment.Filter{CreatedFrom: at(-1), CreatedBefore: at(30_000)}
		window := func(from, before int) payment.Filter {
			return payment.Filter{UpdatedFrom: at(from), UpdatedBefore: at(before)}
		}
		plans := []struct {
			name string
			f    payment.Filter
			q    func(payment.Filter) (string, []any)
			far  bool
			want string

			plain bool // the query of all times
		}{
			{"all", payment.Filter{}, store.ListQuery, false, "pkey", true},
			{"all", payment.Filter{}, store.Pages.Far, true, "late pkey", false},
			{"created", created, store.ListQuery, false, "pkey", true},
			{"created", created, store.Pages.Far, true, "late pkey", false},
			{"reference", payment.Filter{Reference: "77"}, store.ListQuery, false, "pkey reference", true},
			{"reference and changed", payment.Filter{Reference: "77", UpdatedFrom: at(0)}, store.ListQuery, false, "pkey reference", true},
			{"few changed", window(50, 60), changedBy(true), false, "listed pkey", false},
			{"none changed", window(90_000, 90_001), changedBy(true), false, "listed pkey", false},
			{"all changed", window(0, 90_000), changedBy(false), false, "late listed pkey", false},
			{"all changed", window(0, 90_000), changedBy(false), true, "late listed pkey", false},
			{"new half changed", window(10_000, 90_000), changedBy(false), false, "late listed pkey", false},
			{"old half changed", window(0, 10_000), changedBy(false), false, "late listed pkey", false},
			{"old half changed", window(0, 10_000), changedBy(false), true, "late listed pkey", false},
			{"middle changed", window(5_000, 15_000), changedBy(false), true, "late listed pkey", false},
		}
		for _, known := range []bool{false, true} {
			if known {
				for _, table := range []string{"payment", "payment_mark", "payment_tally"} {
					if err := update(t, db, func(tx *store.Tx) { tx.Write("analyze", "ANALYZE "+table) }); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, p := range plans {
				if !known && p.plain {
					continue // a young database is had to look at its tables
				}
				p.f.Shop, p.f.Limit = shop, 50
				if p.far {
					p.f.Offset = 5000
				}
				text, args := p.q(p.f)
				lines := explained(t, db, text, args)
				used, wrong := indexesOf(lines)
				if got := strings.Join(used, " "); got != p.want || wrong != "" {
					t.Errorf("%s, far %t, statistics %t: by %s %s, want %s\n%s", p.name, p.far, known, got, wrong, p.want, strings.Join(lines, "\n"))
				}
			}
			narrow := window(100, 200)
			narrow.Shop = shop
			text, args := store.Pages.Few(narrow)
			if used, wrong := indexesOf(explained(t, db, text, args)); fmt.Sprint(used) != "[listed]" || wrong != "" {
				t.Errorf("counting a few goes by %v %s", used, wrong)
			}
		}
	})
}
