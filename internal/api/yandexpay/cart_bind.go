package yandexpay

import (
	"strconv"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
)

// cart reads the cart of a request; nil where there is none. Whether it adds up is for cart.check.
func (b binder) cart(c money.Currency) *cart {
	in, ok := b.child("cart")
	if !ok {
		return nil
	}
	decimals := mostDecimals(c)
	read := &cart{
		ExternalID: in.text("externalId", maxText), Coupons: in.array("coupons"),
		Discounts: in.array("discounts"), Measurements: in.raw("measurements"), Items: []item{},
	}
	if in.needs("items") {
		for _, line := range in.each("items") {
			read.Items = append(read.Items, line.item(decimals))
		}
	}
	if !in.needs("total") {
		return read
	}
	if total, ok := in.child("total"); ok {
		read.Amount = total.neededAmount("amount", decimals)
		read.External = total.amount("externalAmount", decimals)
		read.Label = total.text("label", maxText)
	}
	return read
}

// filled reports, as a fault, a cart in which there is nothing.
func (b binder) filled() {
	items := b.from.Get("cart").Get("items")
	if items.Kind() == api.Array && len(items.Members()) == 0 {
		b.fault("cart.items", "must not be empty")
	}
}

// mostDecimals is how many decimals an amount in the currency may have; any where the currency is not known, which is a
// fault of its own.
func mostDecimals(c money.Currency) int {
	if !c.Valid() {
		return money.Scale
	}
	return c.MinorUnits()
}

func (b binder) item(decimals int) item {
	read := item{
		ProductID: b.needed("productId"), Title: b.needed("title"),
		Description: b.text("description", maxText), SKU: b.text("skuId", maxText), Type: b.text("type", maxText),
		UnitPrice: b.amount("unitPrice", decimals), Discounted: b.amount("discountedUnitPrice", decimals),
		Subtotal: b.amount("subtotal", decimals), Features: b.raw("features"), Receipt: b.raw("receipt"),
		Measurements: b.raw("measurements"),
	}
	if b.needs("quantity") {
		if q, ok := b.child("quantity"); ok {
			if q.sound(func() { read.Count = q.neededAmount("count", money.Scale) }) && read.Count.IsZero() {
				q.fault("count", "must be above 0")
			}
			read.CountLabel = q.text("label", maxText)
		}
	}
	read.Total = b.neededAmount("total", decimals)
	return read
}

// array is raw for what has to be a list.
func (b binder) array(name string) []byte {
	if v := b.from.Get(name); v.Kind() != api.Array && v.Kind() != api.Absent {
		b.fault(name, "must be a list")
		return nil
	}
	return b.raw(name)
}

// change is one line of a targetCart or refundCart. What is nil was not given.
type change struct {
	Field   string        `json:"-"` // path in the request
	Product string        `json:"product"`
	Price   *money.Amount `json:"price,omitempty"`
	Count   *money.Amount `json:"count,omitempty"`
}

// changes reads a targetCart or refundCart; nil where there is none.
func (b binder) changes(name string, decimals int) []change {
	in, ok := b.child(name)
	if !ok {
		return nil
	}
	in.needs("items")
	all := []change{}
	for _, line := range in.each("items") {
		all = append(all, change{
			Field: line.prefix, Product: line.needed("productId"), Price: line.amount("price", decimals),
			Count: line.amount("quantityCount", money.Scale),
		})
	}
	return all
}

// itemPath is where a line of a cart is in a request.
func itemPath(i int) string { return "items[" + strconv.Itoa(i) + "]." }
