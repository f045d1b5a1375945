package yandexpay

import (
	"strconv"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
)

// cart reads the cart of a request; nil where there is none. Whether it adds up is for cart.check. In the part of an order
// whose cart is known, lines may leave out all but what they are of and how many: see cart.complete.
func (b binder) cart(c money.Currency, part bool) *cart {
	in, ok := b.child("cart")
	if !ok {
		return nil
	}
	decimals := mostDecimals(c)
	read := &cart{
		ExternalID: in.text("externalId", maxText), Coupons: in.array("coupons"),
		Discounts: in.array("discounts"), Measurements: in.raw("measurements"), Items: []item{},
		discounted: in.discounted(),
	}
	if in.needs("items") {
		for _, line := range in.each("items") {
			read.Items = append(read.Items, line.item(decimals, part))
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

// discounted is the sum of the discounts on a cart. A list that holds something else is only kept.
func (b binder) discounted() (sum money.Amount) {
	members := b.from.Get("discounts").Members()
	for i := range members {
		if in := &members[i].Value; in.Kind() == api.Object {
			at := binder{from: in, prefix: b.prefix + "discounts[" + strconv.Itoa(i) + "].", faults: b.faults}
			sum = plus(sum, given(at.amount("amount", money.Scale)))
		}
	}
	return sum
}

func (b binder) item(decimals int, part bool) item {
	read := item{
		ProductID: b.needed("productId"), Title: b.text("title", maxText),
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
			read.CountLabel, read.Available = q.text("label", maxText), q.available()
		}
	}
	if total := b.amount("total", decimals); total != nil {
		read.Total = *total
	} else if read.Derived = part; !part {
		b.fault("total", mustBeGiven)
	}
	return read
}

// available is how many pieces the merchant has, as it was written; empty where it is no amount. It decides nothing.
func (b binder) available() string {
	switch v := b.from.Get("available"); v.Kind() {
	case api.String:
		if _, err := money.Parse(v.Text()); err == nil {
			return v.Text()
		}
	case api.Number:
		if a, err := money.ParseJSONNumber(v.Text()); err == nil {
			return a.String()
		}
	default:
	}
	return ""
}

// array is raw for what has to be a list.
func (b binder) array(name string) []byte {
	if !b.has(name) {
		return nil
	}
	if b.from.Get(name).Kind() != api.Array {
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
