package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/cache"
	"github.com/sluicepay/sluice/internal/cardrange"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/store"
)

// builtInRanges is the version of the table that is used where none was imported.
const builtInRanges = "built in"

// newRanges remembers the table of card ranges of a database.
func newRanges(c Config) *cache.Ranges {
	return &cache.Ranges{
		Now: c.Now,
		Read: func(ctx context.Context, known string) (table *cardrange.Table, version string, err error) {
			err = c.DB.View(ctx, func(tx *store.Tx) error {
				table, version, err = readRanges(tx, known)
				return err
			})
			return table, version, err
		},
		Failed: func(ctx context.Context, err error) {
			c.Log.ErrorContext(ctx, "the table of card ranges cannot be read: countries are told by the one before", "error", err)
		},
	}
}

func readRanges(tx *store.Tx, known string) (*cardrange.Table, string, error) {
	version, err := tx.RangeTables().Version()
	switch {
	case errors.Is(err, store.ErrNotFound) && known == builtInRanges, err == nil && version == known:
		return nil, known, nil
	case errors.Is(err, store.ErrNotFound):
		return cardrange.BuiltIn(), builtInRanges, nil
	case err != nil:
		return nil, "", err
	}
	row, err := tx.RangeTables().Get()
	if err != nil {
		return nil, "", err
	}
	table, err := cardrange.Unpack(row.Packed)
	if err != nil {
		return nil, "", fmt.Errorf("imported from %s: %w", row.Source, err)
	}
	return table, row.Version, nil
}

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
