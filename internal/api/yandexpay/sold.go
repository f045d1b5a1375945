package yandexpay

import (
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
)

// SoldLine is a line of an order's cart as a customer is shown it.
type SoldLine struct {
	Title      string
	Count, Sum money.Amount
}

// Sold returns the lines of an order as it was made, what discounts on the whole cart take off their sum, and what of it is paid in
// another way than by this payment.
func Sold(o *engine.Order) (lines []SoldLine, off, elsewhere money.Amount, err error) {
	d, err := documentOf(o)
	if err != nil || d.Cart == nil {
		return nil, off, elsewhere, err
	}
	for i := range d.Cart.Items {
		line := &d.Cart.Items[i]
		lines = append(lines, SoldLine{line.Title, line.Count, line.Total})
	}
	return lines, d.Cart.Off, given(d.Cart.External), nil
}
