package przelewy24

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

var errNotice = errors.New("not a notice of the provider")

// told is all that notices of the three kinds have. A pointer is what has to be there to be signed.
type told struct {
	Merchant     *int64         `json:"merchantId"`
	POS          *int64         `json:"posId"`
	Session      *string        `json:"sessionId"`
	Amount       *int64         `json:"amount"`
	OriginAmount *int64         `json:"originAmount"`
	Currency     *string        `json:"currency"`
	Order        *int64         `json:"orderId"`
	MethodID     *int64         `json:"methodId"`
	Statement    *string        `json:"statement"`
	Method       *int64         `json:"method"`
	Result       jsontext.Value `json:"result"`
	UUID         *string        `json:"refundsUuid"`
	Status       *int64         `json:"status"`
	Sign         string         `json:"sign"`
}

// ParseNotice verifies the checksum over what the post tells. The posts carry no time: of those that tell of payments nothing is believed but that
// it is time to ask, and of the others each has an effect once.
func (p *Przelewy24) ParseNotice(_ http.Header, body []byte) ([]connector.Notice, error) {
	t, err := readTold(body)
	if err != nil {
		return nil, err
	}
	text, ok := t.signed()
	if !ok || !p.fits(t.Sign, text) {
		return nil, fmt.Errorf("%w: wrong checksum", errNotice)
	}
	n, err := p.notice(t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connector.ErrUnreadable, err)
	}
	return []connector.Notice{n}, nil
}

// ReadNotice reads a notice that was verified when it came.
func (p *Przelewy24) ReadNotice(body []byte, key string) (connector.Notice, error) {
	t, err := readTold(body)
	if err != nil {
		return connector.Notice{}, err
	}
	n, err := p.notice(t)
	if err == nil && key != "" && n.EventKey != key {
		err = fmt.Errorf("%w: it is not %s", errNotice, key)
	}
	return n, err
}

// readTold reads a post. BLIK's additional notices are published inside of another object, and are sent without it as well.
func readTold(body []byte) (*told, error) {
	var whole struct {
		Data *told `json:"data"`
	}
	if provider.Read(body, &whole) == nil && whole.Data != nil {
		return whole.Data, nil
	}
	t := new(told)
	if provider.Read(body, t) != nil {
		return nil, fmt.Errorf("%w: nothing that it sends, in %d bytes", errNotice, len(body))
	}
	return t, nil
}

// signed is the text of which the checksum is made, by the kind of notice. It reports false where something of it is missing.
func (t *told) signed() (signed, bool) {
	var s signed
	switch {
	case t.Order == nil || t.Session == nil:
		return nil, false
	case t.UUID != nil:
		if t.Merchant == nil || t.Amount == nil || t.Currency == nil || t.Status == nil {
			return nil, false
		}
		return s.number("orderId", *t.Order).text("sessionId", *t.Session).text("refundsUuid", *t.UUID).number("merchantId", *t.Merchant).
			number("amount", *t.Amount).text("currency", *t.Currency).number("status", *t.Status), true
	case t.Result != nil:
		result, ok := plain(t.Result)
		if t.Method == nil || !ok {
			return nil, false
		}
		return s.number("orderId", *t.Order).text("sessionId", *t.Session).number("method", *t.Method).raw("result", result), true
	}
	if t.Merchant == nil || t.POS == nil || t.Amount == nil || t.OriginAmount == nil || t.Currency == nil || t.MethodID == nil || t.Statement == nil {
		return nil, false
	}
	return s.number("merchantId", *t.Merchant).number("posId", *t.POS).text("sessionId", *t.Session).number("amount", *t.Amount).
		number("originAmount", *t.OriginAmount).text("currency", *t.Currency).number("orderId", *t.Order).number("methodId", *t.MethodID).
		text("statement", *t.Statement), true
}

// notice is what the post tells about an attempt of ours.
func (p *Przelewy24) notice(t *told) (connector.Notice, error) {
	if _, whole := t.signed(); !whole || !provider.Word(*t.Session, 100) || *t.Order < 1 {
		return connector.Notice{}, fmt.Errorf("%w: something of it is missing", errNotice)
	}
	switch {
	case t.UUID != nil:
		return p.refundNotice(t)
	case t.Result != nil:
		return blikNotice(t)
	}
	sum, err := (&transaction{Amount: *t.Amount, Currency: *t.Currency}).sum()
	if err != nil || *t.Merchant != p.merchant {
		return connector.Notice{}, errors.Join(errNotice, err)
	}
	order := strconv.FormatInt(*t.Order, 10)
	return connector.Notice{EventKey: "paid-" + order, Key: *t.Session, Hint: true, Fact: payment.Fact{Class: payment.ClassApproved, ProviderRef: order, Echoed: sum}}, nil
}

// refundNotice tells how a refund has ended. Its id is signed, and is our key in fewer characters.
func (p *Przelewy24) refundNotice(t *told) (connector.Notice, error) {
	key, ours := provider.LongKey(*t.UUID)
	sum, err := (&transaction{Amount: *t.Amount, Currency: *t.Currency}).sum()
	if !ours || err != nil || *t.Merchant != p.merchant {
		return connector.Notice{}, errors.Join(fmt.Errorf("%w: a refund that is not ours", errNotice), err)
	}
	n := connector.Notice{EventKey: "refund-" + *t.UUID + "-" + strconv.FormatInt(*t.Status, 10), Key: key}
	switch *t.Status {
	case 0:
		n.Fact = payment.Fact{Class: payment.ClassApproved}
	case 1:
		n.Fact = refusals.Fact("rejected")
	default:
		n.Fact = payment.Fact{Class: payment.ClassUnknown}
	}
	n.Fact.ProviderRef, n.Fact.Echoed = refundRef(*t.Order, *t.UUID), sum
	return n, nil
}

// blikNotice tells how a BLIK payment has ended: a refusal as one, a payment as a reason to ask.
func blikNotice(t *told) (connector.Notice, error) {
	var result struct {
		Error jsontext.Value `json:"error"`
	}
	if provider.Read(t.Result, &result) != nil || len(result.Error) == 0 {
		return connector.Notice{}, fmt.Errorf("%w: it has no result", errNotice)
	}
	code := strings.TrimPrefix(strings.Trim(string(result.Error), `"`), "err")
	if !provider.Word(code, 20) {
		return connector.Notice{}, fmt.Errorf("%w: it has no result", errNotice)
	}
	n := connector.Notice{EventKey: "blik-" + strconv.FormatInt(*t.Order, 10) + "-" + code, Key: *t.Session}
	if strings.Trim(code, "0") == "" {
		n.Fact, n.Hint = payment.Fact{Class: payment.ClassApproved}, true
	} else {
		n.Fact = declines.Fact(code)
	}
	return n, nil
}
