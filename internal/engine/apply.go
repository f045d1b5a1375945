package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// write queues everything that a decision about an existing payment changes. The
// update names the version that was read: whoever read the same and comes second
// decides again on fresh data.
func write(tx *store.Tx, d *payment.Decision) {
	p := &d.Payment
	tx.UpdatePayment(p)
	for i := range d.Opened {
		tx.InsertOperation(p, &d.Opened[i])
	}
	for i := range d.Ended {
		tx.CompleteOperation(p, &d.Ended[i])
	}
	for i := range d.Attempts {
		tx.UpdateAttempt(p, &d.Attempts[i])
	}
	if d.Fresh != nil {
		tx.InsertAttempt(p, d.Fresh)
	}
	if d.Chain != nil {
		tx.InsertChain(p.Shop, d.Chain)
	}
	if s := p.State(); p.Reference != "" && (s == payment.Declined || s == payment.Cancelled) {
		tx.FreeReference(p)
	}
}

// insert queues a payment that is born with everything that belongs to it.
func insert(tx *store.Tx, d *payment.Decision) {
	p := &d.Payment
	tx.InsertPayment(p)
	for i := range d.Opened {
		tx.InsertOperation(p, &d.Opened[i])
	}
	if d.Fresh != nil {
		tx.InsertAttempt(p, d.Fresh)
	}
}

// decide loads one payment, decides and writes, again from the start whenever
// another writer came first. A decision that changes nothing writes nothing.
func (e *Engine) decide(ctx context.Context, shop payment.ShopID, id payment.ID, c payment.Command) (payment.Decision, error) {
	return e.decideOn(ctx, new(doubts), payment.Payment{Shop: shop, ID: id}, c)
}

// decideOn is decide for a payment that this process has just committed: with a version
// it is taken as it is on the first run. Whoever changed it meanwhile wins at the guard,
// and the next run reads. u belongs to the command. A human is told of also in the same transaction.
func (e *Engine) decideOn(ctx context.Context, u *doubts, known payment.Payment, c payment.Command,
	also ...payment.Alarm) (payment.Decision, error) {
	var d payment.Decision
	var x exchange
	fresh := known.Version != 0
	err := e.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if mine, err := u.resolved(tx, &d, &x); mine || err != nil {
			return err
		}
		p := known
		if fresh {
			fresh = false
			tx.Expect(&p)
		} else if p, err = tx.Payment(known.Shop, known.ID); err != nil {
			return err
		}
		if d, err = payment.Decide(p, c, tx.Now()); err != nil {
			return err
		}
		if d.Also = slices.Clip(also); d.Idle() && len(also) == 0 {
			return nil
		}
		return e.writeAll(ctx, tx, &d)
	})
	if err != nil {
		u.ended(err, &d, &x)
		return payment.Decision{}, storeError(err)
	}
	e.told(ctx, &d)
	return d, nil
}

// writeAll queues a decision with what merchants are told and what it means for the
// deposit of a refund.
func (e *Engine) writeAll(ctx context.Context, tx *store.Tx, d *payment.Decision) error {
	parent, err := moveParent(tx, d)
	if refusal := new(payment.Refusal); errors.As(err, &refusal) && d.Otherwise != nil {
		also := d.Also
		*d = *d.Otherwise
		d.Also = append(d.Also, also...)
		parent, err = moveParent(tx, d)
	}
	if err != nil {
		return err
	}
	if err := d.Sign(e.IDs.Letters(payment.TokenLen)); err != nil {
		return err
	}
	t := Telling{tx: tx, d: d, parent: parent, moved: parent != nil}
	events, err := e.word(ctx, &t)
	if err != nil {
		return err
	}
	write(tx, d)
	if t.moved {
		tx.UpdatePayment(t.parent)
	}
	e.tell(tx, &t, events)
	return nil
}

// moveParent decides what the end of a refund means for its deposit, to be written in the same transaction. It returns
// the deposit as it becomes, or nil where it does not change. Its alarm is told about the deposit.
func moveParent(tx *store.Tx, d *payment.Decision) (*payment.Payment, error) {
	if d.Parent == (payment.ParentMove{}) {
		return nil, nil
	}
	parent, err := tx.Payment(d.Payment.Shop, d.Payment.Parent)
	if err != nil {
		return nil, fmt.Errorf("parent of refund %s: %w", d.Payment.ID, err)
	}
	move, err := payment.Decide(parent, d.Parent, tx.Now())
	if err != nil {
		if now, stale := tx.Payment(d.Payment.Shop, d.Payment.ID); stale == nil && now.Version != d.Payment.Version {
			tx.Again() // somebody else has told the deposit already
		}
		return nil, fmt.Errorf("parent of refund %s: %w", d.Payment.ID, err)
	}
	if move.Alarm != "" {
		d.Also = append(d.Also, aboutPayment(&move.Payment, move.Alarm))
	}
	return &move.Payment, nil
}

// told reports a committed decision to logs and metrics, and to a human where it raises alarms.
func (e *Engine) told(ctx context.Context, d *payment.Decision) {
	p := &d.Payment
	e.heard(ctx, d)
	if alarms := alarmsOf(d); len(alarms) > 0 {
		e.Bell.Tell(ctx, alarms...)
	}
	if len(d.Opened)+len(d.Ended) > 0 {
		e.Metrics.Payments.Inc(string(p.Type), string(p.State()))
	}
}

// storeError turns the store's errors into the engine's.
func storeError(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return payment.ErrNotFound
	case errors.Is(err, payment.ErrLost), errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrCommitUnknown):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return cardText(err)
}
