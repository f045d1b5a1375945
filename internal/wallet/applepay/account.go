package applepay

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/sluicepay/sluice/internal/wallet"
)

// Account is whom tokens are made for. It is not changed by opening, so that one serves all.
type Account struct{}

// Processing is a payment processing certificate of the merchant and its private key.
type Processing struct{}

// New returns the account of a merchant identifier, such as merchant.com.example.shop, with its payment processing certificates:
// more than one while they are changed. Tokens lead to root, which is Root outside of tests and the simulator.
func New(merchant string, processing []Processing, root *x509.Certificate) (*Account, error) {
	return nil, errors.New("not written yet")
}

// ParseProcessing reads a payment processing certificate and its private key (PKCS #8, SEC 1 or PKCS #1), each in PEM or in base64.
func ParseProcessing(certificate, key string) (Processing, error) {
	return Processing{}, errors.New("not written yet")
}

// Root is the certificate that Apple's tokens lead to: Apple Root CA - G3.
func Root() *x509.Certificate { return nil }

// ParseRoot reads another root, of the simulator or of a test, in PEM or in base64.
func ParseRoot(certificate string) (*x509.Certificate, error) {
	return nil, errors.New("not written yet")
}

// Open verifies a token, which is the JSON text of the wallet's payment.token.paymentData, and opens it. Every error is a
// *wallet.Error with the first check that failed. What the customer agreed to is the caller's to compare (Opened.Agrees).
// Whoever gets the content wipes it.
func (a *Account) Open(token []byte, now time.Time) (wallet.Opened, error) {
	return wallet.Opened{}, wallet.Refuse(wallet.FaultFormat, "not written yet")
}
