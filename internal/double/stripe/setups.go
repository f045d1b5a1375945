package stripe

import (
	"net/http"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// setup is a SetupIntent: a card that is checked, and kept where there is a customer.
type setup struct {
	id, key, status, usage, customer, returnURL, reason string
	method                                              *method
	failure                                             *answer
	created                                             time.Time
	metadata                                            object
}

func (d *Double) newSetup(c *call) answer {
	in := &setup{
		key: c.key, status: "requires_payment_method", usage: "off_session", customer: c.form.Get("customer"), returnURL: c.form.Get("return_url"),
		created: c.now, metadata: metadata(c),
	}
	if usage := c.form.Get("usage"); usage != "" {
		in.usage = usage
	}
	if c.form.Get("confirm") == "true" {
		m, refusal := d.methodOf(c)
		if refusal != nil {
			return *refusal
		}
		in.method = m
	}
	in.id = d.name("seti")
	d.setups[in.id] = in
	if in.method == nil {
		return ok(d.setupView(in))
	}
	what := in.method.outcome
	if c.fault.Kind == frame.Decline {
		what = outcome{decline: c.fault.Code}
	}
	switch {
	case c.fault.Kind == frame.Pending:
		in.status = "processing"
	case what.auth:
		in.status = "requires_action"
	case what.decline != "" || what.code != "":
		return d.refuseSetup(in, what)
	default:
		d.keep(in)
	}
	return ok(d.setupView(in))
}

func (d *Double) keep(in *setup) {
	in.status, in.failure = "succeeded", nil
	in.method.spent = true
	if in.customer != "" {
		in.method.customer = in.customer
	}
	d.tell("setup_intent.succeeded", d.setupView(in))
}

func (d *Double) refuseSetup(in *setup, what outcome) answer {
	code := what.code
	if code == "" {
		code = "card_declined"
	}
	in.status = "requires_payment_method"
	failure := cardFail(code, what.decline, "Your card was declined.")
	in.failure = &failure
	a := cardFail(code, what.decline, "Your card was declined.")
	inner := inside(a)
	inner["setup_intent"] = d.setupView(in)
	d.tell("setup_intent.setup_failed", d.setupView(in))
	return a
}

func (d *Double) cancelSetup(c *call) answer {
	in := d.setups[c.id]
	if in == nil {
		return missing("setup_intent", c.id)
	}
	switch in.status {
	case "requires_action", "requires_payment_method", "requires_confirmation":
	default:
		return fail(http.StatusBadRequest, "setup_intent_unexpected_state", "You cannot cancel this SetupIntent")
	}
	in.status, in.reason = "canceled", c.form.Get("cancellation_reason")
	d.tell("setup_intent.canceled", d.setupView(in))
	return ok(d.setupView(in))
}

func (d *Double) getSetup(c *call) answer {
	in := d.setups[c.id]
	if in == nil {
		return missing("setup_intent", c.id)
	}
	return ok(d.setupView(in))
}

func (d *Double) listSetups(c *call) answer {
	return d.list(c, "/v1/setup_intents", func(id string) (object, time.Time, bool) {
		in := d.setups[id]
		if in == nil {
			return nil, time.Time{}, false
		}
		return d.setupView(in), in.created, true
	})
}

func (d *Double) setupView(in *setup) object {
	v := object{
		"id": in.id, "object": "setup_intent", "created": in.created.Unix(), "livemode": false, "status": in.status, "usage": in.usage,
		"client_secret": in.id + "_secret_double", "customer": orNil(in.customer), "description": nil, "last_setup_error": nil, "metadata": in.metadata,
		"next_action": nil, "payment_method": nil, "payment_method_types": []string{"card"}, "cancellation_reason": orNil(in.reason), "latest_attempt": nil,
	}
	if in.method != nil && in.status != "requires_payment_method" {
		v["payment_method"] = in.method.id
	}
	if in.status == "requires_action" {
		v["next_action"] = d.next(in.id, in.method, in.returnURL)
	}
	if in.failure != nil {
		v["last_setup_error"] = inside(*in.failure)
	}
	return v
}

// refund is money on its way back.
type refund struct {
	id, key, status, reason string
	amount                  int64
	of                      *intent
	created                 time.Time
	metadata                object
}

func (d *Double) newRefund(c *call) answer {
	in := d.intents[c.form.Get("payment_intent")]
	if in == nil {
		return missing("payment_intent", c.form.Get("payment_intent"))
	}
	amount := in.received - in.returned
	if text := c.form.Get("amount"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return param(fail(http.StatusBadRequest, "parameter_invalid_integer", "Invalid integer"), "amount")
		}
		amount = n
	}
	switch {
	case in.status != "succeeded":
		return fail(http.StatusBadRequest, "", "This PaymentIntent does not have a successful charge to refund")
	case in.returned == in.received:
		return fail(http.StatusBadRequest, "charge_already_refunded", "The charge has already been refunded")
	case amount > in.received-in.returned:
		return param(fail(http.StatusBadRequest, "", "Refund amount is greater than unrefunded amount"), "amount")
	}
	r := &refund{id: d.name("re"), key: c.key, status: "succeeded", amount: amount, of: in, created: c.now, metadata: metadata(c)}
	d.refunds[r.id] = r
	in.returned += amount
	if c.fault.Kind == frame.Pending {
		r.status = "pending"
	} else {
		d.book(r.key, frame.Returned, amount, in.currency)
	}
	d.tell("refund.created", r.view())
	return ok(r.view())
}

func (d *Double) getRefund(c *call) answer {
	r := d.refunds[c.id]
	if r == nil {
		return missing("refund", c.id)
	}
	return ok(r.view())
}

func (d *Double) listRefunds(c *call) answer {
	of := c.form.Get("payment_intent")
	if of != "" && d.intents[of] == nil {
		return missing("payment_intent", of)
	}
	return d.list(c, "/v1/refunds", func(id string) (object, time.Time, bool) {
		r := d.refunds[id]
		if r == nil || of != "" && r.of.id != of {
			return nil, time.Time{}, false
		}
		return r.view(), r.created, true
	})
}

func (r *refund) view() object {
	v := object{
		"id": r.id, "object": "refund", "created": r.created.Unix(), "amount": r.amount, "currency": r.of.currency, "status": r.status, "metadata": r.metadata,
		"payment_intent": r.of.id, "charge": r.of.charge, "reason": nil, "balance_transaction": nil,
	}
	if r.reason != "" {
		v["failure_reason"] = r.reason
	}
	return v
}
