package yandexpay

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Bounds of an order.
const (
	leastTTL, mostTTL, defaultTTL = 180, 604800, 1800 // seconds

	maxPurpose = 1000 // characters
	linkGrace  = 15 * time.Minute
	holdFor    = 5 * 24 * time.Hour
)

// The words of availablePaymentMethods.
const (
	offerCard  = "CARD"
	offerSplit = "SPLIT"
)

// order is a request for a new order, checked for form.
type order struct {
	id       string
	currency money.Currency
	amount   money.Amount // to pay
	document document
}

// common reads what all requests for an order have, but the cart.
func (b binder) common(s *shop.Shop) order {
	o := order{id: b.needed("orderId"), currency: b.currency(s)}
	o.document = document{
		Metadata: b.text("metadata", maxText), Purpose: b.text("purpose", maxPurpose), OrderSource: b.raw("orderSource"),
	}
	return o
}

// link reads what requests for a link to pay at have.
func (b binder) link(s *shop.Shop, o *order) {
	if o.document.TTL = defaultTTL; !b.nought("ttl") {
		o.document.TTL = b.integer("ttl", leastTTL, mostTTL, defaultTTL)
	}
	o.document.Redirect = b.redirects(s)
}

// bindOrder reads a request for an order. The error is a *failure with every fault of the request.
func bindOrder(doc *api.Value, s *shop.Shop) (order, error) {
	b := newBinder(doc)
	o := b.common(s)
	b.link(s, &o)
	d := &o.document
	d.Offered = b.offered()
	if b.boolean("isPrepayment") {
		b.fault("isPrepayment", "must be false: deferred payment is not available")
	}
	d.BillingPhone, d.FiscalContact = b.text("billingPhone", maxText), b.text("fiscalContact", maxText)
	d.Constructor, d.Extensions = b.raw("publicConstructor"), b.raw("extensions")
	d.Risk, d.Unique = b.raw("risk"), b.raw("uniqrMetadata")
	if b.needs("cart") {
		d.Cart = b.cart(o.currency, false)
		b.filled()
	}
	return o, b.whole(&o)
}

// whole ends the reading of a request with a cart: that it adds up is judged once it could be read.
func (b binder) whole(o *order) error {
	if err := b.err(); err != nil || o.document.Cart == nil {
		return err
	}
	o.amount = o.document.Cart.Amount
	if err := o.document.Cart.check(o.currency); err != nil {
		return err
	}
	b.atLeast("cart.total.amount", o.amount, o.currency)
	return b.err()
}

// atLeast reports, as a fault, an amount under the least that can be paid.
func (b binder) atLeast(name string, a money.Amount, c money.Currency) {
	if least := leastOf(c); a.Cmp(least) < 0 {
		b.fault(name, "must be at least "+amountText(least, decimalsOf(c)))
	}
}

// leastOf is the least that can be paid or refunded: a rouble, or the smallest step of another currency.
func leastOf(c money.Currency) money.Amount {
	digits, n := c.MinorUnits(), uint64(1)
	if c == "RUB" {
		digits = 0
	}
	least, err := money.FromMinor(n, digits)
	if err != nil { // of no currency
		return money.Amount{}
	}
	return least
}

func (b binder) currency(s *shop.Shop) money.Currency {
	text := b.needed("currencyCode")
	if text == "" {
		return ""
	}
	c, err := money.ParseCurrency(text)
	if err != nil || !s.Settings.YandexPay.Takes(c) {
		b.fault("currencyCode", "must be a currency of the merchant")
	}
	return c
}

// nought reports whether a number is 0, by which some clients say nothing.
func (b binder) nought(name string) bool {
	n, ok := whole(b.from.Get(name))
	return ok && n == 0
}

// redirects are the addresses that are given; nil where none is.
func (b binder) redirects(s *shop.Shop) *redirects {
	in, ok := b.child("redirectUrls")
	if !ok {
		return nil
	}
	r := redirects{Success: in.address("onSuccess", s), Error: in.address("onError", s), Abort: in.address("onAbort", s)}
	if r == (redirects{}) {
		return nil
	}
	return &r
}

// address reads where the customer is sent back to, if that is given.
func (b binder) address(name string, s *shop.Shop) string {
	text := b.text(name, maxText)
	if text == "" {
		return ""
	}
	used, wrong := api.ReturnAddress(text, &s.Settings)
	if wrong != "" && b.from.Get(name).Kind() == api.String {
		b.fault(name, wrong)
	}
	return used
}

// offered reads availablePaymentMethods, in one order.
func (b binder) offered() []string {
	const name = "availablePaymentMethods"
	v := b.said(name)
	switch v.Kind() {
	case api.Absent:
		return nil
	case api.Array:
	default:
		b.fault(name, "must be a list")
		return nil
	}
	var words []string
	for i := range v.Members() {
		m := &v.Members()[i].Value
		if word := m.Text(); m.Kind() == api.String && (word == offerCard || word == offerSplit) {
			words = append(words, word)
			continue
		}
		b.fault(fmt.Sprintf("%s[%d]", name, i), "must be one of "+offerCard+", "+offerSplit)
	}
	slices.Sort(words)
	words = slices.Compact(words)
	switch {
	case len(v.Members()) == 0:
		b.fault(name, "must not be empty")
	case len(words) == 1 && words[0] == offerSplit:
		b.fault(name, "must hold "+offerCard+" too: payment in parts is not available, so nobody could pay an order for "+offerSplit+" alone")
	}
	return words
}

// methods are those by which an order may be paid. A subscription needs what can be charged again: the number of a card.
func (d *document) methods(s *shop.Shop) []payment.Method {
	all := slices.Clone(s.Settings.YandexPay.Offered())
	switch {
	case d.Subscription != nil:
		return slices.DeleteFunc(all, func(m payment.Method) bool { return !m.Spec().Verify })
	case len(d.Offered) > 0:
		return slices.DeleteFunc(all, func(m payment.Method) bool { return !m.PreAuth() })
	}
	return all
}

// fingerprint is that of what was asked for: what another request for the order is compared with. It has to be taken
// before anything of our own is put into the document.
func (y *YandexPay) fingerprint(kind string, o *order) ([]byte, error) {
	raw, err := json.Marshal(o.document)
	if err != nil {
		return nil, fmt.Errorf("render order: %w", err)
	}
	text := strings.Join([]string{kind, string(o.currency), o.amount.String(), o.id, string(raw)}, "\n")
	return y.engine.Fingerprint([]byte(text)), nil
}

// creation turns an order into the engine's request for a deposit.
func (o *order) creation(s *shop.Shop, fingerprint []byte) (engine.Create, error) {
	raw, err := json.Marshal(o.document)
	if err != nil {
		return engine.Create{}, fmt.Errorf("render order: %w", err)
	}
	d := &o.document
	c := engine.Create{
		Shop: s, Fingerprint: fingerprint, Type: payment.Deposit, Reference: o.id, Description: d.Purpose,
		Amount: o.amount, Currency: o.currency, ReturnURL: s.Settings.ReturnURL,
		Terms: engine.Terms{Origin: Dialect},
		Order: &engine.Order{ID: o.id, Fingerprint: fingerprint, Document: string(raw)},
	}
	if r := d.Redirect; r != nil {
		c.Terms.ErrorURL, c.Terms.AbortURL = cmp.Or(r.Error, c.ReturnURL), r.Abort
		c.ReturnURL = cmp.Or(r.Success, c.ReturnURL)
	}
	c.Customer, err = payment.NewDocument(payment.Customer{Phone: phone(d.BillingPhone)})
	return c, err
}

// hosted adds what an order has whose customer pays on our page.
func (o *order) hosted(c *engine.Create) {
	t := &c.Terms
	t.Lasts, t.Grace = time.Duration(o.document.TTL)*time.Second, linkGrace
	t.Methods = o.document.methods(c.Shop)
	if c.Shop.Settings.YandexPay.TwoStage && !t.Verify {
		c.PreAuth, t.HoldFor = true, holdFor
	}
}

// phone is a telephone number as customers' documents have it: digits only, with a space after the code of Russia.
func phone(text string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	if len(digits) == 11 && (digits[0] == '8' || digits[0] == '7') {
		return "7 " + digits[1:]
	}
	return digits
}
