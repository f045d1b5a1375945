package googlepay_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
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

// TestHostileTokens: none is taken, none takes long, and no refusal repeats anything of it.
func TestHostileTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := string(b.token(t, keep))
	inner, err := json.Marshal(strings.Repeat("[", 30000))
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"empty":              "",
		"null":               "null",
		"list":               "[]",
		"text":               `"x"`,
		"too large":          good[:len(good)-1] + strings.Repeat(" ", wallet.LargestToken) + "}",
		"deep":               strings.Repeat(`{"signature":`, 5000),
		"deep lists":         `{"signedMessage":` + strings.Repeat("[", 60000),
		"deep inside":        `{"protocolVersion":"ECv1","signature":"AAAA","signedMessage":` + string(inner) + "}",
		"a name twice":       strings.Replace(good, `{`, `{"protocolVersion":"ECv2",`, 1),
		"another case":       strings.Replace(good, `"signature":`, `"Signature":`, 1),
		"two documents":      good + good,
		"broken UTF-8":       strings.Replace(good, "ECv2", "ECv2\xff", 1),
		"null for text":      strings.Replace(good, `"ECv2"`, `null`, 1),
		"line in base64":     strings.Replace(good, `"signature":"`, `"signature":"\n`, 1),
		"no version":         `{"signature":"AAAA","signedMessage":"x"}`,
		"no message":         `{"protocolVersion":"ECv1","signature":"AAAA"}`,
		"no signed key":      `{"protocolVersion":"ECv2","signature":"AAAA","signedMessage":"x","intermediateSigningKey":{"signatures":["AAAA"]}}`,
		"no signatures":      `{"protocolVersion":"ECv2","signature":"AAAA","signedMessage":"x","intermediateSigningKey":{"signedKey":"x","signatures":[]}}`,
		"too many":           `{"protocolVersion":"ECv2","signature":"AAAA","signedMessage":"x","intermediateSigningKey":{"signedKey":"x","signatures":[` + strings.Repeat(`"AAAA",`, 16) + `"AAAA"]}}`,
		"ECv1 with a second": strings.Replace(good, "ECv2", "ECv1", 1),
	} {
		_, err := b.account.Open([]byte(token), now)
		if wallet.FaultOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		} else if name != "deep inside" && wallet.FaultOf(err) != wallet.FaultFormat {
			t.Errorf("%s: %v", name, err)
		}
		if len(err.Error()) > 120 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListsOfRootKeysAreReadStrictly(t *testing.T) {
	t.Parallel()
	value := "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGnJ7Yo1sX9b4kr4Aa5uq58JRQfzD8bIJXw7WXaap/hVE+PnFxvjx4nVxt79SdRuUVeu++HZD0cGAv4IOznc96w=="
	one := `{"keyValue":"` + value + `","protocolVersion":"ECv2","keyExpiration":"2154841200000"}`
	for list, good := range map[string]bool{
		`{"keys":[` + one + `]}`: true,
		`{"keys":[{"keyValue":"a key of tomorrow","protocolVersion":"ECv9"},` + one + `],"more":1}`: true,
		`{"keys":[]}`: false,
		`{}`:          false,
		``:            false,
		`<html>`:      false,
		`{"keys":[{"keyValue":"a key of tomorrow","protocolVersion":"ECv9"}]}`: false,
		`{"keys":[` + strings.Replace(one, "MFkw", "MFkx", 1) + `]}`:           false,
		`{"keys":[` + strings.Replace(one, "2154841200000", "soon", 1) + `]}`:  false,
		`{"keys":[` + strings.Repeat(one+",", 64) + one + `]}`:                 false,
		`{"keys":[` + one + `]}` + strings.Repeat(" ", wallet.LargestToken):    false,
	} {
		if _, err := googlepay.ParseRoots([]byte(list)); (err == nil) != good {
			t.Errorf("%.80s: %v", list, err)
		}
	}
}

func TestPrivateKeysAreReadInEachForm(t *testing.T) {
	t.Parallel()
	text := vectors(t)[2].Input.Keys[0]
	want := key(t, text).PublicKey()
	lines := text[:40] + "\r\n  " + text[40:]
	for _, form := range []string{lines, "-----BEGIN PRIVATE KEY-----\n" + text + "\n-----END PRIVATE KEY-----\n"} {
		if !key(t, form).PublicKey().Equal(want) {
			t.Errorf("another key from %.30q", form)
		}
	}
	var others []string
	for _, generate := range []func() (any, error){
		func() (any, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
		func() (any, error) { _, private, err := ed25519.GenerateKey(rand.Reader); return private, err },
	} {
		private, err := generate()
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, base64.StdEncoding.EncodeToString(der))
		spki, err := x509.MarshalPKIXPublicKey(private.(crypto.Signer).Public())
		if err != nil {
			t.Fatal(err)
		}
		list := `{"keys":[{"keyValue":"` + base64.StdEncoding.EncodeToString(spki) + `","protocolVersion":"ECv1"}]}`
		if _, err := googlepay.ParseRoots([]byte(list)); err == nil {
			t.Errorf("a root key of another kind: %T", private)
		}
	}
	sec1, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(sec1)
	if err != nil {
		t.Fatal(err)
	}
	if key(t, base64.StdEncoding.EncodeToString(der)).PublicKey() == nil {
		t.Error("SEC 1")
	}
	for _, bad := range append(others, "", "x", "AAAA", text[:len(text)-8], "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE") {
		if _, err := googlepay.ParseKey(bad); err == nil || len(bad) > 4 && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	b := newBench(f)
	for _, v := range vectors(f) {
		f.Add(compact(f, v.Input.Token))
	}
	for _, version := range b.account.Versions {
		f.Add(b.token(f, func(ask *mint.GoogleToken) { ask.Version = string(version) }))
	}
	f.Fuzz(func(t *testing.T, token []byte) {
		o, err := b.account.Open(token, now)
		if err != nil {
			if !wallet.FaultOf(err).Valid() || o.Card != nil {
				t.Errorf("%v", err)
			}
			return
		}
		if o.Card.Number.Reveal() != "4895370012003478" || o.ID != "m-1" { // of what was minted: nothing else is signed
			t.Errorf("a forged token: %v", o)
		}
	})
}

func FuzzParseRoots(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Input.Roots))
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		r, err := googlepay.ParseRoots(list)
		if err != nil && (r.Usable(googlepay.ECv1, now) || r.Usable(googlepay.ECv2, now)) {
			t.Error("refused, and used")
		}
	})
}
