package yandexpay

import (
	"errors"
	"maps"
	"slices"

	"github.com/sluicepay/sluice/internal/payment"
)

// Names of what is shown as params of an operation.
const (
	paramReason  = "reason"
	paramMotive  = "motive"
	paramBranch  = "branch_id"
	paramManager = "manager_id"
)

// getOperation shows an operation by the merchant's own id of it, or by ours.
func (y *YandexPay) getOperation(c *call) error {
	v, op, err := y.findOperation(c)
	if errors.Is(err, payment.ErrNotFound) {
		err = errNoOperation
	}
	if err != nil {
		return err
	}
	answerOperation(c, &v.Payment, op)
	return nil
}

func (y *YandexPay) findOperation(c *call) (*orderView, *operation, error) {
	if !isName(c.id) {
		return nil, nil, payment.ErrNotFound
	}
	by, err := y.records.InstructionNamed(c.Context(), c.shop.ID, c.id)
	if err == nil {
		return y.operationIn(c, by.Payment, func(o *operation) bool { return o.name() == c.id })
	}
	if !errors.Is(err, payment.ErrNotFound) {
		return nil, nil, err
	}
	bare, ok := paymentID(c.id)
	if !ok {
		return nil, nil, payment.ErrNotFound
	}
	return y.operationByID(c, bare)
}

// operationByID looks for a refund of that id, then among the operations of the payments near it.
func (y *YandexPay) operationByID(c *call, bare payment.ID) (*orderView, *operation, error) {
	is := func(o *operation) bool { return o.ID == shownID(string(bare)) }
	p, err := y.engine.Get(c.Context(), c.shop.ID, bare)
	if err == nil && p.Type == payment.Refund {
		return y.operationIn(c, p.Parent, is)
	}
	if err != nil && !errors.Is(err, payment.ErrNotFound) {
		return nil, nil, err
	}
	from, to := paymentsNear(string(bare))
	near, err := y.records.PaymentsBetween(c.Context(), c.shop.ID, from, to)
	if err != nil {
		return nil, nil, err
	}
	for _, pid := range near {
		v, op, err := y.operationIn(c, pid, is)
		if !errors.Is(err, payment.ErrNotFound) {
			return v, op, err
		}
	}
	return nil, nil, payment.ErrNotFound
}

// operationIn returns the operation of a deposit that is meant, or payment.ErrNotFound.
func (y *YandexPay) operationIn(c *call, pid payment.ID, is func(*operation) bool) (*orderView, *operation, error) {
	v, err := y.view(c, pid)
	if err != nil {
		return nil, nil, err
	}
	for i := range v.operations {
		if is(&v.operations[i]) {
			return v, &v.operations[i], nil
		}
	}
	return nil, nil, payment.ErrNotFound
}

// write shows an operation on the deposit p.
func (o *operation) write(w *object, p *payment.Payment) {
	w.text("operationId", o.ID)
	w.text("operationType", string(o.Type))
	w.text("orderId", orderID(p))
	w.amount("amount", o.Amount, decimalsOf(p.Asked.Currency))
	w.null("pointsAmount")
	w.text("status", string(o.Status))
	w.text("externalOperationId", o.name())
	w.child("params", func(w *object) {
		d, err := detailOf(o.Said)
		if err != nil {
			return // viewOf has read it before
		}
		for _, name := range slices.Sorted(maps.Keys(d.Params)) {
			w.text(name, d.Params[name])
		}
	})
	w.text("reason", o.Reason)
	w.time("created", o.Created)
	w.time("updated", o.Updated)
}
