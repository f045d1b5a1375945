package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// A review holds a payment in its row: see payment.InReview. It ends by the verdict of a person (ManualUpdate), or of the clock when
// nobody has judged in time (reviewOver). Who lets a payment pass has it sent in the same transaction, by a route that is
// chosen then.

// judges reports whether an act by hand is a verdict on a review.
func judges(u *store.ManualUpdate) bool { return u.To == store.PassByHand || u.To == store.StopByHand }

// act is what is needed for an update by hand beside the update itself. The zero value will do where nothing is sent.
type act struct {
	judge *payment.Judge // nil where it is no verdict
	x     callInput      // of what is sent; its means have to be wiped
}

// command is what the update has the domain do.
func (a *act) command(u *store.ManualUpdate, now time.Time) payment.Command {
	switch {
	case a.judge != nil:
		return *a.judge
	case judges(u):
		return payment.Judge{Pass: u.To == store.PassByHand, Code: u.Code}
	}
	return updateOf(u, now)
}

// actOf gets what an update needs. It comes before the transaction.
func (e *Engine) actOf(ctx context.Context, u *store.ManualUpdate) (act, error) {
	if !judges(u) {
		return act{}, nil
	}
	judge, x, err := e.verdictOf(ctx, u)
	return act{&judge, x}, err
}

// verdictOf is the verdict that a person gives. Providers are asked first about a payment of which a backup does not tell
// whether it was sent.
func (e *Engine) verdictOf(ctx context.Context, u *store.ManualUpdate) (payment.Judge, callInput, error) {
	p, err := e.load(ctx, u.Shop, u.Payment)
	if err == nil && len(p.LostKinds()) > 0 {
		p, err = e.search(ctx, p)
	}
	switch {
	case err != nil:
		return payment.Judge{}, callInput{}, err
	case u.To == store.StopByHand:
		return payment.Judge{Code: u.Code}, callInput{}, nil
	case !p.InReview(): // a review that begins a moment later is not meant
		return payment.Judge{Pass: true, Of: p.Created.Add(-time.Second)}, callInput{}, nil
	}
	s, err := e.Shop(ctx, u.Shop)
	if err != nil {
		return payment.Judge{}, callInput{}, err
	}
	if !s.Active {
		return payment.Judge{}, callInput{}, fmt.Errorf("%w: it is inactive, so nothing is sent for it; the payment can be stopped", ErrForbidden)
	}
	return e.letPass(ctx, s, &p)
}

// letPass is the verdict that has a payment in review sent, by a route that is chosen now, with what that needs. The means in it
// are the caller's. A card whose security code is lost is as good as none where the terminal wants the code.
func (e *Engine) letPass(ctx context.Context, s *shop.Shop, p *payment.Payment) (payment.Judge, callInput, error) {
	judge := payment.Judge{Pass: true, Of: p.Screened.At}
	if p.Terms.Chain != "" {
		start, x, err := e.chainedAfterReview(ctx, s, p)
		judge.Start = start
		return judge, x, err
	}
	x := callInput{}
	judge.Start, x.at = e.start(s, p)
	if !p.NeedsCard() {
		return judge, x, nil
	}
	kept, err := e.means.Open(ctx, p)
	if err != nil && !errors.Is(err, vault.ErrSealed) { // what was changed never opens again
		return judge, x, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	x.means = kept.Means
	judge.Lost = x.means == nil || kept.Coded && p.Type == payment.Deposit && !x.at.withoutCode()
	return judge, x, nil
}

// chainedAfterReview is how the follow-up of a chain is sent that was in review, if the chain goes on.
func (e *Engine) chainedAfterReview(ctx context.Context, s *shop.Shop, p *payment.Payment) (start payment.Start, x callInput, err error) {
	err = e.c.DB.View(ctx, func(tx *store.Tx) error {
		began, err := tx.Payments().Get(p.Shop, p.Terms.Chain)
		if err != nil {
			return err
		}
		chain, err := tx.Chains().Get(p.Shop, began.RecurringToken)
		if err != nil {
			return err
		}
		start, x, err = e.chained(tx, s, p, &chain)
		return err
	})
	if err != nil {
		return start, x, fmt.Errorf("chain of payment %s: %w", p.ID, storeError(err))
	}
	return start, x, nil
}

// reviewOver has the clock judge a payment that nobody has reviewed in time. In a shop that is inactive nothing is sent.
func (e *Engine) reviewOver(ctx context.Context, p *payment.Payment, now time.Time) error {
	if now.Before(p.Review) {
		return nil
	}
	s, err := e.Shop(ctx, p.Shop)
	if err != nil {
		return err
	}
	if !p.Screened.PassAfter || !s.Active {
		return e.judgeByClock(ctx, p, payment.Judge{Of: p.Screened.At}, callInput{})
	}
	judge, x, err := e.letPass(ctx, s, p)
	if err != nil {
		return err
	}
	defer instrument.Wipe(x.means)
	if x.at == nil || judge.Lost { // nobody is called
		return e.judgeByClock(ctx, p, judge, x)
	}
	return e.inTurn(ctx, p, x.at.name, func() error { return e.judgeByClock(ctx, p, judge, x) })
}

// judgeByClock ends a review as the clock has it. That somebody else was faster is no error.
func (e *Engine) judgeByClock(ctx context.Context, p *payment.Payment, judge payment.Judge, x callInput) error {
	judge.ByClock = true
	d, err := e.decide(ctx, p.Shop, p.ID, judge)
	refusal := new(payment.Refusal)
	if errors.As(err, &refusal) || errors.Is(err, payment.ErrBusy) {
		return nil
	}
	if err == nil {
		e.afterReview(ctx, &d, x)
	}
	return err
}

// afterReview makes the call that a verdict has stored the intent of, if any.
func (e *Engine) afterReview(ctx context.Context, d *payment.Decision, x callInput) {
	p := e.carry(ctx, d, x)
	if p.Type == payment.Deposit || d.Call == nil { // others may have to be sent again, see flight.Keeper.Answered
		e.keepMeans(&p, x.means)
	}
}
