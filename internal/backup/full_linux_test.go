package backup_test

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicepay/sluice/internal/backup"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// TestABackupOntoAFullDisk leaves nothing there, and the installation goes on.
func TestABackupOntoAFullDisk(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.take() // leaves the test out where the programs are missing
		disk := t.TempDir()
		if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=16k"); err != nil {
			setting.Missing(t, setting.Root, "no small tmpfs can be mounted: ", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
		_, err := backup.Take(t.Context(), h.source(), filepath.Join(disk, "backup"))
		if err == nil || !errors.Is(err, store.ErrFull) && !errors.Is(err, syscall.ENOSPC) && !strings.Contains(err.Error(), "No space left") {
			t.Errorf("onto a full disk: %v", err)
		}
		if left := names(t, disk); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if err := h.db.Failure(); err != nil {
			t.Errorf("the database is taken for broken: %v", err)
		}
		if err := h.db.Update(t.Context(), func(tx *store.Tx) error { tx.Nodes().Delete("none"); return nil }); err != nil {
			t.Errorf("nothing can be written any more: %v", err)
		}
	})
}
