// Package issuers has the table that tells where cards were issued, as the database has it: the one that an operator has imported, or the
// built-in one, remembered for a while. It owns which of the two is in use; what a table says is package cardrange's, and who
// imports one is admin's.
package issuers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluicepay/sluice/internal/cache"
	"github.com/sluicepay/sluice/internal/cardrange"
	"github.com/sluicepay/sluice/internal/store"
)

// builtIn is the version of the table that is used where none was imported.
const builtIn = "built in"

// Of remembers the table of card ranges of a database.
func Of(db *store.DB, now func() time.Time, log *slog.Logger) *cache.Ranges {
	return &cache.Ranges{
		Now: now,
		Read: func(ctx context.Context, known string) (table *cardrange.Table, version string, err error) {
			err = db.View(ctx, func(tx *store.Tx) error {
				table, version, err = read(tx, known)
				return err
			})
			return table, version, err
		},
		Failed: func(ctx context.Context, err error) {
			log.ErrorContext(ctx, "the table of card ranges cannot be read: countries are told by the one before", "error", err)
		},
	}
}

// read returns the table in use with its version, and no table where that is the known one.
func read(tx *store.Tx, known string) (*cardrange.Table, string, error) {
	version, err := tx.RangeTables().Version()
	switch {
	case errors.Is(err, store.ErrNotFound) && known == builtIn, err == nil && version == known:
		return nil, known, nil
	case errors.Is(err, store.ErrNotFound):
		return cardrange.BuiltIn(), builtIn, nil
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
