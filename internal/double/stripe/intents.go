package stripe

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// intent is a PaymentIntent with at most one charge.
type intent struct {
	id, key   string // key: of the request that made it
	status    string
	amount    int64
	received  int64
	currency  string
	manual    bool
	later     string
	customer  string
	method    *method
	returnURL string
	reason    string // why it was canceled
	failure   *answer
	charge    string
	chargedAt time.Time
	flow      string // how the holder was authenticated
	created   time.Time
	hidden    time.Time // until when a search does not find it
	metadata  object
	returned  int64 // given back, or on the way
}

func (d *Double) newIntent(c *call) answer {
	amount, err := strconv.ParseInt(c.form.Get("amount"), 10, 64)
	currency := c.form.Get("currency")
	switch {
	case err != nil || amount < 1:
		return param(fail(http.StatusBadRequest, "parameter_invalid_integer", "Invalid integer"), "amount")
	case len(currency) != 3 || strings.ToLower(currency) != currency:
		return param(fail(http.StatusBadRequest, "", "Invalid currency"), "currency")
	case !expressible(amount, currency):
		return param(fail(http.StatusBadRequest, "invalid_charge_amount", "Invalid amount for the currency"), "amount")
	case amount > 999_999_999_999:
		return param(fail(http.StatusBadRequest, "amount_too_large", "Amount is too large"), "amount")
	}
	in := &intent{
		key: c.key, status: "requires_payment_method", amount: amount, currency: currency, manual: c.form.Get("capture_method") == "manual",
		later: c.form.Get("setup_future_usage"), customer: c.form.Get("customer"), returnURL: c.form.Get("return_url"), created: c.now, metadata: metadata(c),
	}
	if in.customer != "" && d.customers[in.customer] == nil {
		return fail(http.StatusNotFound, "resource_missing", "No such customer")
	}
	if c.form.Get("confirm") == "true" {
		m, refusal := d.methodOf(c)
		if refusal != nil {
			return *refusal
		}
		in.method = m
	}
	in.id = d.name("pi")
	d.intents[in.id] = in
	if in.method == nil {
		return ok(d.view(in, c))
	}
	return d.confirm(in, c)
}

// expressible holds the published rules for currencies with three decimals, and for two without any that are written as if they had two.
func expressible(amount int64, currency string) bool {
	switch currency {
	case "bhd", "jod", "kwd", "omr", "tnd":
		return amount%10 == 0
	case "isk", "ugx":
		return amount%100 == 0
	}
	return true
}

// confirm pays, asks the customer, or refuses.
func (d *Double) confirm(in *intent, c *call) answer {
	what := in.method.outcome
	if c.fault.Kind == frame.Decline {
		what = outcome{decline: c.fault.Code}
	}
	if c.fault.Lag > 0 {
		in.hidden = c.now.Add(c.fault.Lag)
	}
	offSession := c.form.Get("off_session") == "true"
	switch {
	case c.fault.Kind == frame.Pending || in.method.kind == "blik":
		in.status = "processing"
		if in.method.kind == "blik" && c.fault.Kind != frame.Pending {
			in.status = "requires_action"
		}
	case what.auth && offSession && in.method.customer == "":
		return d.refuse(in, c, outcome{decline: "authentication_required", code: "authentication_required"})
	case what.auth && !offSession:
		in.status = "requires_action"
	case what.decline != "" || what.code != "":
		return d.refuse(in, c, what)
	default:
		d.pay(in, c.now)
		return ok(d.view(in, c))
	}
	d.tell("payment_intent."+in.status, d.view(in, nil))
	return ok(d.view(in, c))
}

// refuse leaves the intent as one that may be tried with something else, which callers see in the error.
func (d *Double) refuse(in *intent, c *call, what outcome) answer {
	code := what.code
	if code == "" {
		code = "card_declined"
	}
	in.status = "requires_payment_method"
	in.charge, in.chargedAt = d.name("ch"), c.now
	failure := cardFail(code, what.decline, "Your card was declined.")
	in.failure = &failure
	a := cardFail(code, what.decline, "Your card was declined.")
	inner := inside(a)
	inner["charge"], inner["payment_intent"] = in.charge, d.view(in, c)
	d.tell("payment_intent.payment_failed", d.view(in, nil))
	return a
}

// pay takes or holds the money.
func (d *Double) pay(in *intent, now time.Time) {
	in.charge, in.chargedAt, in.failure = d.name("ch"), now, nil
	in.method.spent = true
	if in.customer != "" && in.later != "" {
		in.method.customer = in.customer
	}
	if in.manual {
		in.status = "requires_capture"
		d.book(in.key, frame.Held, in.amount, in.currency)
		d.tell("payment_intent.amount_capturable_updated", d.view(in, nil))
		return
	}
	in.status, in.received = "succeeded", in.amount
	d.book(in.key, frame.Taken, in.amount, in.currency)
	d.tell("payment_intent.succeeded", d.view(in, nil))
}

func (d *Double) capture(c *call) answer {
	in := d.intents[c.id]
	if in == nil {
		return missing("payment_intent", c.id)
	}
	amount := in.amount
	if text := c.form.Get("amount_to_capture"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return param(fail(http.StatusBadRequest, "parameter_invalid_integer", "Invalid integer"), "amount_to_capture")
		}
		amount = n
	}
	switch {
	case in.status != "requires_capture":
		return d.unexpected(in, "This PaymentIntent could not be captured because it has a status of "+in.status)
	case amount > in.amount:
		return param(fail(http.StatusBadRequest, "amount_too_large", "The amount is more than can be captured"), "amount_to_capture")
	}
	maps.Copy(in.metadata, metadata(c))
	in.status, in.received = "succeeded", amount
	d.book(c.key, frame.Taken, amount, in.currency)
	d.tell("payment_intent.succeeded", d.view(in, nil))
	return ok(d.view(in, c))
}

func (d *Double) cancel(c *call) answer {
	in := d.intents[c.id]
	if in == nil {
		return missing("payment_intent", c.id)
	}
	switch in.status {
	case "requires_capture":
		d.book(c.key, frame.Released, in.amount, in.currency)
	case "requires_action", "requires_payment_method", "requires_confirmation":
	default:
		return d.unexpected(in, "You cannot cancel this PaymentIntent because it has a status of "+in.status)
	}
	in.status, in.reason = "canceled", c.form.Get("cancellation_reason")
	d.tell("payment_intent.canceled", d.view(in, nil))
	return ok(d.view(in, c))
}

func (d *Double) unexpected(in *intent, message string) answer {
	a := fail(http.StatusBadRequest, "payment_intent_unexpected_state", message)
	inner := inside(a)
	inner["payment_intent"] = d.view(in, nil)
	return a
}

func (d *Double) getIntent(c *call) answer {
	in := d.intents[c.id]
	if in == nil {
		return missing("payment_intent", c.id)
	}
	return ok(d.view(in, c))
}

func (d *Double) listIntents(c *call) answer {
	return d.list(c, "/v1/payment_intents", func(id string) (object, time.Time, bool) {
		in := d.intents[id]
		if in == nil {
			return nil, time.Time{}, false
		}
		return d.view(in, c), in.created, true
	})
}

// searchIntents knows one clause: metadata['name']:'value', which is compared without regard to case.
func (d *Double) searchIntents(c *call) answer {
	inner, found := strings.CutPrefix(c.form.Get("query"), "metadata['")
	name, value, both := strings.Cut(inner, "']:'")
	if !found || !both || !strings.HasSuffix(value, "'") {
		return fail(http.StatusBadRequest, "", "the query is not understood")
	}
	data := []object{}
	for _, id := range d.order {
		in := d.intents[id]
		if in == nil || c.now.Before(in.hidden) {
			continue
		}
		if text, is := in.metadata[name].(string); is && strings.EqualFold(text, strings.TrimSuffix(value, "'")) {
			data = append(data, d.view(in, c))
		}
	}
	return ok(object{"object": "search_result", "url": "/v1/payment_intents/search", "has_more": false, "next_page": nil, "data": data})
}

func param(a answer, name string) answer {
	inner := inside(a)
	inner["param"] = name
	return a
}

func missing(what, id string) answer {
	return param(fail(http.StatusNotFound, "resource_missing", "No such "+what+": '"+id+"'"), "intent")
}

// list pages through objects, newest first.
func (d *Double) list(c *call, url string, get func(id string) (object, time.Time, bool)) answer {
	limit := 10
	if n, err := strconv.Atoi(c.form.Get("limit")); err == nil && n >= 1 && n <= 100 {
		limit = n
	}
	begun, more, data := c.form.Get("starting_after") == "", false, []object{}
	for _, id := range slices.Backward(d.order) {
		if !begun {
			begun = id == c.form.Get("starting_after")
			continue
		}
		view, created, listed := get(id)
		if !listed || !within(c, created) {
			continue
		}
		if len(data) == limit {
			more = true
			break
		}
		data = append(data, view)
	}
	return ok(object{"object": "list", "url": url, "has_more": more, "data": data})
}

func within(c *call, created time.Time) bool {
	if from, err := strconv.ParseInt(c.form.Get("created[gte]"), 10, 64); err == nil && created.Unix() < from {
		return false
	}
	to, err := strconv.ParseInt(c.form.Get("created[lte]"), 10, 64)
	return err != nil || created.Unix() <= to
}
