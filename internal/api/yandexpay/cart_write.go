package yandexpay

import "slices"

// write shows a cart. Amounts that an order has in it are those of the cart, not of what was paid.
func (c *cart) write(o *object, cartID string, decimals int) {
	o.text("cartId", cartID)
	o.text("externalId", c.ExternalID)
	o.list("items", len(c.Items), func(o *object, i int) { c.writeLine(o, &c.Items[i], decimals) })
	o.shownList("coupons", c.Coupons, coupons)
	o.shownList("discounts", c.Discounts, discounts)
	o.shown("measurements", c.Measurements, measurements)
	o.child("total", func(o *object) {
		o.amount("amount", c.Amount, decimals)
		o.optional("externalAmount", c.External, decimals)
		o.null("pointsAmount")
		o.text("label", c.Label)
	})
}

// writeLine shows a line of the cart. Its title is a string even where the merchant gave none.
func (c *cart) writeLine(o *object, i *item, decimals int) {
	o.text("productId", i.ProductID)
	o.String("title", i.Title)
	o.text("description", i.Description)
	o.child("quantity", func(o *object) {
		o.amount("count", i.Count, 0)
		if i.Available != "" {
			o.text("available", i.Available)
		} else {
			o.amount("available", i.Count, 0)
		}
		o.text("label", i.CountLabel)
	})
	o.amount("total", i.Total, decimals)
	o.optional("unitPrice", i.UnitPrice, decimals)
	o.optional("discountedUnitPrice", i.Discounted, decimals)
	o.optional("subtotal", i.Subtotal, decimals)
	o.amount("finalPrice", c.finalPrice(i, decimals).near, decimals)
	o.text("skuId", i.SKU)
	o.text("type", i.shownType())
	o.shown("features", i.Features, features)
	o.shown("measurements", i.Measurements, measurements)
	o.null("pointsAmount")
	o.shown("receipt", i.Receipt, receipt)
}

// shownType is the type of a product, or the published default where it is none.
func (i *item) shownType() string {
	if !slices.Contains(itemTypes, i.Type) {
		return itemTypes[len(itemTypes)-1]
	}
	return i.Type
}
