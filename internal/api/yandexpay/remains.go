package yandexpay

import (
	"slices"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// remains is what is left of an order after carts were given to its capture and refunds.
type remains struct {
	cart     cart
	shipping money.Amount // what the delivery costs beside the cart
}

// firstCart is the cart that the order began with. A payment that was made without one sold what its description says.
func (v *orderView) firstCart() cart {
	p := &v.Payment
	switch {
	case v.document.Cart != nil:
		return *v.document.Cart
	case p.Terms.Verify:
		return cart{Items: []item{}}
	}
	title := p.Description
	if title == "" {
		title = "Payment"
	}
	return cart{Amount: p.Asked.Amount, Items: []item{
		{ProductID: shownID(string(p.ID)), Title: title, Count: money.MustParse("1"), Total: p.Asked.Amount},
	}}
}

// lastRefundLeft reports whether the last refund came with a cart that says what is left: something may be that cost nothing.
func (v *orderView) lastRefundLeft() bool {
	for i := range slices.Backward(v.Refunds) {
		if r := &v.Refunds[i]; r.State() == payment.Completed {
			d, err := detailOf(said(&v.History, 0, r.ID))
			return err == nil && d.Cart != nil
		}
	}
	return false
}

// respell has the line of a payment without a cart carry the id under which it is shown now.
func (v *orderView) respell() {
	for i := range v.remains.cart.Items {
		if line := &v.remains.cart.Items[i]; v.document.Cart == nil && line.ProductID == id.Dashed(string(v.Payment.ID)) {
			line.ProductID = shownID(string(v.Payment.ID))
		}
	}
}

// room is by how much the lines of what is left of the cart may miss what is left of the money: a step of the currency for
// each line that there ever was, and as much for each refund, because each line may have been rounded each time.
func (v *orderView) room() money.Amount {
	lines, times := len(v.remains.cart.Items), 1
	if first := v.document.Cart; first != nil {
		lines = max(lines, len(first.Items))
	}
	for i := range v.Refunds {
		if v.Refunds[i].State() == payment.Completed {
			times++
		}
	}
	return steps(lines*times, v.Payment.Asked.Currency)
}
