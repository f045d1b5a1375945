package engine

import (
	"context"
	"errors"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// Target names the payment that a command is for, and the command's idempotency.
type Target struct {
	Shop *shop.Shop
	ID   payment.ID
	Idem Idempotency
	// Instruction, when given, is kept with the command. Its Name may be used once in the shop: a second command under
	// it fails with *NameTaken and does nothing.
	Instruction *Instruction
	// Record, when given, says who gives the command by hand and why; it is kept with it.
	Record *store.ManualUpdate
	// Wait bounds how long the answer waits for the provider: what is open then shows as PENDING, while the call goes
	// on. Zero: until the call has ended.
	Wait time.Duration
}

// Capture takes the money of an authorised payment; a zero amount takes all of it.
func (e *Engine) Capture(ctx context.Context, t Target, amount money.Amount) (Outcome, error) {
	return e.command(ctx, t, func(_ *store.Tx, p *payment.Payment) (payment.Command, callInput, error) {
		x := e.standing(t.Shop, p)
		return payment.Capture{Amount: amount, Run: e.runAt(x.at)}, x, nil
	})
}

// Void gives the money of an authorised payment back.
func (e *Engine) Void(ctx context.Context, t Target) (Outcome, error) {
	return e.command(ctx, t, func(_ *store.Tx, p *payment.Payment) (payment.Command, callInput, error) {
		x := e.standing(t.Shop, p)
		return payment.Void{Run: e.runAt(x.at)}, x, nil
	})
}

// Cancel closes a checkout at the customer's wish.
func (e *Engine) Cancel(ctx context.Context, t Target) (Outcome, error) {
	o, err := e.command(ctx, t, func(*store.Tx, *payment.Payment) (payment.Command, callInput, error) {
		return payment.Cancel{}, callInput{}, nil
	})
	if err == nil {
		e.means.Drop(t.ID)
	}
	return o, err
}

// standing is what a call about the attempt needs that the payment stands on.
func (e *Engine) standing(s *shop.Shop, p *payment.Payment) callInput {
	a := p.Standing()
	if a == nil {
		return callInput{}
	}
	return callInput{original: a, at: e.reachIn(s, a.TerminalID)}
}

// plan makes the domain's command from the payment as it was just read, and what the
// provider call will need. It may run several times.
type plan func(tx *store.Tx, p *payment.Payment) (payment.Command, callInput, error)

// errOpen stops a command on a payment whose outcome is open but could be known.
var errOpen = errors.New("the outcome of an earlier call is open")

// command runs one command on an existing payment: replay, resolve what is open,
// decide and store the intent, call, store the answer.
func (e *Engine) command(ctx context.Context, t Target, planned plan) (Outcome, error) {
	if !t.Shop.Active {
		return Outcome{}, ErrForbidden
	}
	if o, found, err := e.repeated(ctx, t.Shop.ID, t.Idem, t.Instruction); found || err != nil {
		return o, err
	}
	d, x, err := e.intend(ctx, t, planned, true)
	if errors.Is(err, errOpen) {
		if err := e.resolve(ctx, t.Shop.ID, t.ID, t.Wait); err != nil {
			return Outcome{}, err
		}
		d, x, err = e.intend(ctx, t, planned, false)
	}
	if overtaken(err) || slowed(err) { // a repetition that came with the first one is answered like it
		if o, found, err := e.repeated(ctx, t.Shop.ID, t.Idem, t.Instruction); found || err != nil {
			return o, err
		}
	}
	if err != nil {
		return Outcome{}, storeError(err)
	}
	e.announced(ctx, &d)
	return Outcome{Payment: e.carryFor(ctx, &d, x, t.Wait)}, nil
}

// intend stores what is about to be done. With ask it stops at an open outcome first.
func (e *Engine) intend(ctx context.Context, t Target, planned plan, ask bool) (d payment.Decision, x callInput, err error) {
	in := intention{&t, planned, ask}
	var u unconfirmed
	known, fresh := e.recent.Take(t.Shop.ID, t.ID)
	err = e.c.DB.Update(ctx, func(tx *store.Tx) error {
		if mine, err := u.resolved(tx, &d, &x); mine || err != nil {
			return err
		}
		if !fresh {
			p, err := tx.Payments().Get(t.Shop.ID, t.ID)
			if err != nil {
				return err
			}
			d, x, err = e.intent(ctx, tx, &in, &p)
			return err
		}
		fresh = false
		tx.Payments().Expect(&known)
		if d, x, err = e.intent(ctx, tx, &in, &known); err != nil {
			tx.Again() // others may have changed it since
		}
		return err
	})
	if err == nil {
		e.recent.Put(&d.Payment)
	}
	return d, x, err
}

// intention is a command on its way to be stored.
type intention struct {
	to      *Target
	planned plan
	ask     bool // stop where the outcome of an earlier call is open
}

// intent decides on the payment and queues what comes of it.
func (e *Engine) intent(ctx context.Context, tx *store.Tx, in *intention, p *payment.Payment) (
	d payment.Decision, x callInput, err error,
) {
	if err := e.byHand(tx, in.to.Record, p.Shop, p.ID); err != nil {
		return d, x, err
	}
	if a := p.LiveAttempt(); in.ask && (a != nil && !a.Leased(tx.Now(), e.c.Owner, e.c.Exclusive) || len(p.LostKinds()) > 0) {
		return d, x, errOpen
	}
	var c payment.Command
	if c, x, err = in.planned(tx, p); err != nil {
		return d, x, err
	}
	if d, err = payment.Decide(*p, c, tx.Now()); err != nil {
		return d, x, err
	}
	return d, x, e.commit(ctx, tx, &changes{d: &d, idem: in.to.Idem, said: in.to.Instruction})
}
