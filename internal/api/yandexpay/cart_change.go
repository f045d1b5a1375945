package yandexpay

import (
	"github.com/sluicepay/sluice/internal/money"
)

// empty is a cart with the same names in which nothing is left.
func (c *cart) empty() cart {
	left := cart{ExternalID: c.ExternalID, Items: []item{}, Label: c.Label}
	if c.External != nil {
		left.External = new(money.Amount)
	}
	return left
}

// clone returns a cart whose lines can be changed.
func (c *cart) clone() cart {
	copied := *c
	copied.Items = append([]item{}, c.Items...)
	return copied
}

// target is the cart that is left when the changes say what shall be left: lines that are not named go away, and of
// those that are, what is not said stays. What is derived is made to add up to worth where that can be. Faults are of the
// request.
func (c *cart) target(changes []change, w weight, b binder) (cart, error) {
	left := c.clone()
	if err := unrepeated(changes); err != nil {
		return left, err
	}
	left.Items = make([]item, 0, len(changes))
	var set []derived
	for _, ch := range changes {
		line, ok := c.line(ch, b)
		if !ok {
			continue
		}
		now := line
		if ch.Count != nil {
			now.Count = *ch.Count
		}
		s, ok := c.changed(&line, ch, w.currency, b)
		if !ok || now.Count.IsZero() {
			continue
		}
		left.Items = append(left.Items, now)
		set = append(set, derived{&left.Items[len(left.Items)-1].Total, s})
	}
	settled(set, w)
	for i := range left.Items {
		if now := &left.Items[i]; now.Total != c.find(now.ProductID).Total {
			now.Subtotal = nil
		}
	}
	return left, nil
}

// without is the cart that is left when the changes say what is taken out; what is not said of a line is all of it. It
// also returns what was taken out, which is made to add up to worth where that can be.
func (c *cart) without(changes []change, w weight, b binder) (left cart, taken money.Amount, err error) {
	left = c.clone()
	if err := unrepeated(changes); err != nil {
		return left, taken, err
	}
	out := make([]item, 0, len(changes))
	var set []derived
	for _, ch := range changes {
		line, ok := c.line(ch, b)
		if !ok {
			continue
		}
		if ch.Count != nil {
			line.Count = *ch.Count
		}
		s, ok := c.changed(c.find(ch.Product), ch, w.currency, b)
		if !ok {
			continue
		}
		out = append(out, line)
		set = append(set, derived{&out[len(out)-1].Total, s})
	}
	settled(set, w)
	for i := range out {
		line := *c.find(out[i].ProductID)
		taken = plus(taken, out[i].Total)
		line.less(&out[i])
		left.replace(line)
	}
	return left, taken, nil
}

// weight is what lines have to come to: worth, or up to off more where discounts on the whole cart take that off again.
type weight struct {
	worth, off money.Amount
	currency   money.Currency
}

// settled gives derived lines their totals.
func settled(lines []derived, w weight) {
	var sum money.Amount
	for i := range lines {
		*lines[i].total = lines[i].near
		sum = plus(sum, lines[i].near)
	}
	adjust(lines, sum, w.worth, w.off)
}

// changed is the total of a line as it is changed, which is at most that of the line. A price that is the line's own,
// rounded, stands for the line's own.
func (c *cart) changed(line *item, ch change, currency money.Currency, b binder) (share, bool) {
	count := line.Count
	if ch.Count != nil {
		count = *ch.Count
	}
	var s share
	var ok bool
	if ch.Price == nil || c.priced(line, *ch.Price, currency) {
		s, ok = line.part(line.Total, count, currency)
	} else {
		s, ok = shareOf(currency.MinorUnits(), []money.Amount{*ch.Price, count}, nil)
	}
	switch {
	case count.Cmp(line.Count) > 0:
		b.at(ch).fault("quantityCount", "is more than there is in the cart")
	case !ok:
		b.at(ch).fault("quantityCount", tooMuch)
	case s.low.Cmp(line.Total) > 0:
		b.at(ch).fault("price", "makes more than the line of the cart has")
	default:
		s.near, s.high = lesser(s.near, line.Total), lesser(s.high, line.Total)
		return s, true
	}
	return share{}, false
}

const tooMuch = "makes a total that is too large"

// priced reports whether a price is what a piece of the line costs, before the discounts on the cart or after them, rounded
// either way.
func (c *cart) priced(line *item, price money.Amount, currency money.Currency) bool {
	for _, s := range []share{line.price(currency.MinorUnits()), c.finalPrice(line, currency.MinorUnits())} {
		if price == s.low || price == s.high {
			return true
		}
	}
	return false
}

// finalPrice is what a piece of a line costs with the discounts on the cart taken off.
func (c *cart) finalPrice(line *item, decimals int) share {
	sum := c.sum()
	less, err := sum.Sub(c.Off)
	if err != nil || sum.IsZero() {
		return line.price(decimals)
	}
	s, ok := shareOf(decimals, []money.Amount{line.Total, less}, []money.Amount{line.Count, sum})
	if !ok {
		return line.price(decimals)
	}
	return s
}

// line returns the line that a change is for.
func (c *cart) line(ch change, b binder) (item, bool) {
	line := c.find(ch.Product)
	if line == nil {
		if ch.Product != "" {
			b.at(ch).fault("productId", "is not in the cart")
		}
		return item{}, false
	}
	return *line, true
}

// at is a binder whose faults are those of the change.
func (b binder) at(ch change) binder { return binder{prefix: ch.Field, faults: b.faults} }

// less takes a part out, which fits. Where all pieces are taken for less than they cost, they stay for the rest: it was
// their price that was lowered.
func (i *item) less(out *item) {
	if !out.Total.IsZero() {
		i.Subtotal = nil
	}
	i.Total = minus(i.Total, out.Total)
	if count := minus(i.Count, out.Count); !count.IsZero() || i.Total.IsZero() {
		i.Count = count
	}
}

// replace puts a line in the place of that of the same product, or takes it away where no piece is left.
func (c *cart) replace(line item) {
	for i := range c.Items {
		if c.Items[i].ProductID != line.ProductID {
			continue
		}
		if c.Items[i] = line; line.Count.IsZero() {
			c.Items = append(c.Items[:i], c.Items[i+1:]...)
		}
		return
	}
}

// unrepeated refuses changes of which two are for one product.
func unrepeated(changes []change) error {
	met := make(map[string]bool, len(changes))
	for _, ch := range changes {
		if met[ch.Product] && ch.Product != "" {
			return cartDataError("The productId of a line of the cart is used by another line", ch.Product)
		}
		met[ch.Product] = true
	}
	return nil
}

// within reports, as faults, lines of a cart that another cart does not have, or has less of.
func (c *cart) within(whole *cart, b binder) {
	for i := range c.Items {
		now := &c.Items[i]
		line, ok := whole.line(change{Field: b.prefix + itemPath(i), Product: now.ProductID}, b)
		switch {
		case !ok:
		case now.Count.Cmp(line.Count) > 0:
			b.line(i).fault("quantity.count", "is more than there is in the cart")
		case now.Total.Cmp(line.Total) > 0:
			b.line(i).fault("total", "is more than the line of the cart has")
		}
	}
}
