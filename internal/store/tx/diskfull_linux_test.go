package tx_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicepay/sluice/internal/store/tx"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		setting.Missing(t, setting.Root, "no small tmpfs can be mounted: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	db, err := tx.Open(t.Context(), tx.Options{Dir: dir, Migrate: true, Migrations: testMigrations()}, tables())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	create(t, db, "early")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var acknowledged []int
	for i := 0; err == nil && i < 1000; i++ {
		if err = addEntry(t.Context(), db, i); err == nil {
			acknowledged = append(acknowledged, i)
		}
	}
	if !errors.Is(err, tx.ErrFull) || !errors.Is(err, tx.ErrUnavailable) {
		t.Fatalf("want ErrFull, got %v after %d entries", err, len(acknowledged))
	}
	if !exists(t, db, "early") {
		t.Error("reads must go on while the disk is full")
	}
	if err := db.Failure(); err != nil {
		t.Errorf("a full disk is no broken one: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := addEntry(t.Context(), db, 5000); err != nil {
		t.Fatalf("must heal by itself once there is space: %v", err)
	}
	var count int64
	err = db.View(t.Context(), func(x *tx.Tx) error {
		var err error
		count, err = tx.One(x, tx.ScanInt64, "SELECT count(*) FROM t_entry")
		return err
	})
	if want := int64(len(acknowledged) + 1); err != nil || count != want {
		t.Errorf("%d entries, want the %d acknowledged: %v", count, want, err)
	}
}

// addEntry writes one row of 8 kB.
func addEntry(ctx context.Context, db *tx.DB, seq int) error {
	return db.Update(ctx, func(x *tx.Tx) error {
		x.Write("entry.create", insertEntry, "shop", "a", seq, strings.Repeat("x", 8192))
		return nil
	})
}
