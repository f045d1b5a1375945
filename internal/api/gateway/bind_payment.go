package gateway

import (
	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
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
	followUp bool           // goes on with a recurring chain
	person   bool           // customer and billing address are demanded
	papers   bool           // numbers of documents are held to the rules of their types
	card     bool           // card data counts, and there is some
	wallet   payment.Method // whose token counts and is there; empty for none
	verify   bool           // a card is to be verified, and no money to be moved
	currency money.Currency // as far as it can be read
}

func demandsOf(doc *api.Value, s *shop.Shop) demands {
	d := demands{kind: payment.Type(doc.Get("paymentType").Text())}
	d.followUp = doc.Get("recurringToken").Text() != "" && d.kind != payment.Refund
	starts := !d.followUp && (d.kind == payment.Deposit || d.kind == payment.Withdrawal)
	d.person = starts && s.Settings.Required == shop.RequiredContract
	d.papers = s.Settings.CheckDocuments
	card := doc.Get("card")
	d.card = !d.followUp && d.kind != payment.Refund && !card.Blank() && !card.Empty()
	if d.kind == payment.Deposit && !d.followUp {
		d.wallet = walletIn(doc)
	}
	if d.kind == payment.Deposit && !d.followUp && isZero(doc.Get("amount")) {
		d.verify, _ = truthOf(doc.Get("preAuth"))
	}
	d.currency, _ = money.ParseCurrency(doc.Get("currency").Text()) // its faults are told where it is read
	return d
}

// bindPayment reads a PaymentRequest, field by field in the order of the contract. The error is *invalid with every
// fault of the request. The card of the result belongs to the caller.
func bindPayment(doc *api.Value, s *shop.Shop, known surroundings) (engine.Create, error) {
	b, d := newBinder(doc), demandsOf(doc, s)
	if d.currency == "" {
		d.currency = known.refunded
	}
	b.number = cardIn(doc)
	defer b.number.Wipe()
	defer wipeCard(doc)
	c := engine.Create{Shop: s}
	c.Reference = b.text("referenceId", maxReference)
	c.Type = b.paymentType()
	c.Method = b.paymentMethod(d)
	c.Amount = b.paymentAmount(d)
	c.Currency = b.currency(d)
	c.Parent = b.parent(d)
	c.Description = b.text("description", maxDescription)
	switch {
	case d.wallet != "":
		if w := b.wallet(s); w != nil {
			c.Means = w
		}
	case d.card:
		c.Means = b.card(known.keeps)
	}
	c.Customer = b.customer(d)
	c.Billing = b.billing(d.person)
	c.ReturnURL = b.returnURL(&c)
	c.WebhookURL = b.webhookURL(s, known.hooks)
	c.StartRecurring = b.is("startRecurring") && c.Type == payment.Deposit && !d.followUp
	c.PreAuth = b.is("preAuth") && c.Type == payment.Deposit
	if token, _ := b.said("recurringToken"); d.followUp {
		c.RecurringToken = token
	}
	c.Terms.Verify = d.verify
	c.Terms.Additional = b.additional()
	b.code(d, &c)
	if err := b.err(); err != nil {
		instrument.Wipe(c.Means)
		return engine.Create{}, err
	}
	return c, nil
}

// surroundings is what the reading of a payment request has to know beside it.
type surroundings struct {
	// hooks are the operator's rules for the webhookUrl.
	hooks api.Hooks
	// refunded is the currency of the deposit, for a refund that names none and whose amount only that can tell.
	refunded money.Currency
	// keeps says that the shop keeps cards under tokens.
	keeps bool
}

func (b binder) paymentType() payment.Type {
	if b.missing("paymentType") {
		return ""
	}
	return choice(b, "paymentType", payment.Types)
}

// paymentMethod reads the method. Card data alone means a card; with another method it is a contradiction.
func (b binder) paymentMethod(d demands) payment.Method {
	if d.kind == payment.Withdrawal && !d.followUp && !d.card && b.missing("paymentMethod") {
		return ""
	}
	m := choice(b, "paymentMethod", payment.Methods)
	switch {
	case d.wallet != "" && !d.verify:
		if m.Valid() && m != d.wallet {
			b.fault("paymentMethod", pattern, `must match "`+string(d.wallet)+`" where `+walletField(d.wallet)+` is given`)
		}
		return d.wallet
	case !d.card && !d.verify:
		return m
	case m.Valid() && m.Spec().Means != instrument.KindCard && d.card:
		b.fault("paymentMethod", pattern, `must match "BASIC_CARD" where card is given`)
	case m.Valid() && !m.Spec().Verify:
		b.fault("paymentMethod", pattern, `must match "BASIC_CARD" where a card is verified`)
	}
	return payment.BasicCard
}

func (b binder) paymentAmount(d demands) money.Amount {
	if (d.followUp || d.kind == payment.Withdrawal) && b.missing("amount") {
		return money.Amount{}
	}
	if d.verify {
		return money.Amount{}
	}
	return b.amount("amount", d.currency)
}

// currency reads the currency. A refund that names none has that of its deposit.
func (b binder) currency(d demands) money.Currency {
	if d.kind == payment.Refund && b.from.Get("currency").Blank() || b.missing("currency") {
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
