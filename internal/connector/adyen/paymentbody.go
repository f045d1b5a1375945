package adyen

import (
	"fmt"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// nowhere is where nobody comes back to: Adyen wants an address also where no customer is sent away.
const nowhere = "https://nobody.invalid/"

// later is the kind of later charges that a card is kept for: neither their days nor their amounts are fixed.
const later = "UnscheduledCardOnFile"

// payment is a request to /payments. It is made with room for all, because it may hold the number of a card.
func (a *Adyen) payment(r *connector.Request, amount uint64, what purpose) ([]byte, error) {
	o := provider.NewObject(2000+6*lengths(r)).Text("merchantAccount", a.account).Text("reference", r.Key+string(what)).
		Nest("amount", amountOf(amount, r.Currency))
	switch means := r.Means.(type) {
	case *instrument.Card:
		o = cardIn(o.Open("paymentMethod"), means).Close()
	case *instrument.Credential:
		shopper, stored, ok := strings.Cut(means.Handle, "/")
		if !ok || !provider.Word(shopper, 256) || !provider.Word(stored, 64) {
			return nil, fmt.Errorf("%w: the credential is none of Adyen's", connector.ErrIncomplete)
		}
		o = o.Nest("paymentMethod", provider.NewObject(120).Text("type", "scheme").Text("storedPaymentMethodId", stored)).
			Text("shopperReference", shopper).Text("shopperInteraction", "ContAuth").Text("recurringProcessingModel", later)
	case *instrument.Code:
		if r.Method != payment.Blik || what != toSell {
			return nil, fmt.Errorf("%w: a code is of BLIK, and for a sale", connector.ErrIncomplete)
		}
		o = o.Open("paymentMethod").Text("type", "blik").Text("blikCode", means.Digits).Close()
	default:
		return nil, fmt.Errorf("%w: a card, a credential or a BLIK code is needed", connector.ErrIncomplete)
	}
	if what == toSell {
		o = o.Number("captureDelayHours", 0)
	}
	if what == toHold {
		o = o.Nest("additionalData", provider.NewObject(40).Text("manualCapture", "true"))
	}
	if instrument.CardOf(r.Means) != nil {
		o = a.byCustomer(o, r)
	}
	back := r.ReturnURL
	if back == "" {
		back = nowhere
	}
	return o.Text("returnUrl", back).Bytes(), nil
}

// cardIn writes the card into the object that is open.
func cardIn(o provider.Object, c *instrument.Card) provider.Object {
	o = o.Text("type", "scheme").Secret("number", c.Number).Text("expiryMonth", c.ExpiryMonth).Text("expiryYear", c.ExpiryYear)
	if !c.SecurityCode.IsZero() {
		o = o.Secret("cvc", c.SecurityCode)
	}
	return o.Text("holderName", c.Holder)
}

// byCustomer adds what goes with a card that a customer has entered: whether it is kept, and what 3-D Secure wants. The customer is sent
// to a page of Adyen's where that is needed: what is done natively would be done on the merchant's own.
func (a *Adyen) byCustomer(o provider.Object, r *connector.Request) provider.Object {
	o = o.Text("shopperInteraction", "Ecommerce")
	if r.StartRecurring {
		o = o.Bool("storePaymentMethod", true).Text("shopperReference", r.Key).Text("recurringProcessingModel", later)
	}
	auth := provider.NewObject(160)
	if a.always {
		auth = auth.Text("attemptAuthentication", "always")
	}
	o = o.Text("channel", "Web").Nest("authenticationData", auth.Nest("threeDSRequestData", provider.NewObject(40).Text("nativeThreeDS", "disabled"))).
		Nest("browserInfo", browser(&r.Browser)).Nest("billingAddress", address(&r.Billing))
	if len(r.Browser.IP) <= 50 {
		o = o.Text("shopperIP", r.Browser.IP)
	}
	if len(r.Customer.Email) <= 256 {
		o = o.Text("shopperEmail", r.Customer.Email)
	}
	return o
}

// browser is what is known of the customer's browser, or nothing where not all of it is known that Adyen wants.
func browser(b *payment.Browser) provider.Object {
	if b.UserAgent == "" || b.Language == "" || b.ScreenWidth == nil || b.ScreenHeight == nil || b.ColorDepth == nil || b.TimezoneOffset == nil {
		return nil
	}
	whole := func(name string, o provider.Object, n int64) provider.Object { return o.Raw(name, fmt.Append(nil, n)) }
	o := provider.NewObject(400+6*len(b.UserAgent)).Text("userAgent", b.UserAgent).Text("acceptHeader", "*/*").Text("language", b.Language).
		Bool("javaEnabled", b.JavaEnabled != nil && *b.JavaEnabled)
	o = whole("colorDepth", o, *b.ColorDepth)
	o = whole("screenHeight", o, *b.ScreenHeight)
	o = whole("screenWidth", o, *b.ScreenWidth)
	return whole("timeZoneOffset", o, *b.TimezoneOffset)
}

// address is where the customer lives, or nothing where not all of it is known that Adyen wants. It wants the number of the house apart,
// which is not known apart.
func address(b *payment.BillingAddress) provider.Object {
	if b.AddressLine1 == "" || b.City == "" || len(b.CountryCode) != 2 || b.PostalCode == "" || len(b.PostalCode) > 10 {
		return nil
	}
	house := b.AddressLine2
	if house == "" {
		house = "N/A"
	}
	o := provider.NewObject(600).Text("street", b.AddressLine1).Text("houseNumberOrName", house).Text("city", b.City).
		Text("postalCode", b.PostalCode).Text("country", b.CountryCode)
	if len(b.State) <= 3 {
		o = o.Text("stateOrProvince", b.State)
	}
	return o
}

func amountOf(n uint64, c money.Currency) provider.Object {
	return provider.NewObject(60).Number("value", n).Text("currency", string(c))
}

// lengths is how many bytes the texts of a request have.
func lengths(r *connector.Request) int {
	n := len(r.ReturnURL) + len(r.Browser.UserAgent) + len(r.Browser.Language) + len(r.Browser.IP) + len(r.Customer.Email)
	for _, text := range []string{r.Billing.AddressLine1, r.Billing.AddressLine2, r.Billing.City, r.Billing.PostalCode, r.Billing.State} {
		n += len(text)
	}
	if c := instrument.CardOf(r.Means); c != nil {
		n += len(c.Holder)
	}
	return n
}
