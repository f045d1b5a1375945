package yandexpay

import (
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// operation is what was done with an order.
type operation struct {
	id, kind, external string
	of                 *order
	amount             *big.Rat
	status, reason     string
	at                 time.Time
	hidden             time.Time
}

func identifier(n int) string { return fmt.Sprintf("c3073b9d-edd0-49f2-a28d-%012d", n) }

func (d *Double) operate(o *order, kind, external string, amount *big.Rat) *operation {
	op := &operation{id: identifier(1000 + len(d.operations)), kind: kind, external: external, of: o, amount: new(big.Rat).Set(amount), status: "PENDING", at: d.c.Now()}
	d.operations = append(d.operations, op)
	return op
}

func (d *Double) named(external string) *operation {
	for _, op := range d.operations {
		if external != "" && op.external == external {
			return op
		}
	}
	return nil
}

func (d *Double) end(op *operation, done bool) {
	if op.status = "FAIL"; done {
		op.status = "SUCCESS"
	}
	if op.external != "" {
		d.tellOperation(op)
	}
}

// again is the operation that a request with that id has begun before; a second one with an id that stands for something else, or is done, is
// refused.
func (d *Double) again(external, kind string, o *order, amount *big.Rat) (*operation, *failure) {
	was := d.named(external)
	switch {
	case was == nil:
		return nil, nil
	case was.status == "SUCCESS" || was.kind != kind || was.of != o || was.amount.Cmp(amount) != 0:
		return nil, &failure{http.StatusConflict, "DUPLICATE_EXTERNAL_OPERATION_ID", "the id was used"}
	}
	return was, nil
}

// begin makes an operation of that kind and carries it out, if nothing speaks against it.
func (d *Double) begin(c *call, kind string, o *order, amount *big.Rat, may bool) (frame.Object, *failure) {
	external := text(c.body, "externalOperationId")
	was, no := d.again(external, kind, o, amount)
	switch {
	case no != nil:
		return nil, no
	case was != nil:
		return frame.Object{"operation": d.operationView(was)}, nil
	case !may:
		return nil, &failure{http.StatusBadRequest, "INVALID_PAYMENT_STATUS", "the order is " + o.status}
	case d.busy(o):
		return nil, &failure{http.StatusConflict, "ANOTHER_OPERATION_IN_PROGRESS", "another operation is in progress"}
	}
	op := d.operate(o, kind, external, amount)
	if c.fault.Lag > 0 {
		op.hidden = c.now.Add(c.fault.Lag)
	}
	if c.fault.Kind != frame.Pending {
		d.carryOut(op, c.fault.Kind != frame.Decline)
	}
	return frame.Object{"operation": d.operationView(op)}, nil
}

func (d *Double) busy(o *order) bool {
	for _, op := range d.operations {
		if op.of == o && op.status == "PENDING" {
			return true
		}
	}
	return false
}

// carryOut moves the money of an operation.
func (d *Double) carryOut(op *operation, done bool) {
	o := op.of
	if !done {
		op.reason = "in words"
		d.end(op, false)
		return
	}
	switch op.kind {
	case "CAPTURE":
		o.status, o.amount = "CAPTURED", op.amount
		d.Book(op.external, frame.Taken, plain(op.amount), o.currency)
	case "VOID":
		o.status = "VOIDED"
		d.Book(op.external, frame.Released, plain(op.amount), o.currency)
	case "RECURRING":
		o.status = "CAPTURED"
		d.Book(o.id, frame.Taken, plain(op.amount), o.currency)
	default:
		o.returned.Add(o.returned, op.amount)
		if o.status = "PARTIALLY_REFUNDED"; o.returned.Cmp(o.amount) == 0 {
			o.status = "REFUNDED"
		}
		d.Book(op.external, frame.Returned, plain(op.amount), o.currency)
	}
	d.end(op, true)
	d.tellOrder(o)
}

func (d *Double) capture(c *call) (frame.Object, *failure) {
	o, no := d.found(c)
	if no != nil {
		return nil, no
	}
	amount := o.amount
	if c.body["orderAmount"] != nil || c.body["cart"] != nil {
		final, no := total(c.body["cart"])
		said, ok := amountOf(c.body["orderAmount"])
		switch {
		case no != nil:
			return nil, no
		case c.body["orderAmount"] != nil && (!ok || said.Cmp(final) != 0):
			return nil, &failure{http.StatusBadRequest, "ORDER_AMOUNT_MISMATCH", "orderAmount is not the cart's"}
		case o.status == "AUTHORIZED" && final.Cmp(o.amount) > 0:
			return nil, &failure{http.StatusBadRequest, "CAPTURE_AMOUNT_TOO_LARGE", "more than is held"}
		}
		amount = final
	}
	return d.begin(c, "CAPTURE", o, amount, o.status == "AUTHORIZED")
}

func (d *Double) cancel(c *call) (frame.Object, *failure) {
	o, no := d.found(c)
	if no != nil {
		return nil, no
	}
	if text(c.body, "reason") == "" {
		return nil, bad("reason")
	}
	return d.begin(c, "VOID", o, o.amount, o.status == "AUTHORIZED")
}

func (d *Double) refund(c *call) (frame.Object, *failure) {
	o, no := d.found(c)
	if no != nil {
		return nil, no
	}
	amount, ok := amountOf(c.body["refundAmount"])
	if !ok || amount.Sign() == 0 {
		return nil, bad("refundAmount")
	}
	left := new(big.Rat).Sub(o.amount, o.returned)
	one, rest := big.NewRat(1, 1), new(big.Rat).Sub(left, amount)
	fresh := d.named(text(c.body, "externalOperationId")) == nil
	switch {
	case fresh && rest.Sign() < 0:
		return nil, &failure{http.StatusBadRequest, "REFUND_AMOUNT_TOO_LARGE", "more than is left"}
	case fresh && o.currency == "RUB" && (amount.Cmp(one) < 0 || rest.Sign() > 0 && rest.Cmp(one) < 0):
		return nil, bad("refundAmount")
	}
	return d.begin(c, "REFUND", o, amount, o.status == "CAPTURED" || o.status == "PARTIALLY_REFUNDED")
}

func (d *Double) readOperation(c *call) (frame.Object, *failure) {
	op := d.named(c.id)
	if op == nil || c.now.Before(op.hidden) {
		return nil, &failure{http.StatusNotFound, "OPERATION_NOT_FOUND", "no such operation"}
	}
	return frame.Object{"operation": d.operationView(op)}, nil
}
