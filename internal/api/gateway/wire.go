package gateway

import (
	"strconv"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// object writes the members of a JSON object one after another. Absent members are left out: answers hold no null.
type object struct {
	dst   []byte
	begun bool
}

// name begins a member. Names are constants that need no escaping.
func (o *object) name(name string) {
	if o.begun {
		o.dst = append(o.dst, ',')
	} else {
		o.dst = append(o.dst, '{')
		o.begun = true
	}
	o.dst = append(append(append(o.dst, '"'), name...), '"', ':')
}

// text writes a string, unless it is empty.
func (o *object) text(name, value string) {
	if value != "" {
		o.name(name)
		o.dst = api.AppendString(o.dst, value)
	}
}

// any writes a string under a name that may need escaping, even an empty one.
func (o *object) any(name, value string) {
	sign := byte(',')
	if !o.begun {
		sign, o.begun = '{', true
	}
	o.dst = append(api.AppendString(append(o.dst, sign), name), ':')
	o.dst = api.AppendString(o.dst, value)
}

// whole is the object, or nothing if it has no members.
func (o *object) whole() []byte {
	if !o.begun {
		return nil
	}
	return o.end()
}

// plain writes a string that is known to need no escaping, unless it is empty.
func (o *object) plain(name, value string) {
	if value != "" {
		o.name(name)
		o.dst = append(append(append(o.dst, '"'), value...), '"')
	}
}

// document writes a JSON text as it is, unless it is empty.
func (o *object) document(name string, d payment.Document) {
	if d != "" {
		o.name(name)
		o.dst = append(o.dst, d...)
	}
}

func (o *object) amount(name string, a money.Amount) {
	o.name(name)
	o.dst = a.AppendTo(o.dst)
}

func (o *object) integer(name string, n int) {
	o.name(name)
	o.dst = strconv.AppendInt(o.dst, int64(n), 10)
}

// set writes true, or nothing.
func (o *object) set(name string, value bool) {
	if value {
		o.name(name)
		o.dst = append(o.dst, "true"...)
	}
}

func (o *object) end() []byte {
	if !o.begun {
		o.dst = append(o.dst, '{')
	}
	return append(o.dst, '}')
}

// first is the beginning of a text: payments made by other APIs can have longer ones than this API knows.
func first(s string, characters int) string {
	if len(s) <= characters {
		return s
	}
	for at := range s {
		if characters == 0 {
			return s[:at]
		}
		characters--
	}
	return s
}

// appendPayment writes a payment as every answer shows it. redirect is where the customer can pay, or empty.
func appendPayment(dst []byte, p *payment.Payment, redirect string) []byte {
	o := object{dst: dst}
	o.plain("id", string(p.ID))
	o.text("referenceId", first(p.Reference, maxReference))
	o.name("created")
	o.dst = append(p.Created.UTC().AppendFormat(append(o.dst, '"'), "2006-01-02T15:04:05"), '"')
	o.plain("paymentType", string(p.Type))
	o.plain("state", string(p.State()))
	o.text("description", first(p.Description, maxDescription))
	o.text("parentPaymentId", string(p.Parent))
	o.plain("paymentMethod", string(p.Method))
	if p.Instrument != (instrument.Masked{}) {
		o.name("paymentMethodDetails")
		o.dst = appendInstrument(o.dst, &p.Instrument)
	}
	if a := p.Shown(); !a.IsZero() {
		o.amount("amount", a)
	}
	o.plain("currency", string(p.Currency))
	o.text("redirectUrl", redirect)
	o.text("errorCode", string(p.ErrorCode))
	o.text("errorMessage", p.ErrorCode.Text())
	o.text("externalResultCode", p.ExternalCode)
	o.document("customer", p.Customer)
	o.document("billingAddress", p.Billing)
	o.set("startRecurring", p.StartRecurring)
	o.set("preAuth", p.PreAuth)
	o.text("recurringToken", p.RecurringToken)
	o.text("terminalName", p.Terminal)
	o.document("additionalParameters", p.Terms.Additional)
	if p.FeeCurrency != "" {
		o.amount("externalFeeAmount", p.Fee)
		o.plain("externalFeeCurrency", string(p.FeeCurrency))
	}
	return o.end()
}

func appendInstrument(dst []byte, i *instrument.Masked) []byte {
	o := object{dst: dst}
	o.text("customerAccountNumber", i.CustomerAccountNumber)
	o.text("cardToken", i.CardToken)
	o.text("cardholderName", i.CardholderName)
	o.text("cardExpiryMonth", i.CardExpiryMonth)
	o.text("cardExpiryYear", i.CardExpiryYear)
	o.text("cardBrand", string(i.CardBrand))
	o.text("cardIssuingCountryCode", i.CardIssuingCountry)
	return o.end()
}

// redirectURL is the address of the hosted page while the customer can use it: a deposit in its checkout, and one
// that went through a checkout and still waits for its first outcome.
func redirectURL(e *engine.Engine, p *payment.Payment) string {
	open := p.State() == payment.Checkout ||
		p.State() == payment.Pending && !p.CheckoutUntil.IsZero() && p.Authorised.IsZero()
	if p.Type != payment.Deposit || !open {
		return ""
	}
	return e.CheckoutURL(p.Shop, p.ID)
}

// ShownPayment is a payment in JSON as this dialect's answers have it in "result".
func ShownPayment(e *engine.Engine, p *payment.Payment) []byte {
	return appendPayment(nil, p, redirectURL(e, p))
}

// ShownOperation is an entry of a payment's log in JSON, likewise.
func ShownOperation(op *payment.Operation) []byte { return appendOperation(nil, op) }

func appendOperation(dst []byte, op *payment.Operation) []byte {
	o := object{dst: dst}
	o.integer("id", op.Seq)
	o.plain("operation", string(op.Kind))
	o.name("started")
	o.dst = append(appendInstant(append(o.dst, '"'), op.Started), '"')
	if !op.Completed.IsZero() {
		o.name("completed")
		o.dst = append(appendInstant(append(o.dst, '"'), op.Completed), '"')
	}
	o.plain("paymentState", string(op.State))
	o.text("outgoingMessages", messages(op.Messages.Outgoing))
	o.text("incomingMessages", messages(op.Messages.Incoming))
	return o.end()
}

// messages is the text of a JSON array even where there is none to show.
func messages(array string) string {
	if array == "" {
		return "[]"
	}
	return array
}
