package yandexpay

import (
	"github.com/sluicepay/sluice/internal/engine"
)

// cancel gives the held money of an order back.
func (y *YandexPay) cancel(c *call) error {
	v, doc, err := y.asked(c)
	if err != nil {
		return err
	}
	b := newBinder(doc)
	reason, name := b.needed("reason"), b.text("externalOperationId", maxText)
	if err := b.err(); err != nil {
		return err
	}
	k := y.newCommand(c, v, name, []string{"cancel", reason})
	return y.settle(c, v, &k, work{
		ready:  func() error { return k.say(&detail{Params: map[string]string{paramReason: reason}}) },
		refuse: func(v *orderView) error { return v.refuse("cancelled", statusAuthorized) },
		do: func() (bool, error) {
			out, err := y.engine.Void(c.Context(), k.target(c, v))
			return out.Replayed, err
		},
	})
}

// rollback undoes an order whatever its state. A body is not read.
func (y *YandexPay) rollback(c *call) error {
	v, err := y.find(c, c.id)
	if err != nil {
		return err
	}
	k := y.newCommand(c, v, "", nil)
	if _, err := y.engine.Abandon(c.Context(), engine.Target{Shop: c.shop, ID: v.Payment.ID, Wait: k.wait}); err != nil {
		return err
	}
	answer(c.w, func(*object) {})
	return nil
}

// submit would begin a payment on delivery. No order here is ever CONFIRMED.
func (y *YandexPay) submit(c *call) error {
	v, err := y.find(c, c.id)
	if err != nil {
		return err
	}
	return wrongStatus("submitted", statusOf(&v.Payment))
}
