package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/cache"
	"github.com/sluicepay/sluice/internal/cardrange"
	"github.com/sluicepay/sluice/internal/store"
)

// ImportRanges is a table of card ranges.
type ImportRanges struct {
	Source string `json:"source"` // what it was read from, for people
	Packed []byte `json:"packed" secret:""`
}

// RangesShown says which table of card ranges is in use.
type RangesShown struct {
	Source    string    `json:"source"`
	BuiltIn   bool      `json:"builtIn,omitempty"` // of the program: none was imported
	Spans     int       `json:"spans"`
	Countries int       `json:"countries"`
	Imported  time.Time `json:"imported,omitzero"`
	// InForce is from when it is used by all nodes, of a table that was just changed.
	InForce time.Time `json:"inForce,omitzero"`
}

const longestSource = 200

// MaxRequest is the longest request of an operation between processes, in bytes. The longest that there is brings a table of card
// ranges.
const MaxRequest = cardrange.MaxPacked/3*4 + 1<<20

// NewImport reads a table from CSV. Lines that cannot be taken are an error, or left out where the operator says so: then skipped
// tells which they were.
func NewImport(source string, file io.Reader, skipBad bool) (c ImportRanges, skipped, err error) {
	table, err := cardrange.Read(file)
	var faults *cardrange.Faults
	switch {
	case errors.As(err, &faults) && skipBad:
		skipped = fmt.Errorf("lines that are left out: %d\n%w", faults.Count, faults)
	case errors.As(err, &faults):
		return c, nil, fmt.Errorf("nothing is imported; lines that cannot be taken: %d; --skip-bad leaves them out\n%w", faults.Count, faults)
	case err != nil:
		return c, nil, err
	}
	c.Source = source
	c.Packed, err = table.Pack()
	return c, skipped, err
}

// importRanges replaces the table of card ranges. It needs the right ManageRanges.
func (d *Desk) importRanges(ctx context.Context, c ImportRanges) (RangesShown, error) {
	table, err := cardrange.Unpack(c.Packed)
	switch {
	case err != nil:
		return RangesShown{}, err
	case table.Len() == 0:
		return RangesShown{}, errors.New("the table tells of no card where it was issued")
	case c.Source == "" || len(c.Source) > longestSource || !utf8.ValidString(c.Source) || strings.ContainsRune(c.Source, 0):
		return RangesShown{}, fmt.Errorf("source: 1 to %d bytes that say where the table is from", longestSource)
	}
	version, at := d.c.IDs.New()
	row := store.CardRanges{Version: version, Source: c.Source, Spans: table.Len(), Imported: at, Packed: c.Packed}
	err = d.c.DB.Update(ctx, func(tx *store.Tx) error {
		tx.RangeTables().Put(&row)
		return nil
	})
	if err != nil {
		return RangesShown{}, err
	}
	shown := showRanges(&row, table)
	shown.InForce = d.c.Now().Add(cache.RangesAge)
	return shown, nil
}

func showRanges(row *store.CardRanges, table *cardrange.Table) RangesShown {
	return RangesShown{Source: row.Source, Spans: table.Len(), Countries: len(table.Countries()), Imported: row.Imported}
}

func builtInRanges() RangesShown {
	table := cardrange.BuiltIn()
	return RangesShown{Source: "test numbers that are published", BuiltIn: true, Spans: table.Len(), Countries: len(table.Countries())}
}

// ranges reads the table as it is now, and says what it is.
func (d *Desk) ranges(ctx context.Context) (table *cardrange.Table, shown RangesShown, err error) {
	err = d.c.DB.View(ctx, func(tx *store.Tx) error {
		row, err := tx.RangeTables().Get()
		if errors.Is(err, store.ErrNotFound) {
			table, shown = cardrange.BuiltIn(), builtInRanges()
			return nil
		}
		if err != nil {
			return err
		}
		if table, err = cardrange.Unpack(row.Packed); err != nil {
			return fmt.Errorf("the table imported from %s: %w", row.Source, err)
		}
		shown = showRanges(&row, table)
		return nil
	})
	return table, shown, err
}

// showRanges says which table there is. It needs the right ReadRanges.
func (d *Desk) showRanges(ctx context.Context, _ Nothing) (RangesShown, error) {
	_, shown, err := d.ranges(ctx)
	return shown, err
}

// FindRange are the first digits of a card's number.
type FindRange struct {
	Digits string `arg:"" name:"digits" placeholder:"DIGITS" help:"The first digits of a card's number, at most 11. Never the whole number." json:"digits"`
}

// RangeFound is what the table tells of cards with such a number.
type RangeFound struct {
	Digits  string         `json:"digits"`
	Country string         `json:"country,omitempty"`
	Type    cardrange.Type `json:"type,omitempty"`
}

// findRange looks into the table. It needs the right ReadRanges.
func (d *Desk) findRange(ctx context.Context, c FindRange) (RangeFound, error) {
	prefix, ok := cardrange.Prefix(c.Digits)
	if !ok {
		return RangeFound{}, fmt.Errorf("give 2 to %d digits, the first ones of a card's number and never all of it", cardrange.Digits)
	}
	table, _, err := d.ranges(ctx)
	if err != nil {
		return RangeFound{}, err
	}
	info := table.Find(prefix)
	return RangeFound{c.Digits, info.Country, info.Type}, nil
}

// resetRanges goes back to the built-in table. It needs the right ManageRanges.
func (d *Desk) resetRanges(ctx context.Context, _ Nothing) (RangesShown, error) {
	err := d.c.DB.Update(ctx, func(tx *store.Tx) error {
		tx.RangeTables().Remove()
		return nil
	})
	if err != nil {
		return RangesShown{}, err
	}
	shown := builtInRanges()
	shown.InForce = d.c.Now().Add(cache.RangesAge)
	return shown, nil
}
