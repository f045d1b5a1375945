package engine

import (
	"context"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Bank is one that a customer can choose.
type Bank = connector.Bank

// Banks lists the banks that the payment can be paid from by the method, at the terminal where it would be tried first; none
// where that provider has one only, or asks by itself. By BLIK they are those whose apps know the customer.
func (g Page) Banks(ctx context.Context, s *shop.Shop, p *payment.Payment, m payment.Method) []Bank {
	wanted := *p
	wanted.Method = m
	_, at := g.e.start(s, &wanted)
	if at == nil || at.to == nil {
		return nil
	}
	c, ok := connector.As[connector.Chooser](at.to.Connector)
	if !ok {
		return nil
	}
	return g.e.banks.Get(ctx, at.name, c, connector.Choice{Method: m, Currency: p.Moves().Currency, Alias: g.e.cards.Alias(s, p, m)})
}
