package engine

import (
	"context"
	"errors"
	"time"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// Get returns a payment of the shop, or payment.ErrNotFound. When its outcome is
// open and a check is due, the provider is asked first.
func (e *Engine) Get(ctx context.Context, shop payment.ShopID, id payment.ID) (payment.Payment, error) {
	p, err := e.load(ctx, shop, id)
	if err != nil {
		return payment.Payment{}, err
	}
	if a := p.LiveAttempt(); a == nil || a.Class == payment.ClassUnsent || !p.CheckDue(a, e.Now(), e.c.Owner, e.c.Exclusive) {
		return p, nil
	}
	return e.check(ctx, p)
}

// Look returns a payment of the shop as it stands, or payment.ErrNotFound. Nobody is asked.
func (e *Engine) Look(ctx context.Context, shop payment.ShopID, id payment.ID) (payment.Payment, error) {
	return e.load(ctx, shop, id)
}

func (e *Engine) load(ctx context.Context, shop payment.ShopID, id payment.ID) (payment.Payment, error) {
	var p payment.Payment
	err := e.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		p, err = tx.Payments().Get(shop, id)
		return err
	})
	return p, storeError(err)
}

// Operations returns the whole log of a payment, oldest first, or
// payment.ErrNotFound. Like Get it asks the provider first when that is due.
func (e *Engine) Operations(ctx context.Context, shop payment.ShopID, id payment.ID) ([]payment.Operation, error) {
	if _, err := e.Get(ctx, shop, id); err != nil {
		return nil, err
	}
	var log []payment.Operation
	err := e.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		log, err = tx.Operations().List(shop, id)
		return err
	})
	return log, storeError(err)
}

// check asks the provider about the live attempt, if it is time to, and books what it says. A payment that somebody else
// is working on, that was asked about just now or that has nothing to ask for is returned as it is: however many come at
// once, one asks.
func (e *Engine) check(ctx context.Context, p payment.Payment) (payment.Payment, error) {
	return e.ask(ctx, p, payment.BeginAsk{Op: payment.OpCheckState, Paced: true}, callInput{}, 0)
}

// checkNow is check at any time, for those who act on the payment: they have to know. Who waits no longer than that goes
// on without knowing, see carryFor.
func (e *Engine) checkNow(ctx context.Context, p payment.Payment, op payment.OperationKind, wait time.Duration) (payment.Payment, error) {
	return e.ask(ctx, p, payment.BeginAsk{Op: op}, callInput{}, wait)
}

func (e *Engine) ask(ctx context.Context, p payment.Payment, begin payment.BeginAsk, x callInput, wait time.Duration) (payment.Payment, error) {
	at, err := e.reachAsked(ctx, &p, begin.Op)
	if err != nil {
		return payment.Payment{}, err
	}
	begin.Run, begin.Exclusive = e.run(e.askLimit()), e.c.Exclusive
	begin.NextCheck = e.askAgain(&p)
	d, err := e.decide(ctx, p.Shop, p.ID, begin)
	if errors.Is(err, payment.ErrBusy) {
		return e.load(ctx, p.Shop, p.ID)
	}
	if err != nil {
		return payment.Payment{}, err
	}
	if c := d.Call; c != nil && (at == nil || at.name != c.Attempt.TerminalID) { // it has moved on in between
		if at, err = e.reach(ctx, p.Shop, c.Attempt.TerminalID); err != nil {
			at = &reached{name: c.Attempt.TerminalID, fault: err} // then it is not asked, and nothing is known
		}
	}
	x.at = at
	return e.carryFor(ctx, &d, x, wait), nil
}

// reachAsked reads the terminal that will be asked about the payment; nil where none will be. A payment does not go to
// another terminal while an attempt is open.
func (e *Engine) reachAsked(ctx context.Context, p *payment.Payment, op payment.OperationKind) (*reached, error) {
	a := p.AskedAbout(op)
	if a == nil {
		return nil, nil //nolint:nilnil // nobody is asked, and that is no error
	}
	return e.reach(ctx, p.Shop, a.TerminalID)
}

// askAgain is when to ask again about the live attempt if the next answer cannot be stored: at the ladder's pace, and in
// the end once a day.
func (e *Engine) askAgain(p *payment.Payment) time.Time {
	a := p.LiveAttempt()
	if a == nil {
		return time.Time{}
	}
	return e.Now().Add(job.CheckWait(false, a.Checks, e.c.Random))
}

// resolve settles the live attempt, if the provider can tell, before a new command:
// nothing new is decided on an open outcome that could be known. Who waits no longer than that goes on without knowing.
func (e *Engine) resolve(ctx context.Context, shop payment.ShopID, id payment.ID, wait time.Duration) error {
	p, err := e.load(ctx, shop, id)
	if err != nil {
		return err
	}
	a := p.LiveAttempt()
	if a != nil && (a.Leased(e.Now(), e.c.Owner, e.c.Exclusive) || a.Class == payment.ClassUnsent) {
		return nil
	}
	if a != nil {
		if p, err = e.checkNow(ctx, p, payment.OpCheckState, wait); err != nil {
			return err
		}
	}
	if len(p.LostKinds()) == 0 {
		return nil
	}
	if p, err = e.load(ctx, shop, id); err == nil {
		_, err = e.search(ctx, p)
	}
	return err
}
