package yandexpay

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// Published limits: of names, texts, and the life of a page in seconds.
const (
	mostKey     = 255
	mostPurpose = 1000
	shortest    = 180
	longest     = 604800
)

var rouble = money.MustParse("1")

// expressible refuses what the provider has no text for, before anything is sent: amounts are decimals no finer than the currency's smallest
// unit, and of a rouble at least.
func expressible(r *connector.Request) error {
	if !provider.Word(r.Key, mostKey) {
		return fmt.Errorf("%w: a key is needed", connector.ErrIncomplete)
	}
	if r.Amount.IsZero() || !r.Currency.Fiat() || r.Amount.Decimals() > r.Currency.MinorUnits() || r.Currency == "RUB" && r.Amount.Cmp(rouble) < 0 {
		return fmt.Errorf("%w: the provider cannot express %s %s", connector.ErrIncomplete, r.Amount, r.Currency)
	}
	return nil
}

// amountText has two decimals at least.
func amountText(r *connector.Request) string {
	text := r.Amount.String()
	whole, fraction, _ := strings.Cut(text, ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	return whole + "." + fraction
}

// cart is one line, of which the amount is all that is known here.
func cart(r *connector.Request, tax int) provider.Object {
	title := r.Description
	if title == "" {
		title = "Payment"
	}
	amount := amountText(r)
	item := provider.NewObject(300+6*len(title)).Text("productId", "1").Text("title", shortened(title, mostPurpose)).
		Nest("quantity", provider.NewObject(16).Text("count", "1")).Text("total", amount)
	if tax > 0 {
		item = item.Nest("receipt", provider.NewObject(16).Number("tax", uint64(tax)))
	}
	return provider.NewObject(400).List("items", item).Nest("total", provider.NewObject(40).Text("amount", amount))
}

// recurring is what an order keeps of ours, if it begins a subscription.
const recurring = "recurring"

// chain is before the id of the order by which a subscription was begun: it is charged by that, and by nobody without the account's key.
const chain = "order/"

func orderBody(r *connector.Request, tax int, now time.Time) []byte {
	back := provider.NewObject(200).Text("onSuccess", r.ReturnURL).Text("onError", r.ReturnURL).Text("onAbort", r.ReturnURL)
	o := provider.NewObject(900).Text("orderId", r.Key).Text("currencyCode", string(r.Currency)).Nest("cart", cart(r, tax)).
		Nest("redirectUrls", back).Text("purpose", shortened(r.Description, mostPurpose)).Text("billingPhone", r.Customer.Phone)
	if tax > 0 {
		o = o.Text("fiscalContact", r.Customer.Email)
	}
	if seconds := int64(r.Until.Sub(now) / time.Second); !r.Until.IsZero() {
		o = o.Number("ttl", uint64(max(shortest, min(longest, seconds))))
	}
	if r.StartRecurring {
		o = o.Text("metadata", recurring).Text("intervalUnit", "MONTH").Number("intervalCount", 1)
	}
	return o.Bytes()
}

func recurBody(r *connector.Request, parent string, tax int) []byte {
	return provider.NewObject(700).Text("orderId", r.Key).Text("parentOrderId", parent).Text("amount", amountText(r)).
		Text("currencyCode", string(r.Currency)).Nest("cart", cart(r, tax)).Text("purpose", shortened(r.Description, mostPurpose)).Bytes()
}

// captureBody has the final cart, which a capture of less than the hold wants.
func captureBody(r *connector.Request, tax int) []byte {
	return provider.NewObject(700).Text("orderAmount", amountText(r)).Nest("cart", cart(r, tax)).Text("externalOperationId", r.Key).Bytes()
}

// shortened is a text of so many characters at most.
func shortened(text string, limit int) string {
	n := 0
	for at := range text {
		if n++; n > limit {
			return text[:at]
		}
	}
	return text
}

// kinds are the provider's words for what is done with an order.
var kinds = map[payment.AttemptKind]string{
	payment.AttemptCapture: "CAPTURE", payment.AttemptVoid: "VOID", payment.AttemptRefund: "REFUND",
}
