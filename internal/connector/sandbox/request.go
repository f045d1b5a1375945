package sandbox

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
)

// body is a JSON object under construction. It is written by hand because every
// payment goes through it, and it is not reused because the transport may still be
// reading it when a call has already failed.
type body []byte

// newBody has room for all that a request holds, because a body that grows would leave a copy behind.
func newBody(reference string) body { return roomyBody(reference, 0) }

func roomyBody(reference string, more int) body {
	b := make(body, 0, 640+2*more)
	b = append(b, `{"reference":`...)
	return b.quote(reference)
}

func (b body) close() []byte { return append(b, '}') }

// text appends a member unless its value is empty.
func (b body) text(name, value string) body {
	if value == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return b.quote(value)
}

// quote appends a JSON string; bytes that are not UTF-8 are replaced.
func (b body) quote(s string) body {
	out, _ := jsontext.AppendQuote(b, s) // the only error is about such bytes
	return out
}

func (b body) money(r *connector.Request) body {
	b = append(b, `,"amount":"`...)
	b = r.Amount.AppendTo(b)
	b = append(b, '"')
	return b.text("currency", string(r.Currency))
}

// method names the way of paying in the provider's words; a card needs no name.
func (b body) method(m payment.Method) body {
	if m.Spec().Means == instrument.KindCard {
		return b
	}
	return b.text("method", string(m))
}

func (b body) card(c *instrument.Card) body {
	b = append(b, `,"card":{"number":"`...)
	b = c.Number.AppendTo(b)
	b = append(b, '"')
	b = b.text("expiryMonth", c.ExpiryMonth).text("expiryYear", c.ExpiryYear).text("holder", c.Holder)
	if !c.SecurityCode.IsZero() {
		b = append(c.SecurityCode.AppendTo(append(b, `,"securityCode":"`...)), '"')
	}
	return append(b, '}')
}

// wallet appends the card that was in the token. A token that nobody has opened is nothing to this provider.
func (b body) wallet(w *instrument.Wallet) body {
	if w.Card == nil {
		return b
	}
	b = b.card(w.Card)
	if w.Cryptogram == "" {
		return b
	}
	b = append(b, `,"networkToken":{"cryptogram":`...)
	return append(b.quote(w.Cryptogram).text("eci", w.ECI), '}')
}

func paymentBody(r *connector.Request, wants *payer.Wants) []byte {
	b := roomyBody(r.Key, texts(r)).money(r)
	if r.PreAuth {
		b = append(b, `,"capture":false`...)
	}
	switch means := r.Means.(type) {
	case *instrument.Credential:
		b = b.text("credential", means.Handle)
	case *instrument.Card:
		b = b.card(means)
		if r.StartRecurring {
			b = append(b, `,"storeCredential":true`...)
		}
	case *instrument.Code:
		b = b.method(r.Method).text("blikCode", means.Digits).text("blikAlias", means.Alias).text("blikApp", means.App)
	case *instrument.Bank:
		b = b.method(r.Method).text("bank", means.ID)
	case *instrument.Wallet:
		b = b.method(r.Method).wallet(means)
	default:
		b = b.method(r.Method).shown(r)
	}
	return b.text("testAmounts", testAmounts(r.Origin)).payer(r, wants).customer(r).close()
}

// payer tells who pays, as far as the account wants to know that.
func (b body) payer(r *connector.Request, wants *payer.Wants) body {
	if len(wants.Details) == 0 && len(wants.Documents) == 0 {
		return b
	}
	c, a := &r.Customer, &r.Billing
	inner := body("{").text("firstName", c.FirstName).text("lastName", c.LastName).text("email", c.Email).text("phone", c.Phone)
	if slices.ContainsFunc(wants.Details, payer.Detail.OfAddress) {
		inner = inner.text("addressLine1", a.AddressLine1).text("postalCode", a.PostalCode).text("city", a.City).text("country", a.CountryCode)
	}
	if len(wants.Documents) > 0 {
		inner = inner.text("documentType", c.DocumentType).text("documentNumber", c.DocumentNumber)
	}
	if len(inner) == 1 {
		return b
	}
	b = append(append(b, `,"customer":{`...), inner[2:]...) // without its first comma
	return append(b, '}')
}

// shown has a code given that our page shows, and names the bank that the merchant says the customer has.
func (b body) shown(r *connector.Request) body {
	spec := r.Method.Spec()
	if r.OnPage && spec.Code != "" {
		b = b.text("show", "code")
	}
	if spec.Means == instrument.KindBank {
		b = b.text("bank", r.Customer.BankCode)
	}
	return b
}

// texts is how long those of the request are that may be long.
func texts(r *connector.Request) int {
	n := len(r.Key) + len(r.ReturnURL) + len(r.NoticeURL)
	switch means := r.Means.(type) {
	case *instrument.Credential:
		n += len(means.Handle)
	case *instrument.Card:
		n += len(means.Holder)
	case *instrument.Bank:
		n += len(means.ID)
	case *instrument.Wallet:
		n += len(means.Cryptogram)
		if means.Card != nil {
			n += len(means.Card.Holder)
		}
	}
	return n
}

// testAmounts names the test amounts of the merchant API that a payment came by, where it has some.
func testAmounts(origin string) string {
	if origin == "yandexpay" {
		return origin
	}
	return ""
}

// verificationBody has no amount.
func verificationBody(r *connector.Request) []byte {
	b := roomyBody(r.Key, texts(r)).text("currency", string(r.Currency)).card(instrument.CardOf(r.Means))
	if r.StartRecurring {
		b = append(b, `,"storeCredential":true`...)
	}
	return b.customer(r).close()
}

// customer says where the customer goes afterwards, and how long the customer may take where the merchant API that the
// payment came by ends it then, or a code is shown for as long.
func (b body) customer(r *connector.Request) body {
	if (r.Origin != "" || r.OnPage && r.Method.Spec().Code != "") && !r.Until.IsZero() {
		b = b.text("expiresAt", r.Until.UTC().Format(time.RFC3339Nano))
	}
	return b.text("returnUrl", r.ReturnURL).text("noticeUrl", r.NoticeURL)
}

// payoutBody pays to the card, the credential or the account, in this order.
func payoutBody(r *connector.Request) []byte {
	b := roomyBody(r.Key, texts(r)).money(r)
	switch means := r.Means.(type) {
	case *instrument.Card:
		b = b.card(means)
	case *instrument.Credential:
		b = b.text("credential", means.Handle)
	default:
		b = b.method(r.Method).account(&r.Customer)
	}
	return b.text("noticeUrl", r.NoticeURL).close()
}

func (b body) account(c *payment.Customer) body {
	holder := cmp.Or(c.AccountName, strings.TrimSpace(c.FirstName+" "+c.LastName))
	b = append(b, `,"account":{"number":`...)
	b = b.quote(c.AccountNumber).text("holder", holder).text("bank", cmp.Or(c.Bank, c.BankCode))
	return append(b, '}')
}

// followBody is that of a capture, void or refund. A void is of all that is held.
func followBody(r *connector.Request, kind payment.AttemptKind) []byte {
	b := newBody(r.Key)
	if kind != payment.AttemptVoid {
		b = b.money(r)
	}
	return b.text("noticeUrl", r.NoticeURL).close()
}
