package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Kind says what a sealed thing is. It is bound to the ciphertext, so that one kind is never taken for another.
type Kind string

// The kinds.
const (
	KindTerminal   Kind = "terminal"            // the settings of a terminal, by the terminal's id
	KindRetired    Kind = "terminal-retired"    // those that it had before
	KindSigning    Kind = "signing-key"         // a shop's key for its webhooks, by the shop's id
	KindRetiredKey Kind = "signing-key-retired" // the one that it had before
	KindWallets    Kind = "wallets"             // a shop's keys for the tokens of wallets, by the shop's id
	KindCredential Kind = "credential"          // what charges a customer again, by the first payment's id
	KindMeans      Kind = "means"               // what a payment that is under way is paid with, by the payment's id
	KindCard       Kind = "card"                // the number of a card that a shop keeps, by its token
)

// Place is what a sealed thing is and whose. A ciphertext opens at its own place only.
type Place struct {
	Shop, ID string
	Kind     Kind
}

// bound is what is authenticated with a ciphertext. Each part has its length before it: no two places look alike.
func (p Place) bound() []byte {
	parts := [...]string{"sluice", p.Shop, p.ID, string(p.Kind)}
	b := make([]byte, 0, len(parts)*4+len(parts[0])+len(p.Shop)+len(p.ID)+len(p.Kind))
	for _, part := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

// Errors of opening.
var (
	// ErrUnknownKey says that the data key of a sealed text is not known (yet): the database may have it.
	ErrUnknownKey = errors.New("its data key is not known")
	// ErrSealed says that a sealed text does not open at its place: it was changed, or belongs to another one.
	ErrSealed = errors.New("it was changed, or belongs elsewhere")
)

// A sealed text says of itself which version of the form it has and which data key it needs:
//
//	sluice-sealed:1:KEY:BASE64, with the nonce before the ciphertext
const (
	sealedMark  = "sluice-sealed:"
	sealedFirst = sealedMark + "1:"
	// KeyIDLen is the length of a data key's id.
	KeyIDLen = 16
)

// SealedKey returns the id of the data key that a text is sealed with; ok is false for a text in clear. Of a form that this
// program does not know the id is empty.
func SealedKey(text string) (id string, ok bool) {
	if !strings.HasPrefix(text, sealedMark) {
		return "", false
	}
	rest, first := strings.CutPrefix(text, sealedFirst)
	id, _, whole := strings.Cut(rest, ":")
	if !first || !whole || len(id) != KeyIDLen {
		return "", true
	}
	return id, true
}

// SealedForm is how the database recognises sealed texts: those that begin with Mark, of which Length bytes from From on, the
// first being 1, name the key.
var SealedForm = struct {
	Mark         string
	From, Length int
}{sealedMark, len(sealedFirst) + 1, KeyIDLen}

// dataKey seals and opens.
type dataKey struct {
	id   string
	aead cipher.AEAD
	mark []byte // of the nonces
}

func newDataKey(id string, secret []byte) (*dataKey, error) {
	half := func(use string) ([]byte, error) {
		return hkdf.Key(sha256.New, secret, nil, "sluice data key "+use, 32)
	}
	encrypts, err := half("encryption")
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	mark, err := half("nonce")
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	aead, err := newGCM(encrypts)
	return &dataKey{id, aead, mark}, err
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	return aead, nil
}

// seal derives the nonce from place and text by a key of its own. So the same text at the same place is the same ciphertext,
// which nobody takes for a change, and no nonce meets two texts but by a chance of 2⁻⁹⁶.
func (k *dataKey) seal(p Place, plain []byte) string {
	bound := p.bound()
	h := hmac.New(sha256.New, k.mark)
	h.Write(bound)
	h.Write(plain)
	nonce := h.Sum(nil)[:k.aead.NonceSize()]
	h.Write(make([]byte, sha256.BlockSize)) // it keeps the end of what it was given until then
	sealed := k.aead.Seal(nonce, nonce, plain, bound)
	return sealedFirst + k.id + ":" + base64.RawURLEncoding.EncodeToString(sealed)
}

func (k *dataKey) open(p Place, text string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(text[len(sealedFirst)+KeyIDLen+1:])
	if err != nil || len(sealed) < k.aead.NonceSize() {
		return nil, ErrSealed
	}
	nonce, rest := sealed[:k.aead.NonceSize()], sealed[k.aead.NonceSize():]
	plain, err := k.aead.Open(nil, nonce, rest, p.bound())
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// wrap seals the bytes of a data key by a master key.
func (m Master) wrap(random io.Reader, id string, secret []byte) ([]byte, error) {
	aead, err := newGCM(m.wraps)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	return aead.Seal(nonce, nonce, secret, []byte("sluice data key "+id)), nil
}

func (m Master) unwrap(id string, wrapped []byte) ([]byte, error) {
	aead, err := newGCM(m.wraps)
	if err != nil {
		return nil, err
	}
	if len(wrapped) < aead.NonceSize() {
		return nil, ErrSealed
	}
	secret, err := aead.Open(nil, wrapped[:aead.NonceSize()], wrapped[aead.NonceSize():], []byte("sluice data key "+id))
	if err != nil || len(secret) != 32 {
		return nil, ErrSealed
	}
	return secret, nil
}
