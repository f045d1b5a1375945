package googlepay_test

import (
	"bytes"
	"crypto/ecdh"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/wallet"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
	"github.com/sluicepay/sluice/internal/wallet/mint"
)

const recipient = "gateway:sluice"

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// bench is a Google of ours and an account that its tokens are for.
type bench struct {
	google  *mint.Google
	account *googlepay.Account
}

func newBench(t testing.TB) *bench {
	t.Helper()
	chance := mathrand.NewChaCha8([32]byte{1})
	g, err := mint.NewGoogle(chance, now)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := googlepay.ParseRoots(g.Roots())
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdh.P256().NewPrivateKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	versions := []googlepay.Version{googlepay.ECv1, googlepay.ECv2, googlepay.ECv2SigningOnly}
	return &bench{g, &googlepay.Account{Recipient: recipient, Keys: []*ecdh.PrivateKey{own}, Versions: versions, Roots: roots}}
}

func (b *bench) ask(change func(*mint.GoogleToken)) mint.GoogleToken {
	ask := mint.GoogleToken{
		Recipient: recipient, To: b.account.Keys[0].PublicKey(), MessageID: "m-1", Expires: now.Add(time.Hour),
		Card: mint.Card{Number: "4895370012003478", Month: 3, Year: 2031, Cryptogram: "ABEiM0RVZneImaq7zN3u/wARIjM=", ECI: "5"},
	}
	change(&ask)
	return ask
}

func (b *bench) token(t testing.TB, change func(*mint.GoogleToken)) []byte {
	t.Helper()
	token, err := b.google.Token(b.ask(change))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func keep(*mint.GoogleToken) {}

func TestATokenIsOpened(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, version := range b.account.Versions {
		for _, device := range []bool{true, false} {
			token := b.token(t, func(ask *mint.GoogleToken) {
				ask.Version = string(version)
				if !device {
					ask.Card.Cryptogram, ask.Card.ECI = "", ""
				}
			})
			o, err := b.account.Open(token, now)
			if err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			c := o.Card
			if c.Number.Reveal() != "4895370012003478" || c.ExpiryMonth != "03" || c.ExpiryYear != "2031" || o.ID != "m-1" || !o.Until.Equal(now.Add(time.Hour)) {
				t.Errorf("%s: %+v", version, o)
			}
			if o.Device != device || device && (o.ECI != "05" || o.Cryptogram == "") || !device && o.ECI+o.Cryptogram != "" {
				t.Errorf("%s: device %t, ECI %q", version, o.Device, o.ECI)
			}
			if text := fmt.Sprintf("%+v %#v %s", o, o, o); strings.Contains(text, "4895370012003478") || strings.Contains(text, "ABEi") {
				t.Errorf("printed: %s", text)
			}
			if o.Wipe(); !c.Number.IsZero() || o.ID != "" {
				t.Error("wiped, and still there")
			}
		}
	}
}

// TestEachFlawIsFoundAtItsCheck: a token with one thing wrong and all else right, signatures over it included.
func TestEachFlawIsFoundAtItsCheck(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sealed := []mint.Flaw{mint.FlawForeignKey, mint.FlawWrongTag}
	alone := []mint.Flaw{mint.FlawIntermediateAltered, mint.FlawIntermediateExpired, mint.FlawForeignIntermediate}
	for _, flaw := range mint.GoogleFlaws() {
		for _, version := range b.account.Versions {
			want := wallet.Fault(flaw.Google())
			switch {
			case version == googlepay.ECv1 && slices.Contains(alone, flaw), version == googlepay.ECv2SigningOnly && slices.Contains(sealed, flaw):
				continue // has no such thing
			case version == googlepay.ECv1 && flaw == mint.FlawForeignRoot:
				want = wallet.FaultMessageSignature
			}
			o, err := b.account.Open(b.token(t, func(ask *mint.GoogleToken) { ask.Version, ask.Flaw = string(version), flaw }), now)
			if got := wallet.FaultOf(err); got != want || o.Card != nil {
				t.Errorf("%s of %s: %v, want %s", flaw, version, err, want)
			}
		}
	}
}

// TestWhatIsSealedMustBeAPayment: Google's own mistakes reach no provider.
func TestWhatIsSealedMustBeAPayment(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, change := range map[string]func(*mint.GoogleToken){
		"month 0":           func(ask *mint.GoogleToken) { ask.Card.Month = 0 },
		"month 13":          func(ask *mint.GoogleToken) { ask.Card.Month = 13 },
		"year 31":           func(ask *mint.GoogleToken) { ask.Card.Year = 31 },
		"year 20310":        func(ask *mint.GoogleToken) { ask.Card.Year = 20310 },
		"a long id":         func(ask *mint.GoogleToken) { ask.MessageID = strings.Repeat("x", 257) },
		"an ECI of letters": func(ask *mint.GoogleToken) { ask.Card.ECI = "x" },
		"a long ECI":        func(ask *mint.GoogleToken) { ask.Card.ECI = "005" },
		"a short proof":     func(ask *mint.GoogleToken) { ask.Card.Cryptogram = "AAAA" },
	} {
		if o, err := b.account.Open(b.token(t, change), now); wallet.FaultOf(err) != wallet.FaultPayload || o.Card != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVersionsAreChosenByTheAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, version := range b.account.Versions {
		token := b.token(t, func(ask *mint.GoogleToken) { ask.Version = string(version) })
		account := *b.account
		account.Versions = nil
		_, err := account.Open(token, now)
		if want := version == googlepay.ECv2; (err == nil) != want || !want && wallet.FaultOf(err) != wallet.FaultVersion {
			t.Errorf("%s where none is named: %v", version, err)
		}
		for _, other := range b.account.Versions {
			if other == version {
				continue
			}
			relabelled := bytes.Replace(token, []byte(`"`+version+`"`), []byte(`"`+other+`"`), 1)
			if _, err := b.account.Open(relabelled, now); err == nil {
				t.Errorf("%s passes as %s", version, other)
			}
		}
	}
}

// TestKeysAreChanged: while a new key is registered both open, and afterwards the old one does not.
func TestKeysAreChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	next, err := ecdh.P256().NewPrivateKey(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	token := b.token(t, func(ask *mint.GoogleToken) { ask.To = next.PublicKey() })
	if _, err := b.account.Open(token, now); wallet.FaultOf(err) != wallet.FaultDecrypt {
		t.Errorf("without the key: %v", err)
	}
	both := *b.account
	both.Keys = append(slices.Clone(both.Keys), next)
	for _, token := range [][]byte{token, b.token(t, keep)} {
		if _, err := both.Open(token, now); err != nil {
			t.Error(err)
		}
	}
}

func TestWithoutUsableRootsItIsOurTrouble(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	token := b.token(t, keep)
	account := *b.account
	account.Roots = googlepay.Roots{}
	_, err := account.Open(token, now)
	if f := wallet.FaultOf(err); f != wallet.FaultRootKey || !f.Ours() {
		t.Errorf("no roots: %v", err)
	}
	_, err = b.account.Open(token, now.AddDate(20, 0, 0))
	if f := wallet.FaultOf(err); f != wallet.FaultRootKey {
		t.Errorf("expired roots: %v", err)
	}
	if !b.account.Roots.Usable(googlepay.ECv2, now) || b.account.Roots.Usable(googlepay.ECv2, now.AddDate(20, 0, 0)) {
		t.Error("whether roots are usable")
	}
	if !googlepay.TestRoots().Usable(googlepay.ECv2, now) || !googlepay.TestRoots().Usable(googlepay.ECv1, now) {
		t.Error("the test environment has no keys")
	}
}
