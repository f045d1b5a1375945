package contents

import (
	"time"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// CardRanges is the table that tells where cards were issued.
type CardRanges struct {
	Version  string // another one for each import
	Source   string // what it was imported from
	Spans    int
	Imported time.Time
	Packed   []byte // empty where only the rest was asked for
}

// RangeTables reads and writes the table of card ranges that an operator has imported: table card_range.
type RangeTables struct{ tx *tx.Tx }

// RangeTablesOf is the accessor of the table of card ranges in a transaction.
func RangeTablesOf(t *tx.Tx) RangeTables { return RangeTables{t} }

const (
	sqlRangesVersion = `SELECT version FROM card_range WHERE id = 1`
	sqlRanges        = `SELECT version, source, spans, imported, packed FROM card_range WHERE id = 1`
	sqlRangesAbout   = `SELECT version, source, spans, imported FROM card_range WHERE id = 1`
	sqlPutRanges     = `INSERT INTO card_range (id, version, source, spans, imported, packed) VALUES (1, $1, $2, $3, $4, $5)
	ON CONFLICT (id) DO UPDATE SET version = $1, source = $2, spans = $3, imported = $4, packed = $5`
	sqlRemoveRanges = `DELETE FROM card_range WHERE id = 1`
)

// Version is that of the table, or ErrNotFound where none was imported.
func (t RangeTables) Version() (string, error) { return tx.One(t.tx, tx.ScanText, sqlRangesVersion) }

// Get returns the table, or ErrNotFound.
func (t RangeTables) Get() (CardRanges, error) { return tx.One(t.tx, scanRanges, sqlRanges) }

// About returns what is known of the table without the table itself, or ErrNotFound.
func (t RangeTables) About() (CardRanges, error) {
	return tx.One(t.tx, func(s tx.Scanner) (CardRanges, error) { return scanRanges(besides{s}) }, sqlRangesAbout)
}

// besides scans a row without its last column.
type besides struct{ tx.Scanner }

// Scan implements tx.Scanner.
func (b besides) Scan(into ...any) error { return b.Scanner.Scan(into[:len(into)-1]...) }

func scanRanges(s tx.Scanner) (CardRanges, error) {
	var r CardRanges
	var imported int64
	err := s.Scan(&r.Version, &r.Source, &r.Spans, &imported, &r.Packed)
	r.Imported = tx.FromMicros(&imported)
	return r, err
}

// Put replaces the table.
func (t RangeTables) Put(r *CardRanges) {
	t.tx.Write("card_range.put", sqlPutRanges, r.Version, r.Source, r.Spans, tx.Micros(r.Imported), r.Packed)
}

// Remove removes the table, if there is one.
func (t RangeTables) Remove() { t.tx.Write("card_range.remove", sqlRemoveRanges) }
