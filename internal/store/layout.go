package store

import (
	"context"

	"github.com/sluicepay/sluice/internal/store/places"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Misplaced is a table that is not where it has to be on the nodes of a Citus.
type Misplaced = tx.Misplaced

// Spread returns where the rows of every table are on an engine that has many nodes, and the column by which those that are
// tx.Parted are divided. For tests.
func Spread() (where map[string]tx.Spread, column string) { return places.Of(), places.Part }

// Examination is what is to be said of a database without opening it.
type Examination = tx.Examination

// Examine says what is not as it should be, and changes nothing. Errors as for [Open], but that a folder in use by another process is as
// it should be.
func Examine(ctx context.Context, opts Options) (Examination, error) {
	return tx.Examine(ctx, opts, tables(nil))
}
