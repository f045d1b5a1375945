package outbox

import (
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// EventContext is a fact that merchants are told, with what belongs to it. It lives as long as the transaction body.
type EventContext struct {
	tx     *store.Tx
	d      *payment.Decision
	parent *payment.Payment   // as it becomes; nil where there is none or it was not looked up
	moved  bool               // the parent changes
	order  *store.Order       // of a payment that is just born; nil where it has to be looked up
	said   *store.Instruction // likewise
	shop   *shop.Shop
	event  payment.Event

	trouble error          // of the database, met while something was looked up
	untold  []store.Untold // facts of this transaction that could not be worded
}

// About is what is told of a decision. order and said are what the command keeps beside the payment, the refund or the attempt;
// nil where it keeps nothing, and they are looked up when a dialect asks for them.
func About(tx *store.Tx, d *payment.Decision, order *store.Order, said *store.Instruction) *EventContext {
	return &EventContext{tx: tx, d: d, order: order, said: said}
}

// Moves gives the deposit of the refund, which the transaction changes, too.
func (t *EventContext) Moves(deposit *payment.Payment) { t.parent, t.moved = deposit, true }

// Moved returns the deposit of the refund if it has to be written: because the transaction changes it, or because something was
// told in its order.
func (t *EventContext) Moved() (deposit *payment.Payment, moved bool) { return t.parent, t.moved }

// note takes note of an error of the database: such a fact can be worded, but not in this run of the transaction.
func (t *EventContext) note(err error) error {
	if store.Away(err) {
		t.trouble = err
	}
	return err
}

// Shop is the payment's; shared, not to be changed.
func (t *EventContext) Shop() *shop.Shop { return t.shop }

// Payment is as the fact leaves it.
func (t *EventContext) Payment() *payment.Payment { return &t.d.Payment }

// Event is the fact.
func (t *EventContext) Event() payment.Event { return t.event }

// Deposit is the deposit of a refund as the fact leaves it, and otherwise the payment itself.
func (t *EventContext) Deposit() (*payment.Payment, error) {
	p := &t.d.Payment
	if p.Type != payment.Refund {
		return p, nil
	}
	if t.parent == nil {
		found, err := t.tx.Payments().Get(p.Shop, p.Parent)
		if err != nil {
			return nil, fmt.Errorf("parent of refund %s: %w", p.ID, t.note(err))
		}
		t.parent = &found
		t.alike()
	}
	return t.parent, nil
}

// alike gives the fact an instant that is later than all that was recorded of the refund and of its deposit: it may be told
// in order with what either was told before, by nodes whose clocks differ.
func (t *EventContext) alike() {
	t.event.At = t.parent.Mark(t.event.At)
	t.d.Payment.Changed = t.event.At
}

// Order is what is kept beside the Deposit, or nil.
func (t *EventContext) Order() (*store.Order, error) {
	if t.order != nil {
		return t.order, nil
	}
	p := &t.d.Payment
	of := p.ID
	if p.Type == payment.Refund {
		of = p.Parent
	}
	o, err := found(t.tx.Orders().OfPayment(p.Shop, of))
	return o, t.note(err)
}

// Instruction is what the merchant said with the refund, or with the capture or void that was settled, or nil.
func (t *EventContext) Instruction() (*store.Instruction, error) {
	if t.said != nil {
		return t.said, nil
	}
	p := &t.d.Payment
	if p.Type == payment.Refund {
		said, err := found(t.tx.Instructions().Get(p.Shop, p.Parent, 0, p.ID))
		return said, t.note(err)
	}
	said, err := found(t.tx.Instructions().Get(p.Shop, p.ID, t.event.Attempt, ""))
	return said, t.note(err)
}

// found turns a row that is not there into nil.
func found[T any](row T, err error) (*T, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	if err != nil {
		return nil, err
	}
	return &row, nil
}
