package vault_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/vault"
)

func card(t *testing.T) *instrument.Card {
	t.Helper()
	number, err := instrument.ParsePAN("4000 0000 0000 0408")
	if err != nil {
		t.Fatal(err)
	}
	code, err := instrument.ParseSecurityCode("123")
	if err != nil {
		t.Fatal(err)
	}
	return &instrument.Card{Number: number, SecurityCode: code}
}

func TestHolder(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h := vault.NewHolder(func() time.Time { return now })
	kept := card(t)
	h.Put("p1", kept)

	first := instrument.CardOf(h.Get("p1"))
	if first == nil || first.Number.Reveal() != "4000000000000408" {
		t.Fatalf("Get = %v", first)
	}
	first.Wipe()
	if again := instrument.CardOf(h.Get("p1")); again == nil || again.SecurityCode.Reveal() != "123" {
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

// timers are those that a holder has set: what is to be called, and how long after it was set.
type timers struct {
	waits []time.Duration
	calls []func()
}

func (s *timers) after(d time.Duration, f func()) {
	s.waits, s.calls = append(s.waits, d), append(s.calls, f)
}

// fire calls back what was set last.
func (s *timers) fire() { s.calls[len(s.calls)-1]() }

func TestHolderForgetsWhatNobodyAsksFor(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var set timers
	h := vault.NewHolderAfter(func() time.Time { return now }, set.after)
	if len(set.calls) != 0 {
		t.Fatal("a timer runs though no card is held")
	}
	first, second := card(t), card(t)
	h.Put("p1", first)
	now = now.Add(5 * time.Minute)
	h.Put("p2", second)
	if len(set.waits) != 1 || set.waits[0] != vault.Hold {
		t.Fatalf("timers of %v are set for two cards, want one of %s", set.waits, vault.Hold)
	}

	now = now.Add(vault.Hold - 5*time.Minute)
	set.fire() // nobody else comes
	if !first.Number.IsZero() || !first.SecurityCode.IsZero() || h.Has("p1") {
		t.Error("a card whose time is over is still in memory")
	}
	if second.Number.IsZero() || !h.Has("p2") {
		t.Error("a card was wiped before its time")
	}
	if len(set.waits) != 2 || set.waits[1] != 5*time.Minute {
		t.Fatalf("timers of %v are set, want another one of 5m", set.waits)
	}
	set.fire() // by a clock that stood still
	if second.Number.IsZero() || len(set.waits) != 3 {
		t.Errorf("a timer that came early: wiped %t, timers %v", second.Number.IsZero(), set.waits)
	}
	now = now.Add(5 * time.Minute)
	set.fire()
	if !second.Number.IsZero() || len(set.waits) != 3 {
		t.Errorf("the last card: wiped %t, timers %v, want none that runs on", second.Number.IsZero(), set.waits)
	}
	h.Put("p3", card(t))
	if len(set.waits) != 4 {
		t.Error("no timer for the next card")
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

// TestSigningKeysAreDerived: what a name stands for must never change, or tokens and published keys would not fit.
func TestSigningKeysAreDerived(t *testing.T) {
	dir := t.TempDir()
	text := `{"epoch":"12345678","apiKeyHash":"` + strings.Repeat("01", 32) + `","requestFingerprint":"` +
		strings.Repeat("02", 32) + `","checkoutToken":"` + strings.Repeat("03", 32) + `"}`
	if err := os.WriteFile(filepath.Join(dir, vault.KeyringFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	public := func(k vault.Keyring, name string) string {
		t.Helper()
		key, err := k.SigningKey(name)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(point)
	}
	var rings [2]vault.Keyring // of two processes
	for i := range rings {
		var err error
		if rings[i], err = vault.LoadKeyring(dir, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	const first = "048e9172190e1ad6a51721bb32353d0333ab7b11489187576f69dc8baf9543498282a15ad74f43c1b93577c3f6947b4c3f01023925852a91cdd2b1be19d28d9921"
	if got := public(rings[0], "1-merchant-api"); got != first || public(rings[1], "1-merchant-api") != first {
		t.Errorf("the key is %s, was %s", got, first)
	}
	if public(rings[0], "2-merchant-api") == first {
		t.Error("two names have one key")
	}
	other, err := vault.NewKeyring(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if public(other, "1-merchant-api") == first {
		t.Error("two key rings have one key")
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
