package engine

import (
	"context"

	"github.com/sluicepay/sluice/internal/cardrange"
	"github.com/sluicepay/sluice/internal/instrument"
)

// Ranges is the table that tells where cards were issued.
func (e *Engine) Ranges(ctx context.Context) *cardrange.Table { return e.ranges.Get(ctx) }

// masked is what is shown of means, and the country in which a card was issued as far as the table tells. A provider may know
// better.
func masked(means instrument.Means, ranges *cardrange.Table) instrument.Masked {
	shown := means.Masked()
	if card := instrument.NumberIn(means); card != nil && shown.CardIssuingCountry == "" {
		shown.CardIssuingCountry = ranges.Find(card.Number.Leading(cardrange.Digits)).Country
	}
	return shown
}
