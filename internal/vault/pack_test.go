package vault_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/vault"
)

func TestPackedMeansComeBackWithoutTheirCode(t *testing.T) {
	t.Parallel()
	coded := card(t)
	coded.Holder, coded.ExpiryMonth, coded.ExpiryYear = "JANE DOE", "12", "2090"
	bare := coded.Clone()
	bare.SecurityCode = instrument.SecurityCode{}
	for name, c := range map[string]struct {
		m     instrument.Means
		coded bool
	}{
		"card": {coded, true}, "card without a code": {bare, false}, "saved card": {&instrument.SavedCard{Token: "tok"}, false},
		"wallet": {&instrument.Wallet{Method: "GOOGLEPAY", Token: []byte{0, 1, 255}}, false}, "opened wallet": {&instrument.Wallet{Method: "APPLEPAY", Card: bare, Cryptogram: "q80=", ECI: "05", ID: "id"}, false},
		"opened wallet that ends": {&instrument.Wallet{Method: "GOOGLEPAY", Card: bare, ID: "id", Until: time.UnixMicro(1_700_000_000_000_456)}, false},
		"bank":                    {&instrument.Bank{ID: "b1"}, false},
	} {
		packed := vault.Pack(c.m)
		if bytes.Contains(packed, []byte("123")) { // the code; neither the number nor the expiry holds it
			t.Errorf("%s: the code is among it: %q", name, packed)
		}
		kept := bytes.Clone(packed)
		m, wasCoded, err := vault.Unpack(packed)
		if err != nil || wasCoded != c.coded || m.Kind() != c.m.Kind() {
			t.Fatalf("%s: %v, coded %t, %v", name, m, wasCoded, err)
		}
		if !bytes.Equal(packed, make([]byte, len(packed))) {
			t.Errorf("%s: not overwritten", name)
		}
		if again := vault.Pack(m); !bytes.Equal(again[1:], kept[1:]) || again[0] != kept[0] && !c.coded {
			t.Errorf("%s: %q became %q", name, kept, again)
		}
		if diff := cmp.Diff(c.m.Masked(), m.Masked()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for n := range kept { // cut anywhere
			if m, _, err := vault.Unpack(bytes.Clone(kept[:n])); err == nil {
				t.Errorf("%s: %d bytes of it read as %v", name, n, m)
			}
		}
	}
	for name, m := range map[string]instrument.Means{
		"nothing": nil, "a bank's code": &instrument.Code{Digits: "777123"}, "a credential": &instrument.Credential{Handle: "h"},
		"a security code alone": &instrument.Card{SecurityCode: coded.SecurityCode},
	} {
		if packed := vault.Pack(m); packed != nil {
			t.Errorf("%s would be kept as %q", name, packed)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte{1, 0})
	f.Add([]byte("\x03\x03tok"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		kept := bytes.Clone(packed)
		m, _, err := vault.Unpack(packed)
		if (m == nil) != (err != nil) {
			t.Fatalf("%q: %v, %v", kept, m, err)
		}
	})
}

func TestOnlySealed(t *testing.T) {
	t.Parallel()
	masters, now := vault.Masters{newMaster(t)}, sealedAt
	s := safeOf(t, &masters, &now)
	place := vault.Place{Shop: "s", ID: "p", Kind: vault.KindMeans}
	if sealed, err := s.SealOnly(place, []byte("secret")); !errors.Is(err, vault.ErrClosed) || sealed != "" {
		t.Errorf("without a key: %q, %v", sealed, err)
	}
	if err := s.Learn([]vault.DataKey{newKey(t, s, 1, sealedAt)}); err != nil {
		t.Fatal(err)
	}
	sealed, err := s.SealOnly(place, []byte("secret"))
	if err != nil || strings.Contains(sealed, "secret") {
		t.Errorf("%q, %v", sealed, err)
	}
	if plain, err := s.OpenOnly(place, sealed); err != nil || string(plain) != "secret" {
		t.Errorf("%q, %v", plain, err)
	}
	for _, refused := range []struct {
		at   vault.Place
		text string
	}{
		{place, "secret"}, {place, ""}, {vault.Place{Shop: "s", ID: "q", Kind: vault.KindMeans}, sealed},
		{vault.Place{Shop: "s", ID: "p", Kind: vault.KindCredential}, sealed},
	} {
		if plain, err := s.OpenOnly(refused.at, refused.text); !errors.Is(err, vault.ErrSealed) || plain != nil {
			t.Errorf("%+v: %q, %v", refused, plain, err)
		}
	}
	if !s.Recent() {
		t.Error("what was learnt just now is not recent")
	}
	if now = now.Add(vault.KeysRecent - time.Second); !s.Recent() || s.Fresh() {
		t.Error("recent and fresh are the same")
	}
	if now = now.Add(time.Second); s.Recent() {
		t.Error("what was learnt long ago is recent")
	}
	fresh, err := s.NewKey(rand.Reader, 2)
	if err != nil {
		t.Fatal(err)
	}
	other := safeOf(t, &masters, &now)
	if err := other.Learn([]vault.DataKey{fresh}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.OpenOnly(place, sealed); !errors.Is(err, vault.ErrUnknownKey) {
		t.Errorf("without its key: %v", err)
	}
}
