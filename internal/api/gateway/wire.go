package gateway

import (
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// object writes a JSON object. Absent members are left out: answers hold no null.
type object struct{ api.Members }

func newObject(dst []byte) object { return object{api.Members{Dst: append(dst, '{')}} }

// text writes a string, unless it is empty.
func (o *object) text(name, value string) {
	if value != "" {
		o.String(name, value)
	}
}

// whole is the object, or nothing if it has no members.
func (o *object) whole() []byte {
	if !o.Begun() {
		return nil
	}
	return o.end()
}

// plain writes a string that is known to need no escaping, unless it is empty.
func (o *object) plain(name, value string) {
	if value != "" {
		o.Name(name)
		o.Dst = append(append(append(o.Dst, '"'), value...), '"')
	}
}

// document writes a JSON text as it is, unless it is empty.
func (o *object) document(name string, d payment.Document) {
	if d != "" {
		o.Raw(name, string(d))
	}
}

func (o *object) amount(name string, a money.Amount) {
	o.Name(name)
	o.Dst = a.AppendTo(o.Dst)
}

// set writes true, or nothing.
func (o *object) set(name string, value bool) {
	if value {
		o.Truth(name, true)
	}
}

func (o *object) end() []byte { return append(o.Dst, '}') }

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
	o := newObject(dst)
	o.plain("id", string(p.ID))
	o.text("referenceId", first(p.Reference, maxReference))
	o.Name("created")
	o.Dst = append(appendSecond(append(o.Dst, '"'), p.Created), '"')
	o.plain("paymentType", string(p.Type))
	o.plain("state", string(p.State()))
	o.text("description", first(p.Description, maxDescription))
	o.text("parentPaymentId", string(p.Parent))
	o.plain("paymentMethod", string(p.Method))
	if p.Instrument != (instrument.Masked{}) {
		o.Name("paymentMethodDetails")
		o.Dst = appendInstrument(o.Dst, &p.Instrument)
	}
	sum := p.Shown()
	if !sum.IsZero() {
		o.amount("amount", sum.Amount)
	}
	o.plain("currency", string(sum.Currency))
	o.text("redirectUrl", redirect)
	if p.ErrorCode != "" { // else all of the table would be looked through
		o.text("errorCode", string(p.ErrorCode))
		o.text("errorMessage", p.ErrorCode.Text())
	}
	o.text("externalResultCode", p.ExternalCode)
	o.document("customer", p.Customer)
	o.document("billingAddress", p.Billing)
	o.set("startRecurring", p.StartRecurring)
	o.set("preAuth", p.PreAuth)
	o.text("recurringToken", p.RecurringToken)
	o.text("terminalName", p.Terminal)
	o.document("additionalParameters", p.Terms.Additional)
	if p.Fee.Currency != "" {
		o.amount("externalFeeAmount", p.Fee.Amount)
		o.plain("externalFeeCurrency", string(p.Fee.Currency))
	}
	o.refs(p)
	return o.end()
}

// appendSecond writes an instant of UTC to the second, without a zone. RFC 3339 is what the time package writes several times faster
// than any other layout; its Z goes again.
func appendSecond(dst []byte, t time.Time) []byte {
	dst = t.UTC().AppendFormat(dst, time.RFC3339)
	return dst[:len(dst)-1]
}

func appendInstrument(dst []byte, i *instrument.Masked) []byte {
	o := newObject(dst)
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
	o := newObject(dst)
	o.Integer("id", op.Seq)
	o.plain("operation", string(op.Kind))
	o.Name("started")
	o.Dst = append(appendInstant(append(o.Dst, '"'), op.Started), '"')
	if !op.Completed.IsZero() {
		o.Name("completed")
		o.Dst = append(appendInstant(append(o.Dst, '"'), op.Completed), '"')
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
