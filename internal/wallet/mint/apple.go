package mint

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// Apple signs as Apple does. It may be used by several at once if its chance may.
type Apple struct {
	chance                            io.Reader
	now                               time.Time
	root, intermediate, leaf, foreign *ecdsa.PrivateKey
	rootCert                          *x509.Certificate
	good                              chain
}

// NewApple draws keys and certificates for an Apple that signs from an hour before now for ten years.
func NewApple(chance io.Reader, now time.Time) (*Apple, error) {
	a := &Apple{chance: chance, now: now}
	var err error
	if a.root, err = drawKey(chance, elliptic.P384()); err != nil { // as Apple's root is
		return nil, err
	}
	for _, key := range []**ecdsa.PrivateKey{&a.intermediate, &a.leaf, &a.foreign} {
		if *key, err = drawKey(chance, elliptic.P256()); err != nil {
			return nil, err
		}
	}
	if a.rootCert, err = a.issueRoot(a.root); err != nil {
		return nil, err
	}
	a.good, err = a.issueChain("")
	return a, err
}

// Root is the certificate that tokens lead to, in PEM.
func (a *Apple) Root() string { return certificateText(a.rootCert.Raw) }

// AppleToken is what a token is asked for.
type AppleToken struct {
	Merchant        string           // its identifier
	To              crypto.PublicKey // of its payment processing certificate: *ecdsa.PublicKey for EC_v1, *rsa.PublicKey for RSA_v1
	Card            Card
	CurrencyNumeric string // three digits of ISO 4217
	Minor           uint64 // the amount in minor units
	TransactionID   []byte // 32 bytes
	ApplicationData []byte // 32 bytes, or none
	Signed          time.Time
	Flaw            Flaw // what is to be wrong with it, if anything
}

// sealed is a token before it is signed.
type sealed struct {
	version, keyName string
	key, data        []byte // the one that came with it, as it is signed; the content
	keyHash          [sha256.Size]byte
}

// Token makes one: the text that stands in payment.token.paymentData.
func (a *Apple) Token(t AppleToken) ([]byte, error) {
	s, err := a.seal(&t)
	if err != nil {
		return nil, err
	}
	transaction, application := t.TransactionID, t.ApplicationData
	switch t.Flaw {
	case FlawTransactionUnsigned:
		transaction = nil
	case FlawApplicationUnsigned:
		t.ApplicationData, application = make([]byte, sha256.Size), nil
	default: // not here
	}
	signature, err := a.sign(t, s.key, s.data, transaction, application)
	if err != nil {
		return nil, err
	}
	if t.Flaw == FlawAltered {
		s.data[0] ^= 1
	}
	header := map[string]any{
		"publicKeyHash": base64.StdEncoding.EncodeToString(s.keyHash[:]), "transactionId": hex.EncodeToString(t.TransactionID),
		s.keyName: base64.StdEncoding.EncodeToString(s.key),
	}
	if len(t.ApplicationData) > 0 {
		header["applicationData"] = hex.EncodeToString(t.ApplicationData)
	}
	outer := map[string]any{"version": s.version, "data": s.data, "signature": signature, "header": header} // []byte is written in base64
	switch t.Flaw {
	case FlawUnknownVersion:
		outer["version"] = "EC_v9"
	case FlawMissingField:
		delete(outer, "signature")
	case FlawNotHex:
		header["transactionId"] = "not hex"
	default: // not here
	}
	return mustJSON(outer), nil
}

// seal seals the content to the merchant's key.
func (a *Apple) seal(t *AppleToken) (*sealed, error) {
	to := t.To
	if t.Flaw == FlawForeignKey {
		if _, ok := to.(*ecdsa.PublicKey); !ok {
			return nil, errors.New("this flaw is of EC_v1 only")
		}
		to = &a.foreign.PublicKey
	}
	spki, err := x509.MarshalPKIXPublicKey(to)
	if err != nil {
		return nil, fmt.Errorf("sealing to the merchant's key: %w", err)
	}
	s := &sealed{keyHash: sha256.Sum256(spki)}
	var key []byte
	switch to := to.(type) {
	case *ecdsa.PublicKey:
		key, err = a.exchange(s, to, t)
	case *rsa.PublicKey:
		key, err = a.wrap(s, to)
	default:
		err = errors.New("sealing to the merchant's key: neither on P-256 nor RSA")
	}
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	const nonce = 16
	gcm, err := cipher.NewGCMWithNonceSize(block, nonce)
	if err != nil {
		return nil, err
	}
	s.data = gcm.Seal(nil, make([]byte, nonce), t.payload(), nil) // a key is used once
	if t.Flaw == FlawWrongTag {
		s.data[len(s.data)-1] ^= 1
	}
	return s, nil
}

// exchange is EC_v1.
func (a *Apple) exchange(s *sealed, to *ecdsa.PublicKey, t *AppleToken) ([]byte, error) {
	theirs, err := to.ECDH()
	if err != nil {
		return nil, fmt.Errorf("sealing to the merchant's key: %w", err)
	}
	ephemeral, err := drawExchange(a.chance)
	if err != nil {
		return nil, err
	}
	shared, err := ephemeral.ECDH(theirs)
	if err != nil {
		return nil, fmt.Errorf("sealing to the merchant's key: %w", err)
	}
	s.version, s.keyName = "EC_v1", "ephemeralPublicKey"
	if s.key, err = x509.MarshalPKIXPublicKey(ephemeral.PublicKey()); err != nil {
		return nil, err
	}
	merchant := t.Merchant
	if t.Flaw == FlawOtherMerchant {
		merchant += ".other"
	}
	party := sha256.Sum256([]byte(merchant))
	info := append([]byte("\x00\x00\x00\x01"+string(shared)+"\x0did-aes256-GCM"+"Apple"), party[:]...)
	key := sha256.Sum256(info)
	return key[:], nil
}

// wrap is RSA_v1.
func (a *Apple) wrap(s *sealed, to *rsa.PublicKey) (key []byte, err error) {
	key = make([]byte, 16)
	if _, err := io.ReadFull(a.chance, key); err != nil {
		return nil, fmt.Errorf("reading chance: %w", err)
	}
	s.version, s.keyName = "RSA_v1", "wrappedKey"
	s.key, err = rsa.EncryptOAEP(sha256.New(), a.chance, to, key, nil)
	return key, err
}

func (t *AppleToken) payload() []byte {
	c := t.Card
	whole := map[string]any{
		"applicationPrimaryAccountNumber": c.Number, "applicationExpirationDate": fmt.Sprintf("%02d%02d28", c.Year%100, c.Month),
		"currencyCode": t.CurrencyNumeric, "transactionAmount": t.Minor, "deviceManufacturerIdentifier": "050110030273",
		"paymentDataType": "3DSecure",
	}
	proof := map[string]string{"onlinePaymentCryptogram": c.Cryptogram}
	if c.ECI != "" {
		proof["eciIndicator"] = c.ECI
	}
	if c.Holder != "" {
		whole["cardholderName"] = c.Holder
	}
	switch t.Flaw {
	case FlawNotJSON:
		return []byte("plaintext")
	case FlawNoNumber:
		whole["applicationPrimaryAccountNumber"] = "4111111111111112"
	case FlawNoProof:
		delete(proof, "onlinePaymentCryptogram")
	case FlawChipData:
		whole["paymentDataType"], proof = "EMV", map[string]string{"emvData": c.Cryptogram}
	case FlawUnknownCurrency:
		whole["currencyCode"] = "000"
	default: // not here
	}
	whole["paymentData"] = proof
	return mustJSON(whole)
}
