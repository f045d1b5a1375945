package applepay

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/smallstep/pkcs7"

	"github.com/sluicepay/sluice/internal/wallet"
)

// NewOfVector returns the account of a published vector, which has the hash of an identifier that was never published, and private
// keys without their certificates.
func NewOfVector(merchantHash string, keys []string, root *x509.Certificate) (*Account, error) {
	a := &Account{root: root}
	if _, err := hex.Decode(a.merchant[:], []byte(merchantHash)); err != nil {
		return nil, err
	}
	for _, text := range keys {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, err
		}
		p, _, err := parsePrivate(der)
		if err != nil {
			return nil, err
		}
		a.processing = append(a.processing, p)
	}
	return a, nil
}

// OpenWith opens a token by the key of its content, where its source has not published the private key.
func (a *Account) OpenWith(token []byte, key []byte, now time.Time) (wallet.Opened, error) {
	t, err := parseToken(token)
	if err != nil {
		return wallet.Opened{}, err
	}
	if err := t.verify(a.root, now); err != nil {
		return wallet.Opened{}, err
	}
	return t.openWith(key)
}

// ShallowBER is what bounds a signature before it is read.
func ShallowBER(text []byte) bool { return shallowBER(text) }

// ReadSignature reads a signature as far as nothing has to be computed, and reports whether it would be looked at further.
func ReadSignature(text []byte) bool {
	if !shallowBER(text) {
		return false
	}
	cms, err := pkcs7.Parse(text)
	return err == nil && len(cms.Signers) == 1 && cms.GetOnlySigner() != nil && sealsContent(cms)
}
