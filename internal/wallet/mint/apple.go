package mint

import (
	"crypto"
	"errors"
	"io"
	"time"
)

// Apple signs as Apple does.
type Apple struct{ chance io.Reader }

// NewApple draws keys and certificates for an Apple that signs from an hour before now for ten years.
func NewApple(chance io.Reader, now time.Time) (*Apple, error) {
	return nil, errors.New("not written yet")
}

// Root is the certificate that tokens lead to, in PEM.
func (a *Apple) Root() string { return "" }

// Processing makes the payment processing certificate of a merchant for a public key: *ecdsa.PublicKey on P-256, or
// *rsa.PublicKey. It is in PEM.
func (a *Apple) Processing(merchant string, key crypto.PublicKey) (string, error) {
	return "", errors.New("not written yet")
}

// AppleToken is what a token is asked for.
type AppleToken struct {
	Merchant        string           // its identifier
	To              crypto.PublicKey // of its payment processing certificate: *ecdsa.PublicKey for EC_v1, *rsa.PublicKey for RSA_v1
	Card            Card
	CurrencyNumeric string // three digits of ISO 4217
	Minor           uint64 // the amount in minor units
	TransactionID   []byte // 32 bytes
	ApplicationData []byte // 32 bytes, or none
	Signed          time.Time
}

// Token makes one.
func (a *Apple) Token(t AppleToken) ([]byte, error) { return nil, errors.New("not written yet") }
