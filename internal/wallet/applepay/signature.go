package applepay

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"time"

	"github.com/smallstep/pkcs7"

	"github.com/sluicepay/sluice/internal/wallet"
)

// What certificates are for, as Apple marks them.
var (
	oidLeaf         = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 29}
	oidIntermediate = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 2, 14}
)

// mostCertificates is how many a signature may bring. Apple's bring two: the root is not sent.
const mostCertificates = 4

// verify checks who has signed the token, that it was signed as it is, and when.
func (t *token) verify(root *x509.Certificate, now time.Time) error {
	if !shallowBER(t.signature) {
		return wallet.Refuse(wallet.FaultFormat, "the signature is no BER that a signature would be")
	}
	cms, err := pkcs7.Parse(t.signature)
	if err != nil {
		return wallet.Refuse(wallet.FaultFormat, "the signature is no CMS")
	}
	if len(cms.Signers) != 1 {
		return wallet.Refuse(wallet.FaultSignature, "not signed once")
	}
	if err := verifyChain(cms, root, now); err != nil {
		return err
	}
	if len(cms.Content) != 0 || !sealsContent(cms) {
		return wallet.Refuse(wallet.FaultSignature, "not a signature over content that stands beside it, with SHA-256 and with attributes")
	}
	cms.Content = t.signed()
	if cms.VerifyWithChainAtTime(nil, now) != nil { // nil: the chain was verified above, by stricter rules
		return wallet.Refuse(wallet.FaultSignature, "what is signed is something else")
	}
	var signed time.Time
	if cms.UnmarshalSignedAttribute(pkcs7.OIDAttributeSigningTime, &signed) != nil {
		return wallet.Refuse(wallet.FaultSigningTime, "the signature does not say when it was made")
	}
	if d := now.Sub(signed); d > SignedWithin || d < -SignedWithin {
		return wallet.Refuse(wallet.FaultSigningTime, "signed more than five minutes before or after now")
	}
	return nil
}

// verifyChain checks that the signer is a leaf for payments, issued by an intermediate for that, issued by the root.
func verifyChain(cms *pkcs7.PKCS7, root *x509.Certificate, now time.Time) error {
	leaf := cms.GetOnlySigner()
	if leaf == nil || len(cms.Certificates) > mostCertificates || !isFor(leaf, oidLeaf) {
		return wallet.Refuse(wallet.FaultChain, "the signer's certificate is missing, or not for signing tokens")
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	for _, c := range cms.Certificates {
		if isFor(c, oidIntermediate) {
			intermediates.AddCert(c)
		}
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err == nil {
		for _, chain := range chains {
			if len(chain) == 3 && isFor(chain[1], oidIntermediate) {
				return nil
			}
		}
	}
	return wallet.Refuse(wallet.FaultChain, "the certificates do not lead from the signer over one intermediate to the root, now")
}

func isFor(c *x509.Certificate, purpose asn1.ObjectIdentifier) bool {
	for _, e := range c.Extensions {
		if e.Id.Equal(purpose) {
			return true
		}
	}
	return false
}

// sealsContent reports whether the one signer has signed attributes, by which content and time are fixed together, each of them
// once, over SHA-256. Without them the library would take the signature for one over the content alone.
func sealsContent(cms *pkcs7.PKCS7) bool {
	signer := &cms.Signers[0]
	digest, algorithm := signer.DigestAlgorithm.Algorithm, signer.DigestEncryptionAlgorithm.Algorithm
	if !digest.Equal(pkcs7.OIDDigestAlgorithmSHA256) {
		return false
	}
	if !algorithm.Equal(pkcs7.OIDDigestAlgorithmECDSASHA256) && !algorithm.Equal(pkcs7.OIDEncryptionAlgorithmRSASHA256) &&
		!algorithm.Equal(pkcs7.OIDEncryptionAlgorithmRSA) {
		return false
	}
	count := map[string]int{}
	for _, a := range signer.AuthenticatedAttributes {
		count[a.Type.String()]++
	}
	var content asn1.ObjectIdentifier
	err := cms.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &content)
	return err == nil && content.Equal(pkcs7.OIDData) && count[pkcs7.OIDAttributeContentType.String()] == 1 &&
		count[pkcs7.OIDAttributeMessageDigest.String()] == 1 && count[pkcs7.OIDAttributeSigningTime.String()] <= 1
}

// Bounds of the BER of a signature. Apple's have a depth of 11 and about 200 elements.
const (
	deepestBER = 24
	mostBER    = 1024
)

// shallowBER reports whether the text is one element of BER, and no more, within the bounds: the library recurses into whatever is
// nested, copies at each depth, looks far ahead for the end of what has no length, and takes what follows for nothing.
func shallowBER(text []byte) bool {
	const open = -1
	var ends []int // of the elements that are entered: where each ends, or open
	pos := 0
	for range mostBER {
		for len(ends) > 0 && ends[len(ends)-1] == pos {
			ends = ends[:len(ends)-1]
		}
		if pos > 0 && len(ends) == 0 {
			return pos == len(text)
		}
		if len(ends) > 0 && ends[len(ends)-1] == open && bytes.HasPrefix(text[pos:], []byte{0, 0}) {
			ends, pos = ends[:len(ends)-1], pos+2
			if len(ends) == 0 {
				return pos == len(text)
			}
			continue
		}
		length, head, ok := berHead(text[pos:])
		limit := len(text)
		for _, end := range ends {
			if end != open {
				limit = min(limit, end)
			}
		}
		constructed := ok && text[pos]&0x20 != 0
		if !ok || length > limit-pos-head || length == open && !constructed {
			return false
		}
		pos += head
		switch {
		case !constructed:
			pos += length
		case length == open:
			ends = append(ends, open)
		default:
			ends = append(ends, pos+length)
		}
		if len(ends) > deepestBER {
			return false
		}
	}
	return false
}

// berHead reads a tag of one byte and a length, which is -1 where it is left open.
func berHead(text []byte) (length, head int, ok bool) {
	if len(text) < 2 || text[0]&0x1f == 0x1f {
		return 0, 0, false
	}
	n := int(text[1])
	switch {
	case n < 0x80:
		return n, 2, true
	case n == 0x80:
		return -1, 2, true
	case n > 0x82 || len(text) < 2+n-0x80: // 65,535 bytes suffice
		return 0, 0, false
	}
	for _, b := range text[2 : 2+n-0x80] {
		length = length<<8 | int(b)
	}
	return length, 2 + n - 0x80, true
}
