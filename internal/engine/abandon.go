package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// Abandon undoes a deposit whatever its state: see payment.Abandon. What is held or was taken is sent back before it
// returns, as far as Wait allows; the rest comes due by itself. Errors: *payment.Refusal; payment.ErrBusy while a
// capture, void or refund is open; payment.ErrNotFound; ErrUnavailable.
func (e *Engine) Abandon(ctx context.Context, t Target) (payment.Payment, error) {
	if !t.Shop.Active {
		return payment.Payment{}, ErrForbidden
	}
	p, err := e.load(ctx, t.Shop.ID, t.ID)
	if err != nil {
		return payment.Payment{}, err
	}
	if a := p.LiveAttempt(); a != nil && a.Kind != payment.AttemptDeposit || len(p.LostKinds()) > 0 { // a deposit is asked about below
		if err := e.resolve(ctx, t.Shop.ID, t.ID, t.Wait); err != nil {
			return payment.Payment{}, err
		}
	}
	d, err := e.decide(ctx, t.Shop.ID, t.ID, payment.Abandon{})
	if err != nil {
		return payment.Payment{}, err
	}
	e.means.Drop(t.ID)
	if p, err = e.close(ctx, d.Payment, t.Wait); err != nil { // it is due and will be tried again
		e.c.Log.WarnContext(ctx, "abandoned payment not closed at the provider yet", "payment_id", t.ID, "error", err)
	}
	if !p.Owes() {
		return p, nil
	}
	if err := e.payBack(ctx, t); err != nil { // it is due and will be tried again
		e.c.Log.WarnContext(ctx, "money of an abandoned payment not sent back yet", "payment_id", t.ID, "error", err)
	}
	return e.load(ctx, t.Shop.ID, t.ID)
}

// close has the provider close what is open about a payment that was given up.
func (e *Engine) close(ctx context.Context, p payment.Payment, wait time.Duration) (payment.Payment, error) {
	a := p.LiveAttempt()
	if !p.GivenUp(e.Now()) || a.Leased(e.Now(), e.c.Owner, e.c.Exclusive) {
		return p, nil
	}
	closed, err := e.checkNow(ctx, p, payment.OpCheckState, wait)
	if err != nil {
		return p, err
	}
	return closed, nil
}

// payBack voids or refunds what an abandoned deposit still owes.
func (e *Engine) payBack(ctx context.Context, t Target) error {
	p, err := e.load(ctx, t.Shop.ID, t.ID)
	if err != nil || !p.Owes() {
		return err
	}
	if p.State() == payment.Authorized {
		_, err = e.Void(ctx, Target{Shop: t.Shop, ID: t.ID, Wait: t.Wait})
	} else {
		err = e.refundBack(ctx, t, &p)
	}
	if refusal := new(payment.Refusal); errors.As(err, &refusal) {
		return nil // somebody else has sent it back
	}
	if err != nil {
		return fmt.Errorf("send the money of payment %s back: %w", t.ID, err)
	}
	return nil
}

// refundBack refunds what is left of an abandoned deposit.
func (e *Engine) refundBack(ctx context.Context, t Target, p *payment.Payment) error {
	h, err := e.history(ctx, p.Shop, p.ID)
	if err != nil {
		return err
	}
	terms := Terms{Origin: p.Terms.Origin, Reversal: true}
	for i := range h.Refunds {
		if h.Refunds[i].Terms.Reversal {
			terms.Before++
		}
	}
	_, err = e.Create(ctx, Create{
		Shop: t.Shop, Type: payment.Refund, Parent: t.ID, Currency: p.Moves().Currency, Wait: t.Wait, Terms: terms,
	})
	return err
}

// PageOpened records that the customer has opened the payment's page, where that makes it last longer.
func (e *Engine) PageOpened(ctx context.Context, p *payment.Payment) error {
	if p.State() != payment.Checkout || p.Terms.Grace == 0 || p.WasOpened() {
		return nil
	}
	_, err := e.decide(ctx, p.Shop, p.ID, payment.Opened{})
	return err
}
