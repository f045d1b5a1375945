package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"testing"
)

// orderCommand is a capture, cancel or refund of an order.
type orderCommand struct {
	path    string
	kind    string // of the operation
	name    string // externalOperationId; one of the two is always there
	request string // X-Request-Id
	amount  string // of the operation; empty where it is not said
	body    object
	rival   bool // the same command is sent by another call at the same time
}

// command names a command in one of the ways that clients have.
func command(o *orderTold, verb, kind string, body object) orderCommand {
	c := orderCommand{path: ordersPath(o.id) + "/" + verb, kind: kind, body: body}
	if verb == "refund" && rand.N(2) == 0 {
		c.path = "/v2/orders/" + url.PathEscape(o.id) + "/refund"
	}
	name := fmt.Sprintf("%s %s %x", o.id, verb, rand.Uint32())
	switch rand.N(3) {
	case 0:
		c.name = name
	case 1:
		c.request = url.PathEscape(name)
	default:
		c.name, c.request = name, url.PathEscape(name)
	}
	if c.name != "" {
		c.body = with(body, "externalOperationId", c.name)
	}
	return c
}

func capture(o *orderTold, cents int) orderCommand {
	body := object{}
	if cents < o.cents || rand.N(2) == 0 {
		body["orderAmount"] = amountOf(cents)
	}
	c := command(o, "capture", "CAPTURE", body)
	c.amount = amountOf(cents)
	return c
}

func cancel(o *orderTold) orderCommand {
	return command(o, "cancel", "VOID", object{"reason": "out of stock"})
}

func refundOf(o *orderTold, amount string) orderCommand {
	c := command(o, "refund", "REFUND", object{"refundAmount": amount})
	c.amount = amount
	return c
}

// operate sends a command until it is answered and returns its operation; nil where it was refused, or is owed.
func (w *orderWitness) operate(t testing.TB, o *orderTold, c orderCommand) (op *payOperation) {
	w.ask(t, payAsk{shop: o.shop, call: payCall{method: "POST", path: c.path, id: c.request, body: c.body},
		answer: func(a *payAnswer, lost bool) { op = w.operated(t, o, &c, a, lost) }})
	if op != nil && rand.N(6) == 0 {
		w.again(t, o, c, op)
	}
	return op
}

// operated judges the answer to a command.
func (w *orderWitness) operated(t testing.TB, o *orderTold, c *orderCommand, a *payAnswer, lost bool) *payOperation {
	w.mu.Lock()
	parallel := o.parallel
	w.mu.Unlock()
	switch {
	case a.status == http.StatusOK:
		op := a.data.Operation
		if op.OperationType != c.kind || op.OrderID != o.id || op.ExternalOperationID != c.name || c.amount != "" && op.Amount != c.amount {
			w.complainf("command %+v on %s: operation %+v", *c, o.id, op)
		}
		w.remember(o, op)
		return &op
	case a.code == "DUPLICATE_EXTERNAL_OPERATION_ID" && c.request == "" && (lost || c.rival):
		w.duplicates.Add(1) // an earlier try has succeeded
		return w.named(t, o, c)
	case parallel && (a.code == "INVALID_PAYMENT_STATUS" || a.code == "REFUND_AMOUNT_TOO_LARGE"):
		w.refused.Add(1)
	default:
		w.complainf("command %+v on %s: %s", *c, o.id, a)
	}
	return nil
}

// named reads the operation that has succeeded under the command's name.
func (w *orderWitness) named(t testing.TB, o *orderTold, c *orderCommand) (op *payOperation) {
	q := payCall{method: "GET", path: "/v1/operations/" + url.PathEscape(c.name)}
	w.ask(t, payAsk{shop: o.shop, call: q, answer: func(a *payAnswer, _ bool) {
		found := a.data.Operation
		if a.status != http.StatusOK || found.Status != "SUCCESS" || found.OperationType != c.kind || found.OrderID != o.id {
			w.complainf("%s is said to be taken: %s", c.name, a)
			return
		}
		w.remember(o, found)
		op = &found
	}})
	return op
}

// again sends an answered command once more: the same one, or another one under its name. Neither does anything.
func (w *orderWitness) again(t testing.TB, o *orderTold, c orderCommand, op *payOperation) {
	taken := func(a *payAnswer) bool { return a.code == "DUPLICATE_EXTERNAL_OPERATION_ID" }
	same := func(a *payAnswer) bool {
		return a.status == http.StatusOK && a.data.Operation.OperationID == op.OperationID
	}
	fits := same
	switch {
	case c.name != "" && rand.N(2) == 0:
		c.body = with(with(with(c.body, "reason", "another"), "orderAmount", "7.00"), "refundAmount", "7.00")
		fits = taken
	case c.request == "" && op.Status == "SUCCESS":
		fits = taken
	case c.request == "" && op.Status == "PENDING":
		fits = func(a *payAnswer) bool { return same(a) || taken(a) }
	}
	w.ask(t, payAsk{shop: o.shop, call: payCall{method: "POST", path: c.path, id: c.request, body: c.body}, answer: func(a *payAnswer, _ bool) {
		if !fits(a) {
			w.complainf("command %+v on %s once more, after %+v: %s", c, o.id, *op, a)
		}
	}})
}

// end captures or gives back what is held, or does both at once.
func (w *orderWitness) end(t testing.TB, o *orderTold) {
	whole, part := capture(o, o.cents), capture(o, o.cents/2)
	do := func(c orderCommand) func() { return func() { w.operate(t, o, c) } }
	switch rand.N(8) {
	case 0, 1:
		w.operate(t, o, whole)
	case 2:
		w.operate(t, o, part)
	case 3:
		w.operate(t, o, cancel(o))
	case 4:
		w.atOnce(o, do(whole), do(cancel(o)))
	case 5: // a client that does not wait before it repeats
		whole.rival = true
		w.atOnce(o, do(whole), do(whole), do(whole))
	case 6:
		w.rollBack(t, o)
	case 7:
		w.atOnce(o, do(part), func() { w.rollBack(t, o) })
	}
}

// giveBack refunds parts of an order, one after the other or two at once, sometimes the rest, and sometimes rolls it
// back then. All parts together are less than the least order.
func (w *orderWitness) giveBack(t testing.TB, o *orderTold) {
	some := func() string { return amountOf(100 + rand.N(150)) }
	for range rand.N(4) {
		if rand.N(4) == 0 {
			two := []orderCommand{refundOf(o, some()), refundOf(o, some())}
			done := make([]*payOperation, len(two))
			w.atOnce(o, func() { done[0] = w.operate(t, o, two[0]) }, func() { done[1] = w.operate(t, o, two[1]) })
			if done[0] == nil || done[1] == nil {
				return
			}
			continue
		}
		op := w.operate(t, o, refundOf(o, some()))
		if op == nil {
			return
		}
	}
	switch rand.N(6) {
	case 0:
		w.giveRest(t, o)
	case 1:
		w.rollBack(t, o)
	case 2:
		w.atOnce(o, func() { w.operate(t, o, refundOf(o, some())) }, func() { w.rollBack(t, o) })
	}
}

// giveRest refunds what is left. That may be nothing, where a rollback under way at the same time has sent it back.
func (w *orderWitness) giveRest(t testing.TB, o *orderTold) {
	a, err := o.shop.orderOf(t.Context(), o.id)
	if err != nil || a.status != http.StatusOK {
		return
	}
	for i := range a.data.Operations {
		if !a.data.Operations[i].final() {
			return
		}
	}
	if left := a.data.Order.OrderAmount; number(json.Number(left)).Sign() > 0 {
		w.operate(t, o, refundOf(o, left))
	}
}
