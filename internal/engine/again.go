package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// sendAgain makes a call of which the attempt's row says that nothing has left. What it needs is derived from rows, as
// they are now, and so is that it cannot be sent any more.
func (e *Engine) sendAgain(ctx context.Context, p *payment.Payment) error {
	x, err := e.exchangeAgain(ctx, p)
	gone := new(payment.Refusal)
	switch {
	case errors.As(err, &gone):
		e.c.Log.ErrorContext(ctx, "a call that never left cannot be made any more", "payment_id", p.ID, "error", err)
		_, err = e.decide(ctx, p.Shop, p.ID, payment.NeverSent{Code: gone.Code})
	case errors.Is(err, errElsewhere):
		return e.c.DB.Update(ctx, func(tx *store.Tx) error {
			tx.Payments().Delay(p, p.Created.Add(cardKept))
			return nil
		})
	case err == nil:
		defer instrument.Wipe(x.means)
		var d payment.Decision
		if d, err = e.decide(ctx, p.Shop, p.ID, payment.SendAgain{Run: e.runAt(x.at)}); err == nil {
			e.carry(ctx, &d, x)
		}
	}
	if errors.Is(err, payment.ErrBusy) {
		return nil // somebody else was faster
	}
	return err
}

// cardKept is how long after the birth of a payment its card may still be in the memory of some process.
const cardKept = vault.Hold + time.Minute

// errElsewhere says that another process may have the card that a call needs.
var errElsewhere = errors.New("the card is not in this process")

// exchangeAgain is what the call needs that never left. A *payment.Refusal says that it can never be made again.
func (e *Engine) exchangeAgain(ctx context.Context, p *payment.Payment) (exchange, error) {
	a := p.Unsent()
	if a == nil {
		return exchange{}, payment.ErrBusy
	}
	at, err := e.reach(ctx, p.Shop, a.TerminalID)
	if err != nil {
		return exchange{}, err
	}
	x := exchange{at: at}
	switch {
	case a.Reverses != 0:
		x.original = &p.Attempts[a.Reverses-1]
	case !a.Kind.Main():
		x.original = p.Standing()
	case a.Kind == payment.AttemptRefund:
		parent, err := e.load(ctx, p.Shop, p.Parent)
		if err != nil {
			return exchange{}, fmt.Errorf("parent of refund %s: %w", p.ID, err)
		}
		x.original = parent.Standing()
	case a.Kind == payment.AttemptDeposit:
		return e.chainAgain(ctx, p, x)
	case p.Instrument.CustomerAccountNumber != "":
		return e.cardAgain(p, x)
	}
	return x, nil
}

// chainAgain adds what continues the chain, unless that was stopped meanwhile.
func (e *Engine) chainAgain(ctx context.Context, p *payment.Payment, x exchange) (exchange, error) {
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

// cardAgain adds the card of a payout. Cards are in memory only: where no process can have this one any more, nothing was
// paid and nothing can be.
func (e *Engine) cardAgain(p *payment.Payment, x exchange) (exchange, error) {
	if x.means = e.c.Vault.Get(p.ID); x.means != nil {
		return x, nil
	}
	if !e.c.Exclusive && e.Now().Before(p.Created.Add(cardKept)) {
		return x, errElsewhere
	}
	return x, &payment.Refusal{Code: payment.CodeInternal, Detail: "the card to pay to is not in memory any more"}
}

// keepForAgain holds the means of a call that may have to be made again, or be followed by another try, as long as any are
// held, and forgets them when it has left and nothing can follow. Those of a deposit without a next step are looked after by Execute.
func (e *Engine) keepForAgain(p *payment.Payment, call *payment.Call, means instrument.Means) {
	switch {
	case call.Attempt.Rest == "" && (means == nil || p.Type == payment.Deposit), p.BetweenTries():
	case !p.GoesOn() && p.Unsent() == nil:
		e.c.Vault.Drop(p.ID)
	case means != nil && !e.c.Vault.Has(p.ID):
		e.c.Vault.Put(p.ID, instrument.Clone(means))
	}
}
