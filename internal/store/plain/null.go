package plain

import "github.com/jackc/pgx/v5/pgtype"

// Text is where a text goes that is empty where the column is NULL. To have the database make an empty text of each NULL would cost more
// than to read the NULL: SQLite is asked for the type of a value, and then, of a text, for the text and for its length.
type Text string

// ScanText implements [pgtype.TextScanner].
func (t *Text) ScanText(v pgtype.Text) error {
	*t = Text(v.String)
	return nil
}

// Number is where a whole number goes that is zero where the column is NULL.
type Number int64

// ScanInt64 implements [pgtype.Int64Scanner].
func (n *Number) ScanInt64(v pgtype.Int8) error {
	*n = Number(v.Int64)
	return nil
}
