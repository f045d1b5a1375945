package yandexpay

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// tokenAge is how far ahead of us the provider's clock may be. A token is made anew for every try, and lives for minutes.
const (
	tokenAge     = 5 * time.Minute
	longestToken = 6 * time.Hour // whatever it says itself
)

var errNotice = errors.New("not an event of the provider")

// ParseNotice verifies a token: a JWT signed by ES256 with a key that the provider publishes, of our merchant, and not over its time. An event names
// no amount, so that it proves nothing by itself: the provider is asked.
func (y *YandexPay) ParseNotice(_ http.Header, body []byte) ([]connector.Notice, error) {
	if y.merchant == "" {
		return nil, fmt.Errorf("%w: the terminal has no merchantId", errNotice)
	}
	t, err := readToken(body)
	if err != nil {
		return nil, err
	}
	now, issued := y.now(), time.Unix(t.issued, 0)
	if now.Before(issued.Add(-tokenAge)) || now.After(time.Unix(t.ends, 0)) || now.After(issued.Add(longestToken)) {
		return nil, fmt.Errorf("%w: signed at another time", errNotice)
	}
	if err := y.signers.verify(t.keyID, t.text, t.signature); err != nil {
		return nil, err
	}
	n, err := y.readEvent(t.payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connector.ErrUnreadable, err)
	}
	return n, nil
}

// token is a compact JWT, taken apart and not checked.
type token struct {
	text               string // what is signed
	payload, signature []byte
	keyID              string
	issued, ends       int64
}

func readToken(body []byte) (*token, error) {
	parts := strings.Split(strings.TrimSpace(string(body)), ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: no token in %d bytes", errNotice, len(body))
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return nil, fmt.Errorf("%w: no token in %d bytes", errNotice, len(body))
		}
	}
	var h struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
		Issued    int64  `json:"iat"`
		Ends      int64  `json:"exp"`
	}
	if provider.Read(raw[0], &h) != nil || h.Algorithm != "ES256" || h.KeyID == "" || h.Issued <= 0 {
		return nil, fmt.Errorf("%w: no token that could be checked", errNotice)
	}
	return &token{text: parts[0] + "." + parts[1], payload: raw[1], signature: raw[2], keyID: h.KeyID, issued: h.Issued, ends: h.Ends}, nil
}

// ReadNotice reads an event that was verified when it came; a token holds one.
func (y *YandexPay) ReadNotice(body []byte, key string) (connector.Notice, error) {
	t, err := readToken(body)
	if err != nil {
		return connector.Notice{}, err
	}
	notices, err := y.readEvent(t.payload)
	if err != nil {
		return connector.Notice{}, err
	}
	if len(notices) != 1 || key != "" && notices[0].EventKey != key {
		return connector.Notice{}, fmt.Errorf("%w: it is another", errNotice)
	}
	return notices[0], nil
}

// readEvent reads what the event is about. Its payload is the same bytes in every try, and its name.
func (y *YandexPay) readEvent(payload []byte) ([]connector.Notice, error) {
	var e struct {
		Merchant string `json:"merchantId"`
		Event    string `json:"event"`
		Order    *struct {
			ID string `json:"orderId"`
		} `json:"order"`
		Operation *struct {
			Order    string `json:"orderId"`
			External string `json:"externalOperationId"`
		} `json:"operation"`
	}
	if err := provider.Read(payload, &e); err != nil {
		return nil, fmt.Errorf("%w: no event in %d bytes", errNotice, len(payload))
	}
	if !strings.EqualFold(e.Merchant, y.merchant) {
		return nil, fmt.Errorf("%w: of another merchant", errNotice)
	}
	var key string
	switch {
	case e.Event == "ORDER_STATUS_UPDATED" && e.Order != nil:
		key = e.Order.ID
	case e.Event == "OPERATION_STATUS_UPDATED" && e.Operation != nil:
		if key = e.Operation.External; key == "" { // it is told with its order, too
			return nil, nil
		}
	case e.Event == "SUBSCRIPTION_STATUS_UPDATED":
		return nil, nil
	default:
		return nil, fmt.Errorf("%w: none that was published", errNotice)
	}
	if !provider.Word(key, mostKey) {
		return nil, nil // not of our making
	}
	sum := sha256.Sum256(payload)
	return []connector.Notice{{EventKey: hex.EncodeToString(sum[:]), Key: key, Fact: payment.Fact{Class: payment.ClassUnknown}}}, nil
}
