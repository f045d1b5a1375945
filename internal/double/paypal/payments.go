package paypal

import (
	"net/http"
	"slices"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// authorized finds the order with that authorization.
func (d *Double) authorized(id string) *order {
	i := slices.IndexFunc(d.orders, func(o *order) bool { return o.auth != nil && o.auth.id == id })
	if i < 0 {
		return nil
	}
	return d.orders[i]
}

// moved finds a capture or refund.
func (d *Double) moved(id, kind string) (*order, *move) {
	for _, o := range d.orders {
		for _, m := range o.moves {
			if m.id == id && m.kind == kind {
				return o, m
			}
		}
	}
	return nil, nil
}

// capture takes money that an authorization holds; a final one releases the rest.
func (d *Double) capture(c *call) answer {
	var r struct {
		Amount  *money `json:"amount"`
		Invoice string `json:"invoice_id"`
		Final   bool   `json:"final_capture"`
	}
	o := d.authorized(c.id)
	if o == nil {
		return missing()
	}
	if !c.read(&r) {
		return fail(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX")
	}
	amount := o.auth.amount
	if r.Amount != nil {
		amount = *r.Amount
	}
	issue := amount.wrong()
	switch {
	case issue != "":
	case amount.Currency != o.auth.amount.Currency:
		issue = "AUTH_CAPTURE_CURRENCY_MISMATCH"
	case o.auth.status == "VOIDED":
		issue = "AUTHORIZATION_VOIDED"
	case o.auth.status == "DENIED":
		issue = "AUTHORIZATION_DENIED"
	case o.auth.status != "CREATED":
		issue = "AUTHORIZATION_ALREADY_CAPTURED"
	case amount.cents() > o.auth.amount.cents()*115/100:
		issue = "MAX_CAPTURE_AMOUNT_EXCEEDED"
	case c.fault.Kind == frame.Decline:
		issue = c.fault.Code
	}
	if issue != "" {
		return refuse(issue)
	}
	m := &move{id: d.name(), key: c.key, kind: "capture", status: "COMPLETED", amount: amount, custom: o.custom, invoice: r.Invoice, code: "0000", created: c.now}
	if m.invoice == "" {
		m.invoice = o.invoice
	}
	o.moves = append(o.moves, m)
	o.auth.status = "CAPTURED"
	if amount.cents() < o.auth.amount.cents() && !r.Final {
		o.auth.status = "PARTIALLY_CAPTURED"
	}
	if c.fault.Kind == frame.Pending {
		m.status = "PENDING"
	} else {
		d.Book(c.key, frame.Taken, amount.Value, amount.Currency)
	}
	d.tell("PAYMENT.CAPTURE."+m.status, "capture", d.moveView(o, m))
	return ok(http.StatusCreated, d.less(d.moveView(o, m), c))
}

func (d *Double) void(c *call) answer {
	o := d.authorized(c.id)
	switch {
	case o == nil:
		return missing()
	case o.auth.status == "VOIDED":
		return refuse("PREVIOUSLY_VOIDED")
	case o.auth.status != "CREATED" && o.auth.status != "PENDING":
		return refuse("PREVIOUSLY_CAPTURED")
	}
	if o.auth.status == "CREATED" {
		d.Book(c.key, frame.Released, o.auth.amount.Value, o.auth.amount.Currency)
	}
	o.auth.status = "VOIDED"
	d.tell("PAYMENT.AUTHORIZATION.VOIDED", "authorization", d.authView(o))
	if !c.full {
		return answer{Status: http.StatusNoContent, Body: []byte(nil)}
	}
	return ok(http.StatusOK, d.authView(o))
}

func (d *Double) refund(c *call) answer {
	var r struct {
		Amount  *money `json:"amount"`
		Invoice string `json:"invoice_id"`
		Custom  string `json:"custom_id"`
	}
	o, of := d.moved(c.id, "capture")
	if o == nil {
		return missing()
	}
	if !c.read(&r) {
		return fail(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX")
	}
	left := of.amount.cents() - o.returned(of)
	amount := of.amount
	if r.Amount != nil {
		amount = *r.Amount
	}
	issue := amount.wrong()
	switch {
	case issue != "":
	case amount.Currency != of.amount.Currency:
		issue = "REFUND_CAPTURE_CURRENCY_MISMATCH"
	case of.status == "PENDING":
		issue = "PENDING_CAPTURE"
	case left == 0:
		issue = "CAPTURE_FULLY_REFUNDED"
	case amount.cents() > left:
		issue = "REFUND_AMOUNT_EXCEEDED"
	case c.fault.Kind == frame.Decline:
		issue = c.fault.Code
	}
	if issue != "" {
		return refuse(issue)
	}
	m := &move{id: d.name(), key: c.key, kind: "refund", status: "COMPLETED", amount: amount, custom: r.Custom, invoice: r.Invoice, of: of.id, created: c.now}
	o.moves = append(o.moves, m)
	if c.fault.Kind == frame.Pending {
		m.status = "PENDING"
	} else {
		d.Book(c.key, frame.Returned, amount.Value, amount.Currency)
	}
	of.status = "PARTIALLY_REFUNDED"
	if amount.cents() == left {
		of.status = "REFUNDED"
	}
	d.tell("PAYMENT.CAPTURE.REFUNDED", "refund", d.moveView(o, m))
	return ok(http.StatusCreated, d.less(d.moveView(o, m), c))
}

// returned is what was given back of a capture, or is on its way, in hundredths.
func (o *order) returned(of *move) (n int64) {
	for _, m := range o.moves {
		if m.of == of.id && m.status != "FAILED" && m.status != "CANCELLED" {
			n += m.amount.cents()
		}
	}
	return n
}

func (d *Double) getAuthorization(c *call) answer {
	o := d.authorized(c.id)
	if o == nil {
		return missing()
	}
	return ok(http.StatusOK, d.authView(o))
}

func (d *Double) getCapture(c *call) answer { return d.getMove(c, "capture") }
func (d *Double) getRefund(c *call) answer  { return d.getMove(c, "refund") }

func (d *Double) getMove(c *call, kind string) answer {
	o, m := d.moved(c.id, kind)
	if m == nil {
		return missing()
	}
	return ok(http.StatusOK, d.moveView(o, m))
}
