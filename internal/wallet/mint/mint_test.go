package mint_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sluicepay/sluice/internal/wallet/mint"
)

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// TestTheSameChanceMakesTheSame roots and tokens: a simulator that starts again is the same wallet.
func TestTheSameChanceMakesTheSame(t *testing.T) {
	t.Parallel()
	made := map[string]bool{}
	for range 2 {
		chance := rand.NewChaCha8([32]byte{1})
		g, err := mint.NewGoogle(chance, now)
		if err != nil {
			t.Fatal(err)
		}
		a, err := mint.NewApple(chance, now)
		if err != nil {
			t.Fatal(err)
		}
		to, err := ecdh.P256().NewPrivateKey(bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		card := mint.Card{Number: "4111111111111111", Month: 1, Year: 2030, Cryptogram: "ABEiM0RVZneImaq7zN3u/wARIjM="}
		google, err := g.Token(mint.GoogleToken{Recipient: "gateway:x", To: to.PublicKey(), Card: card, MessageID: "1", Expires: now})
		if err != nil {
			t.Fatal(err)
		}
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), to.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		apple, err := a.Token(mint.AppleToken{Merchant: "m", To: &key.PublicKey, Card: card, CurrencyNumeric: "840", TransactionID: []byte{1}, Signed: now})
		if err != nil {
			t.Fatal(err)
		}
		made[strings.Join([]string{string(g.Roots()), a.Root(), string(google), string(apple)}, "\n")] = true
	}
	if len(made) != 1 {
		t.Error("other roots or tokens of the same chance")
	}
}

func TestWithoutChanceNothingIsMade(t *testing.T) {
	t.Parallel()
	for _, chance := range []*strings.Reader{strings.NewReader(""), strings.NewReader(strings.Repeat("a", 70))} {
		if _, err := mint.NewGoogle(chance, now); err == nil {
			t.Error("a Google without chance")
		}
		if _, err := mint.NewApple(chance, now); err == nil {
			t.Error("an Apple without chance")
		}
	}
	broken := errors.New("broken")
	if _, err := mint.NewGoogle(iotest.ErrReader(broken), now); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := mint.NewGoogle(bytes.NewReader(make([]byte, 1024)), now); err == nil {
		t.Error("a key of zeros")
	}
}

func TestFlawsAreOfTheirWallet(t *testing.T) {
	t.Parallel()
	for _, f := range mint.GoogleFlaws() {
		if f.Google() == "" || f == "" {
			t.Errorf("%q", f)
		}
	}
	for _, f := range mint.AppleFlaws() {
		if f.Apple() == "" || f == "" {
			t.Errorf("%q", f)
		}
	}
	if mint.FlawExpired.Apple() != "" || mint.FlawChipData.Google() != "" || mint.Flaw("").Google() != "" {
		t.Error("a flaw of the other wallet")
	}
}
