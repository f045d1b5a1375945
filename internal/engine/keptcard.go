package engine

import (
	"context"

	"github.com/sluicepay/sluice/internal/flight"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// withoutCode reports that a card may go to the terminal without the code that it came with. Where the terminal cannot be
// reached nobody has to be asked for anything.
func (at *reached) withoutCode() bool {
	return at == nil || at.to == nil || at.to.Traits().WithoutCode
}

// KeptCard is the card that came with a payment, as a page may show it.
type KeptCard struct {
	flight.Shown

	AskCode bool // its security code has to be given once more
}

// KeptCard returns the card that came with a payment of the shop which waits to be paid; nil where there is none, or none any
// more.
func (e *Engine) KeptCard(ctx context.Context, s *shop.Shop, p *payment.Payment) *KeptCard {
	shown := e.means.Shown(ctx, p)
	if shown == nil || !p.Payable() {
		return nil
	}
	card := &KeptCard{Shown: *shown}
	if shown.Uncoded {
		wanted := *p
		wanted.Method = payment.MethodOf(instrument.KindCard)
		_, at := e.start(s, &wanted)
		card.AskCode = !at.withoutCode()
	}
	return card
}
