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
	r := captured{Cart: b.cart(currency), Amount: b.amount("orderAmount", mostDecimals(currency))}
	b.filled()
	r.Name = b.text("externalOperationId", maxText)
	r.Shipping, r.Delivery = b.shipping("shipping", currency), b.raw("shipping")
	if err := b.err(); err != nil {
		return r, err
	}
	decimals := decimalsOf(currency)
	if r.Cart != nil {
		if err := r.Cart.check(decimals); err != nil {
			return r, err
		}
		whole := plus(r.Cart.Amount, given(r.Shipping))
		if r.Amount != nil && *r.Amount != whole {
			return r, amountMismatch("Order amount", whole, *r.Amount, decimals)
		}
		r.Amount = &whole
		b.atLeast("cart.total.amount", whole, currency)
	} else if r.Amount != nil {
		b.atLeast("orderAmount", *r.Amount, currency)
	}
	return r, b.err()
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
	v, err := y.find(c, c.id)
	if err != nil {
		return err
	}
	doc, err := readObject(c)
	if err != nil {
		return err
	}
	r, err := bindCapture(doc, v.Payment.Currency)
	if err != nil {
		return err
	}
	content, err := json.Marshal(&r)
	if err != nil {
		return fmt.Errorf("render capture: %w", err)
	}
	k := y.newCommand(c, v, r.Name, []string{"capture", string(content)})
	if err := k.say(&detail{Cart: r.Cart, Shipping: r.Shipping, Delivery: r.Delivery}); err != nil {
		return err
	}
	var amount money.Amount
	if r.Amount != nil {
		amount = *r.Amount
	}
	refuse := func(v *orderView) error {
		if err := v.refuse("captured", statusAuthorized); err != nil {
			return err
		}
		if amount.Cmp(v.Payment.Authorised) > 0 {
			return &failure{status: http.StatusBadRequest, code: codeCaptureTooLarge,
				reason: "At most " + amountText(v.Payment.Authorised, decimalsOf(v.Payment.Currency)) + " can be captured"}
		}
		return nil
	}
	return y.settle(c, v, &k, work{refuse: refuse, do: func() (bool, error) {
		out, err := y.engine.Capture(c.Context(), k.target(c, v), amount)
		return out.Replayed, err
	}})
}

// work is what a command does, and why it may not be done.
type work struct {
	refuse func(*orderView) error
	do     func() (replayed bool, err error)
}

// settle carries a capture or cancel out, unless it was before, and answers with the operation.
func (y *YandexPay) settle(c *call, v *orderView, k *command, job work) error {
	op, err := y.repeated(c, v, k)
	if err == nil && op == nil {
		err = job.refuse(v)
	}
	if err != nil {
		return err
	}
	if op != nil {
		answerOperation(c, &v.Payment, op)
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
	answerOperation(c, &now.Payment, op)
	return nil
}
