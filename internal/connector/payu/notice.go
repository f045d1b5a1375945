package payu

import (
	"crypto/md5" //nolint:gosec // it is what PayU signs with
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

var errNotice = errors.New("not a notice of the provider")

// ParseNotice verifies PayU's signature: a hash of the raw body and the second key. The posts carry no time that is signed alone, and each has
// its effect once.
func (p *PayU) ParseNotice(header http.Header, body []byte) ([]connector.Notice, error) {
	if !p.signed(header.Get("OpenPayu-Signature"), body) {
		return nil, fmt.Errorf("%w: wrong signature", errNotice)
	}
	notices, err := read(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connector.ErrUnreadable, err)
	}
	return notices, nil
}

// signed checks the header sender=…;signature=…;algorithm=…;content=DOCUMENT. Only published algorithms count, whatever the header names.
func (p *PayU) signed(header string, body []byte) bool {
	given := map[string]string{}
	for part := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		given[name] = value
	}
	text := append(append(make([]byte, 0, len(body)+len(p.secondKey)), body...), p.secondKey...)
	var want []byte
	switch given["algorithm"] {
	case "MD5":
		sum := md5.Sum(text) //nolint:gosec // as published
		want = sum[:]
	case "SHA-256", "SHA256":
		sum := sha256.Sum256(text)
		want = sum[:]
	default:
		return false
	}
	return subtle.ConstantTimeCompare([]byte(given["signature"]), []byte(hex.EncodeToString(want))) == 1
}

// ReadNotice reads a notice that was verified when it came.
func (p *PayU) ReadNotice(body []byte, key string) (connector.Notice, error) {
	notices, err := read(body)
	if err != nil {
		return connector.Notice{}, err
	}
	i := slices.IndexFunc(notices, func(n connector.Notice) bool { return n.EventKey == key })
	if key == "" && len(notices) == 1 {
		i = 0
	}
	if i < 0 {
		return connector.Notice{}, fmt.Errorf("%w: it is not %s", errNotice, key)
	}
	return notices[i], nil
}

// read reads what a post tells of an order. Those of refunds do not have our name of them, and are passed over: a query tells. Of an order that
// waits to be confirmed, or was canceled for a reason, two things are told: PayU's name of it, and that it is time to ask by that.
func read(body []byte) ([]connector.Notice, error) {
	var told struct {
		Order  *order         `json:"order"`
		Refund jsontext.Value `json:"refund"`
	}
	if err := provider.Read(body, &told); err != nil {
		return nil, fmt.Errorf("%w: nothing that it sends, in %d bytes", errNotice, len(body))
	}
	if told.Order == nil && told.Refund.Kind() == '{' {
		return nil, nil
	}
	if told.Order == nil || !provider.Word(told.Order.ID, 64) || !provider.Word(told.Order.Ext, 255) {
		return nil, fmt.Errorf("%w: no order", errNotice)
	}
	o := told.Order
	n := connector.Notice{EventKey: o.ID + "-" + o.State, Key: o.Ext}
	if !provider.Word(o.State, 64) {
		return nil, fmt.Errorf("%w: no state", errNotice)
	}
	f, err := o.fact()
	if err != nil {
		f = payment.Fact{Class: payment.ClassUnknown}
	}
	n.Fact = f
	if o.State != waiting && o.State != canceled {
		return []connector.Notice{n}, nil
	}
	begun := n
	begun.EventKey += "-begun"
	begun.Fact.Class, begun.Fact.Code = payment.ClassWaiting, ""
	if n.Hint = true; o.State == waiting { // it is confirmed by whoever asks
		n.Fact.Class = payment.ClassApproved
	}
	return []connector.Notice{begun, n}, nil
}
