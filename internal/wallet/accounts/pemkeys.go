package accounts

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
)

// Keys are what opens the tokens of a shop's wallets, and what its sessions are begun with. They are secrets. Of each there may be several,
// while they are changed; the newest comes first.
type Keys struct {
	Google   []string    `json:"google,omitempty"`   // private keys in PEM
	Apple    []Certified `json:"apple,omitempty"`    // payment processing certificates
	Identity []Certified `json:"identity,omitempty"` // merchant identity certificates
}

// Certified is a certificate and its private key, in PEM.
type Certified struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// String tells nothing of the keys.
func (k Keys) String() string {
	return fmt.Sprintf("%d keys of Google Pay, %d certificates of Apple Pay, %d of its sessions", len(k.Google), len(k.Apple), len(k.Identity))
}

// GoString is String.
func (k Keys) GoString() string { return k.String() }

// Read reads what Text has written. Nothing is read as no keys.
func Read(text string) (k Keys, err error) {
	if text != "" && json.Unmarshal([]byte(text), &k) != nil {
		return Keys{}, errors.New("the keys of the shop's wallets cannot be read")
	}
	return k, nil
}

// Text is what a shop keeps of the keys: a secret. It is empty for none.
func (k Keys) Text() string {
	if len(k.Google)+len(k.Apple)+len(k.Identity) == 0 {
		return ""
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return ""
	}
	return string(raw)
}

// Check returns what is wrong with the keys for the accounts that a shop has, in words for an operator that hold nothing of the keys.
func (k *Keys) Check(w *shop.Wallets) error {
	if w.Google != nil {
		if _, err := k.google(w.Google); err != nil || len(k.Google) == 0 {
			return cmpErr(err, "Google Pay needs a private key on P-256, in PEM")
		}
		if w.Google.Roots != "" {
			if _, err := googlepay.ParseRoots([]byte(w.Google.Roots)); err != nil {
				return fmt.Errorf("roots of Google Pay: %w", err)
			}
		}
		first, err := googlepay.ParseKey(k.Google[0])
		if err != nil {
			return fmt.Errorf("key of Google Pay: %w", err)
		}
		w.Google.PublicKey = publicKey(first)
	}
	if w.Apple != nil {
		if _, err := k.apple(w.Apple); err != nil || len(k.Apple) == 0 {
			return cmpErr(err, "Apple Pay needs a payment processing certificate and its private key, in PEM")
		}
		w.Apple.PublicKey, w.Apple.Sessions = pointOf(certificateOf(k.Apple[0])), len(k.Identity) > 0
	}
	return nil
}

func cmpErr(err error, otherwise string) error {
	if err != nil {
		return err
	}
	return errors.New(otherwise)
}

// Pairs finds the certificates and private keys in texts in PEM, in whatever order, and pairs them. Keys without a certificate come back too.
// The error says what is no PEM, or has no partner, and holds nothing of it.
func Pairs(texts []string) (pairs []Certified, alone []string, err error) {
	var certificates []*x509.Certificate
	keys := map[string]crypto.PublicKey{}
	var order []string
	for _, text := range texts {
		found := 0
		for rest := []byte(strings.TrimSpace(text)); ; found++ {
			block, after := pem.Decode(rest)
			if block == nil {
				break
			}
			rest = after
			switch {
			case block.Type == "CERTIFICATE":
				c, err := x509.ParseCertificate(block.Bytes)
				if err != nil {
					return nil, nil, errors.New("one of the certificates cannot be read")
				}
				certificates = append(certificates, c)
			case strings.HasSuffix(block.Type, "PRIVATE KEY"):
				public := publicOf(block.Bytes)
				if public == nil {
					return nil, nil, errors.New("one of the private keys cannot be read: it must be PKCS #8, SEC 1 or PKCS #1, without a password")
				}
				kept := string(pem.EncodeToMemory(block))
				keys[kept] = public
				order = append(order, kept)
			}
		}
		if found == 0 {
			return nil, nil, errors.New("one of the files is not in PEM")
		}
	}
	return paired(certificates, order, keys)
}

func paired(certificates []*x509.Certificate, order []string, keys map[string]crypto.PublicKey) (pairs []Certified, alone []string, err error) {
	used := map[string]bool{}
	for _, c := range certificates {
		at := ""
		for _, text := range order {
			if public, ok := keys[text].(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(c.PublicKey) {
				at = text
			}
		}
		if at == "" {
			return nil, nil, fmt.Errorf("the certificate of %q has no private key among the files", c.Subject.CommonName)
		}
		used[at] = true
		pairs = append(pairs, Certified{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})), at})
	}
	for _, text := range order {
		if !used[text] {
			alone = append(alone, text)
		}
	}
	return pairs, alone, nil
}

// publicOf is the public half of a private key in one of its forms; nil for none.
func publicOf(der []byte) crypto.PublicKey {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if ec, err := x509.ParseECPrivateKey(der); err == nil {
			key = ec
		} else if rsaKey, err := x509.ParsePKCS1PrivateKey(der); err == nil {
			key = rsaKey
		}
	}
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		return &key.PublicKey
	case *rsa.PrivateKey:
		return &key.PublicKey
	}
	return nil
}

// pointOf is the public key of a certificate as a point in base64; empty for one of another kind.
func pointOf(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	if key, ok := c.PublicKey.(*ecdsa.PublicKey); ok {
		if point, err := key.Bytes(); err == nil {
			return base64Of(point)
		}
	}
	return ""
}

// IdentityAt is the certificate by which sessions are begun: the newest of those that are good now, else the newest; false for none.
func (k *Keys) IdentityAt(now time.Time) (Certified, bool) {
	for _, c := range k.Identity {
		if read := certificateOf(c); read != nil && !now.Before(read.NotBefore) && now.Before(read.NotAfter) {
			return c, true
		}
	}
	if len(k.Identity) == 0 {
		return Certified{}, false
	}
	return k.Identity[0], true
}

// certificateOf is nil where there is none that can be read.
func certificateOf(c Certified) *x509.Certificate {
	block, _ := pem.Decode([]byte(c.Certificate))
	if block == nil {
		return nil
	}
	read, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return read
}

// Expiry is when a certificate of a shop is no good any more.
type Expiry struct {
	Use     string // processing or identity
	Subject string
	At      time.Time
}

// Expiries lists when the certificates end. A newer one of the same use stands for those before it: of each use the latest counts.
func (k *Keys) Expiries() (all []Expiry) {
	for _, of := range []struct {
		use  string
		list []Certified
	}{{"processing", k.Apple}, {"identity", k.Identity}} {
		var last *Expiry
		for _, c := range of.list {
			if read := certificateOf(c); read != nil && (last == nil || read.NotAfter.After(last.At)) {
				last = &Expiry{of.use, read.Subject.CommonName, read.NotAfter}
			}
		}
		if last != nil {
			all = append(all, *last)
		}
	}
	return all
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
