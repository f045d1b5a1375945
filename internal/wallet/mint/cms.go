package mint

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"
)

// Names in CMS (RFC 5652) and of the algorithms.
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidECDSASHA256   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidECDSASHA384   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
)

// Tags of ASN.1, as they are needed.
const (
	tagSequence = 0x30
	tagSet      = 0x31
	tagOctets   = 0x04
	tagContext  = 0xa0 // [0], constructed
)

// sign makes the detached signature over the parts, laid out as Apple's are: in BER, outside with lengths left open.
func (a *Apple) sign(t AppleToken, parts ...[]byte) ([]byte, error) {
	c := a.good
	if t.Flaw != "" {
		var err error
		if c, err = a.issueChain(t.Flaw); err != nil {
			return nil, err
		}
	}
	signer, err := a.signerInfo(t, c, slices.Concat(parts...))
	if err != nil {
		return nil, err
	}
	signers := [][]byte{signer}
	if t.Flaw == FlawTwoSigners {
		signers = append(signers, signer)
	}
	algorithm := element(tagSequence, der(oidSHA256))
	var certificates []byte // optional: left out rather than empty
	if len(c.certificates) > 0 {
		certificates = open(tagContext, c.certificates...)
	}
	signed := open(tagSequence,
		der(1), element(tagSet, algorithm), open(tagSequence, der(oidData)), certificates, element(tagSet, signers...))
	return open(tagSequence, der(oidSignedData), open(tagContext, signed)), nil
}

// signerInfo says who has signed, and holds the signature over the attributes.
func (a *Apple) signerInfo(t AppleToken, c chain, content []byte) ([]byte, error) {
	by, key := c.leaf, a.leaf
	switch t.Flaw {
	case FlawIntermediateSigns:
		by, key = c.intermediate, a.intermediate
	case FlawOtherSigner:
		key = a.foreign
	default: // not here
	}
	hash, digest, algorithm := crypto.SHA256, oidSHA256, oidECDSASHA256
	if t.Flaw == FlawOtherDigest {
		hash, digest, algorithm = crypto.SHA384, oidSHA384, oidECDSASHA384
	}
	attributes := signedAttributes(t, sumOf(hash, content))
	text := element(tagSet, attributes...)
	if t.Flaw == FlawAttributesUnsigned {
		attributes, text = nil, content
	}
	signature, err := key.Sign(nil, sumOf(hash, text), hash)
	if err != nil {
		return nil, err
	}
	parts := [][]byte{der(1), element(tagSequence, by.RawIssuer, der(by.SerialNumber)), element(tagSequence, der(digest))}
	if attributes != nil {
		parts = append(parts, element(tagContext, attributes...))
	}
	return element(tagSequence, append(parts, element(tagSequence, der(algorithm)), element(tagOctets, signature))...), nil
}

// signedAttributes are in the order of DER.
func signedAttributes(t AppleToken, digest []byte) [][]byte {
	signed := t.Signed
	switch t.Flaw {
	case FlawSignedEarly:
		signed = signed.Add(-10 * time.Minute)
	case FlawSignedLate:
		signed = signed.Add(10 * time.Minute)
	default: // not here
	}
	attribute := func(name asn1.ObjectIdentifier, value []byte) []byte {
		return element(tagSequence, der(name), element(tagSet, value))
	}
	all := [][]byte{attribute(oidContentType, der(oidData)), attribute(oidMessageDigest, element(tagOctets, digest))}
	if t.Flaw != FlawNoSigningTime {
		all = append(all, attribute(oidSigningTime, der(signed.UTC())))
	}
	slices.SortFunc(all, bytes.Compare)
	return all
}

func sumOf(hash crypto.Hash, text []byte) []byte {
	if hash == crypto.SHA384 {
		sum := sha512.Sum384(text)
		return sum[:]
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// element writes a tag, the length of the parts and the parts.
func element(tag byte, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	out := []byte{tag}
	switch n := len(content); {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	default:
		out = append(out, 0x82, byte(n>>8), byte(n))
	}
	return append(out, content...)
}

// open writes a tag and the parts without their length, up to an end of content.
func open(tag byte, parts ...[]byte) []byte {
	return slices.Concat([]byte{tag, 0x80}, slices.Concat(parts...), []byte{0, 0})
}

// der writes a number, a name or a time.
func der[T int | *big.Int | asn1.ObjectIdentifier | time.Time](v T) []byte {
	out, err := asn1.Marshal(v)
	if err != nil {
		panic(err) // each of them can be written
	}
	return out
}
