package engine

import (
	"context"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Page is what the hosted page needs for its customers, beside what merchants can do, too.
type Page struct{ e *Engine }

// Page is the engine as the hosted page sees it.
func (e *Engine) Page() Page { return Page{e} }

// CanLeave reports that a customer who has something to do elsewhere may pay another way instead: only where the provider can close
// what is open, since a try that could still be paid is followed by none.
func (g Page) CanLeave(s *shop.Shop, p *payment.Payment) bool {
	if !p.MayLeave(g.e.Now()) {
		return false
	}
	c, err := g.e.connectors.Get(s, p.LiveAttempt().TerminalID)
	if err != nil {
		return false
	}
	_, fences := connector.As[connector.Fencer](c.Connector)
	return fences
}

// Leave has the provider close what waits for the customer. The payment is as it is afterwards: between tries; paid, where the
// customer was faster; still waiting, where the provider did not say.
func (g Page) Leave(ctx context.Context, t Target) (payment.Payment, error) {
	p, err := g.e.load(ctx, t.Shop.ID, t.ID)
	if err != nil || !g.CanLeave(t.Shop, &p) {
		return p, err
	}
	return g.e.ask(ctx, p, payment.BeginAsk{Op: payment.OpCheckState, Leave: true}, callInput{}, 0)
}
