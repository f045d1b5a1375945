package payu

import (
	"net/http"
	"strconv"

	"github.com/sluicepay/sluice/internal/double/frame"
)

const finalized = "FINALIZED"

type refund struct {
	id, ext string
	of      *order
	amount  int64
	state   string
}

// refund gives a part back. Exactly the same again returns what was made.
func (d *Double) refund(c *call) frame.Answer {
	o, in := d.named(c), inner(c.in, "refund")
	if o == nil {
		return notFound()
	}
	amount, err := strconv.ParseInt(text(in, "amount"), 10, 64)
	if err != nil || amount < 1 || text(in, "description") == "" || text(in, "extRefundId") == "" || text(in, "currencyCode") != o.currency {
		return fail(http.StatusBadRequest, "ERROR_VALUE_INVALID", "One or more required values are incorrect")
	}
	for _, r := range d.refunds {
		if r.of == o && r.ext == text(in, "extRefundId") {
			if r.amount != amount {
				return fail(http.StatusBadRequest, "ERROR_VALUE_INVALID", "The refund exists with other data")
			}
			return r.made()
		}
	}
	switch {
	case c.fault.Kind == frame.Decline:
		return fail(http.StatusBadRequest, c.fault.Code, "refused")
	case o.state != completed:
		return fail(http.StatusBadRequest, "OPENPAYU_REFUND_STATUS_ERROR", "The order is not completed")
	case amount+o.given > number(o.amount):
		return fail(http.StatusBadRequest, "ERROR_VALUE_INVALID", "Refund amount exceeds the order")
	}
	d.seq++
	r := &refund{id: strconv.Itoa(5000000000 + d.seq), ext: text(in, "extRefundId"), of: o, amount: amount, state: pending}
	o.given += amount
	d.refunds = append(d.refunds, r)
	a := r.made()
	if c.fault.Kind != frame.Pending {
		d.done(r, true)
	}
	return a
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

func (r *refund) view() object {
	return object{
		"refundId": r.id, "extRefundId": r.ext, "amount": strconv.FormatInt(r.amount, 10), "currencyCode": r.of.currency, "description": "x", "status": r.state,
		"creationDateTime": "2026-11-30T12:00:00.000+01:00", "statusDatetime": "2026-11-30T12:00:01.000+01:00",
	}
}

func (r *refund) made() frame.Answer {
	return frame.Answer{Status: http.StatusOK, Body: object{
		"orderId": r.of.id, "refund": r.view(), "status": object{"statusCode": "SUCCESS", "statusDesc": "Refund queued for processing"},
	}}
}

func (d *Double) done(r *refund, approve bool) {
	if !approve {
		r.state = canceled
		r.of.given -= r.amount
		return
	}
	r.state = finalized
	d.Book(r.ext, frame.Returned, strconv.FormatInt(r.amount, 10), r.of.currency)
}

func (d *Double) refundsOf(c *call) frame.Answer {
	o := d.named(c)
	if o == nil {
		return notFound()
	}
	list := []object{}
	for _, r := range d.refunds {
		if r.of == o {
			list = append(list, r.view())
		}
	}
	if d.c.Lists {
		return frame.Answer{Status: http.StatusOK, Body: list}
	}
	return frame.Answer{Status: http.StatusOK, Body: object{"refunds": list}}
}

func (d *Double) refundOf(c *call) frame.Answer {
	for _, r := range d.refunds {
		if r.of.id == c.id && r.id == c.of {
			return frame.Answer{Status: http.StatusOK, Body: r.view()}
		}
	}
	return fail(http.StatusNotFound, "DATA_NOT_FOUND", "no refund "+c.of)
}
