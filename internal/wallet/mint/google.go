package mint

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Card is what a customer has in the wallet.
type Card struct {
	Number      string // the device's own where Cryptogram is given
	Month, Year int    // its last month: 1 to 12, and four digits
	Holder      string // Apple's tokens alone have it
	Cryptogram  string // base64; empty for a card on file, which only Google's tokens have
	ECI         string
}

// Google signs as Google does. It may be used by several at once if its chance may.
type Google struct {
	chance                      io.Reader
	root, intermediate, foreign *ecdsa.PrivateKey
	until                       time.Time
}

const decade = 10 * 365 * 24 * time.Hour

// NewGoogle draws keys for a Google that signs from now for ten years.
func NewGoogle(chance io.Reader, now time.Time) (*Google, error) {
	g := &Google{chance: chance, until: now.Add(decade)}
	for _, key := range []**ecdsa.PrivateKey{&g.root, &g.intermediate, &g.foreign} {
		var err error
		if *key, err = drawKey(chance, elliptic.P256()); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// Roots is the list of keys as Google publishes it: one for all versions.
func (g *Google) Roots() []byte {
	type rootKey struct {
		Value   string `json:"keyValue"`
		Version string `json:"protocolVersion"`
		Expires string `json:"keyExpiration,omitempty"`
	}
	public := publicText(&g.root.PublicKey)
	return mustJSON(map[string][]rootKey{"keys": {
		{public, "ECv1", ""}, {public, "ECv2", millis(g.until)}, {public, "ECv2SigningOnly", millis(g.until)},
	}})
}

// GoogleToken is what a token is asked for.
type GoogleToken struct {
	Version   string          // ECv1, ECv2 or ECv2SigningOnly; ECv2 where empty
	Recipient string          // such as merchant:12345678901234567890
	To        *ecdh.PublicKey // of the recipient
	Card      Card
	MessageID string
	Expires   time.Time
	Flaw      Flaw // what is to be wrong with it, if anything
}

// Token makes one: the text that stands in paymentMethodData.tokenizationData.token.
func (g *Google) Token(t GoogleToken) ([]byte, error) {
	if t.Version == "" {
		t.Version = "ECv2"
	}
	message, err := g.message(t)
	if err != nil {
		return nil, err
	}
	signer := g.root
	outer := map[string]any{"protocolVersion": t.Version}
	if t.Version != "ECv1" {
		signer = g.intermediate
		if outer["intermediateSigningKey"], err = g.signIntermediate(t); err != nil {
			return nil, err
		}
	}
	if t.Flaw == FlawForeignIntermediate || t.Flaw == FlawForeignRoot && t.Version == "ECv1" {
		signer = g.foreign
	}
	recipient, version := t.Recipient, t.Version
	switch t.Flaw {
	case FlawOtherRecipient:
		recipient += "0"
	case FlawOtherVersion:
		version += "1"
	default: // not here
	}
	if outer["signature"], err = sign(signer, counted("Google", recipient, version, message)); err != nil {
		return nil, err
	}
	switch t.Flaw {
	case FlawAltered:
		message += " "
	case FlawUnknownVersion:
		outer["protocolVersion"] = "ECv9"
	case FlawExtraField:
		outer["extra"] = "x"
	default: // not here
	}
	outer["signedMessage"] = message
	if t.Flaw == FlawMissingField {
		delete(outer, "signature")
	}
	return mustJSON(outer), nil
}

// signIntermediate makes the object of the intermediate key.
func (g *Google) signIntermediate(t GoogleToken) (map[string]any, error) {
	root, until := g.root, g.until
	switch t.Flaw {
	case FlawForeignRoot:
		root = g.foreign
	case FlawIntermediateExpired:
		until = until.Add(-2 * decade)
	default: // not here
	}
	key := string(mustJSON(map[string]string{"keyValue": publicText(&g.intermediate.PublicKey), "keyExpiration": millis(until)}))
	signature, err := sign(root, counted("Google", t.Version, key))
	if t.Flaw == FlawIntermediateAltered {
		key += " "
	}
	return map[string]any{"signedKey": key, "signatures": []string{signature}}, err
}

// message is the text that is signed: the payload, sealed or plain.
func (g *Google) message(t GoogleToken) (string, error) {
	plain := t.payload()
	if t.Version == "ECv2SigningOnly" {
		return string(plain), nil
	}
	to := t.To
	if t.Flaw == FlawForeignKey {
		foreign, err := g.foreign.ECDH()
		if err != nil {
			return "", err
		}
		to = foreign.PublicKey()
	}
	ephemeral, err := drawExchange(g.chance)
	if err != nil {
		return "", err
	}
	shared, err := ephemeral.ECDH(to)
	if err != nil {
		return "", fmt.Errorf("sealing to the recipient's key: %w", err)
	}
	half := 32
	if t.Version == "ECv1" {
		half = 16
	}
	point := ephemeral.PublicKey().Bytes()
	keys, err := hkdf.Key(sha256.New, append(append([]byte{}, point...), shared...), make([]byte, sha256.Size), "Google", half*2)
	if err != nil {
		return "", err
	}
	block, err := aes.NewCipher(keys[:half])
	if err != nil {
		return "", err
	}
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(plain, plain) //nolint:gosec // as published: a key is used once
	mac := hmac.New(sha256.New, keys[half:])
	mac.Write(plain)
	tag := mac.Sum(nil)
	if t.Flaw == FlawWrongTag {
		tag[0] ^= 1
	}
	text := mustJSON(map[string][]byte{"encryptedMessage": plain, "ephemeralPublicKey": point, "tag": tag}) // []byte is written in base64
	return strings.ReplaceAll(string(text), "=", `\u003d`), nil                                             // as Google writes it
}

func (t *GoogleToken) payload() []byte {
	c, old := t.Card, t.Version == "ECv1"
	details := map[string]any{"expirationMonth": c.Month, "expirationYear": c.Year}
	whole := map[string]any{"messageExpiration": millis(t.Expires), "messageId": t.MessageID, "paymentMethod": "CARD", "paymentMethodDetails": details}
	number, proof, eci := "pan", "cryptogram", "eciIndicator"
	switch device := c.Cryptogram != "" || t.Flaw == FlawNoProof; {
	case old && device:
		whole["paymentMethod"], details["authMethod"] = "TOKENIZED_CARD", "3DS"
		number, proof, eci = "dpan", "3dsCryptogram", "3dsEciIndicator"
	case device:
		details["authMethod"] = "CRYPTOGRAM_3DS"
	case !old:
		details["authMethod"] = "PAN_ONLY"
	}
	if !old {
		details["assuranceDetails"] = map[string]bool{"accountVerified": true, "cardHolderAuthenticated": c.Cryptogram != ""}
	}
	details[number] = c.Number
	if c.Cryptogram != "" && t.Flaw != FlawNoProof {
		details[proof] = c.Cryptogram
		if c.ECI != "" {
			details[eci] = c.ECI
		}
	}
	switch t.Flaw {
	case FlawNotJSON:
		return []byte("plaintext")
	case FlawNoNumber:
		details[number] = "4111111111111112"
	case FlawNoExpiry:
		delete(whole, "messageExpiration")
	case FlawNoMessageID:
		delete(whole, "messageId")
	case FlawExpired:
		whole["messageExpiration"] = millis(t.Expires.Add(-2 * decade))
	default: // not here
	}
	return mustJSON(whole)
}

// counted joins texts, each after its length.
func counted(parts ...string) []byte {
	var all []byte
	for _, p := range parts {
		all = append(binary.LittleEndian.AppendUint32(all, uint32(len(p))), p...)
	}
	return all
}

// sign returns base64 of the signature of a text. The same text has the same signature.
func sign(key *ecdsa.PrivateKey, text []byte) (string, error) {
	digest := sha256.Sum256(text)
	signature, err := key.Sign(nil, digest[:], crypto.SHA256)
	return base64.StdEncoding.EncodeToString(signature), err
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers and maps of them
	}
	return text
}
