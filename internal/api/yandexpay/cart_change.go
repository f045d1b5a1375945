package yandexpay

import (
	"github.com/sluicepay/sluice/internal/money"
)

// remains is what is left of an order after carts were given to its capture and refunds.
type remains struct {
	cart     cart
	shipping money.Amount // what the delivery costs beside the cart
}

// clone returns a cart whose lines can be changed.
func (c *cart) clone() cart {
	copied := *c
	copied.Items = append([]item{}, c.Items...)
	return copied
}

// target is the cart that is left when the changes say what shall be left: lines that are not named go away, and of
// those that are, what is not said stays. Faults are of the request.
func (c *cart) target(changes []change, b binder, decimals int) (cart, error) {
	left := c.clone()
	left.Items = left.Items[:0:0]
	if err := unrepeated(changes); err != nil {
		return left, err
	}
	for _, ch := range changes {
		line, ok := c.line(ch, b)
		if !ok {
			continue
		}
		now := line
		if ch.Count != nil {
			now.Count = *ch.Count
		}
		price, _ := line.price(decimals)
		if ch.Price != nil {
			price = *ch.Price
		}
		if now.Total, ok = product(price, now.Count, decimals); !ok {
			b.at(ch).fault("quantityCount", tooFine)
			continue
		}
		if !now.fits(&line, ch, b) || now.Count.IsZero() {
			continue
		}
		if now.Total != line.Total {
			now.Subtotal = nil
		}
		left.Items = append(left.Items, now)
	}
	return left, nil
}

const tooFine = "makes a total with too many decimals"

// without is the cart that is left when the changes say what is taken out; what is not said of a line is all of it. It
// also returns what was taken out.
func (c *cart) without(changes []change, b binder, decimals int) (left cart, taken money.Amount, err error) {
	left = c.clone()
	if err := unrepeated(changes); err != nil {
		return left, taken, err
	}
	for _, ch := range changes {
		line, ok := c.line(ch, b)
		if !ok {
			continue
		}
		out := line
		if ch.Count != nil {
			out.Count = *ch.Count
		}
		price, _ := line.price(decimals)
		if ch.Price != nil {
			price = *ch.Price
		}
		if out.Total, ok = product(price, out.Count, decimals); !ok {
			b.at(ch).fault("quantityCount", tooFine)
			continue
		}
		if !out.fits(&line, ch, b) {
			continue
		}
		taken = plus(taken, out.Total)
		line.less(&out)
		left.replace(line)
	}
	return left, taken, left.checkLines(decimals)
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

// fits reports whether a part of a line is at most the line, and a fault where it is not.
func (i *item) fits(line *item, ch change, b binder) bool {
	switch {
	case i.Count.Cmp(line.Count) > 0:
		b.at(ch).fault("quantityCount", "is more than there is in the cart")
	case i.Total.Cmp(line.Total) > 0:
		b.at(ch).fault("price", "makes more than the line of the cart has")
	default:
		return true
	}
	return false
}

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
		ch := change{Field: b.prefix + itemPath(i), Product: now.ProductID}
		if line, ok := whole.line(ch, b); ok {
			now.fits(&line, ch, b)
		}
	}
}
