package paypal

import (
	"fmt"
	"net/http"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// twists make an answer one about something else, wherever in it that stands.
var twists = frame.Twists{
	frame.WrongAmount: walk(func(o object) {
		if _, is := o["value"].(string); is {
			o["value"] = "98.76"
		}
	}),
	frame.WrongCurrency: walk(func(o object) {
		if _, is := o["currency_code"].(string); is {
			o["currency_code"] = "CHF"
		}
	}),
	frame.WrongID: func(o object) { o["id"] = fmt.Sprint(o["id"]) + "X" },
	frame.NewStatus: walk(func(o object) {
		if _, is := o["status"].(string); is {
			o["status"] = "QUANTUM"
		}
	}),
	frame.WrongReference: walk(func(o object) {
		for _, name := range []string{"custom_id", "invoice_id"} {
			if _, is := o[name].(string); is {
				o[name] = "another"
			}
		}
	}),
}

// walk goes through an object and all that it holds.
func walk(swap func(object)) func(object) {
	var visit func(any)
	visit = func(v any) {
		switch v := v.(type) {
		case object:
			swap(v)
			for _, inner := range v {
				visit(inner)
			}
		case []any:
			for _, inner := range v {
				visit(inner)
			}
		}
	}
	return func(o object) { visit(o) }
}

var spoilt = frame.Spoilt{
	ServerError: fail(http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", ""),
	ErrorInside: answer{Status: http.StatusOK, Body: object{"name": "INTERNAL_SERVER_ERROR", "message": "late trouble", "debug_id": "f1000000000000"}},
}

// Finish ends what was begun under the key and waits for its payer, or is on its way. An order whose payer approves a card is approved, and the
// merchant has to take the money; all else ends by itself. It reports false where there is no such thing.
func (d *Double) Finish(key string, approve bool) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, o := range d.orders {
		if o.key == key && o.status == "PAYER_ACTION_REQUIRED" {
			d.decide(o, approve)
			return true
		}
		if o.auth != nil && o.auth.key == key && o.auth.status == "PENDING" {
			o.auth.status = "DENIED"
			if approve {
				o.auth.status = "CREATED"
				d.Book(key, frame.Held, o.auth.amount.Value, o.auth.amount.Currency)
			}
			d.tell("PAYMENT.AUTHORIZATION."+o.auth.status, "authorization", d.authView(o))
			return true
		}
		for _, m := range o.moves {
			if m.key == key && m.status == "PENDING" {
				d.end(o, m, approve)
				return true
			}
		}
	}
	return false
}

// decide is what the payer says.
func (d *Double) decide(o *order, approve bool) {
	switch {
	case o.source.kind == "blik" && approve:
		d.complete(o, &call{now: d.c.Now()}, o.key)
	case o.source.kind == "blik":
		o.status = "VOIDED"
		d.tell("CHECKOUT.PAYMENT-APPROVAL.REVERSED", "checkout-order", object{"order_id": o.id, "purchase_units": []object{{"custom_id": o.custom, "invoice_id": o.invoice}}, "payment_source": o.view()})
	case approve:
		o.status, o.shift, o.pares, o.enrolled = "APPROVED", "POSSIBLE", "Y", "Y"
		d.tell("CHECKOUT.ORDER.APPROVED", "checkout-order", d.orderView(o))
	default:
		o.status, o.shift, o.pares, o.enrolled = "CREATED", "NO", "N", "Y"
	}
}

// end settles what was pending.
func (d *Double) end(o *order, m *move, approve bool) {
	if m.kind == "refund" {
		m.status = "FAILED"
		if approve {
			m.status = "COMPLETED"
			d.Book(m.key, frame.Returned, m.amount.Value, m.amount.Currency)
			d.tell("PAYMENT.CAPTURE.REFUNDED", "refund", d.moveView(o, m))
		} else {
			d.tell("PAYMENT.REFUND.FAILED", "refund", d.moveView(o, m))
		}
		return
	}
	m.status, m.code = "DECLINED", "9500"
	if approve {
		m.status, m.code = "COMPLETED", "0000"
		d.Book(m.key, frame.Taken, m.amount.Value, m.amount.Currency)
	}
	d.tell("PAYMENT.CAPTURE."+m.status, "capture", d.moveView(o, m))
}

// Begun tells the id of the order that was made under the key; empty for none.
func (d *Double) Begun(key string) string {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, o := range d.orders {
		if o.key == key {
			return o.id
		}
	}
	return ""
}
