package stripe

import (
	"fmt"
	"net/http"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// twists make an answer one about something else.
var twists = frame.Twists{
	frame.WrongAmount: each(func(o object) {
		for _, name := range []string{"amount", "amount_received", "amount_capturable"} {
			if n, is := o[name].(float64); is && n > 0 {
				o[name] = n + 1
			}
		}
	}),
	frame.WrongCurrency: each(func(o object) { o["currency"] = "chf" }),
	frame.WrongID:       each(func(o object) { o["id"] = fmt.Sprint(o["id"]) + "x" }),
	frame.NewStatus:     each(func(o object) { o["status"] = "quantum" }),
	frame.WrongReference: each(func(o object) {
		all, _ := o["metadata"].(object)
		for name := range all {
			all[name] = "another"
		}
	}),
}

// each has a twist go through a list, where the answer is one.
func each(swap func(object)) func(object) {
	return func(o object) {
		data, is := o["data"].([]any)
		if !is {
			swap(o)
		}
		for _, one := range data {
			if o, is := one.(object); is {
				swap(o)
			}
		}
	}
}

var spoilt = frame.Spoilt{
	ServerError: failOf("api_error", http.StatusInternalServerError, "", "Something went wrong on our end"),
	ErrorInside: answer{Status: http.StatusOK, Body: object{"error": object{"type": "api_error", "message": "late trouble"}}},
}

// Finish ends what was begun under the key and waits for its customer, or is on its way. It reports false where there is no such thing.
func (d *Double) Finish(key string, approve bool) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, in := range d.intents {
		if in.key == key && (in.status == "requires_action" || in.status == "processing") {
			d.finish(in, approve)
			return true
		}
	}
	for _, in := range d.setups {
		if in.key == key && (in.status == "requires_action" || in.status == "processing") {
			d.finishSetup(in, approve)
			return true
		}
	}
	for _, r := range d.refunds {
		if r.key == key && r.status == "pending" {
			r.status = "succeeded"
			if approve {
				d.book(r.key, frame.Returned, r.amount, r.of.currency)
			} else {
				r.status, r.reason = "failed", "declined"
				r.of.returned -= r.amount
			}
			d.tell("refund.updated", r.view())
			return true
		}
	}
	return false
}

func (d *Double) finish(in *intent, approve bool) {
	now := d.c.Now()
	c := &call{now: now}
	if in.method.kind == "card" && in.status == "requires_action" {
		in.flow = "challenge"
	}
	switch {
	case !approve && in.status == "processing":
		d.refuse(in, c, outcome{decline: "generic_decline"})
	case !approve:
		d.refuse(in, c, outcome{code: map[string]string{"blik": "payment_method_customer_decline", "card": "payment_intent_authentication_failure"}[in.method.kind]})
	case in.method.outcome.decline != "" || in.method.outcome.code != "":
		d.refuse(in, c, in.method.outcome)
	default:
		d.pay(in, now)
	}
}

func (d *Double) finishSetup(in *setup, approve bool) {
	switch {
	case !approve:
		d.refuseSetup(in, outcome{code: "setup_intent_authentication_failure"})
	case in.method.outcome.decline != "":
		d.refuseSetup(in, in.method.outcome)
	default:
		d.keep(in)
	}
}

// Begun tells the id of the intent that was made under the key; empty for none.
func (d *Double) Begun(key string) string {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for id, in := range d.intents {
		if in.key == key {
			return id
		}
	}
	return ""
}
