package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

var errNotice = errors.New("not a notice of the provider")

// ParseNotice verifies the published signature: HMAC-SHA256 with the shop's signing key over the raw body, in hexadecimal. It holds no time,
// so that an old notice is as good as a new one, and has one effect however often it comes. A terminal without the key takes no notices.
func (g *Gateway) ParseNotice(header http.Header, body []byte) ([]connector.Notice, error) {
	if g.signingKey == "" {
		return nil, fmt.Errorf("%w: the terminal has no signingKey", errNotice)
	}
	given, err := hex.DecodeString(header.Get("Signature"))
	mac := hmac.New(sha256.New, []byte(g.signingKey))
	mac.Write(body)
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return nil, fmt.Errorf("%w: wrong signature", errNotice)
	}
	n, err := readNotice(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connector.ErrUnreadable, err)
	}
	return []connector.Notice{n}, nil
}

// ReadNotice reads a notice that was verified when it came; a post holds one.
func (g *Gateway) ReadNotice(body []byte, key string) (connector.Notice, error) {
	n, err := readNotice(body)
	if err == nil && key != "" && n.EventKey != key {
		return n, fmt.Errorf("%w: it is %s", errNotice, n.EventKey)
	}
	return n, err
}

// readNotice reads a payment as it was when it was told. Every try of a notice is the same bytes, which are its name.
func readNotice(body []byte) (connector.Notice, error) {
	p := new(wirePayment)
	if err := provider.Read(body, p); err != nil {
		return connector.Notice{}, fmt.Errorf("%w: no payment in %d bytes", errNotice, len(body))
	}
	kind, ok := map[string]payment.AttemptKind{
		"DEPOSIT": payment.AttemptDeposit, "WITHDRAWAL": payment.AttemptWithdrawal, "REFUND": payment.AttemptRefund,
	}[p.Type]
	if !ok || !provider.Word(p.ID, mostID) || !provider.Word(p.Reference, mostReference) {
		return connector.Notice{}, fmt.Errorf("%w: not a payment of ours", errNotice)
	}
	sum := sha256.Sum256(body)
	n := connector.Notice{EventKey: hex.EncodeToString(sum[:]), Key: p.Reference}
	a := about{kind: kind, key: p.Reference, id: p.ID, asked: true, verifies: kind == payment.AttemptDeposit && p.PreAuth && (len(p.Amount) == 0 || isZero(p.Amount))}
	var err error
	if n.Fact, err = a.fact(p); err != nil { // signed, but nothing that can be believed: the status query will tell
		n.Fact = payment.Fact{Class: payment.ClassUnknown}
	}
	return n, nil
}
