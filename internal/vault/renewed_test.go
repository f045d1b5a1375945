package vault_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"testing"

	"github.com/sluicepay/sluice/internal/vault"
)

// TestRenewedKeysNameAttemptsAnew: after a restore everything that the keys made before still holds, and nothing that they
// name from now on was named before.
func TestRenewedKeysNameAttemptsAnew(t *testing.T) {
	old, err := vault.NewKeyring(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// The first words that come are epochs that the keys had.
	taken, err := old.Renewed(bytes.NewReader([]byte{1, 2, 3, 4}))
	if err != nil || taken.Epoch != "01020304" {
		t.Fatalf("renewed as %q, %v", taken.Epoch, err)
	}
	again, err := taken.Renewed(bytes.NewReader([]byte{1, 2, 3, 4, 9, 9, 9, 9}))
	if err != nil || again.Epoch != "09090909" {
		t.Fatalf("renewed once more as %q, %v", again.Epoch, err)
	}
	dir := t.TempDir()
	if err := again.Store(dir); err != nil {
		t.Fatal(err)
	}
	if err := old.Store(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("keys over keys: %v", err)
	}
	read, err := vault.ReadKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	if read.Epoch != again.Epoch || !bytes.Equal(read.HashAPIKey("k"), old.HashAPIKey("k")) ||
		!bytes.Equal(read.CheckoutMAC([]byte("c")), old.CheckoutMAC([]byte("c"))) {
		t.Error("the keys themselves have changed")
	}
	before, err := old.SigningKey("1-merchant-api")
	if err != nil {
		t.Fatal(err)
	}
	after, err := read.SigningKey("1-merchant-api")
	if err != nil || !after.Equal(before) {
		t.Errorf("tokens that were signed before cannot be verified any more: %v", err)
	}
	if read.Proof() == old.Proof() || read.Proof() == taken.Proof() {
		t.Error("the keys of before the restore are taken for those of the restored database")
	}
	if _, err := vault.ReadKeyring(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no keys: %v", err)
	}
}
