package googlepay

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"errors"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/wallet"
)

// mostRoots is how many keys a list may have; Google's have three.
const mostRoots = 64

// Roots are keys by which Google signs, as it publishes them. The zero value has none, and lets nothing through.
type Roots struct{ keys []rootKey }

type rootKey struct {
	version Version
	key     *ecdsa.PublicKey
	end     time.Time // zero where the list names none
}

// ParseRoots reads the list that Google publishes: {"keys":[{"keyValue","protocolVersion","keyExpiration"}]}. Keys of versions that
// are not known are passed over; a list without any other is refused.
func ParseRoots(list []byte) (Roots, error) {
	var read struct {
		Keys []struct {
			Value   string `json:"keyValue"`
			Version string `json:"protocolVersion"`
			Expires string `json:"keyExpiration"`
		} `json:"keys"`
	}
	if err := wallet.Decode(list, &read); err != nil {
		return Roots{}, errors.New("root keys: not the JSON of a list")
	}
	if len(read.Keys) > mostRoots {
		return Roots{}, errors.New("root keys: more than 64 in the list")
	}
	var r Roots
	for _, k := range read.Keys {
		if !Version(k.Version).Valid() {
			continue
		}
		key, ok := parsePublic(k.Value)
		if !ok {
			return Roots{}, errors.New("root keys: one of " + k.Version + " is no key on P-256")
		}
		var end time.Time
		if k.Expires != "" {
			if end, ok = parseMillis(k.Expires); !ok {
				return Roots{}, errors.New("root keys: the expiry of one of " + k.Version + " is no time")
			}
		}
		r.keys = append(r.keys, rootKey{Version(k.Version), key, end})
	}
	if len(r.keys) == 0 {
		return Roots{}, errors.New("root keys: none of a version that is known")
	}
	return r, nil
}

// Usable reports whether there is a key that can have signed a token of the version now.
func (r Roots) Usable(v Version, now time.Time) bool { return len(r.usable(v, now)) > 0 }

// usable are the keys of a version that have not expired. Those of ECv1 need not say when they do.
func (r Roots) usable(v Version, now time.Time) []*ecdsa.PublicKey {
	var keys []*ecdsa.PublicKey
	for _, k := range r.keys {
		if k.version == v && (k.end.After(now) || k.end.IsZero() && v == ECv1) {
			keys = append(keys, k.key)
		}
	}
	return keys
}

//go:embed testroots.json
var testRoots []byte

// TestRoots are the keys of Google's test environment. They sign cards that are none.
func TestRoots() Roots { return testRootsOnce() }

var testRootsOnce = sync.OnceValue(func() Roots {
	r, err := ParseRoots(testRoots)
	if err != nil {
		panic(err) // built in
	}
	return r
})

// parsePublic reads a key on P-256 as base64 of its SubjectPublicKeyInfo.
func parsePublic(text string) (*ecdsa.PublicKey, bool) {
	der, ok := wallet.Base64(text)
	if !ok {
		return nil, false
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(*ecdsa.PublicKey)
	return key, err == nil && ok && key.Curve == elliptic.P256()
}

// ParseKey reads a private key on the curve P-256, as PKCS #8 or SEC 1, in PEM or in base64. Its error tells nothing of the text.
func ParseKey(text string) (*ecdh.PrivateKey, error) {
	der, ok := decodeText(text)
	if !ok {
		return nil, errors.New("private key: neither PEM nor base64")
	}
	defer clear(der)
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if parsed, err = x509.ParseECPrivateKey(der); err != nil {
			return nil, errors.New("private key: neither PKCS #8 nor SEC 1")
		}
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("private key: not on the curve P-256")
	}
	return key.ECDH()
}

// decodeText returns the bytes of PEM, or of base64 as it is pasted, over several lines.
func decodeText(text string) ([]byte, bool) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return block.Bytes, true
	}
	return wallet.PastedBase64(text)
}
