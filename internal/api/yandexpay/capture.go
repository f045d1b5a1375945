package yandexpay

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
)

// captured is a request to take held money, checked for form.
type captured struct {
	Name     string          `json:"-"`
	Cart     *cart           `json:"cart,omitempty"`
	Amount   *money.Amount   `json:"amount,omitempty"`   // nil: as the cart says, or all
	Shipping *money.Amount   `json:"shipping,omitempty"` // what the delivery costs beside the cart
	Delivery json.RawMessage `json:"delivery,omitempty"`
}

// bindCapture reads a request to capture. The error is a *failure.
func bindCapture(doc *api.Value, currency money.Currency) (captured, error) {
	b := newBinder(doc)
	r := captured{Cart: b.cart(currency, true), Amount: b.amount("orderAmount", mostDecimals(currency))}
	b.filled()
	r.Name = b.text("externalOperationId", maxText)
	r.Shipping, r.Delivery = b.shipping("shipping", currency), b.raw("shipping")
	if b.err() == nil && r.Cart == nil && r.Amount != nil {
		b.atLeast("orderAmount", *r.Amount, currency)
	}
	return r, b.err()
}

// plan judges the capture by the order as it stands. It returns how much is taken, nought for all, and what is kept with it.
func (r *captured) plan(v *orderView) (amount money.Amount, kept detail, err error) {
	kept = detail{Shipping: r.Shipping, Delivery: r.Delivery}
	if r.Cart == nil {
		return given(r.Amount), kept, nil
	}
	b := newBinder(nil)
	whole, err := r.Cart.part(v, steps(len(r.Cart.Items), v.Payment.Asked.Currency), b)
	if err != nil {
		return amount, kept, err
	}
	kept.Cart, amount = &whole, plus(whole.Amount, given(r.Shipping))
	if r.Amount != nil && *r.Amount != amount {
		return amount, kept, amountMismatch("Order amount", amount, *r.Amount, decimalsOf(v.Payment.Asked.Currency))
	}
	b.atLeast("cart.total.amount", amount, v.Payment.Asked.Currency)
	return amount, kept, b.err()
}

// shipping reads what a delivery costs; nil where there is none.
func (b binder) shipping(name string, currency money.Currency) *money.Amount {
	in, ok := b.child(name)
	if !ok {
		return nil
	}
	in.text("methodType", maxText)
	a := in.neededAmount("amount", mostDecimals(currency))
	return &a
}

// capture takes the held money of an order, or a part of it.
func (y *YandexPay) capture(c *call) error {
	v, doc, err := y.asked(c)
	if err != nil {
		return err
	}
	r, err := bindCapture(doc, v.Payment.Asked.Currency)
	if err != nil {
		return err
	}
	content, err := json.Marshal(&r)
	if err != nil {
		return fmt.Errorf("render capture: %w", err)
	}
	k := y.newCommand(c, v, r.Name, []string{"capture", string(content)})
	var amount money.Amount
	refuse := func(v *orderView) error {
		if err := v.refuse("captured", statusAuthorized); err != nil {
			return err
		}
		if amount.Cmp(v.Payment.Authorised) > 0 {
			return &failure{status: http.StatusBadRequest, code: codeCaptureTooLarge,
				reason: "At most " + amountText(v.Payment.Authorised, decimalsOf(v.Payment.Asked.Currency)) + " can be captured"}
		}
		return nil
	}
	ready := func() error {
		taken, kept, err := r.plan(v)
		if err != nil {
			return err
		}
		amount = taken
		return k.say(&kept)
	}
	return y.settle(c, v, &k, work{ready: ready, refuse: refuse, do: func() (bool, error) {
		out, err := y.engine.Capture(c.Context(), k.target(c, v), amount)
		return out.Replayed, err
	}})
}

// work is what a command does, what it needs for that and why it may not be done.
type work struct {
	ready  func() error
	refuse func(*orderView) error
	do     func() (replayed bool, err error)
}

// settle carries a capture or cancel out, unless it was before, and answers with the operation.
func (y *YandexPay) settle(c *call, v *orderView, k *command, job work) error {
	op, err := y.repeated(c, v, k)
	if err == nil && op == nil {
		err = job.ready()
	}
	if err == nil && op == nil {
		err = job.refuse(v)
	}
	if err != nil {
		return err
	}
	if op != nil {
		answerAgain(c, &v.Payment, op)
		return nil
	}
	replayed, err := job.do()
	if err != nil {
		return y.afterRace(c, v, k, y.explain(c, v, err, job.refuse))
	}
	attempt := k.instruction.Attempt
	if replayed {
		attempt = 0
	}
	after, op, err := y.settled(c, v, k, attempt)
	if err != nil {
		return err
	}
	if replayed {
		c.replayed()
	}
	answerOperation(c, &after.Payment, op)
	return nil
}

// afterRace answers a command that failed because another one came first: where that was the same command, by its
// operation.
func (y *YandexPay) afterRace(c *call, v *orderView, k *command, failed error) error {
	now, err := y.view(c, v.Payment.ID)
	if err != nil {
		return failed
	}
	op, err := y.repeated(c, now, k)
	if err != nil {
		return err
	}
	if op == nil {
		return failed
	}
	answerAgain(c, &now.Payment, op)
	return nil
}
