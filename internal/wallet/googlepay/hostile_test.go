package googlepay_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/wallet"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
	"github.com/sluicepay/sluice/internal/wallet/mint"
)

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
