package yandexpay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// refundTries is how often a refund is judged again because the order changed meanwhile.
const refundTries = 5

func (y *YandexPay) refundV1(c *call) error { return y.refund(c, bindRefundV1) }

func (y *YandexPay) refundV2(c *call) error { return y.refund(c, bindRefundV2) }

// refund gives an order's money back, or a part of it.
func (y *YandexPay) refund(c *call, bind refundBinder) error {
	v, doc, err := y.asked(c)
	if err != nil {
		return err
	}
	r, err := bind(doc, v.Payment.Asked.Currency)
	if err != nil {
		return err
	}
	content, err := json.Marshal(&r)
	if err != nil {
		return fmt.Errorf("render refund: %w", err)
	}
	k := y.newCommand(c, v, r.Name, []string{"refund", string(content)})
	var failed error
	for range refundTries {
		op, err := y.repeated(c, v, &k)
		if err != nil {
			return err
		}
		if op != nil {
			answerAgain(c, &v.Payment, op)
			return nil
		}
		if failed = y.refundOnce(c, v, &r, &k); !errors.Is(failed, engine.ErrChanged) {
			return failed
		}
		if v, err = y.view(c, v.Payment.ID); err != nil {
			return err
		}
	}
	return failed
}

// refundOnce makes the refund if the order is still as it was seen, and answers with it; otherwise engine.ErrChanged.
func (y *YandexPay) refundOnce(c *call, v *orderView, r *refundRequest, k *command) error {
	kept, err := r.plan(v)
	if err != nil {
		return err
	}
	if err := k.say(&kept); err != nil {
		return err
	}
	out, err := y.engine.Create(c.Context(), engine.Create{
		Shop: c.shop, Idem: k.idem, Fingerprint: k.instruction.Fingerprint, Type: payment.Refund, Parent: v.Payment.ID,
		Amount: r.Amount, Currency: v.Payment.Asked.Currency, Terms: engine.Terms{Origin: Dialect}, Instruction: &k.instruction,
		ParentVersion: v.Payment.Version, Wait: k.wait,
	})
	var refusal *payment.Refusal
	var named *engine.NameTaken
	if errors.As(err, &refusal) || errors.As(err, &named) || errors.Is(err, payment.ErrBusy) {
		return fmt.Errorf("%w: %w", engine.ErrChanged, err) // since it was judged: look again
	}
	if err != nil {
		return err
	}
	if out.Replayed {
		c.replayed()
	}
	op := ofRefund(&out.Payment, &k.instruction)
	answerOperation(c, &v.Payment, &op)
	return nil
}

// plan judges the refund by the order as it stands and returns what is kept with it.
func (r *refundRequest) plan(v *orderView) (detail, error) {
	kept := detail{Params: r.Params, External: r.External, Delivery: r.Delivery}
	if err := v.refuse("refunded", statusCaptured, statusPartiallyRefunded); err != nil {
		return kept, err
	}
	currency, left := v.Payment.Asked.Currency, v.left()
	decimals, least := decimalsOf(currency), leastOf(currency)
	rest, err := left.Sub(r.Amount)
	if err != nil {
		return kept, &failure{status: http.StatusBadRequest, code: codeRefundTooLarge,
			reason: "At most " + amountText(left, decimals) + " can be refunded"}
	}
	if !rest.IsZero() && rest.Cmp(least) < 0 {
		return kept, badRequest([]fault{{"refundAmount", "must leave nothing or at least " + amountText(least, decimals)}})
	}
	if r.Final != nil && *r.Final != rest {
		return kept, amountMismatch("Order amount", rest, *r.Final, decimals)
	}
	shipping, err := r.delivery(v, rest)
	if err != nil {
		return kept, err
	}
	if shipping != v.remains.shipping || r.Shipping != nil {
		kept.Shipping = &shipping
	}
	kept.Cart, err = r.leave(v, rest, shipping)
	return kept, err
}

// delivery returns how much of what is left of the money is for the delivery. Where a request says what happens to the cart
// and nothing of the delivery, that is as much as before, or all that is left.
func (r *refundRequest) delivery(v *orderView, rest money.Amount) (money.Amount, error) {
	paid := v.remains.shipping
	switch {
	case r.Shipping == nil && r.saysCart() && rest.Cmp(paid) < 0:
		return rest, nil
	case r.Shipping == nil:
		return paid, nil
	case r.Shipping.Cmp(paid) > 0:
		return paid, badRequest([]fault{{r.shippingField() + ".amount", "is more than was paid for the delivery"}})
	case r.Shipping.Cmp(rest) > 0:
		return paid, badRequest([]fault{{r.shippingField() + ".amount", "is more than is left of the order"}})
	}
	return *r.Shipping, nil
}

func (r *refundRequest) saysCart() bool { return r.Cart != nil || r.Target != nil || r.Taken != nil }

// leave returns the cart that is left when rest is left of the money and shipping of it is for the delivery; nil where
// the request says nothing of a cart.
func (r *refundRequest) leave(v *orderView, rest, shipping money.Amount) (*cart, error) {
	b := newBinder(nil)
	external := r.elsewhere(&v.remains.cart, b)
	if err := b.err(); err != nil || !r.saysCart() {
		return nil, err
	}
	if r.Taken != nil {
		return r.takeOut(v, minus(v.remains.shipping, shipping), external)
	}
	return r.keep(v, rest, shipping, external)
}

// keep is leave for a request that says what is left.
func (r *refundRequest) keep(v *orderView, rest, shipping money.Amount, external *money.Amount) (*cart, error) {
	now, currency, b := &v.remains.cart, v.Payment.Asked.Currency, newBinder(nil)
	if r.Cart != nil {
		external = r.Cart.External
	}
	worth, err := plus(rest, given(external)).Sub(shipping)
	if err != nil {
		return nil, cartMismatch(plus(rest, given(external)), shipping, money.Amount{}, decimalsOf(currency))
	}
	var left cart
	if r.Cart != nil {
		left, err = r.Cart.part(v, v.room(), b)
		left.within(now, b.in("cart"))
	} else {
		left, err = now.target(r.Target, weight{worth, now.Off, currency}, b)
	}
	if err == nil {
		err = b.err()
	}
	if err != nil {
		return nil, err
	}
	if r.Cart == nil {
		left.fit(worth, now.Off)
	}
	if sum := left.sum(); apart(minus(sum, left.Off), worth).Cmp(v.room()) > 0 {
		return nil, cartMismatch(worth, sum, left.Off, decimalsOf(currency))
	}
	left.External, left.Amount = external, minus(rest, shipping)
	return &left, nil
}

// takeOut is leave for a request that says what goes, and with it a part of the delivery.
func (r *refundRequest) takeOut(v *orderView, delivery money.Amount, external *money.Amount) (*cart, error) {
	now, currency, b := &v.remains.cart, v.Payment.Asked.Currency, newBinder(nil)
	goes := plus(r.Amount, given(r.External))
	worth, err := goes.Sub(delivery)
	if err != nil {
		return nil, cartMismatch(goes, delivery, money.Amount{}, decimalsOf(currency))
	}
	left, taken, err := now.without(r.Taken, weight{worth, now.Off, currency}, b)
	if err == nil {
		err = b.err()
	}
	if err != nil {
		return nil, err
	}
	saved := lesser(minus(taken, worth), now.Off) // the discounts' part of what goes
	all := len(left.Items) == 0 && r.Amount == v.left()
	if all {
		saved = now.Off
	}
	if !all && apart(taken, plus(worth, saved)).Cmp(v.room()) > 0 {
		return nil, cartMismatch(worth, taken, saved, decimalsOf(currency))
	}
	left.lessen(minus(now.Off, saved), now.Off)
	left.External, left.Amount = external, minus(now.Amount, minus(r.Amount, delivery))
	return &left, nil
}

// elsewhere is what stays paid elsewhere when the refund gives back a part of that too.
func (r *refundRequest) elsewhere(now *cart, b binder) *money.Amount {
	if r.External == nil || r.External.IsZero() {
		return now.External
	}
	if r.External.Cmp(given(now.External)) > 0 {
		b.fault("refundExternalAmount", "is more than was paid elsewhere")
	}
	external := minus(given(now.External), *r.External)
	return &external
}
