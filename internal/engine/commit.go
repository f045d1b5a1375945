package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/kept"
	"github.com/sluicepay/sluice/internal/outbox"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// changes are what one transaction makes of a payment: the decision about it, for a refund the decision about its deposit,
// and what the command brought that has to stand with them. There is no other way for a payment to be written.
type changes struct {
	d      *payment.Decision
	parent *payment.Decision // about the deposit of a refund; nil where it stays as it is
	idem   Idempotency       // of the command; nothing is kept without a key
	order  *Order            // kept beside a payment that is born; nil for none
	said   *Instruction      // kept beside the refund or the attempt that the command opens; nil for none
}

// commit queues all of it: rows, what merchants are told, what humans are told, and what a repetition is answered by. The
// update of a payment names the version that was read: whoever read the same and comes second decides again on fresh data.
// A payment without a version is born. Each decision is signed, so that it can be found again after a lost acknowledgement.
// What the books will say of a decision is queued here, too: it follows from the same values.
func (e *Engine) commit(ctx context.Context, tx *store.Tx, c *changes) error {
	if err := c.moveParent(tx); err != nil {
		return err
	}
	token := e.c.IDs.Letters(payment.TokenLen)
	if err := c.d.Sign(token); err != nil {
		return err
	}
	t := outbox.About(tx, c.d, c.order, c.said)
	if c.parent != nil {
		if err := c.parent.Sign(token); err != nil {
			return err
		}
		t.Moves(&c.parent.Payment)
		c.d.Also = append(c.d.Also, alarmOfParent(c.parent)...)
	}
	events, err := e.outbox.Word(ctx, t)
	if err != nil {
		return err
	}
	c.keep(tx)
	write(tx, c.d)
	if deposit, moved := t.Moved(); moved {
		tx.Payments().Update(deposit)
	}
	e.outbox.Enqueue(tx, t, events)
	if alarms := alarmsOf(c.d); len(alarms) > 0 {
		e.bell.Write(tx, alarms...)
	}
	remember(tx, c.d.Payment.Shop, c.idem, c.d.Payment.ID)
	return nil
}

// keep queues what the dialect keeps beside the payment.
func (c *changes) keep(tx *store.Tx) {
	p := &c.d.Payment
	if c.order != nil {
		c.order.Payment = p.ID
		tx.Orders().Insert(p.Shop, c.order)
	}
	switch i := c.said; {
	case i == nil:
	case p.Type == payment.Refund && p.Version == 0:
		i.Payment, i.Refund = p.Parent, p.ID
		tx.Instructions().Insert(p.Shop, i)
	case c.d.Fresh != nil:
		i.Payment, i.Attempt = p.ID, c.d.Fresh.Seq
		tx.Instructions().Insert(p.Shop, i)
	}
}

// moveParent decides what the refund's decision means for its deposit. Where the deposit has no room for it, the decision's
// other outcome is taken.
func (c *changes) moveParent(tx *store.Tx) error {
	if c.parent != nil {
		return nil
	}
	parent, err := decideParent(tx, c.d)
	if refusal := new(payment.Refusal); errors.As(err, &refusal) && c.d.Otherwise != nil {
		also := c.d.Also
		*c.d = *c.d.Otherwise
		c.d.Also = append(c.d.Also, also...)
		parent, err = decideParent(tx, c.d)
	}
	c.parent = parent
	return err
}

// decideParent decides about the deposit of a refund; nil where nothing is to be decided.
func decideParent(tx *store.Tx, d *payment.Decision) (*payment.Decision, error) {
	if d.Parent == (payment.ParentMove{}) {
		return nil, nil //nolint:nilnil // the deposit stays as it is, and that is no error
	}
	parent, err := tx.Payments().Get(d.Payment.Shop, d.Payment.Parent)
	if err != nil {
		return nil, fmt.Errorf("parent of refund %s: %w", d.Payment.ID, err)
	}
	move, err := payment.Decide(parent, d.Parent, tx.Now())
	if err != nil {
		if now, stale := tx.Payments().Get(d.Payment.Shop, d.Payment.ID); stale == nil && now.Version != d.Payment.Version {
			tx.Again() // somebody else has told the deposit already
		}
		return nil, fmt.Errorf("parent of refund %s: %w", d.Payment.ID, err)
	}
	return &move, nil
}

// alarmOfParent is what a human is told about the deposit.
func alarmOfParent(parent *payment.Decision) []payment.Alarm {
	if parent.Alarm == "" {
		return nil
	}
	return []payment.Alarm{aboutPayment(&parent.Payment, parent.Alarm)}
}

// write queues the rows of a decision.
func write(tx *store.Tx, d *payment.Decision) {
	p := &d.Payment
	if p.Version == 0 {
		tx.Payments().Insert(p)
	} else {
		tx.Payments().Update(p)
	}
	for i := range d.Opened {
		tx.Operations().Insert(p, &d.Opened[i])
	}
	for i := range d.Ended {
		tx.Operations().Complete(p, &d.Ended[i])
	}
	for i := range d.Attempts {
		tx.Attempts().Update(p, &d.Attempts[i])
	}
	if d.Fresh != nil {
		tx.Attempts().Insert(p, d.Fresh)
	}
	if d.Chain != nil {
		tx.Chains().Insert(p.Shop, d.Chain)
	}
	kept.Settled(tx, d)
	if d.Screened {
		tx.Payments().KeepScreening(p)
	}
	if s := p.State(); p.Version != 0 && p.Reference != "" && (s == payment.Declined || s == payment.Cancelled) {
		tx.References().Release(p)
	}
}
