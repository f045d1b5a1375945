package mint

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// What Apple marks certificates with: for signing tokens, for issuing such, and whose tokens are sealed to one.
var (
	oidLeaf         = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 29}
	oidIntermediate = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 2, 14}
	oidMerchant     = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 32}
)

const issuer = "Sluice test certificates, not Apple"

// chain is what a token is signed with.
type chain struct {
	leaf, intermediate *x509.Certificate
	certificates       [][]byte // those that come with the signature
}

// issueRoot makes a root for a key.
func (a *Apple) issueRoot(key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	c := a.template("Root CA", true)
	return a.issue(c, c, &key.PublicKey, key)
}

// issueChain makes the leaf and the intermediate that tokens of a flaw are signed with.
func (a *Apple) issueChain(f Flaw) (c chain, err error) {
	root, rootCert := a.root, a.rootCert
	if f == FlawForeignRoot {
		root = a.foreign
		if rootCert, err = a.issueRoot(root); err != nil {
			return c, err
		}
	}
	template := a.template("Integration CA", true)
	if f != FlawIntermediatePurpose {
		template.ExtraExtensions = mark(oidIntermediate)
	}
	if c.intermediate, err = a.issue(template, rootCert, &a.intermediate.PublicKey, root); err != nil {
		return c, err
	}
	template = a.template("Token signer", false)
	if f != FlawLeafPurpose {
		template.ExtraExtensions = mark(oidLeaf)
	}
	if f == FlawLeafExpired {
		template.NotBefore, template.NotAfter = a.now.AddDate(-2, 0, 0), a.now.AddDate(-1, 0, 0)
	}
	by, key := c.intermediate, a.intermediate
	if f == FlawNoIntermediate {
		by, key = rootCert, root
	}
	if c.leaf, err = a.issue(template, by, &a.leaf.PublicKey, key); err != nil {
		return c, err
	}
	c.certificates = [][]byte{c.leaf.Raw, c.intermediate.Raw}
	if f == FlawNoCertificates {
		c.certificates = nil
	}
	return c, nil
}

// Processing makes the payment processing certificate of a merchant for a public key: *ecdsa.PublicKey on P-256, or
// *rsa.PublicKey. It is in PEM.
func (a *Apple) Processing(merchant string, key crypto.PublicKey) (string, error) {
	template := a.template("Payment Processing: "+merchant, false)
	sum := sha256.Sum256([]byte(merchant))
	text, err := asn1.MarshalWithParams(hex.EncodeToString(sum[:]), "utf8")
	if err != nil {
		return "", err
	}
	template.ExtraExtensions = []pkix.Extension{{Id: oidMerchant, Value: text}}
	c, err := a.issue(template, a.good.intermediate, key, a.intermediate)
	if err != nil {
		return "", err
	}
	return certificateText(c.Raw), nil
}

func (a *Apple) template(name string, authority bool) *x509.Certificate {
	c := &x509.Certificate{
		Subject:   pkix.Name{CommonName: name, Organization: []string{issuer}},
		NotBefore: a.now.Add(-time.Hour), NotAfter: a.now.Add(decade),
		BasicConstraintsValid: true, IsCA: authority, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if authority {
		c.KeyUsage = x509.KeyUsageCertSign
	}
	return c
}

// issue signs a certificate. Its number comes from its key and name, so that the same chance makes the same certificates.
func (a *Apple) issue(template, by *x509.Certificate, to crypto.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	spki, err := x509.MarshalPKIXPublicKey(to)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	sum := sha256.Sum256(append(spki, template.Subject.CommonName...))
	template.SerialNumber = new(big.Int).SetBytes(sum[:8])
	der, err := x509.CreateCertificate(nil, template, by, to, key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// mark is an extension that says no more than that it is there.
func mark(purpose asn1.ObjectIdentifier) []pkix.Extension {
	return []pkix.Extension{{Id: purpose, Value: asn1.NullBytes}}
}

func certificateText(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
