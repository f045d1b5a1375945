package yandexpay

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// orderView is an order with what there is to show and to decide about it.
type orderView struct {
	engine.History
	document   document
	operations []operation
	remains    remains
}

// find reads the order with the merchant's id: one that was made as an order, else the newest deposit that the merchant
// called so, else the deposit with that id which has no other name. The error is errNoOrder where there is none.
func (y *YandexPay) find(c *call, name string) (*orderView, error) {
	pid, err := y.named(c, name)
	if errors.Is(err, payment.ErrNotFound) {
		return nil, errNoOrder
	}
	if err != nil {
		return nil, err
	}
	return y.view(c, pid)
}

func (y *YandexPay) named(c *call, name string) (payment.ID, error) {
	if !isName(name) {
		return "", payment.ErrNotFound
	}
	o, err := y.records.Order(c.Context(), c.shop.ID, name)
	if !errors.Is(err, payment.ErrNotFound) {
		return o.Payment, err
	}
	pid, err := y.records.DepositByReference(c.Context(), c.shop.ID, name)
	if !errors.Is(err, payment.ErrNotFound) {
		return pid, err
	}
	text, ok := paymentID(name)
	if !ok {
		return "", payment.ErrNotFound
	}
	p, err := y.engine.Get(c.Context(), c.shop.ID, text)
	if err == nil && (p.Type != payment.Deposit || p.Reference != "") {
		err = payment.ErrNotFound
	}
	return text, err
}

// paymentID reads an id of the service in whatever spelling.
func paymentID(text string) (payment.ID, bool) {
	read, ok := id.Read(text)
	return payment.ID(read), ok
}

// view reads a deposit as an order.
func (y *YandexPay) view(c *call, pid payment.ID) (*orderView, error) {
	h, err := y.engine.History(c.Context(), c.shop.ID, pid)
	if err != nil {
		return nil, err
	}
	if h.Payment.Type != payment.Deposit {
		return nil, payment.ErrNotFound
	}
	return viewOf(h)
}

func viewOf(h engine.History) (*orderView, error) {
	v := &orderView{History: h}
	var err error
	if v.document, err = documentOf(h.Order); err != nil {
		return nil, err
	}
	v.operations = operationsOf(&v.History)
	v.remains = remains{cart: v.firstCart()}
	for i := range v.operations {
		o := &v.operations[i]
		if o.Status != operationSuccess {
			continue
		}
		d, err := detailOf(o.Said)
		if err != nil {
			return nil, err
		}
		if d.Cart != nil {
			v.remains.cart = *d.Cart
			v.respell()
		}
		if d.Shipping != nil {
			v.remains.shipping = *d.Shipping
		}
	}
	if p := &v.Payment; !p.Captured.IsZero() && p.Refunded == p.Captured && !v.lastRefundLeft() {
		v.remains = remains{cart: v.remains.cart.empty()}
	}
	return v, nil
}

// busy reports that an operation on the order is not finished yet.
func (v *orderView) busy() bool {
	p := &v.Payment
	for i := range v.operations {
		if v.operations[i].Status == operationPending {
			return true
		}
	}
	return p.RefundReserved != p.Refunded
}

// left is what was paid and not given back.
func (v *orderView) left() money.Amount {
	left, err := v.Payment.Captured.Sub(v.Payment.Refunded)
	if err != nil {
		return money.Amount{}
	}
	return left
}

// refuse is the answer to a command that the order's state does not allow, and nil for one that it does.
func (v *orderView) refuse(what string, allowed ...paymentStatus) error {
	if v.busy() {
		return errInProgress
	}
	now := statusOf(&v.Payment)
	switch {
	case !slices.Contains(allowed, now):
		return wrongStatus(what, now)
	case !v.Payment.Abandoned.IsZero():
		return rolledBack(what)
	}
	return nil
}

// getOrder shows an order.
func (y *YandexPay) getOrder(c *call) error {
	v, err := y.find(c, c.id)
	if err != nil {
		return err
	}
	answer(c.w, func(o *object) {
		o.child("order", func(o *object) { v.write(o, y.linkOf(&v.Payment), c.shop.MerchantID()) })
		o.list("operations", len(v.operations), func(o *object, i int) {
			v.operations[i].write(o, &v.Payment)
			o.null("approvalCode")
		})
		o.null("delivery")
	})
	return nil
}

// linkOf is where the customer pays or paid, or "".
func (y *YandexPay) linkOf(p *payment.Payment) string {
	if follows(p) {
		return ""
	}
	return y.engine.CheckoutURL(p.Shop, p.ID)
}

// amount is what was or is to be paid, less what went back.
func (v *orderView) amount() money.Amount {
	p := &v.Payment
	if p.Captured.IsZero() {
		return p.Asked.Amount
	}
	return v.left()
}

func (v *orderView) write(o *object, link, merchant string) {
	p := &v.Payment
	decimals := decimalsOf(p.Asked.Currency)
	o.text("orderId", orderID(p))
	o.text("merchantId", merchant)
	o.text("currencyCode", string(p.Asked.Currency))
	o.child("cart", func(o *object) { v.remains.cart.write(o, shownID(string(p.ID)), decimals) })
	o.amount("orderAmount", v.amount(), decimals)
	o.text("paymentStatus", string(statusOf(p)))
	o.text("paymentUrl", link)
	o.child("paymentMethod", paymentMethod(p))
	o.null("shippingMethod")
	o.Truth("isPrepayment", false)
	o.text("metadata", v.document.Metadata)
	reason, code := v.reason()
	o.text("reason", reason)
	o.text("reasonCode", code)
	o.null("coolingPeriodExpiresAt")
	o.time("created", p.Created)
	o.time("updated", v.updated())
}

// reason is why the order is VOIDED or FAILED, in words and as a code.
func (v *orderView) reason() (words, code string) {
	p := &v.Payment
	now := statusOf(p)
	if now != statusVoided && now != statusFailed {
		return "", ""
	}
	for i := range v.operations {
		o := &v.operations[i]
		if o.Type != typeVoid || o.Status != operationSuccess {
			continue
		}
		if d, err := detailOf(o.Said); err == nil && d.Params[paramReason] != "" {
			return d.Params[paramReason], ""
		}
	}
	return p.ErrorCode.Text(), capitals(p.ErrorCode.Text())
}

// updated is when the order or a refund of it last changed.
func (v *orderView) updated() time.Time {
	last := v.Payment.Updated
	for i := range v.operations {
		if at := v.operations[i].Updated; at.After(last) {
			last = at
		}
	}
	return last
}

// capitals spells a text as a code: 3DS Timeout is 3DS_TIMEOUT.
func capitals(text string) string {
	words := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "_")
}

// paymentMethod shows how the customer has paid; nil where nobody has.
func paymentMethod(p *payment.Payment) func(*object) {
	state := p.State()
	paid := !p.Authorised.IsZero() || p.Terms.Verify && (state == payment.Completed || state == payment.Authorized)
	if !paid {
		return nil
	}
	return func(o *object) {
		if !p.Method.PreAuth() {
			o.text("methodType", "SBP")
			o.null("cardLast4")
			o.null("cardNetwork")
			return
		}
		number := p.Instrument.CustomerAccountNumber
		o.text("methodType", offerCard)
		o.text("cardLast4", number[max(0, len(number)-4):])
		o.text("cardNetwork", network(p.Instrument.CardBrand))
	}
}

// network is the API's word for a brand of cards.
func network(b instrument.Brand) string {
	switch b {
	case instrument.BrandAmex, instrument.BrandDiscover, instrument.BrandJCB, instrument.BrandMaestro, instrument.BrandMastercard,
		instrument.BrandMir, instrument.BrandUnionPay, instrument.BrandVisa:
		return string(b)
	case instrument.BrandHumo:
		return "HUMOCARD"
	default:
		return string(instrument.BrandUnknown)
	}
}
