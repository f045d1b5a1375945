package provider

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Signer signs with an RSA key as PS256 (RFC 7518, 3.5): what FAPI takes. It prints as the name of its key.
type Signer struct {
	key    *rsa.PrivateKey
	id     string
	random io.Reader
}

// NewSigner reads a private key as PEM, PKCS #8 or PKCS #1. The id is what the other side knows its public part by. The error shows nothing of it.
func NewSigner(text, id string, random io.Reader) (*Signer, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("PEM of a private key")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		whole, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		read, is := whole.(*rsa.PrivateKey)
		if err != nil || !is {
			return nil, errors.New("PEM of a private key for RSA")
		}
		key = read
	}
	if key.N.BitLen() < 2048 {
		return nil, errors.New("a key for RSA of 2048 bits at the least")
	}
	if random == nil {
		random = rand.Reader
	}
	return &Signer{key: key, id: id, random: random}, nil
}

// JWT is a token with those claims (RFC 7519).
func (s *Signer) JWT(claims Object) (string, error) {
	return s.sign(NewObject(128).Text("alg", "PS256").Text("kid", s.id).Text("typ", "JWT"), claims.Bytes())
}

// Detached is a signature over the bytes without them (RFC 7515, appendix F), with more members in its header.
func (s *Signer) Detached(header func(Object) Object, body []byte) (string, error) {
	whole, err := s.sign(header(NewObject(512).Text("alg", "PS256").Text("kid", s.id)), body)
	head, rest, _ := strings.Cut(whole, ".")
	_, signature, _ := strings.Cut(rest, ".")
	return head + ".." + signature, err
}

func (s *Signer) sign(header Object, payload []byte) (string, error) {
	text := base64.RawURLEncoding.EncodeToString(header.Bytes()) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPSS(s.random, s.key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// Format writes the name of the key whatever the verb.
func (s *Signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "signer "+s.id) }
