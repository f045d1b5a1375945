package vault_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/vault"
)

func card(t *testing.T) *payment.Card {
	t.Helper()
	number, err := payment.ParsePAN("4000 0000 0000 0408")
	if err != nil {
		t.Fatal(err)
	}
	code, err := payment.ParseSecurityCode("123")
	if err != nil {
		t.Fatal(err)
	}
	return &payment.Card{Number: number, SecurityCode: code}
}

func TestHolder(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h := vault.NewHolder(func() time.Time { return now })
	kept := card(t)
	h.Put("p1", kept)

	first := h.Get("p1")
	if first == nil || first.Number.Reveal() != "4000000000000408" {
		t.Fatalf("Get = %v", first)
	}
	first.Wipe()
	if again := h.Get("p1"); again == nil || again.SecurityCode.Reveal() != "123" {
		t.Error("wiping a copy wiped the card that is held")
	}
	if h.Get("p2") != nil {
		t.Error("a card for a payment that brought none")
	}
	now = now.Add(vault.Hold)
	if h.Get("p1") != nil || !kept.Number.IsZero() {
		t.Error("the card outlived its time")
	}
	dropped := card(t)
	h.Put("p3", dropped)
	h.Drop("p3")
	if h.Get("p3") != nil || !dropped.SecurityCode.IsZero() {
		t.Error("a dropped card is still there")
	}
}

func TestHolderForgetsWhatNobodyAsksFor(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h := vault.NewHolder(func() time.Time { return now })
	abandoned := card(t)
	h.Put("p1", abandoned)
	now = now.Add(vault.Hold + time.Minute)
	h.Put("p2", card(t))
	if !abandoned.Number.IsZero() {
		t.Error("an abandoned card is still in memory")
	}
}

func TestKeyringIsMadeOnceAndFound(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	rings := make([]vault.Keyring, 8)
	for i := range rings {
		wg.Go(func() {
			var err error
			if rings[i], err = vault.LoadKeyring(dir, rand.Reader); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range rings {
		if k.Epoch != rings[0].Epoch || !bytes.Equal(k.HashAPIKey("x"), rings[0].HashAPIKey("x")) {
			t.Fatal("starters that came together have different keys")
		}
	}
	k := rings[0]
	if bytes.Equal(k.HashAPIKey("x"), k.Fingerprint([]byte("x"))) || bytes.Equal(k.Fingerprint([]byte("x")), k.CheckoutMAC([]byte("x"))) {
		t.Error("one key serves two purposes")
	}
	info, err := os.Stat(filepath.Join(dir, vault.KeyringFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".keys-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestBrokenKeyFileIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "not JSON": "x", "unknown name": `{"epoch":"12345678","extra":1}`,
		"short key": `{"epoch":"12345678","apiKeyHash":"00","requestFingerprint":"00","checkoutToken":"00"}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, vault.KeyringFile)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := vault.LoadKeyring(dir, rand.Reader); err == nil {
				t.Error("loaded")
			}
			if raw, err := os.ReadFile(path); err != nil || string(raw) != text {
				t.Error("the file was replaced")
			}
		})
	}
}
