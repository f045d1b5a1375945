package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// retry makes a call of which the attempt's row says that nothing has left. What it needs is derived from rows, as
// they are now, and so is that it cannot be sent any more.
func (e *Engine) retry(ctx context.Context, p *payment.Payment) error {
	x, err := e.retryInput(ctx, p)
	gone := new(payment.Refusal)
	switch {
	case errors.As(err, &gone):
		e.c.Log.ErrorContext(ctx, "a call that never left cannot be made any more", "payment_id", p.ID, "error", err)
		_, err = e.decide(ctx, p.Shop, p.ID, payment.NeverSent{Code: gone.Code})
	case err == nil:
		defer instrument.Wipe(x.means)
		var d payment.Decision
		if d, err = e.decide(ctx, p.Shop, p.ID, payment.Retry{Run: e.runAt(x.at)}); err == nil {
			e.carry(ctx, &d, x)
		}
	}
	if errors.Is(err, payment.ErrBusy) {
		return nil // somebody else was faster
	}
	return err
}

// retryInput is what the call needs that never left. A *payment.Refusal says that it can never be made again.
func (e *Engine) retryInput(ctx context.Context, p *payment.Payment) (callInput, error) {
	a := p.Unsent()
	if a == nil {
		return callInput{}, payment.ErrBusy
	}
	at, err := e.reach(ctx, p.Shop, a.TerminalID)
	if err != nil {
		return callInput{}, err
	}
	x := callInput{at: at}
	if x.original, err = e.originalOf(ctx, p, a); err != nil {
		return callInput{}, err
	}
	switch {
	case x.original != nil || a.Reverses != 0 || !a.Kind.Main() || a.Kind == payment.AttemptRefund:
	case a.Kind == payment.AttemptDeposit:
		return e.retryChain(ctx, p, x)
	case p.Instrument.CustomerAccountNumber != "":
		return e.retryCard(ctx, p, x)
	}
	return x, nil
}

// originalOf is what an attempt of the payment refers to: the attempt that it gives back, captures or voids, or of a refund the one
// that its deposit stands on. Nil of any other, and where there is none any more.
func (e *Engine) originalOf(ctx context.Context, p *payment.Payment, a *payment.Attempt) (*payment.Attempt, error) {
	switch {
	case a.Reverses != 0:
		return &p.Attempts[a.Reverses-1], nil
	case !a.Kind.Main():
		return p.Standing(), nil
	case a.Kind == payment.AttemptRefund:
		parent, err := e.load(ctx, p.Shop, p.Parent)
		if err != nil {
			return nil, fmt.Errorf("parent of refund %s: %w", p.ID, err)
		}
		return parent.Standing(), nil
	}
	return nil, nil //nolint:nilnil // it refers to nothing
}

// retryChain adds what continues the chain, unless that was stopped meanwhile.
func (e *Engine) retryChain(ctx context.Context, p *payment.Payment, x callInput) (callInput, error) {
	var chain payment.Chain
	err := e.c.DB.View(ctx, func(tx *store.Tx) error {
		began, err := tx.Payments().Get(p.Shop, p.Terms.Chain)
		if err != nil {
			return err
		}
		if chain, err = tx.Chains().Get(p.Shop, began.RecurringToken); err != nil || chain.Stopped {
			return err
		}
		x.means, err = e.openCredential(tx, p.Shop, &chain)
		return err
	})
	if err != nil {
		return x, fmt.Errorf("chain of payment %s: %w", p.ID, storeError(err))
	}
	if chain.Stopped {
		return x, &payment.Refusal{Code: payment.CodeNoRecurring, Detail: "the chain was stopped before the charge could leave"}
	}
	x.chain = chain.Payment
	return x, nil
}

// retryCard adds what a payout is paid to. It was kept when the call did not leave; where it is gone all the same nothing was
// paid, and nothing can be.
func (e *Engine) retryCard(ctx context.Context, p *payment.Payment, x callInput) (callInput, error) {
	k, err := e.means.Open(ctx, p)
	if err != nil {
		return x, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if x.means = k.Means; x.means == nil {
		return x, &payment.Refusal{Code: payment.CodeInternal, Detail: "the card to pay to is not kept any more"}
	}
	return x, nil
}
