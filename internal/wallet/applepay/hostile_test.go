package applepay_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/wallet"
	"github.com/sluicepay/sluice/internal/wallet/applepay"
	"github.com/sluicepay/sluice/internal/wallet/mint"
)

// TestHostileTokens: none is taken, none takes long, and no refusal repeats anything of it.
func TestHostileTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := string(b.token(t, keep))
	for name, token := range map[string]string{
		"empty":           "",
		"null":            "null",
		"list":            "[]",
		"too large":       good[:len(good)-1] + strings.Repeat(" ", wallet.LargestToken) + "}",
		"deep":            strings.Repeat(`{"header":`, 6000),
		"deep lists":      `{"more":` + strings.Repeat("[", 60000),
		"a name twice":    strings.Replace(good, `{`, `{"version":"EC_v1",`, 1),
		"two documents":   good + good,
		"broken UTF-8":    strings.Replace(good, "EC_v1", "EC_v1\xff", 1),
		"both keys":       strings.Replace(good, `"header":{`, `"header":{"wrappedKey":"AAAA",`, 1),
		"the other kind":  strings.Replace(good, "EC_v1", "RSA_v1", 1),
		"null for text":   strings.Replace(good, `"EC_v1"`, `null`, 1),
		"line in base64":  strings.Replace(good, `"data":"`, `"data":"\n`, 1),
		"long id":         strings.Replace(good, `"transactionId":"`, `"transactionId":"`+strings.Repeat("ab", 64), 1),
		"no id":           strings.Replace(good, strings.Repeat("ab", 32), "", 1),
		"odd data":        strings.Replace(good, `"header":{`, `"header":{"applicationData":"xy",`, 1),
		"no key":          strings.Replace(good, `"ephemeralPublicKey":"M`, `"ephemeralPublicKey":"A`, 1),
		"odd id":          strings.Replace(good, `"transactionId":"`, `"transactionId":"a`, 1),
		"long data":       strings.Replace(good, `"header":{`, `"header":{"applicationData":"`+strings.Repeat("ab", 33)+`",`, 1),
		"signature large": withSignature(t, good, make([]byte, 17<<10)),
		"signature deep":  withSignature(t, good, bytes.Repeat([]byte{0x30, 0x80}, 8<<10)),
		"signature more":  withSignature(t, good, append(signature(t, good), 0)),
		"signature less":  withSignature(t, good, signature(t, good)[:100]),
		"no CMS":          withSignature(t, good, []byte{0x30, 0}),
		"a number":        withSignature(t, good, []byte{2, 1, 1}),
	} {
		_, err := b.account.Open([]byte(token), now)
		if wallet.FaultOf(err) != wallet.FaultFormat || len(err.Error()) > 140 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.account.Open([]byte(strings.Replace(good, `"header":{`, `"header":{"more":{"a":[1]},`, 1)), now); err != nil {
		t.Errorf("a name that Apple may add: %v", err)
	}
}

func signature(t testing.TB, token string) []byte {
	t.Helper()
	var read struct{ Signature []byte }
	if err := json.Unmarshal([]byte(token), &read); err != nil {
		t.Fatal(err)
	}
	return read.Signature
}

func withSignature(t testing.TB, token string, with []byte) string {
	t.Helper()
	return strings.Replace(token, base64.StdEncoding.EncodeToString(signature(t, token)), base64.StdEncoding.EncodeToString(with), 1)
}

func TestWhatIsReadOfASignatureIsBounded(t *testing.T) {
	t.Parallel()
	nested := func(n int) []byte {
		return append(bytes.Repeat([]byte{0x30, 0x80}, n), make([]byte, 2*n)...)
	}
	many := func(n int) []byte {
		content := bytes.Repeat([]byte{5, 0}, n)
		return append([]byte{0x30, 0x82, byte(len(content) >> 8), byte(len(content))}, content...)
	}
	for name, c := range map[string]struct {
		text []byte
		good bool
	}{
		"an element":                  {[]byte{5, 0}, true},
		"24 deep":                     {nested(24), true},
		"25 deep":                     {nested(25), false},
		"a thousand":                  {many(1000), true},
		"two thousand":                {many(2000), false},
		"nothing":                     {nil, false},
		"half a head":                 {[]byte{5}, false},
		"two elements":                {[]byte{5, 0, 5, 0}, false},
		"longer than it is":           {[]byte{4, 2, 0}, false},
		"a child longer than its own": {[]byte{0x30, 3, 4, 2, 0, 0}, false},
		"a child without an end":      {[]byte{0x30, 0x80, 5, 0}, false},
		"plain and open":              {[]byte{4, 0x80, 0, 0}, false},
		"a long tag":                  {[]byte{0x1f, 1, 0}, false},
		"a length of four bytes":      {[]byte{4, 0x84, 0, 0, 0, 0}, false},
		"a length of one byte":        {append([]byte{4, 0x81, 0x80}, make([]byte, 128)...), true},
		"an open child in a closed":   {[]byte{0x30, 4, 0x30, 0x80, 0, 0}, true},
		"an open child cut":           {[]byte{0x30, 3, 0x30, 0x80, 0, 0}, false},
	} {
		if applepay.ShallowBER(c.text) != c.good {
			t.Errorf("%s: %t", name, !c.good)
		}
	}
}

func FuzzOpen(f *testing.F) {
	b := newBench(f)
	all, _ := vectors(f)
	for _, v := range all {
		f.Add(compact(f, v.Input.Token))
	}
	for _, key := range b.keys {
		f.Add(b.token(f, func(ask *mint.AppleToken) { ask.To = public(key) }))
	}
	f.Fuzz(func(t *testing.T, token []byte) {
		o, err := b.account.Open(token, now)
		if err != nil {
			if !wallet.FaultOf(err).Valid() || o.Card != nil {
				t.Errorf("%v", err)
			}
			return
		}
		if o.Card.Number.Reveal() != "4895370012003478" || o.ID != strings.Repeat("ab", 32) { // of what was minted: nothing else is signed
			t.Errorf("a forged token: %v", o)
		}
	})
}

// FuzzSignature reads anything in the place of a signature: here the search need not find its way through base64, nor wait for
// signatures to be computed.
func FuzzSignature(f *testing.F) {
	all, _ := vectors(f)
	read := 0
	for _, v := range all {
		f.Add(signature(f, string(v.Input.Token)))
		if applepay.ReadSignature(signature(f, string(v.Input.Token))) {
			read++
		}
	}
	if read < 20 {
		f.Fatalf("%d of the published signatures are read", read)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if applepay.ReadSignature(text) && !applepay.ShallowBER(text) {
			t.Error("out of bounds, and read")
		}
	})
}
