package yandexpay

import (
	"encoding/json"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
)

// refundRequest is a request to refund, checked for form. At most one of Cart, Target and Taken is given.
type refundRequest struct {
	Name   string       `json:"-"`
	Amount money.Amount `json:"amount"`

	Final    *money.Amount   `json:"final,omitempty"` // what has to be left of the order's amount
	Cart     *cart           `json:"cart,omitempty"`  // what is left of the cart; its lines may leave out what the order's have
	Target   []change        `json:"target,omitzero"` // what is left of the cart, by its lines
	Taken    []change        `json:"taken,omitzero"`  // what is taken out of the cart
	Shipping *money.Amount   `json:"shipping,omitempty"`
	Delivery json.RawMessage `json:"delivery,omitempty"`
	External *money.Amount   `json:"external,omitempty"` // goes back elsewhere

	Params map[string]string `json:"params,omitempty"`
	old    bool              // of the first version of the API
}

// refundBinder reads a request to refund. The error is a *failure.
type refundBinder func(doc *api.Value, currency money.Currency) (refundRequest, error)

// refunded reads what both versions have.
func (b binder) refunded(currency money.Currency) refundRequest {
	r := refundRequest{Params: map[string]string{}}
	if b.sound(func() { r.Amount = b.neededAmount("refundAmount", mostDecimals(currency)) }) {
		b.atLeast("refundAmount", r.Amount, currency)
	}
	r.Name = b.text("externalOperationId", maxText)
	for _, p := range []struct{ field, param string }{
		{"motive", paramMotive}, {"branchId", paramBranch}, {"managerId", paramManager},
	} {
		if text := b.text(p.field, maxText); text != "" {
			r.Params[p.param] = text
		}
	}
	return r
}

func bindRefundV2(doc *api.Value, currency money.Currency) (refundRequest, error) {
	b := newBinder(doc)
	r := b.refunded(currency)
	decimals := mostDecimals(currency)
	r.Target, r.Taken = b.changes("targetCart", decimals), b.changes("refundCart", decimals)
	if b.has("targetCart") && b.has("refundCart") {
		b.fault("refundCart", "must not be given beside targetCart")
	}
	r.Shipping, r.Delivery = b.shipping("targetShipping", currency), b.raw("targetShipping")
	r.External = b.amount("refundExternalAmount", decimals)
	return r, b.err()
}

// bindRefundV1 reads the first version's request. Some clients send an orderAmount of nought, which says nothing.
func bindRefundV1(doc *api.Value, currency money.Currency) (refundRequest, error) {
	b := newBinder(doc)
	r := b.refunded(currency)
	r.old = true
	if r.Final = b.amount("orderAmount", mostDecimals(currency)); r.Final != nil && r.Final.IsZero() {
		r.Final = nil
	}
	r.Cart = b.cart(currency, true)
	r.Shipping, r.Delivery = b.shipping("shipping", currency), b.raw("shipping")
	return r, b.err()
}

// shippingField is the name of the field that says what the delivery costs.
func (r *refundRequest) shippingField() string {
	if r.old {
		return "shipping"
	}
	return "targetShipping"
}
