package store_test

import (
	"errors"
	"strings"
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
			"SELECT last FROM feed WHERE shop_id = 's'":         7,
			"SELECT COUNT(*) FROM api_key WHERE prefix = 'p'":   1,
			"SELECT COUNT(*) FROM installation":                 1,
			"SELECT pg_relation_size('feed'::regclass)::bigint": 0,
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

// TestAWrongLayoutIsRefused with the table named, and what can be mended is.
func TestAWrongLayoutIsRefused(t *testing.T) {
	t.Parallel()
	d := storetest.NewCitus(t)
	if err := d.Open().Close(); err != nil {
		t.Fatal(err)
	}
	stays := func(o *store.Options) { o.Migrate, o.Spread = false, false }
	for _, c := range []struct{ wrong, want, mended string }{
		{"SELECT undistribute_table('chain')", "table chain is on the coordinator, unknown to the nodes and has to be by part", ""},
		{"SELECT undistribute_table('shop')", "table shop is on the coordinator, unknown to the nodes and has to be on every node", ""},
		{"SELECT alter_distributed_table('chain', distribution_column => 'token')", "table chain is by another column or alone on one node",
			"SELECT undistribute_table('chain')"},
		{"SELECT alter_distributed_table('feed', shard_count => 2, cascade_to_colocated => FALSE)", "table feed is by part, but not beside the other tables",
			"SELECT undistribute_table('feed')"},
	} {
		d.Exec(c.wrong)
		_, err := d.TryOpen(stays)
		if !errors.Is(err, store.ErrSpread) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.wrong, err)
		}
		found, err := store.Examine(t.Context(), d.Options(stays))
		if err != nil || len(found) != 1 || !strings.Contains(found[0].String(), c.want) {
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
	if found, err := store.Examine(t.Context(), d.Options(stays)); err != nil || len(found) > 0 {
		t.Errorf("as it has to be: %v, %v", found, err)
	}
}
