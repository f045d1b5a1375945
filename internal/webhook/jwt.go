package webhook

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tokenLife is the time between a token's iat and its exp.
const tokenLife = 5 * time.Minute

// tokenSigner posts a compact JWT of the event and nothing else. It is made afresh for
// each try, by the key that signs at that time.
func tokenSigner(keys *KeyRing) Signer {
	return func(ctx context.Context, h http.Header, m Message) ([]byte, error) {
		kid, key, err := keys.signer(ctx)
		if err != nil {
			return nil, err
		}
		clear(h)
		h["User-Agent"] = []string{"YandexPay/1.0"}
		h["Accept"] = []string{"*/*"}
		h["Content-Type"] = []string{"application/octet-stream"}
		h["X-Request-Id"] = []string{strings.TrimPrefix(m.ID, idPrefix) + "_" + tryID(&m)}
		h["X-Request-Timeout"] = []string{strconv.FormatInt(postTimeout.Milliseconds(), 10)}
		return token(kid, key, m.At, m.Body)
	}
}

// tryID tells the tries of an event apart: 32 hex digits.
func tryID(m *Message) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", m.ID, m.Try, m.At.UnixNano()))
	return hex.EncodeToString(sum[:16])
}

// token signs the payload, which stays as it is, as a compact JWT with ES256. The times
// stand in its header, as numbers.
func token(kid string, key *ecdsa.PrivateKey, at time.Time, payload []byte) ([]byte, error) {
	coding := base64.RawURLEncoding
	issued := at.Unix()
	head := fmt.Appendf(nil, `{"alg":"ES256","exp":%d,"iat":%d,"kid":%q,"typ":"JWT"}`, issued+int64(tokenLife/time.Second), issued, kid)
	const signature = 64
	b := make([]byte, 0, coding.EncodedLen(len(head))+coding.EncodedLen(len(payload))+coding.EncodedLen(signature)+2)
	b = append(coding.AppendEncode(b, head), '.')
	b = coding.AppendEncode(b, payload)
	digest := sha256.Sum256(b)
	// Without a source of randomness the nonce is derived from key and digest (RFC 6979).
	der, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", kid, err)
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		return nil, fmt.Errorf("signature of key %s: %w", kid, err)
	}
	var raw [signature]byte
	pair.R.FillBytes(raw[:signature/2])
	pair.S.FillBytes(raw[signature/2:])
	return coding.AppendEncode(append(b, '.'), raw[:]), nil
}
