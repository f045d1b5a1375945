package applepay

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"time"

	"github.com/sluicepay/sluice/internal/wallet"
)

// oidMerchant is the extension of a processing certificate that holds the hash of its merchant identifier, as hex text.
var oidMerchant = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 32}

// Processing is a payment processing certificate of the merchant and its private key.
type Processing struct {
	hash     [sha256.Size]byte // of its public key: tokens name it by that
	merchant []byte            // hash of its merchant identifier; nil where the certificate does not say
	end      time.Time
	exchange *ecdh.PrivateKey // for EC_v1
	unwrap   *rsa.PrivateKey  // or for RSA_v1
}

// ParseProcessing reads a payment processing certificate and its private key (PKCS #8, SEC 1 or PKCS #1), each in PEM or in base64.
// Its errors tell nothing of the key.
func ParseProcessing(certificate, key string) (Processing, error) {
	c, err := parseCertificate(certificate)
	if err != nil {
		return Processing{}, errors.New("payment processing certificate: neither PEM nor base64 of a certificate")
	}
	der, ok := decodeText(key)
	if !ok {
		return Processing{}, errors.New("private key: neither PEM nor base64")
	}
	defer clear(der)
	p, public, err := parsePrivate(der)
	if err != nil {
		return Processing{}, err
	}
	if !public.Equal(c.PublicKey) {
		return Processing{}, errors.New("private key: not that of the payment processing certificate")
	}
	p.end = c.NotAfter
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidMerchant) {
			continue
		}
		var text asn1.RawValue
		if _, err := asn1.Unmarshal(e.Value, &text); err != nil {
			return Processing{}, errors.New("payment processing certificate: its merchant identifier cannot be read")
		}
		if p.merchant, err = hex.DecodeString(string(text.Bytes)); err != nil || len(p.merchant) != sha256.Size {
			return Processing{}, errors.New("payment processing certificate: its merchant identifier cannot be read")
		}
	}
	return p, nil
}

// Ends is when the certificate expires. Wallets make no token for it afterwards; those that were made are still opened.
func (p Processing) Ends() time.Time { return p.end }

// parsePrivate reads a key, and returns its public half beside it.
func parsePrivate(der []byte) (p Processing, public interface{ Equal(crypto.PublicKey) bool }, err error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		parsed, err = x509.ParseECPrivateKey(der)
	}
	if err != nil {
		parsed, err = x509.ParsePKCS1PrivateKey(der)
	}
	if err != nil {
		return p, nil, errors.New("private key: neither PKCS #8 nor SEC 1 nor PKCS #1")
	}
	switch k := parsed.(type) {
	case *ecdsa.PrivateKey:
		if k.Curve != elliptic.P256() {
			return p, nil, errors.New("private key: not on the curve P-256")
		}
		if p.exchange, err = k.ECDH(); err != nil {
			return p, nil, errors.New("private key: not on the curve P-256")
		}
		public = &k.PublicKey
	case *rsa.PrivateKey:
		p.unwrap, public = k, &k.PublicKey
	default:
		return p, nil, errors.New("private key: neither on P-256 nor RSA")
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	p.hash = sha256.Sum256(spki)
	return p, public, err
}

// contentKey takes the key of a token's content from the private key: by exchange with the token's key, or unwrapped.
func (p *Processing) contentKey(t *token, merchant [sha256.Size]byte) ([]byte, error) {
	refused := wallet.Refuse(wallet.FaultDecrypt, "the key that the token names does not open it")
	if t.ephemeral == nil {
		if p.unwrap == nil {
			return nil, refused
		}
		key, err := rsa.DecryptOAEP(sha256.New(), nil, p.unwrap, t.key, nil)
		if err != nil || len(key) != 16 {
			return nil, refused
		}
		return key, nil
	}
	if p.exchange == nil {
		return nil, refused
	}
	shared, err := p.exchange.ECDH(t.ephemeral)
	if err != nil {
		return nil, refused
	}
	defer clear(shared)
	h := sha256.New() // NIST SP 800-56A: the counter, the secret, the algorithm with its length, Apple, the merchant
	h.Write([]byte{0, 0, 0, 1})
	h.Write(shared)
	h.Write([]byte("\x0did-aes256-GCMApple"))
	h.Write(merchant[:])
	return h.Sum(nil), nil
}

func parseCertificate(text string) (*x509.Certificate, error) {
	der, ok := decodeText(text)
	if !ok {
		return nil, errors.New("neither PEM nor base64")
	}
	return x509.ParseCertificate(der)
}

// decodeText returns the bytes of PEM, or of base64 as it is pasted, over several lines.
func decodeText(text string) ([]byte, bool) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return block.Bytes, true
	}
	return wallet.PastedBase64(text)
}
