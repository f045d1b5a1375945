package paypal

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// closedMark ends the custom_id of an order that was made or changed so that nothing can be taken under the key any more.
const closedMark = "-closed"

// refundMark ends the custom_id of our refunds, by which they are told from what PayPal or the merchant's dashboard gives back.
const refundMark = "-refund"

// most characters of texts that PayPal takes.
const (
	mostDescription = 127
	mostName        = 300
	mostAgent       = 256
)

// orderBody is the request for a sale or a hold. It holds secrets, so it is written into one piece of memory.
func (p *PayPal) orderBody(r *connector.Request) ([]byte, error) {
	amount, err := written(r.Amount, r.Currency)
	if err != nil {
		return nil, err
	}
	intent := "CAPTURE"
	if r.PreAuth {
		intent = "AUTHORIZE"
	}
	unit := provider.NewObject(600).Text("custom_id", r.Key).Text("invoice_id", r.Key).Text("description", cut(r.Description, mostDescription)).Nest("amount", amount)
	b := &r.Billing
	texts := len(r.Description) + 2*len(r.ReturnURL) + len(b.AddressLine1) + len(b.AddressLine2) + len(b.City) + len(b.State) + len(b.PostalCode) + 2*mostName + mostAgent
	o := provider.NewObject(2000+6*texts).Text("intent", intent).List("purchase_units", unit).Open("payment_source")
	switch means := r.Means.(type) {
	case *instrument.Card:
		o = p.card(o.Open("card"), r, means)
	case *instrument.Credential:
		if !provider.Word(means.Handle, 255) {
			return nil, fmt.Errorf("%w: the credential is none of PayPal's", connector.ErrIncomplete)
		}
		o = o.Open("card").Text("vault_id", means.Handle).Nest("stored_credential", provider.NewObject(120).
			Text("payment_initiator", "MERCHANT").Text("payment_type", "UNSCHEDULED").Text("usage", "SUBSEQUENT"))
	case *instrument.Code:
		if r.Method != payment.Blik || r.PreAuth || r.Currency != "PLN" {
			return nil, fmt.Errorf("%w: PayPal takes BLIK for sales in PLN", connector.ErrIncomplete)
		}
		if o, err = blik(o.Open("blik"), r, means); err != nil {
			return nil, err
		}
		return o.Close().Close().Text("processing_instruction", "ORDER_COMPLETE_ON_PAYMENT_APPROVAL").Bytes(), nil
	default:
		return nil, fmt.Errorf("%w: a card, a credential or a BLIK code is needed", connector.ErrIncomplete)
	}
	return o.Close().Close().Bytes(), nil
}

// card adds the card, what is to be asked of its holder and, where it is kept, for what.
func (p *PayPal) card(o provider.Object, r *connector.Request, c *instrument.Card) provider.Object {
	o = o.Secret("number", c.Number).Text("expiry", c.ExpiryYear+"-"+c.ExpiryMonth)
	if !c.SecurityCode.IsZero() {
		o = o.Secret("security_code", c.SecurityCode)
	}
	o = o.Text("name", cut(c.Holder, mostName))
	if b := &r.Billing; b.CountryCode != "" { // without a country PayPal takes no address
		o = o.Nest("billing_address", provider.NewObject(500).Text("address_line_1", b.AddressLine1).Text("address_line_2", b.AddressLine2).
			Text("admin_area_2", b.City).Text("admin_area_1", b.State).Text("postal_code", b.PostalCode).Text("country_code", b.CountryCode))
	}
	method := "SCA_WHEN_REQUIRED"
	if p.alwaysAsk {
		method = "SCA_ALWAYS"
	}
	attributes := provider.NewObject(200).Nest("verification", provider.NewObject(60).Text("method", method))
	if r.StartRecurring {
		attributes = attributes.Nest("vault", provider.NewObject(60).Text("store_in_vault", "ON_SUCCESS"))
		o = o.Nest("stored_credential", provider.NewObject(120).
			Text("payment_initiator", "CUSTOMER").Text("payment_type", "UNSCHEDULED").Text("usage", "FIRST"))
	}
	o = o.Nest("attributes", attributes)
	if r.ReturnURL != "" {
		o = o.Nest("experience_context", provider.NewObject(300).Text("return_url", r.ReturnURL).Text("cancel_url", r.ReturnURL))
	}
	return o
}

// blik adds the code, and whose it is: PayPal wants a name.
func blik(o provider.Object, r *connector.Request, c *instrument.Code) (provider.Object, error) {
	name := strings.TrimSpace(r.Customer.FirstName + " " + r.Customer.LastName)
	if utf8.RuneCountInString(name) < 3 {
		return nil, fmt.Errorf("%w: PayPal takes BLIK with the customer's name only", connector.ErrIncomplete)
	}
	context := provider.NewObject(400).Text("return_url", r.ReturnURL).Text("cancel_url", r.ReturnURL).
		Text("consumer_ip", r.Browser.IP).Text("consumer_user_agent", cut(r.Browser.UserAgent, mostAgent))
	return o.Text("name", cut(name, mostName)).Text("country_code", "PL").Text("email", r.Customer.Email).Nest("experience_context", context).
		Open("level_0").Text("auth_code", c.Digits).Close(), nil
}

// cut is the beginning of a text, whole characters of it.
func cut(text string, most int) string {
	for i := range text {
		if most--; most < 0 {
			return text[:i]
		}
	}
	return text
}
