package yandexpay

import (
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
)

// createOrder makes an order and answers with the link at which it is paid.
func (y *YandexPay) createOrder(c *call) error {
	doc, err := readObject(c)
	if err != nil {
		return err
	}
	o, err := bindOrder(doc, c.shop)
	if err != nil {
		return err
	}
	fingerprint, err := y.fingerprint("order", &o)
	if err != nil {
		return err
	}
	request, err := o.creation(c.shop, fingerprint)
	if err != nil {
		return err
	}
	o.hosted(&request)
	if len(request.Terms.Methods) == 0 {
		return badRequest([]fault{{"availablePaymentMethods", "must hold a method that the merchant offers"}})
	}
	p, err := y.open(c, request)
	if err != nil {
		return err
	}
	answer(c.w, func(o *object) { o.text("paymentUrl", y.engine.CheckoutURL(p.Shop, p.ID)) })
	return nil
}

// open makes a payment that waits for its customer, or finds the one that the same request has made before, while it
// can still be paid.
func (y *YandexPay) open(c *call, request engine.Create) (payment.Payment, error) {
	out, err := y.engine.Create(c.Context(), request)
	if err != nil {
		return payment.Payment{}, err
	}
	p := out.Payment
	if out.Replayed && (statusOf(&p) != statusPending || !p.Abandoned.IsZero()) {
		return p, errOrderExists
	}
	if out.Replayed {
		c.replayed()
	}
	return p, nil
}
