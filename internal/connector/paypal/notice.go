package paypal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	// noticeAge is how old a signed time may be: PayPal delivers again for three days, and does not say whether it signs again.
	noticeAge = 4 * 24 * time.Hour
	// noticeAhead is how far PayPal's clock may be ahead of ours.
	noticeAhead = 5 * time.Minute
)

var errNotice = errors.New("not a notice of the provider")

// ParseNotice verifies PayPal's signature: RSA with SHA-256 over the transmission's id and time, our webhook's id and the checksum of the raw
// body, by a certificate that PayPal shows at its own address. A terminal without the id of a webhook takes no notices.
func (p *PayPal) ParseNotice(header http.Header, body []byte) ([]connector.Notice, error) {
	if p.webhookID == "" {
		return nil, fmt.Errorf("%w: the terminal has no webhookId", errNotice)
	}
	if err := p.signed(header, body); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotice, err)
	}
	notices, err := readEvent(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connector.ErrUnreadable, err)
	}
	return notices, nil
}

func (p *PayPal) signed(header http.Header, body []byte) error {
	id, stamp := header.Get("Paypal-Transmission-Id"), header.Get("Paypal-Transmission-Time")
	if !provider.Word(id, 64) || header.Get("Paypal-Auth-Algo") != "SHA256withRSA" {
		return errors.New("no id, or another way of signing")
	}
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return errors.New("no time")
	}
	if age := p.now().Sub(at); age > noticeAge || age < -noticeAhead {
		return fmt.Errorf("signed %s ago", age.Round(time.Second))
	}
	signature, err := base64.StdEncoding.DecodeString(header.Get("Paypal-Transmission-Sig"))
	if err != nil {
		return errors.New("no signature")
	}
	text := fmt.Appendf(nil, "%s|%s|%s|%d", id, stamp, p.webhookID, crc32.ChecksumIEEE(body))
	return p.certificates.verify(header.Get("Paypal-Cert-Url"), text, signature)
}

// ReadNotice reads a notice that was verified when it came.
func (p *PayPal) ReadNotice(body []byte, key string) (connector.Notice, error) {
	notices, err := readEvent(body)
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

// readEvent reads what an event tells about attempts of ours. What is about us and proves nothing is UNKNOWN: the status query will tell. Of
// the account's other payments, and of what an event says besides, it tells nothing.
func readEvent(body []byte) ([]connector.Notice, error) {
	var e struct {
		ID       string         `json:"id"`
		Kind     string         `json:"event_type"`
		About    string         `json:"resource_type"`
		Resource jsontext.Value `json:"resource"`
	}
	if err := provider.Read(body, &e); err != nil || !provider.Word(e.ID, 64) || e.Kind == "" || len(e.Resource) == 0 {
		return nil, fmt.Errorf("%w: no event in %d bytes", errNotice, len(body))
	}
	n := connector.Notice{EventKey: e.ID, Fact: payment.Fact{Class: payment.ClassUnknown}}
	switch e.About {
	case "dispute":
		if !disputed(e.Resource, &n) {
			return nil, fmt.Errorf("%w: a dispute about nothing", errNotice)
		}
		return []connector.Notice{n}, nil
	case "checkout-order":
		ordered(e.Resource, &n)
	case "authorization", "capture", "refund":
		moved(e.About, e.Resource, &n)
	}
	if n.Key == "" {
		return nil, nil
	}
	return []connector.Notice{n}, nil
}

// disputed reads to which payment a dispute belongs.
func disputed(raw jsontext.Value, n *connector.Notice) bool {
	var d struct {
		Transactions []struct {
			ID     string `json:"seller_transaction_id"`
			Custom string `json:"custom"`
		} `json:"disputed_transactions"`
	}
	if provider.Read(raw, &d) != nil || len(d.Transactions) == 0 {
		return false
	}
	n.Subject = connector.OfDispute
	if t := d.Transactions[0]; provider.Word(t.Custom, 127) {
		n.Key = t.Custom
	} else {
		n.ProviderRef = t.ID
	}
	return true
}

// ordered reads an event about an order: that its payer has approved it, or will not. It is asked about.
func ordered(raw jsontext.Value, n *connector.Notice) {
	var o struct {
		Units []struct {
			Custom string `json:"custom_id"`
		} `json:"purchase_units"`
	}
	if provider.Read(raw, &o) == nil && len(o.Units) == 1 && provider.Word(o.Units[0].Custom, 127) {
		n.Key = strings.TrimSuffix(o.Units[0].Custom, closedMark)
	}
}

// moved reads an event about an authorization, a capture or a refund. The deposit's own money is told as the deposit's; captures of a hold and
// refunds carry keys of their own.
func moved(about string, raw jsontext.Value, n *connector.Notice) {
	var m movement
	if provider.Read(raw, &m) != nil || !provider.Word(m.ID, 36) || !provider.Word(m.Invoice, 127) {
		return
	}
	n.Key = m.Invoice
	var f payment.Fact
	var err error
	switch {
	case about == "refund" && m.Custom != m.Invoice+refundMark:
		return // given back by somebody else
	case about == "refund":
		f, err = m.returned()
	case about == "capture":
		f, err = m.sold()
	case m.Status == "CREATED":
		f = payment.Fact{Class: payment.ClassAuthorized}
		f.Echoed, err = m.Amount.read()
	default:
		return // of a hold that ended its order tells how
	}
	if err != nil {
		return
	}
	if m.Invoice == m.Custom { // of the order itself, by whose id the deposit goes
		if f.ProviderRef = m.Related.IDs.Order; !provider.Word(f.ProviderRef, 36) {
			return
		}
	}
	n.Fact = f
}
