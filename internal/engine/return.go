package engine

import (
	"context"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
)

// Return takes note that the customer came back from the provider or bank, and asks the provider how the payment stands:
// the return itself proves nothing. The first return asks at once; anybody can call the address again and again, so after
// it the provider is asked when a check is due, as by Get. What the customer has brought is told to a provider that wants
// it, each time that a customer comes with something; back is called for it then only, and may be nil.
func (e *Engine) Return(ctx context.Context, t Target, back func() payment.Brought) (payment.Payment, error) {
	p, err := e.load(ctx, t.Shop.ID, t.ID)
	if err != nil {
		return payment.Payment{}, err
	}
	var x callInput
	wants, err := e.resumes(ctx, &p)
	if err != nil {
		return payment.Payment{}, err
	}
	if wants && back != nil {
		x.back = back()
	}
	begin := payment.BeginAsk{Op: payment.OpContinue, Paced: true, Brought: !x.back.IsZero()}
	if !begin.Brought && !p.ReturnMatters(e.Now(), e.c.Owner, e.c.Exclusive) {
		return p, nil
	}
	return e.ask(ctx, p, begin, x, 0)
}

// resumes reports that the provider of the open attempt goes on with what the customer brings back.
func (e *Engine) resumes(ctx context.Context, p *payment.Payment) (bool, error) {
	a := p.LiveAttempt()
	if a == nil || a.Class == payment.ClassUnsent || a.Leased(e.Now(), e.c.Owner, e.c.Exclusive) {
		return false, nil
	}
	at, err := e.reach(ctx, p.Shop, a.TerminalID)
	if err != nil || at.to == nil {
		return false, err
	}
	_, ok := connector.As[connector.Resumer](at.to.Connector)
	return ok, nil
}
