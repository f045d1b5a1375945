package gateway

import (
	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Most characters of texts that a merchant gives.
const (
	maxReference   = 256
	maxDescription = 512
)

// demands says what a payment request has to hold, which depends on what it asks for.
type demands struct {
	kind     payment.Type
	followUp bool // goes on with a recurring chain
	person   bool // customer and billing address are demanded
	card     bool // card data counts
}

func demandsOf(doc *api.Value, s *shop.Shop) demands {
	d := demands{kind: payment.Type(doc.Get("paymentType").Text())}
	d.followUp = doc.Get("recurringToken").Text() != "" && d.kind != payment.Refund
	starts := !d.followUp && (d.kind == payment.Deposit || d.kind == payment.Withdrawal)
	d.person = starts && s.Settings.Required == shop.RequiredContract
	d.card = !d.followUp && d.kind != payment.Refund
	return d
}

// bindPayment reads a PaymentRequest, field by field in the order of the contract. The error is *invalid with every
// fault of the request. The card of the result belongs to the caller. forbidden, if given, tells which numeric hosts the
// webhookUrl may not have.
func bindPayment(doc *api.Value, s *shop.Shop, forbidden func(host string) bool) (engine.Create, error) {
	b, d := newBinder(doc), demandsOf(doc, s)
	b.number = cardIn(doc)
	defer b.number.Wipe()
	c := engine.Create{Shop: s}
	c.Reference = b.text("referenceId", maxReference)
	c.Type = b.paymentType()
	c.Method = b.paymentMethod(d)
	c.Amount = b.paymentAmount(d)
	c.Currency = b.currency()
	c.Parent = b.parent(d)
	c.Description = b.text("description", maxDescription)
	if d.card {
		c.Card = b.card()
	}
	c.Customer = b.customer(d.person)
	c.Billing = b.billing(d.person)
	c.ReturnURL = b.returnURL(&c)
	c.WebhookURL = b.webhookURL(s, forbidden)
	c.StartRecurring = b.is("startRecurring") && c.Type == payment.Deposit && !d.followUp
	c.PreAuth = b.is("preAuth") && c.Type == payment.Deposit
	if token, _ := b.string("recurringToken"); d.followUp {
		c.RecurringToken = token
	}
	if err := b.err(); err != nil {
		c.Card.Wipe()
		return engine.Create{}, err
	}
	return c, nil
}

func (b binder) paymentType() payment.Type {
	if b.missing("paymentType") {
		return ""
	}
	return choice(b, "paymentType", payment.Types)
}

// paymentMethod reads the method. Card data alone means a card; with another method it is a contradiction.
func (b binder) paymentMethod(d demands) payment.Method {
	carded := d.card && b.from.Get("card").Kind() != api.Absent
	if d.kind == payment.Withdrawal && !d.followUp && !carded && b.missing("paymentMethod") {
		return ""
	}
	m := choice(b, "paymentMethod", payment.Methods)
	if !carded {
		return m
	}
	if m.Valid() && m != payment.BasicCard {
		b.fault("paymentMethod", pattern, `must match "BASIC_CARD" where card is given`)
	}
	return payment.BasicCard
}

func (b binder) paymentAmount(d demands) money.Amount {
	if (d.followUp || d.kind == payment.Withdrawal) && b.missing("amount") {
		return money.Amount{}
	}
	return b.amount("amount")
}

func (b binder) currency() money.Currency {
	if b.missing("currency") {
		return ""
	}
	text, ok := b.string("currency")
	c, err := money.ParseCurrency(text)
	if ok && err != nil {
		b.fault("currency", mismatch, "must be an ISO 4217 code or the symbol of a known cryptocurrency")
	}
	return c
}

func (b binder) parent(d demands) payment.ID {
	if d.kind == payment.Refund && b.missing("parentPaymentId") {
		return ""
	}
	return payment.ID(b.text("parentPaymentId", 32))
}
