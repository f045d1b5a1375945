package store_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestTablesAreLaidOutAfterThereIsData: what is there goes along, and nothing of it stays at the coordinator.
func TestTablesAreLaidOutAfterThereIsData(t *testing.T) {
	t.Parallel()
	d := storetest.NewCitus(t)
	one := func(o *store.Options) { o.Spread = false }
	if _, err := d.TryOpen(one); !errors.Is(err, store.ErrSpread) || !strings.Contains(err.Error(), "table alarm is on the coordinator") {
		t.Fatalf("nothing is laid out: %v", err)
	}
	d.Exec(`INSERT INTO feed (shop_id, last) VALUES ('s', 7)`)
	d.Exec(`INSERT INTO api_key (shop_id, id, prefix, hash, label, created) VALUES ('s', 'k', 'p', '', '', 0)`)
	d.Exec(`INSERT INTO installation (id, proof) VALUES (1, 'proof')`)
	db := d.Open()
	err := db.View(t.Context(), func(tx *store.Tx) error {
		for sql, want := range map[string]int64{
			"SELECT last FROM feed WHERE shop_id = 's'":                                                         7,
			"SELECT COUNT(*) FROM api_key WHERE prefix = 'p'":                                                   1,
			"SELECT COUNT(*) FROM installation":                                                                 1,
			"SELECT pg_relation_size('feed'::regclass)::bigint + pg_relation_size('api_key'::regclass)::bigint": 0,
		} {
			if got, err := store.One(tx, store.ScanInt64, sql); err != nil || got != want {
				t.Errorf("%s: %d, %v, want %d", sql, got, err, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestSeveralLayTheTablesOutAtOnce: one does, the others find it done, also where a later version has added a table.
func TestSeveralLayTheTablesOutAtOnce(t *testing.T) {
	t.Parallel()
	d := storetest.NewCitus(t)
	atOnce := func(edit ...func(*store.Options)) {
		t.Helper()
		var opening sync.WaitGroup
		for range 3 {
			opening.Go(func() {
				db, err := d.TryOpen(edit...)
				if err != nil {
					t.Error(err)
					return
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		opening.Wait()
	}
	atOnce()
	d.Exec("SELECT undistribute_table('notice')")
	d.Exec("SELECT undistribute_table('terminal')")
	atOnce(func(o *store.Options) { o.Spread = false })
}

// TestPartsAreNotChanged: as many as there are stay, and whoever asks for others is told.
func TestPartsAreNotChanged(t *testing.T) {
	t.Parallel()
	d := storetest.NewCitus(t)
	for _, c := range []struct {
		parts int
		want  string
	}{{4, ""}, {8, "divided into 4 parts"}, {4, ""}, {0, ""}} {
		db, err := d.TryOpen(func(o *store.Options) { o.Parts = c.parts })
		if err == nil {
			err = db.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d parts: %v", c.parts, err)
		}
	}
}

// TestAWrongLayoutIsRefused with the table named, and what can be mended is.
func TestAWrongLayoutIsRefused(t *testing.T) {
	t.Parallel()
	d := storetest.NewCitus(t)
	if err := d.Open().Close(); err != nil {
		t.Fatal(err)
	}
	stays := func(o *store.Options) { o.Migrate, o.Spread = false, false }
	for _, c := range []struct{ wrong, want, mended string }{
		{"SELECT undistribute_table('chain')", "table chain is on the coordinator, unknown to the nodes, and has to be divided among the nodes", ""},
		{"SELECT undistribute_table('shop')", "table shop is on the coordinator, unknown to the nodes, and has to be on every node", ""},
		{"SELECT alter_distributed_table('chain', distribution_column => 'token')", "table chain is divided by another column or alone on one node",
			"SELECT undistribute_table('chain')"},
		{"SELECT undistribute_table('node'); SELECT create_distributed_table('node', 'id', colocate_with => 'none')",
			"table node is divided by another column or alone on one node", "SELECT undistribute_table('node')"},
		{"SELECT undistribute_table('terminal'); SELECT citus_add_local_table_to_metadata('terminal')",
			"table terminal is on the coordinator, known to all nodes, and has to be on every node", ""},
		{"SELECT undistribute_table('lease'); SELECT create_reference_table('lease')", "table lease is on every node", "SELECT undistribute_table('lease')"},
		{"SELECT alter_distributed_table('feed', shard_count => 2, cascade_to_colocated => FALSE)", "table feed is divided among the nodes, but not beside the other tables",
			"SELECT undistribute_table('feed')"},
	} {
		d.Exec(c.wrong)
		_, err := d.TryOpen(stays)
		if !errors.Is(err, store.ErrSpread) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.wrong, err)
		}
		found, err := store.Examine(t.Context(), d.Options(stays))
		if err != nil || len(found.Wrong) != 1 || !strings.Contains(found.Wrong[0].String(), c.want) {
			t.Errorf("%s: examined: %v, %v", c.wrong, found, err)
		}
		if c.mended != "" {
			if _, err := d.TryOpen(); !errors.Is(err, store.ErrSpread) || !strings.Contains(err.Error(), "undistribute_table") {
				t.Errorf("%s: laid out again: %v", c.wrong, err)
			}
			d.Exec(c.mended)
		}
		if err := d.Open().Close(); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := store.Examine(t.Context(), d.Options(stays)); err != nil || len(found.Wrong)+len(found.Away) > 0 || found.Workers == 0 {
		t.Errorf("as it has to be: %v, %v", found, err)
	}
}

// TestTablesThatAreLaidOutAreMigrated: columns, indexes and tables that later versions add come to all nodes, without being asked for.
func TestTablesThatAreLaidOutAreMigrated(t *testing.T) {
	t.Parallel()
	d := storetest.NewCitus(t)
	if db, err := d.TryOpen(func(o *store.Options) { o.Migrations = before(t, "alarms") }); err != nil {
		t.Fatal(err)
	} else if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	d.Exec(`INSERT INTO feed (shop_id, last) VALUES ('s', 7)`)
	db := d.Open(func(o *store.Options) { o.Spread = false })
	err := db.View(t.Context(), func(tx *store.Tx) error {
		for sql, want := range map[string]int64{
			"SELECT last FROM feed WHERE shop_id = 's'":           7,
			"SELECT COUNT(*) FROM payment WHERE retries > listed": 0,
			"SELECT COUNT(*) FROM alarm":                          0,
		} {
			if got, err := store.One(tx, store.ScanInt64, sql); err != nil || got != want {
				t.Errorf("%s: %d, %v, want %d", sql, got, err, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if found, err := store.Examine(t.Context(), d.Options()); err != nil || len(found.Wrong) > 0 {
		t.Errorf("%v, %v", found, err)
	}
}
