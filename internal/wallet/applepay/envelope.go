package applepay

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"

	"github.com/sluicepay/sluice/internal/wallet"
)

// The versions of tokens: how their content is sealed.
const (
	versionEC  = "EC_v1"
	versionRSA = "RSA_v1"
)

const (
	longestID    = 64 // bytes of a transaction id; Apple's have 32
	nonceSize    = 16 // of AES-GCM, all zero: each key is used once
	largestBlock = 16 << 10
)

// token is one in its form, of which nothing is verified yet.
type token struct {
	key         []byte // as it came: the ephemeral key as SubjectPublicKeyInfo, or the wrapped one
	ephemeral   *ecdh.PublicKey
	keyHash     []byte // of the merchant's key that it is made for; not signed
	data        []byte // sealed
	transaction []byte
	application []byte // the hash of what the page gave for it, if anything
	signature   []byte // CMS, in BER
}

// parseToken reads the JSON. Names that Apple may add are passed over: what counts is signed or sealed.
func parseToken(text []byte) (*token, error) {
	var read struct {
		Version   string `json:"version"`
		Data      string `json:"data"`
		Signature string `json:"signature"`
		Header    struct {
			KeyHash     string `json:"publicKeyHash"`
			Transaction string `json:"transactionId"`
			Application string `json:"applicationData"`
			Ephemeral   string `json:"ephemeralPublicKey"`
			Wrapped     string `json:"wrappedKey"`
		} `json:"header"`
	}
	if err := wallet.Decode(text, &read); err != nil {
		return nil, wallet.Refuse(wallet.FaultFormat, "not the JSON of a token") // the decoder's error may quote it
	}
	h, t := &read.Header, &token{}
	var okKey, okHash, okData, okSignature bool
	switch {
	case read.Version == versionEC && h.Ephemeral != "" && h.Wrapped == "":
		if t.key, okKey = wallet.Base64(h.Ephemeral); okKey {
			t.ephemeral, okKey = parseEphemeral(t.key)
		}
	case read.Version == versionRSA && h.Wrapped != "" && h.Ephemeral == "":
		t.key, okKey = wallet.Base64(h.Wrapped)
	default:
		return nil, wallet.Refuse(wallet.FaultFormat, "neither EC_v1 with its key nor RSA_v1 with its own")
	}
	t.keyHash, okHash = wallet.Base64(h.KeyHash)
	t.data, okData = wallet.Base64(read.Data)
	t.signature, okSignature = wallet.Base64(read.Signature)
	if !okKey || !okHash || !okData || !okSignature || len(t.signature) > largestBlock {
		return nil, wallet.Refuse(wallet.FaultFormat, "a key, the data or the signature is missing, or not in its form")
	}
	var err error
	if t.transaction, err = hex.DecodeString(h.Transaction); err != nil || len(t.transaction) == 0 || len(t.transaction) > longestID {
		return nil, wallet.Refuse(wallet.FaultFormat, "transactionId is missing, or not in its form")
	}
	if t.application, err = hex.DecodeString(h.Application); err != nil || len(t.application) > sha256.Size {
		return nil, wallet.Refuse(wallet.FaultFormat, "applicationData is not in its form")
	}
	return t, nil
}

func parseEphemeral(spki []byte) (*ecdh.PublicKey, bool) {
	parsed, err := x509.ParsePKIXPublicKey(spki)
	key, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, false
	}
	exchange, err := key.ECDH()
	return exchange, err == nil
}

// signed is what the signature covers.
func (t *token) signed() []byte { return slices.Concat(t.key, t.data, t.transaction, t.application) }

// openWith opens the content of a token whose signature is good.
func (t *token) openWith(key []byte) (wallet.Opened, error) {
	refused := wallet.Refuse(wallet.FaultDecrypt, "the key that the token names does not open it")
	block, err := aes.NewCipher(key)
	if err != nil {
		return wallet.Opened{}, refused
	}
	seal, err := cipher.NewGCMWithNonceSize(block, nonceSize)
	if err != nil {
		return wallet.Opened{}, refused
	}
	plain, err := seal.Open(nil, make([]byte, nonceSize), t.data, nil)
	if err != nil {
		return wallet.Opened{}, refused
	}
	defer clear(plain)
	// The id is written anew: other letters for the same bytes must not make another one.
	return readPayload(plain, hex.EncodeToString(t.transaction))
}
