package gateway

import (
	"encoding/hex"
	"strconv"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// canonical is the text by which two requests are compared: the route, then name, length and value of every field
// that is set, in a fixed order. What is not set leaves no trace, so that a field that is new in a later version does
// not tell old requests apart.
type canonical []byte

func newCanonical(route string) canonical {
	return append(append(make(canonical, 0, 1024), route...), '\n')
}

func (c *canonical) add(name, value string) {
	if value == "" {
		return
	}
	*c = append(append(*c, name...), '=')
	*c = append(strconv.AppendInt(*c, int64(len(value)), 10), ':')
	*c = append(append(*c, value...), '\n')
}

func (c *canonical) amount(name string, a money.Amount) {
	if !a.IsZero() {
		c.add(name, a.String())
	}
}

func (c *canonical) set(name string, value bool) {
	if value {
		c.add(name, "true")
	}
}

// canonicalPayment leaves the security code out and holds the card number only as a keyed hash of its own.
func (g *Gateway) canonicalPayment(route string, r *engine.Create) []byte {
	c := newCanonical(route)
	c.add("referenceId", r.Reference)
	c.add("paymentType", string(r.Type))
	c.add("paymentMethod", string(r.Method))
	c.amount("amount", r.Amount)
	c.add("currency", string(r.Currency))
	c.add("parentPaymentId", string(r.Parent))
	c.add("description", r.Description)
	switch means := r.Means.(type) {
	case *instrument.Card:
		var digits [instrument.MostDigits]byte
		c.add("cardNumber", hex.EncodeToString(g.engine.Fingerprint(means.Number.AppendTo(digits[:0]))))
		clear(digits[:])
		c.add("cardholderName", means.Holder)
		c.add("expiryMonth", means.ExpiryMonth)
		c.add("expiryYear", means.ExpiryYear)
	case *instrument.SavedCard:
		c.add("cardToken", means.Token)
		if with := means.With; with != nil {
			c.add("cardholderName", with.Holder)
			c.add("expiryMonth", with.ExpiryMonth)
			c.add("expiryYear", with.ExpiryYear)
		}
	}
	g.canonicalWallet(&c, r.Means)
	c.add("customer", string(r.Customer))
	c.add("billingAddress", string(r.Billing))
	c.add("returnUrl", r.ReturnURL)
	c.add("webhookUrl", r.WebhookURL)
	c.set("startRecurring", r.StartRecurring)
	c.set("preAuth", r.PreAuth)
	c.set("verify", r.Terms.Verify)
	c.add("recurringToken", r.RecurringToken)
	c.add("additionalParameters", string(r.Terms.Additional))
	return c
}

// canonicalExecute leaves codes out.
func (g *Gateway) canonicalExecute(x *engine.Execute) []byte {
	c := canonical(canonicalCommand(x.Idem.Route, x.ID, money.Amount{}, x.Browser))
	c.add("paymentMethod", string(x.Method))
	if bank, ok := x.Means.(*instrument.Bank); ok {
		c.add("bankCode", bank.ID)
	}
	g.canonicalWallet(&c, x.Means)
	return c
}

// canonicalCommand is for commands on an existing payment.
func canonicalCommand(route string, id payment.ID, amount money.Amount, browser payment.Document) []byte {
	c := newCanonical(route)
	c.add("id", string(id))
	c.amount("amount", amount)
	c.add("browser", string(browser))
	return c
}
