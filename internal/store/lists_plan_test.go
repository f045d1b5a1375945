package store_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// toldOf writes an event, its delivery and an entry of the log for each payment, straight into the database.
func toldOf(t *testing.T, db *store.DB, shop payment.ShopID) {
	t.Helper()
	for name, text := range map[string]string{
		"event": `INSERT INTO event (shop_id, id, dialect, payment_id, seq, type, content_type, body, created, position)
			SELECT p.shop_id, p.id, 'gateway', p.id, 1, 't', 'c', 'b', p.created, p.created FROM payment p WHERE p.shop_id = $1`,
		"delivery": `INSERT INTO delivery (shop_id, payment_id, seq, endpoint_id, shard, state, tries, rung)
			SELECT p.shop_id, p.id, 1, 'e', 1, 'DELIVERED', 1, 1 FROM payment p WHERE p.shop_id = $1`,
		"operation": `INSERT INTO operation (shop_id, payment_id, seq, kind, started, state, attempt, began, ended)
			SELECT p.shop_id, p.id, 1, 'k', 1, 's', 0, 1, 1 FROM payment p WHERE p.shop_id = $1`,
	} {
		if err := update(t, db, func(tx *store.Tx) { tx.Write("test."+name, text, string(shop)) }); err != nil {
			t.Fatal(err)
		}
	}
}

// A page that is found by sorting, or by reading a table from its beginning, costs what the table is long.
var planWhole = regexp.MustCompile(`Sort|TEMP B-TREE|Seq Scan|SCAN|Hash`)

// TestOtherListsGoByTheirKeys: of deliveries, of the feed and of a payment's log a page is a stretch of a key, wherever it is.
func TestOtherListsGoByTheirKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		shop := talliedShops[0]
		manyPayments(t, d, db, shop, 20_000)
		toldOf(t, db, shop)
		if d.Kind == store.SQLite { // which never looks at its tables by itself
			otherLists(t, db, shop)
		}
		for _, table := range []string{"payment", "event", "delivery", "operation"} {
			if err := update(t, db, func(tx *store.Tx) { tx.Write("analyze", "ANALYZE "+table) }); err != nil {
				t.Fatal(err)
			}
		}
		otherLists(t, db, shop)
	})
}

func otherLists(t *testing.T, db *store.DB, shop payment.ShopID) {
	t.Helper()
	middle := &store.DeliveryInfo{DeliveryKey: store.DeliveryKey{Payment: payment.ID(id.Floor(secondsOn(10_000))), Seq: 1}, Endpoint: "e"}
	for name, f := range map[string]store.DeliveryFilter{
		"newest":                {},
		"oldest":                {Oldest: true},
		"further on":            {After: middle},
		"further on, oldest":    {After: middle, Oldest: true},
		"failed":                {State: store.DeliveryFailed},
		"failed, further on":    {State: store.DeliveryFailed, After: middle},
		"delivered, further on": {State: store.DeliveryDelivered, After: middle},
		"of a payment":          {Payment: middle.Payment},
		"of an endpoint":        {Endpoint: "e", After: middle},
		"long ago":              {Until: ordersBegan.Add(-48 * time.Hour)},
	} {
		f.Shop, f.Limit = shop, 50
		text, args := store.DeliveriesQuery(f)
		byKeys(t, db, "deliveries, "+name, text, args)
	}
	text, args := store.DeliveriesQuery(store.DeliveryFilter{Shop: shop, Event: string(middle.Payment), Limit: 50})
	if lines := strings.Join(explained(t, db, text, args), "\n"); strings.Contains(strings.ReplaceAll(lines, "Scan using", ""), "Scan on") || strings.Contains(lines, "SCAN") {
		t.Errorf("deliveries of an event:\n%s", lines) // which are sorted: there are few
	}
	byKeys(t, db, "feed", store.FeedQueryText, []any{string(shop), int64(10_000), int64(10_050), "gateway"})
	byKeys(t, db, "operations", store.OperationsQueryText, []any{string(shop), string(middle.Payment), int64(1), int64(0)})
}

func byKeys(t *testing.T, db *store.DB, name, text string, args []any) {
	t.Helper()
	lines := explained(t, db, text, args)
	for _, line := range lines {
		if planWhole.MatchString(line) {
			t.Errorf("%s: %s\n%s", name, line, strings.Join(lines, "\n"))
			return
		}
	}
}
