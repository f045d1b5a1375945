package yandexpay

import (
	"encoding/json"

	"github.com/sluicepay/sluice/internal/money"
)

// write shows a cart. Amounts that an order has in it are those of the cart, not of what was paid.
func (c *cart) write(o *object, cartID string, decimals int) {
	o.text("cartId", cartID)
	o.text("externalId", c.ExternalID)
	o.list("items", len(c.Items), func(o *object, i int) { c.Items[i].write(o, decimals) })
	o.raw("coupons", orEmpty(c.Coupons))
	o.raw("discounts", orEmpty(c.Discounts))
	o.raw("measurements", c.Measurements)
	o.child("total", func(o *object) {
		o.amount("amount", c.Amount, decimals)
		o.optional("externalAmount", c.External, decimals)
		o.null("pointsAmount")
		o.text("label", c.Label)
	})
}

func (i *item) write(o *object, decimals int) {
	o.text("productId", i.ProductID)
	o.text("title", i.Title)
	o.text("description", i.Description)
	o.child("quantity", func(o *object) {
		o.amount("count", i.Count, 0)
		o.amount("available", i.Count, 0)
		o.text("label", i.CountLabel)
	})
	o.amount("total", i.Total, decimals)
	o.optional("unitPrice", i.UnitPrice, decimals)
	o.optional("discountedUnitPrice", i.Discounted, decimals)
	o.optional("subtotal", i.Subtotal, decimals)
	o.optional("finalPrice", i.shownPrice(decimals), decimals)
	o.text("skuId", i.SKU)
	o.text("type", i.shownType())
	o.raw("features", i.Features)
	o.raw("measurements", i.Measurements)
	o.null("pointsAmount")
	o.raw("receipt", i.Receipt)
}

func (i *item) shownPrice(decimals int) *money.Amount {
	price, ok := i.price(decimals)
	if !ok {
		return nil
	}
	return &price
}

func (i *item) shownType() string {
	if i.Type == "" {
		return "UNSPECIFIED"
	}
	return i.Type
}

func orEmpty(list json.RawMessage) json.RawMessage {
	if len(list) == 0 {
		return json.RawMessage(`[]`)
	}
	return list
}
