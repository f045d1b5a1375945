package e2e

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

func TestFullDiskIsAnsweredBeforeAnyMoneyMoves(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=6m"); err != nil {
		setting.Missing(t, setting.Root, "no small tmpfs can be mounted: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	sim := startSimulator(t, dir)
	s := newServer(t, disk, "")
	s.log, s.ready = filepath.Join(dir, "server.log"), filepath.Join(dir, "ready.json")
	s.args[indexOf(s.args, "--ready-file")+1] = s.ready
	s.start(t)
	shop := s.newShop(t, sim)
	first := shop.pay(t, deposit("before", "10.00"))

	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	refused := 0
	for i := 0; refused < 20; i++ {
		if i == 5000 {
			t.Fatal("5000 payments fit on a full disk")
		}
		r, err := shop.do(t.Context(), request{method: "POST", path: payments, body: withdrawal("w"+strconv.Itoa(i), "1.00")})
		switch {
		case err != nil:
			t.Fatal(err)
		case r.status == http.StatusServiceUnavailable:
			refused++
		case r.status != http.StatusOK:
			t.Fatalf("on a full disk: %s", r)
		default:
			fill(t, ballast) // a checkpoint may have made room
		}
	}
	if p := shop.get(t, first.ID); p.State != "COMPLETED" {
		t.Errorf("reads must go on: %+v", p)
	}
	shop.all(t)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if p := shop.pay(t, deposit("after", "10.00")); p.State != "COMPLETED" {
		t.Errorf("once there is space again: %+v", p)
	}
	shown := shop.settle(t, leaseIsOver)
	for _, why := range disagreements(shown, sim.readLedger(t)) {
		t.Error(why)
	}
	t.Logf("%d payments stored, %d refused", len(shown), refused)
	s.stop(t)
}

// fill writes until nothing more fits.
func fill(t testing.TB, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 16, 1 << 12, 1 << 9, 1} {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
				break
			} else if err != nil && !errors.Is(err, io.ErrShortWrite) {
				t.Fatal(err)
			}
		}
	}
}
