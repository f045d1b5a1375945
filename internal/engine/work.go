package engine

import (
	"context"
	"errors"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// Work does what is due on a payment: it ends a checkout whose time ran out, asks
// the provider about an open outcome, or makes a call that never left. Nothing is due any more when it returns nil, or
// the payment says when it will be.
func (e *Engine) Work(ctx context.Context, shop payment.ShopID, id payment.ID) error {
	p, err := e.load(ctx, shop, id)
	if err != nil {
		return err
	}
	now := e.Now()
	if a := p.Doubted(); a != nil && !now.Before(a.NextCheck) {
		return e.askSettled(ctx, p, a)
	}
	if len(p.LostKinds()) > 0 {
		return e.inTurn(ctx, &p, lostTurn(&p), func() error { _, err := e.search(ctx, p); return err })
	}
	if p.InReview() {
		return e.reviewOver(ctx, &p, now)
	}
	if (p.Owes() || p.HoldOver(now)) && !p.HeldInVain() {
		if p.Due.IsZero() || now.Before(p.Due) {
			return nil
		}
		return e.inTurn(ctx, &p, p.Attempts[len(p.Attempts)-1].TerminalID, func() error { return e.workBack(ctx, &p, now) })
	}
	if p.Payable() {
		if now.Before(p.CheckoutUntil) {
			return e.forget(ctx, &p, now)
		}
		return e.expire(ctx, &p)
	}
	a := p.LiveAttempt()
	if a == nil && p.State() == payment.Authorized {
		a = p.Standing()
	}
	if a == nil || !p.CheckDue(a, now, e.c.Owner, e.c.Exclusive) {
		return nil
	}
	return e.inTurn(ctx, &p, a.TerminalID, func() error {
		if a.Class == payment.ClassUnsent {
			return e.retry(ctx, &p)
		}
		_, err := e.check(ctx, p)
		return err
	})
}

// askSettled asks the provider about an attempt that it has contradicted.
func (e *Engine) askSettled(ctx context.Context, p payment.Payment, a *payment.Attempt) error {
	if a.Leased(e.Now(), e.c.Owner, e.c.Exclusive) {
		return nil
	}
	return e.inTurn(ctx, &p, a.TerminalID, func() error {
		_, err := e.check(ctx, p)
		return err
	})
}

// workBack sends money back that is due to go back: of an abandoned deposit, and of a hold that nobody captured.
func (e *Engine) workBack(ctx context.Context, p *payment.Payment, now time.Time) error {
	s, err := e.Shop(ctx, p.Shop)
	if err != nil {
		return err
	}
	own := *s
	own.Active = true // what is owed goes back even where the shop may not give commands any more
	t := Target{Shop: &own, ID: p.ID}
	if a := p.Standing(); a != nil && p.Owes() && p.State() == payment.Authorized && !now.Before(a.NextCheck) { // has it run out meanwhile?
		if _, err := e.check(ctx, *p); err != nil {
			return err
		}
	}
	if p.Owes() {
		return e.payBack(ctx, t)
	}
	_, err = e.Abandon(ctx, t)
	return err
}

// inTurn does due work that calls the terminal, or puts it off until there may be room.
func (e *Engine) inTurn(ctx context.Context, p *payment.Payment, terminal string, work func() error) error {
	leave, after, ok := e.turns.Take(ctx, terminal, e.Now)
	if ok {
		defer leave()
		return work()
	}
	return storeError(e.c.DB.Update(ctx, func(tx *store.Tx) error {
		tx.Payments().Delay(p, tx.Now().Add(after))
		return nil
	}))
}

// expire closes a checkout that nobody finished, or a deposit that nobody tried to pay again.
func (e *Engine) expire(ctx context.Context, p *payment.Payment) error {
	_, err := e.decide(ctx, p.Shop, p.ID, payment.Cancel{ByClock: true})
	if refusal := new(payment.Refusal); errors.As(err, &refusal) {
		return nil // the customer came at the last moment
	}
	if err != nil {
		return err
	}
	e.means.Drop(p.ID)
	return nil
}

// forget has what a payment came with to pay forgotten when its time is over; the customer can still pay, and is asked for it.
func (e *Engine) forget(ctx context.Context, p *payment.Payment, now time.Time) error {
	if p.Means == "" || now.Before(p.MeansUntil()) {
		return nil
	}
	_, err := e.decide(ctx, p.Shop, p.ID, payment.ForgetMeans{})
	return err
}
