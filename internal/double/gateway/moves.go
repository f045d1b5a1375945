package gateway

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/sluicepay/sluice/internal/double/frame"
)

var patchFields = []string{
	"customerIp", "ipCountryCode", "customerUserAgent", "browserWindowWidth", "browserWindowHeight", "browserScreenWidth", "browserScreenHeight",
	"browserScreenColorDepth", "browserLanguage", "browserJavaEnabled", "browserTimezoneOffset",
}

func (d *Double) execute(c *call) (*entry, *refusal) {
	e, no := d.found(c)
	if no != nil {
		return nil, no
	}
	for name := range c.body {
		if !slices.Contains(patchFields, name) {
			return nil, invalid(name)
		}
	}
	switch {
	case text(c.body, "customerIp") == "":
		return nil, invalid("customerIp")
	case e.kind != deposit || e.state != "CHECKOUT":
		return nil, wrong()
	case e.card == "" && e.method == "BASIC_CARD":
		return nil, invalid("card")
	}
	d.decide(c, e, frame.Taken)
	return e, nil
}

// decide ends what was asked for: approved, refused, or not yet.
func (d *Double) decide(c *call, e *entry, m frame.Movement) {
	if c.fault.Lag > 0 {
		e.hidden = c.now.Add(c.fault.Lag)
	}
	alone := c.op == OpExecute // the customer is there only then
	switch {
	case c.fault.Kind == frame.Decline:
		d.decline(e, c.fault.Code, "05")
	case c.fault.Kind == frame.Pending:
		e.state = "PENDING"
	case alone && (e.card == Challenged || e.card == Doubted):
		e.state, e.asksCustomer = "PENDING", true
	case e.card == Bad:
		d.decline(e, "4.00", "05")
	default:
		d.done(e, m)
	}
}

func (d *Double) decline(e *entry, code, raw string) {
	if of := d.payments[e.parent]; of != nil && e.kind == refund {
		of.returned.Sub(of.returned, rat(e.amount))
	}
	e.state, e.code, e.raw, e.asksCustomer = "DECLINED", code, raw, false
	d.tell(e)
}

// done moves the money.
func (d *Double) done(e *entry, m frame.Movement) {
	e.state, e.captured, e.asksCustomer = "COMPLETED", e.amount, false
	if e.hold && e.kind == deposit {
		e.state, e.captured, m = "AUTHORIZED", "", frame.Held
	}
	if e.begins {
		e.token = fmt.Sprintf("rt%030x", len(d.order)+7)
	}
	if e.amount != "" {
		d.Book(e.reference, m, e.amount, e.currency)
	}
	d.tell(e)
}

func (d *Double) capture(c *call) (*entry, *refusal) {
	e, no := d.found(c)
	if no != nil {
		return nil, no
	}
	amount, n, given := sum(c.body, "amount")
	switch {
	case e.state != "AUTHORIZED" || e.amount == "":
		return nil, wrong()
	case c.body["amount"] == nil:
		amount = e.amount
	case !given || n.Sign() == 0 || n.Cmp(rat(e.amount)) > 0:
		return nil, &refusal{http.StatusBadRequest, "1.08 Invalid Amount", "amount"}
	}
	if c.fault.Kind == frame.Decline { // it stays held, and says why
		e.code, e.raw = c.fault.Code, "05"
		return e, nil
	}
	e.state, e.captured, e.code, e.raw = "COMPLETED", amount, "", ""
	d.Book(c.key, frame.Taken, amount, e.currency)
	d.tell(e)
	return e, nil
}

func (d *Double) void(c *call) (*entry, *refusal) {
	e, no := d.found(c)
	switch {
	case no != nil:
		return nil, no
	case e.state != "AUTHORIZED":
		return nil, wrong()
	case c.fault.Kind == frame.Decline:
		e.code, e.raw = c.fault.Code, "05"
		return e, nil
	}
	e.state, e.code, e.raw = "CANCELLED", "", ""
	if e.amount != "" {
		d.Book(c.key, frame.Released, e.amount, e.currency)
	}
	d.tell(e)
	return e, nil
}

// Finish ends what has that reference and waits for its customer, on its page or at the bank, or is on its way. It reports false where there
// is no such thing.
func (d *Double) Finish(reference string, approve bool) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, id := range d.order {
		e := d.payments[id]
		if e.reference != reference || e.state != "PENDING" && (e.state != "CHECKOUT" || e.card != "") {
			continue
		}
		switch {
		case !approve && e.asksCustomer, approve && e.card == Doubted:
			d.decline(e, "5.00", "")
		case !approve:
			d.decline(e, "4.00", "05")
		default:
			d.done(e, map[string]frame.Movement{deposit: frame.Taken, refund: frame.Returned, withdrawal: frame.PaidOut}[e.kind])
		}
		return true
	}
	return false
}

// Expire ends a hold that nobody captured, or a deposit whose customer never came. It reports false where there is neither.
func (d *Double) Expire(reference string) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, id := range d.order {
		e := d.payments[id]
		if e.reference != reference || e.state != "CHECKOUT" && e.state != "AUTHORIZED" {
			continue
		}
		e.state, e.code = "CANCELLED", "1.04"
		d.tell(e)
		return true
	}
	return false
}

// shown is the answer that shows a payment.
func (d *Double) shown(c *call, e *entry) frame.Answer {
	return frame.Answer{Status: http.StatusOK, Body: frame.Object{"timestamp": stamp(c.now), "status": 200, "result": d.view(e)}}
}
