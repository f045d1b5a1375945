package googlepay

import (
	"crypto/ecdh"
	"errors"
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

// TestRecipient is the recipient of every token of Google's test environment.
const TestRecipient = "merchant:12345678901234567890"

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
	return wallet.Opened{}, wallet.Refuse(wallet.FaultFormat, "not written yet")
}

// ParseKey reads a private key on the curve P-256, as PKCS #8 or SEC 1, in PEM or in base64.
func ParseKey(text string) (*ecdh.PrivateKey, error) { return nil, errors.New("not written yet") }

// Roots are keys by which Google signs, as it publishes them.
type Roots struct{}

// ParseRoots reads the list that Google publishes: {"keys":[{"keyValue","protocolVersion","keyExpiration"}]}.
func ParseRoots(list []byte) (Roots, error) { return Roots{}, errors.New("not written yet") }

// TestRoots are the keys of Google's test environment. They sign cards that are none.
func TestRoots() Roots { return Roots{} }
