package googlepay

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"github.com/sluicepay/sluice/internal/wallet"
)

// mostSignatures is how many signatures a token may bring of its intermediate key. Google brings one, and two while it changes
// its root keys; each costs a verification.
const mostSignatures = 16

// token is one in its form, of which nothing is verified yet. Signed texts are as they came: they are never written anew.
type token struct {
	version       Version
	message       string // signedMessage
	signature     []byte // of the message
	signedKey     string // the intermediate key; empty in ECv1
	keySignatures [][]byte
}

// parseToken reads what is outside. The version may be one that nobody knows, in either form.
func parseToken(text []byte) (*token, error) {
	var outer struct {
		Version      *string `json:"protocolVersion"`
		Signature    *string `json:"signature"`
		Message      *string `json:"signedMessage"`
		Intermediate *struct {
			Key        *string  `json:"signedKey"`
			Signatures []string `json:"signatures"`
		} `json:"intermediateSigningKey"`
	}
	if err := wallet.DecodeExactly(text, &outer); err != nil {
		return nil, wallet.Refuse(wallet.FaultFormat, "not the JSON of a token") // the decoder's error may quote it
	}
	if outer.Version == nil || outer.Signature == nil || outer.Message == nil {
		return nil, wallet.Refuse(wallet.FaultFormat, "protocolVersion, signature or signedMessage is missing")
	}
	t := &token{version: Version(*outer.Version), message: *outer.Message}
	var ok bool
	if t.signature, ok = wallet.Base64(*outer.Signature); !ok {
		return nil, wallet.Refuse(wallet.FaultFormat, "signature is not base64")
	}
	inner := outer.Intermediate
	if t.version.Valid() && (t.version == ECv1) != (inner == nil) {
		return nil, wallet.Refuse(wallet.FaultFormat, "not the fields of the token's version")
	}
	if inner == nil {
		return t, nil
	}
	if inner.Key == nil || len(inner.Signatures) == 0 || len(inner.Signatures) > mostSignatures {
		return nil, wallet.Refuse(wallet.FaultFormat, "intermediateSigningKey is without its key, or without 1 to 16 signatures")
	}
	t.signedKey = *inner.Key
	for _, s := range inner.Signatures {
		if raw, ok := wallet.Base64(s); ok { // any one that is good suffices, whatever the others are
			t.keySignatures = append(t.keySignatures, raw)
		}
	}
	return t, nil
}

// decrypt returns the payload of a token whose signatures are good.
func (a *Account) decrypt(t *token) ([]byte, error) {
	if t.version == ECv2SigningOnly {
		return []byte(t.message), nil
	}
	var m struct {
		Ciphertext string `json:"encryptedMessage"`
		Ephemeral  string `json:"ephemeralPublicKey"`
		Tag        string `json:"tag"`
	}
	if wallet.DecodeExactly([]byte(t.message), &m) != nil {
		return nil, wallet.Refuse(wallet.FaultDecrypt, "the signed message is not in its form")
	}
	ciphertext, okText := wallet.Base64(m.Ciphertext)
	point, okPoint := wallet.Base64(m.Ephemeral)
	tag, okTag := wallet.Base64(m.Tag)
	ephemeral, err := ecdh.P256().NewPublicKey(point)
	if !okText || !okPoint || !okTag || err != nil {
		return nil, wallet.Refuse(wallet.FaultDecrypt, "the signed message is not in its form")
	}
	for _, key := range a.Keys {
		if plain := openWith(key, ephemeral, ciphertext, tag, t.version); plain != nil {
			return plain, nil
		}
	}
	return nil, wallet.Refuse(wallet.FaultDecrypt, "none of the keys opens it")
}

// openWith returns what a private key opens, or nil where the tag says that it is not the one.
func openWith(key *ecdh.PrivateKey, ephemeral *ecdh.PublicKey, ciphertext, tag []byte, v Version) []byte {
	shared, err := key.ECDH(ephemeral)
	if err != nil {
		return nil
	}
	size := 32 // of each of both keys
	if v == ECv1 {
		size = 16
	}
	keys, err := hkdf.Key(sha256.New, slices.Concat(ephemeral.Bytes(), shared), nil, senderID, 2*size)
	clear(shared)
	if err != nil {
		return nil
	}
	defer clear(keys)
	mac := hmac.New(sha256.New, keys[size:])
	mac.Write(ciphertext)
	if !hmac.Equal(mac.Sum(nil), tag) {
		return nil
	}
	block, err := aes.NewCipher(keys[:size])
	if err != nil {
		return nil
	}
	plain := make([]byte, len(ciphertext))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(plain, ciphertext) //nolint:gosec // as published: a key is used once
	return plain
}
