package vault_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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

// TestKeysSayThatTheDatabaseHasToProveItself: those of an installation that is made or restored now do, and those of before
// do not, until somebody writes it into their file.
func TestKeysSayThatTheDatabaseHasToProveItself(t *testing.T) {
	made := t.TempDir()
	if k, err := vault.LoadKeyring(made, rand.Reader); err != nil || !k.CheckedDatabase {
		t.Errorf("made: %t, %v", k.CheckedDatabase, err)
	}
	if k, err := vault.ReadKeyring(made); err != nil || !k.CheckedDatabase {
		t.Errorf("made and read: %t, %v", k.CheckedDatabase, err)
	}
	text := `{"epoch":"12345678","apiKeyHash":"` + strings.Repeat("01", 32) + `","requestFingerprint":"` +
		strings.Repeat("02", 32) + `","checkoutToken":"` + strings.Repeat("03", 32) + `"`
	before, written := keysOf(t, text+"}"), keysOf(t, text+`,"checkedDatabase":true}`)
	if before.CheckedDatabase || !written.CheckedDatabase {
		t.Errorf("of before: %t, by hand: %t", before.CheckedDatabase, written.CheckedDatabase)
	}
	if before.Proof() != written.Proof() {
		t.Error("by that they are other keys to the database")
	}
	backedUp := t.TempDir()
	if err := before.Store(backedUp); err != nil {
		t.Fatal(err)
	}
	if k, err := vault.ReadKeyring(backedUp); err != nil || k.CheckedDatabase {
		t.Errorf("written once more they say what they did not say: %v", err)
	}
	restored, err := before.Renewed(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := restored.Store(dir); err != nil {
		t.Fatal(err)
	}
	if k, err := vault.ReadKeyring(dir); err != nil || !k.CheckedDatabase {
		t.Errorf("restored: %t, %v", k.CheckedDatabase, err)
	}
}

func keysOf(t *testing.T, text string) vault.Keyring {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, vault.KeyringFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := vault.ReadKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
