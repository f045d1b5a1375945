package store_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// before is the schema as it was before the migration whose name ends so.
func before(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	entries, err := os.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_"+name+".sql") {
			return files
		}
		if strings.HasSuffix(e.Name(), ".sql") {
			text, err := os.ReadFile("migrations/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			files[e.Name()] = &fstest.MapFile{Data: text}
		}
	}
	t.Fatalf("no migration %q", name)
	return nil
}

// TestOldRowsKeepTheirOrder: what an older program wrote of a payment is not overtaken by an earlier instant, and its
// events keep the numbers that they showed.
func TestOldRowsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		old := d.Open(func(o *store.Options) { o.Migrations = before(t, "order") })
		open := feedStart.Add(time.Hour)
		err := old.Update(t.Context(), func(tx *store.Tx) error {
			for _, p := range []struct {
				id   string
				live int
			}{{"rests", 0}, {"open", 1}} {
				tx.Write("payment", `INSERT INTO payment (shop_id, id, version, type, state, currency, pre_auth, start_recurring, created, updated,
					live, tries, ops, events, shard, due_fails) VALUES ('s', $1, 1, 'DEPOSIT', 'PENDING', 'EUR', FALSE, FALSE, $2, $3, $4, 0, 1, 0, 0, 0)`,
					p.id, feedStart.UnixMicro(), feedStart.Add(time.Minute).UnixMicro(), p.live)
				tx.Write("operation", `INSERT INTO operation (shop_id, payment_id, seq, kind, started, state, attempt, began, ended)
					VALUES ('s', $1, 1, 'CHECK_STATE', $2, 'PENDING', 1, 1, 0)`, p.id, open.UnixMicro())
			}
			for _, seq := range []int{1, 3} {
				tx.Write("event", `INSERT INTO event (shop_id, id, dialect, payment_id, seq, type, content_type, body, created)
					VALUES ('s', $1, 'gateway', 'open', $2, 'x', 'x', 'x', $3)`, "old"+strings.Repeat("x", seq), seq, feedStart.UnixMicro())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		db := d.Open()
		for id, want := range map[payment.ID]time.Time{"rests": feedStart.Add(time.Minute), "open": open} {
			var p payment.Payment
			err := db.View(t.Context(), func(tx *store.Tx) (err error) { p, err = tx.Payments().Get("s", id); return err })
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Mark(feedStart); got != want.Add(time.Microsecond) {
				t.Errorf("%s goes on at %s, want just after %s", id, got, want)
			}
		}
		insertEvents(t, db, store.Event{Shop: "s", ID: "z", Dialect: "gateway", Payment: "open", Seq: 5, Type: "x", ContentType: "x", Body: "x", Created: open},
			store.Event{Shop: "s", ID: "y", Dialect: "another", Payment: "open", Seq: 4, Type: "x", ContentType: "x", Body: "x", Created: open})
		page, err := db.ReadFeed(t.Context(), store.FeedQuery{Shop: "s", Dialect: "gateway", Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		var numbers []int
		for _, e := range page.Events {
			numbers = append(numbers, e.Number)
		}
		if len(numbers) != 3 || numbers[0] != 1 || numbers[1] != 3 || numbers[2] != 4 {
			t.Errorf("numbers %v, want 1, 3 and 4", numbers)
		}
	})
}

// TestOldTerminalsAreNotRemoved: those of before are there, and notices find them.
func TestOldTerminalsAreNotRemoved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		old := d.Open(func(o *store.Options) { o.Migrations = before(t, "removed") })
		err := old.Update(t.Context(), func(tx *store.Tx) error {
			tx.Write("terminal", `INSERT INTO terminal (shop_id, id, name, connector, config, types, methods, currencies, pre_auth, recurring,
				enabled, priority, version) VALUES ('s', 't', 't', 'c', '{}', '[]', '[]', '[]', FALSE, FALSE, FALSE, 0, 1)`)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		db := d.Open()
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.Terminals().Forget(feedStart.Add(1000 * time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(t.Context(), func(tx *store.Tx) error {
			owner, err := tx.Terminals().Shop("t")
			if owner != "s" {
				t.Errorf("its shop: %q", owner)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
