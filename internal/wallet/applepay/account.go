package applepay

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"errors"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/wallet"
)

// SignedWithin is how far the time of signing may be from now, on either side. Apple says a few minutes.
const SignedWithin = 5 * time.Minute

// mostProcessing is how many certificates an account may have. Two live while one is changed.
const mostProcessing = 8

// Account is whom tokens are made for. It is not changed by opening, so that one serves all.
type Account struct {
	merchant   [sha256.Size]byte // hash of the merchant identifier
	processing []Processing
	root       *x509.Certificate
}

// New returns the account of a merchant identifier, such as merchant.com.example.shop, with its payment processing certificates:
// more than one while they are changed. Tokens lead to root, which is Root outside of tests and the simulator.
func New(merchant string, processing []Processing, root *x509.Certificate) (*Account, error) {
	switch {
	case strings.TrimSpace(merchant) != merchant || merchant == "":
		return nil, errors.New("merchant identifier: empty, or with blanks around it")
	case len(processing) == 0 || len(processing) > mostProcessing:
		return nil, errors.New("payment processing certificates: there must be 1 to 8")
	case root == nil:
		return nil, errors.New("root certificate: missing")
	}
	a := &Account{merchant: sha256.Sum256([]byte(merchant)), processing: processing, root: root}
	for _, p := range processing {
		if p.merchant != nil && !bytes.Equal(p.merchant, a.merchant[:]) {
			return nil, errors.New("payment processing certificate: it is of another merchant identifier")
		}
	}
	return a, nil
}

// Open verifies a token, which is the JSON text of the wallet's payment.token.paymentData, and opens it. Every error is a
// *wallet.Error with the first check that failed. What the customer agreed to is the caller's to compare (Opened.Agrees).
// Whoever gets the content wipes it.
func (a *Account) Open(token []byte, now time.Time) (wallet.Opened, error) {
	t, err := parseToken(token)
	if err != nil {
		return wallet.Opened{}, err
	}
	if err := t.verify(a.root, now); err != nil {
		return wallet.Opened{}, err
	}
	key, err := a.contentKey(t)
	if err != nil {
		return wallet.Opened{}, err
	}
	defer clear(key)
	return t.openWith(key)
}

// contentKey finds ours of the keys and takes from it the one that the content is sealed with.
func (a *Account) contentKey(t *token) ([]byte, error) {
	for i := range a.processing {
		if p := &a.processing[i]; bytes.Equal(p.hash[:], t.keyHash) {
			return p.contentKey(t, a.merchant)
		}
	}
	return nil, wallet.Refuse(wallet.FaultPublicKeyHash, "made for a processing certificate that is none of the account's")
}

//go:embed AppleRootCA-G3.pem
var rootText string

// Root is the certificate that Apple's tokens lead to: Apple Root CA - G3.
func Root() *x509.Certificate {
	root, err := ParseRoot(rootText)
	if err != nil {
		panic(err) // built in
	}
	return root
}

// ParseRoot reads another root, of the simulator or of a test, in PEM or in base64.
func ParseRoot(certificate string) (*x509.Certificate, error) {
	c, err := parseCertificate(certificate)
	if err != nil {
		return nil, errors.New("root certificate: neither PEM nor base64 of a certificate")
	}
	return c, nil
}
