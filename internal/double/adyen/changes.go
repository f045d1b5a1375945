package adyen

import (
	"net/http"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// change is a capture, cancellation or refund. It is received, and carried out afterwards.
type change struct {
	ref, key  string
	op        string
	reference string
	amount    amount
	of        *paid
	done      bool
	hidden    time.Duration
}

func (d *Double) newChange(c *call) answer {
	p := d.payments[c.of]
	if p == nil {
		return fail(http.StatusUnprocessableEntity, "167", "validation", "Original pspReference required for this operation")
	}
	ch := &change{ref: d.name(), key: c.key, op: c.op, reference: c.in.Reference, of: p, hidden: c.fault.Lag}
	v := object{"merchantAccount": d.c.MerchantAccount, "paymentPspReference": p.ref, "pspReference": ch.ref, "reference": ch.reference, "status": "received"}
	if c.op == OpCancel {
		ch.amount = p.amount
	} else {
		if c.in.Amount == nil || c.in.Amount.Value < 1 || c.in.Amount.Currency != p.amount.Currency {
			return fail(http.StatusUnprocessableEntity, "137", "validation", "Invalid amount specified")
		}
		ch.amount, v["amount"] = *c.in.Amount, c.in.Amount.view()
	}
	d.changes[ch.ref] = ch
	if c.fault.Kind != frame.Pending {
		d.carryOut(ch, true)
	}
	return answer{Status: http.StatusCreated, Body: v}
}

// carryOut does what was received, as far as it can be done, and tells it.
func (d *Double) carryOut(ch *change, approve bool) {
	ch.done = true
	p := ch.of
	text := strconv.FormatInt(ch.amount.Value, 10)
	switch {
	case !approve:
		d.tellChange(ch, false, "Refused by the scheme")
		return
	case ch.op == OpCapture && p.state == "authorised" && p.manual && p.captured == 0 && ch.amount.Value <= p.amount.Value:
		p.captured = ch.amount.Value
		d.Book(ch.key, frame.Taken, text, ch.amount.Currency)
	case ch.op == OpCancel && p.state == "authorised" && p.manual && p.captured == 0:
		p.state = "cancelled"
		d.Book(ch.key, frame.Released, text, ch.amount.Currency)
	case ch.op == OpRefund && p.state == "authorised" && p.returned+ch.amount.Value <= p.captured:
		p.returned += ch.amount.Value
		d.Book(ch.key, frame.Returned, text, ch.amount.Currency)
	default:
		d.tellChange(ch, false, "Insufficient balance on payment")
		return
	}
	d.tellChange(ch, true, "")
}

// Finish ends what was begun under the key and waits for its customer, or is on its way. It reports false where there is no such thing.
func (d *Double) Finish(key string, approve bool) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, p := range d.payments {
		if p.key != key || p.state != "redirect" && p.state != "pending" {
			continue
		}
		switch {
		case approve:
			p.shown = p.state == "redirect"
		case p.state == "redirect":
			p.outcome = "11"
		case p.kind == "blik":
			p.outcome = "USER_DECLINED"
		default:
			p.outcome = "2"
		}
		d.decide(p)
		return true
	}
	for _, ch := range d.changes {
		if ch.key == key && !ch.done {
			d.carryOut(ch, approve)
			return true
		}
	}
	return false
}

// Begun reports that something was begun under the key.
func (d *Double) Begun(key string) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, p := range d.payments {
		if p.key == key {
			return true
		}
	}
	for _, ch := range d.changes {
		if ch.key == key {
			return true
		}
	}
	return false
}

// Fail takes back what was carried out under the key: a capture or a refund that the scheme refuses afterwards.
func (d *Double) Fail(key string) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, ch := range d.changes {
		if ch.key == key && ch.done {
			d.tell(object{
				"eventCode": map[string]string{OpCapture: "CAPTURE_FAILED", OpRefund: "REFUND_FAILED"}[ch.op], "pspReference": ch.ref, "originalReference": ch.of.ref,
				"merchantReference": ch.reference, "amount": ch.amount.view(), "success": "true", "reason": "Capture Failed", "paymentMethod": ch.of.brand,
			}, 0)
		}
	}
}
