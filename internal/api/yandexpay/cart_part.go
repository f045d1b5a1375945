package yandexpay

import (
	"encoding/json"

	"github.com/sluicepay/sluice/internal/money"
)

// derived is the total of a line that nobody gave: it follows from another line, rounded half to even, or to the other
// side where only that makes a cart add up.
type derived struct {
	total *money.Amount
	share
}

// adjust moves the totals of some lines, whose sum is given, by a step each at most, towards a sum that is worth to worth
// and off.
func adjust(lines []derived, sum, worth, off money.Amount) {
	for i := range lines {
		l := &lines[i]
		switch {
		case sum.Cmp(worth) < 0 && l.total.Cmp(l.high) < 0:
			sum, *l.total = plus(sum, minus(l.high, *l.total)), l.high
		case sum.Cmp(plus(worth, off)) > 0 && l.total.Cmp(l.low) > 0:
			sum, *l.total = minus(sum, minus(*l.total, l.low)), l.low
		}
	}
}

// part is the cart of a request as the part of the order's cart that it is for. Whether it adds up, but for room, is judged
// only where nothing is wrong with its lines.
func (c *cart) part(v *orderView, room money.Amount, b binder) (cart, error) {
	now, currency := &v.remains.cart, v.Payment.Asked.Currency
	whole := c.clone()
	if err := whole.unrepeated(); err != nil {
		return whole, err
	}
	whole.complete(now, currency, b.in("cart"))
	if err := b.err(); err != nil {
		return whole, err
	}
	if len(c.Discounts) > 0 {
		return whole, whole.check(currency)
	}
	whole.fit(whole.total(), now.Off)
	if sum := whole.sum(); apart(minus(sum, whole.Off), whole.total()).Cmp(room) > 0 {
		return whole, cartMismatch(whole.total(), sum, whole.Off, decimalsOf(currency))
	}
	return whole, nil
}

// complete takes what the merchant did not say of the lines of a part of a whole cart from the whole's own lines. The
// totals of the lines that it sets are made to add up to the total of the cart where that takes a step for each at most,
// so that the parts of a line add up to the line.
func (c *cart) complete(whole *cart, currency money.Currency, b binder) {
	var set []derived
	for i := range c.Items {
		line := &c.Items[i]
		known := whole.find(line.ProductID)
		switch {
		case known != nil:
			line.describe(known)
			if !line.Derived {
				break
			}
			s, ok := line.derive(known, currency)
			if !ok {
				b.line(i).fault("quantity.count", tooMuch)
			}
			set = append(set, derived{&line.Total, s})
		case line.Derived:
			b.line(i).fault("total", "must be given for a product that the order does not have")
		}
		line.Derived = false
	}
	off := c.discounted
	if len(c.Discounts) == 0 {
		c.Discounts, off = whole.Discounts, whole.Off
	}
	adjust(set, c.sum(), c.total(), off)
}

// line is a binder whose faults are those of a line of the cart.
func (b binder) line(i int) binder { return binder{prefix: b.prefix + itemPath(i), faults: b.faults} }

// describe takes from a known line of the same product what is not said about the product.
func (i *item) describe(known *item) {
	for _, text := range []struct {
		to   *string
		from string
	}{
		{&i.Title, known.Title}, {&i.Description, known.Description}, {&i.SKU, known.SKU}, {&i.Type, known.Type},
		{&i.CountLabel, known.CountLabel},
	} {
		if *text.to == "" {
			*text.to = text.from
		}
	}
	for _, raw := range []struct {
		to   *json.RawMessage
		from json.RawMessage
	}{
		{&i.Features, known.Features}, {&i.Receipt, known.Receipt}, {&i.Measurements, known.Measurements},
	} {
		if len(*raw.to) == 0 {
			*raw.to = raw.from
		}
	}
}

// derive takes the prices that are not said from a known line of the same product, and the total in the proportion of the
// pieces. It reports false where that is no amount.
func (i *item) derive(known *item, c money.Currency) (share, bool) {
	if i.UnitPrice == nil {
		i.UnitPrice = known.UnitPrice
	}
	if i.Discounted == nil {
		i.Discounted = known.Discounted
	}
	if i.Subtotal == nil && known.Subtotal != nil {
		if s, ok := known.part(*known.Subtotal, i.Count, c); ok {
			i.Subtotal = &s.near
		}
	}
	s, ok := known.part(known.Total, i.Count, c)
	i.Total = s.near
	return s, ok
}

// part is the part of an amount of the line that falls to some of its pieces.
func (i *item) part(whole, count money.Amount, c money.Currency) (share, bool) {
	return shareOf(c.MinorUnits(), []money.Amount{whole, count}, []money.Amount{i.Count})
}
