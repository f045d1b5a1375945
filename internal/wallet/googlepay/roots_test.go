package googlepay_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/wallet"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
)

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
