package gateway

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// The addresses, and published limits.
const (
	allPath = "/api/v1/payments"
	onePath = allPath + "/"

	mostReference   = 256
	mostDescription = 512
	mostID          = 32
)

// The published range of amounts.
var (
	least = money.MustParse("0.00001")
	most  = money.MustParse("1000000000")
)

// expressible refuses what the provider has no number for, before anything is sent: amounts are decimals of the whole unit, in a currency of
// ISO 4217 no finer than its smallest one.
func expressible(r *connector.Request) error {
	if r.Key == "" || len(r.Key) > mostReference {
		return fmt.Errorf("%w: a key is needed", connector.ErrIncomplete)
	}
	if r.Amount.IsZero() {
		return nil
	}
	if r.Amount.Cmp(least) < 0 || r.Amount.Cmp(most) > 0 || r.Currency.Fiat() && r.Amount.Decimals() > r.Currency.MinorUnits() {
		return fmt.Errorf("%w: the provider cannot express %s %s", connector.ErrIncomplete, r.Amount, r.Currency)
	}
	return nil
}

func customerIP(r *connector.Request) string { return cmp.Or(r.Browser.IP, r.Customer.IP) }

// begun is an object with what all payments have. It has room for all that follows, because a body that grows would leave a copy behind.
func begun(r *connector.Request, kind string, more int) provider.Object {
	return provider.NewObject(900+6*(len(r.Key)+len(r.NoticeURL)+more)).Text("paymentType", kind).Text("referenceId", r.Key).
		Raw("amount", r.Amount.AppendTo(nil)).Text("currency", string(r.Currency)).Text("webhookUrl", r.NoticeURL)
}

// depositBody is a deposit: by card, or to be paid on the page.
func depositBody(r *connector.Request, card *instrument.Card, ip string) []byte {
	c, description := &r.Customer, shortened(r.Description)
	texts := len(description) + len(r.ReturnURL) + len(ip) + len(c.FirstName) + len(c.LastName) + len(c.Email) + len(c.Phone) + len(c.Locale) + addressLength(&r.Billing)
	if card != nil {
		texts += len(card.Holder)
	}
	o := begun(r, "DEPOSIT", texts)
	if card != nil {
		o = o.Text("paymentMethod", string(payment.BasicCard))
		o = paidBy(o, card)
	} else {
		o = o.Text("paymentMethod", string(r.Method))
	}
	if r.PreAuth {
		o = o.Bool("preAuth", true)
	}
	if r.StartRecurring {
		o = o.Bool("startRecurring", true)
	}
	o = o.Nest("customer", payerOf(c, ip)).Nest("billingAddress", addressOf(&r.Billing))
	return o.Text("description", description).Text("returnUrl", r.ReturnURL).Bytes()
}

// paidBy adds a card.
func paidBy(o provider.Object, card *instrument.Card) provider.Object {
	o = o.Open("card").Secret("cardNumber", card.Number).Text("cardholderName", card.Holder).
		Text("expiryMonth", card.ExpiryMonth).Text("expiryYear", card.ExpiryYear)
	if !card.SecurityCode.IsZero() {
		o = o.Secret("cardSecurityCode", card.SecurityCode)
	}
	return o.Close()
}

// payerOf is who pays, as far as the published API demands it of some merchants.
func payerOf(c *payment.Customer, ip string) provider.Object {
	return provider.NewObject(400).Text("firstName", c.FirstName).Text("lastName", c.LastName).Text("email", c.Email).Text("phone", c.Phone).
		Text("ip", ip).Text("locale", c.Locale)
}

func addressOf(b *payment.BillingAddress) provider.Object {
	return provider.NewObject(400).Text("countryCode", b.CountryCode).Text("addressLine1", b.AddressLine1).Text("addressLine2", b.AddressLine2).
		Text("city", b.City).Text("postalCode", b.PostalCode).Text("state", b.State)
}

func addressLength(b *payment.BillingAddress) int {
	return len(b.CountryCode) + len(b.AddressLine1) + len(b.AddressLine2) + len(b.City) + len(b.PostalCode) + len(b.State)
}

// browserBody is what is told of the customer when a deposit is executed.
func browserBody(b *payment.Browser, ip string) []byte {
	o := provider.NewObject(400).Text("customerIp", ip).Text("ipCountryCode", b.IPCountryCode).Text("customerUserAgent", b.UserAgent).
		Text("browserLanguage", b.Language)
	for _, n := range []struct {
		name  string
		value *int64
	}{
		{"browserWindowWidth", b.WindowWidth}, {"browserWindowHeight", b.WindowHeight}, {"browserScreenWidth", b.ScreenWidth},
		{"browserScreenHeight", b.ScreenHeight}, {"browserScreenColorDepth", b.ColorDepth}, {"browserTimezoneOffset", b.TimezoneOffset},
	} {
		if n.value != nil {
			o = o.Raw(n.name, fmt.Append(nil, *n.value))
		}
	}
	if b.JavaEnabled != nil {
		o = o.Bool("browserJavaEnabled", *b.JavaEnabled)
	}
	return o.Bytes()
}

// chargeBody goes on with a chain: a credential is the payment that began it and its token.
func chargeBody(r *connector.Request, c *instrument.Credential) ([]byte, error) {
	first, token, ok := strings.Cut(c.Handle, "/")
	if !ok || !provider.Word(first, mostID) || !provider.Word(token, 128) {
		return nil, fmt.Errorf("%w: the credential is none of the provider's", connector.ErrIncomplete)
	}
	o := begun(r, "DEPOSIT", len(r.Description)+len(c.Handle))
	if r.PreAuth {
		o = o.Bool("preAuth", true)
	}
	return o.Text("recurringToken", token).Text("parentPaymentId", first).Text("description", shortened(r.Description)).Bytes(), nil
}

func refundBody(r *connector.Request, of string) []byte {
	return begun(r, "REFUND", len(of)).Text("parentPaymentId", of).Bytes()
}

// payoutBody pays to the card, or to the account of the customer.
func payoutBody(r *connector.Request, card *instrument.Card) []byte {
	c := &r.Customer
	if card != nil {
		return paidBy(begun(r, "WITHDRAWAL", len(card.Holder)).Text("paymentMethod", string(payment.BasicCard)), card).
			Nest("customer", payerOf(c, customerIP(r))).Bytes()
	}
	to := payerOf(c, customerIP(r)).Text("accountNumber", c.AccountNumber).Text("accountName", c.AccountName).Text("accountType", c.AccountType).
		Text("bank", c.Bank).Text("bankCode", c.BankCode).Text("bankBranch", c.BankBranch).Text("bankBranchCode", c.BankBranchCode).
		Text("documentType", c.DocumentType).Text("documentNumber", c.DocumentNumber)
	return begun(r, "WITHDRAWAL", 0).Text("paymentMethod", string(r.Method)).Nest("customer", to).Bytes()
}

// shortened is a description as long as the provider takes one.
func shortened(text string) string {
	n := 0
	for at := range text {
		if n++; n > mostDescription {
			return text[:at]
		}
	}
	return text
}
