package przelewy24

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// The published states of a refund.
const (
	completed = 1
	pending   = 2
	awaiting  = 3 // Przelewy24's acceptance
	rejected  = 4
)

type refund struct {
	request, uuid string
	of            *transaction
	amount        int64
	about         string
	state         int
	tell          string
}

// refund gives parts of transactions back: all that are asked for, or none.
func (d *Double) refund(c *call) frame.Answer {
	request, is1 := c.text("requestId", 45)
	uuid, is2 := c.text("refundsUuid", 35)
	list, is3 := c.in["refunds"].([]any)
	if !is1 || !is2 || !is3 || len(list) == 0 {
		return fail(http.StatusBadRequest, 400, "Invalid input parameters")
	}
	for _, r := range d.refunds {
		if r.request == request || r.uuid == uuid {
			return fail(http.StatusBadRequest, 400, "Request already exists")
		}
	}
	var made []*refund
	var said []object
	refused := false
	for _, one := range list {
		item, _ := one.(object)
		r, why := d.readRefund(item)
		if r == nil {
			return fail(http.StatusBadRequest, 400, "Invalid input parameters")
		}
		r.request, r.uuid = request, uuid
		r.tell, _ = c.in["urlStatus"].(string)
		if c.fault.Kind == frame.Decline {
			why = c.fault.Code
		}
		refused = refused || why != ""
		made = append(made, r)
		told := object{"orderId": item["orderId"], "sessionId": item["sessionId"], "amount": r.amount, "description": r.about, "status": why == "", "message": "success"}
		if why != "" {
			told["message"] = why
		}
		said = append(said, told)
	}
	if refused {
		return frame.Answer{Status: http.StatusConflict, Body: object{"error": said, "code": 409}}
	}
	for _, r := range made {
		r.state = pending
		r.of.given += r.amount
		d.refunds = append(d.refunds, r)
		if c.fault.Kind != frame.Pending {
			d.done(r, true)
		}
	}
	return answer(http.StatusCreated, said)
}

// readRefund reads one item and says why it cannot be done; nil where it is of no form.
func (d *Double) readRefund(item object) (*refund, string) {
	number := func(name string) int64 {
		n, _ := item[name].(json.Number)
		v, _ := strconv.ParseInt(n.String(), 10, 64)
		return v
	}
	session, _ := item["sessionId"].(string)
	about, _ := item["description"].(string)
	r := &refund{amount: number("amount"), about: about}
	order := number("orderId")
	if r.amount < 1 || order == 0 || session == "" || len([]rune(about)) > 35 {
		return nil, ""
	}
	r.of = d.by(func(t *transaction) bool { return t.order == order && t.session == session })
	switch {
	case r.of == nil:
		return r, "Transaction not found"
	case r.of.state != paid:
		return r, "Transaction in wrong status - cannot refund"
	case r.of.given+r.amount > r.of.amount:
		return r, "The amount of refund exceeds available amount for the transaction"
	}
	return r, ""
}

// done ends a refund.
func (d *Double) done(r *refund, approve bool) {
	if r.state = completed; approve {
		d.Book(r.request, frame.Returned, strconv.FormatInt(r.amount, 10), r.of.currency)
	} else {
		r.state = rejected
		r.of.given -= r.amount
	}
	if r.of.given == r.of.amount && approve {
		r.of.state = returned
	}
	d.tellRefund(r)
}

func (d *Double) refundsOf(c *call) frame.Answer {
	order, err := strconv.ParseInt(c.id, 10, 64)
	if err != nil {
		return fail(http.StatusBadRequest, 400, "Invalid input data")
	}
	var of *transaction
	var list []object
	for _, r := range d.refunds {
		if r.of.order == order {
			of = r.of
			list = append(list, object{"batchId": 0, "requestId": r.request, "date": "2026-11-30 12:00:00", "login": "api", "description": r.about, "status": r.state, "amount": r.amount})
		}
	}
	if of == nil {
		return notFound()
	}
	return answer(http.StatusOK, object{"orderId": of.order, "sessionId": of.session, "amount": of.amount, "currency": of.currency, "refunds": list})
}
