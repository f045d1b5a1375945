package tx_test

import (
	"errors"
	"testing"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// TestASnapshotSeesOneMoment: that of its first read, whatever is written meanwhile; what is read after it sees the present.
func TestASnapshotSeesOneMoment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *tx.DB) {
		n := 0
		write := func() {
			n++
			err := db.Update(t.Context(), func(x *tx.Tx) error { addAccount(x, string(rune('a'+n)), 1); return nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		units := func(x *tx.Tx) int64 {
			got, err := tx.One(x, tx.ScanInt64, `SELECT COUNT(*) FROM t_account WHERE shop_id = $1`, "shop")
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		write()
		err := db.View(t.Context(), func(x *tx.Tx) error {
			err := x.Snapshot(func() error {
				for range 3 {
					if got := units(x); got != 1 {
						t.Errorf("the snapshot has %d accounts, want 1", got)
					}
					write()
				}
				return nil
			})
			if got := units(x); got != 4 {
				t.Errorf("after it there are %d accounts, want 4", got)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestASnapshotGivesItsConnectionBack, however what uses it ends. There is one here.
func TestASnapshotGivesItsConnectionBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := open(t, d, testSchema, func(o *tx.Options) { o.Readers = 1 })
		refused := errors.New("refused")
		for name, body := range map[string]func(x *tx.Tx) error{
			"error": func(*tx.Tx) error { return refused },
			"wrong": func(x *tx.Tx) error { _, err := tx.List(x, tx.ScanInt64, `SELECT nothing FROM nowhere`); return err },
			"panic": func(*tx.Tx) error { panic("down") },
			"good":  func(x *tx.Tx) error { _, err := tx.List(x, tx.ScanInt64, countUnits, "shop"); return err },
		} {
			func() {
				defer func() {
					if r := recover(); (r != nil) != (name == "panic") {
						t.Errorf("%s: %v", name, r)
					}
				}()
				err := db.View(t.Context(), func(x *tx.Tx) error { return x.Snapshot(func() error { return body(x) }) })
				if (err == nil) != (name == "good") || name == "error" && !errors.Is(err, refused) {
					t.Errorf("%s: %v", name, err)
				}
			}()
			err := db.View(t.Context(), func(x *tx.Tx) error { _, err := tx.List(x, tx.ScanInt64, countUnits, "shop"); return err })
			if err != nil {
				t.Errorf("after %s: %v", name, err)
			}
		}
	})
}
