package googlepay

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/wallet"
)

// Version is how a token is signed and sealed.
type Version string

// The versions. ECv1 is of before 2018; ECv2SigningOnly is for whoever needs no secrecy, and comes as plain text.
const (
	ECv1            Version = "ECv1"
	ECv2            Version = "ECv2"
	ECv2SigningOnly Version = "ECv2SigningOnly"
)

// Valid reports whether v is one of the versions.
func (v Version) Valid() bool { return v == ECv1 || v == ECv2 || v == ECv2SigningOnly }

// TestRecipient is the recipient of every token of Google's test environment.
const TestRecipient = "merchant:12345678901234567890"

const senderID = "Google"

// Account is whom tokens are made for. It is not changed by opening, so that one serves all.
type Account struct {
	// Recipient is "merchant:" and the id that Google has given, or "gateway:" and the name of a provider.
	Recipient string
	// Keys are the private halves of the public keys registered at Google: more than one while they are changed.
	Keys []*ecdh.PrivateKey
	// Versions are those that are taken; ECv2 alone where empty.
	Versions []Version
	// Roots are Google's keys as they are published now.
	Roots Roots
}

// Open verifies a token, which is the JSON text of the wallet's paymentMethodData.tokenizationData.token, and opens it. Every error
// is a *wallet.Error with the first check that failed. Whoever gets the content wipes it.
func (a *Account) Open(token []byte, now time.Time) (wallet.Opened, error) {
	t, err := parseToken(token)
	if err != nil {
		return wallet.Opened{}, err
	}
	if !a.takes(t.version) {
		return wallet.Opened{}, wallet.Refuse(wallet.FaultVersion, "a version that is not taken")
	}
	signers := a.Roots.usable(t.version, now)
	if len(signers) == 0 {
		return wallet.Opened{}, wallet.Refuse(wallet.FaultRootKey, "no root key of the token's version is known that has not expired")
	}
	if t.version != ECv1 {
		intermediate, err := t.intermediateKey(signers, now)
		if err != nil {
			return wallet.Opened{}, err
		}
		signers = []*ecdsa.PublicKey{intermediate}
	}
	message := signedText(senderID, a.Recipient, string(t.version), t.message)
	if !signedByAny(signers, message, t.signature) {
		return wallet.Opened{}, wallet.Refuse(wallet.FaultMessageSignature, "the message is not signed for this recipient")
	}
	plain, err := a.decrypt(t)
	if err != nil {
		return wallet.Opened{}, err
	}
	defer clear(plain)
	return readPayload(plain, t.version, now)
}

func (a *Account) takes(v Version) bool {
	if len(a.Versions) == 0 {
		return v == ECv2
	}
	return v.Valid() && slices.Contains(a.Versions, v)
}

// intermediateKey returns the key that a root key has signed, if its time is not over.
func (t *token) intermediateKey(roots []*ecdsa.PublicKey, now time.Time) (*ecdsa.PublicKey, error) {
	text := signedText(senderID, string(t.version), t.signedKey)
	if !slices.ContainsFunc(t.keySignatures, func(signature []byte) bool { return signedByAny(roots, text, signature) }) {
		return nil, wallet.Refuse(wallet.FaultIntermediate, "no root key has signed the intermediate key")
	}
	var k struct {
		Value   string `json:"keyValue"`
		Expires string `json:"keyExpiration"`
	}
	if wallet.Decode([]byte(t.signedKey), &k) != nil {
		return nil, wallet.Refuse(wallet.FaultIntermediateExpiry, "the intermediate key cannot be read")
	}
	if end, ok := parseMillis(k.Expires); !ok || !end.After(now) {
		return nil, wallet.Refuse(wallet.FaultIntermediateExpiry, "the intermediate key has expired, or does not say when it does")
	}
	key, ok := parsePublic(k.Value)
	if !ok {
		return nil, wallet.Refuse(wallet.FaultMessageSignature, "the intermediate key is none on P-256")
	}
	return key, nil
}

// signedText is what a signature covers: each part after its length in four bytes, the least first.
func signedText(parts ...string) []byte {
	var text []byte
	for _, p := range parts {
		text = binary.LittleEndian.AppendUint32(text, uint32(len(p)))
		text = append(text, p...)
	}
	return text
}

func signedByAny(keys []*ecdsa.PublicKey, text, signature []byte) bool {
	digest := sha256.Sum256(text)
	return slices.ContainsFunc(keys, func(k *ecdsa.PublicKey) bool { return ecdsa.VerifyASN1(k, digest[:], signature) })
}
