package mint

import (
	"crypto/ecdh"
	"errors"
	"io"
	"time"
)

// Card is what a customer has in the wallet.
type Card struct {
	Number      string // the device's own where Cryptogram is given
	Month, Year int    // its last month: 1 to 12, and four digits
	Holder      string
	Cryptogram  string // base64; empty for a card on file
	ECI         string
}

// Google signs as Google does.
type Google struct{ chance io.Reader }

// NewGoogle draws keys for a Google that signs from now for ten years.
func NewGoogle(chance io.Reader, now time.Time) (*Google, error) {
	return nil, errors.New("not written yet")
}

// Roots is the list of keys as Google publishes it.
func (g *Google) Roots() []byte { return nil }

// GoogleToken is what a token is asked for.
type GoogleToken struct {
	Version   string          // ECv1, ECv2 or ECv2SigningOnly
	Recipient string          // such as merchant:12345678901234567890
	To        *ecdh.PublicKey // of the recipient
	Card      Card
	MessageID string
	Expires   time.Time
}

// Token makes one.
func (g *Google) Token(t GoogleToken) ([]byte, error) { return nil, errors.New("not written yet") }
