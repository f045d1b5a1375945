package plain

import "github.com/jackc/pgx/v5/pgtype"

// ReadAmounts has a connection to PostgreSQL get amounts as the text that the server makes of them, into any place for texts. The
// driver would ask for their inner form; a cast in the statement would do the same as this, but costs SQLite, where they are texts
// already, more than reading them.
func ReadAmounts(m *pgtype.Map) {
	m.RegisterType(&pgtype.Type{Name: "numeric", OID: pgtype.NumericOID, Codec: amountCodec{}})
}

// amountCodec prefers texts, and is that of the driver for whatever wants a number.
type amountCodec struct{ pgtype.NumericCodec }

// PreferredFormat implements [pgtype.Codec].
func (amountCodec) PreferredFormat() int16 { return pgtype.TextFormatCode }

// PlanScan implements [pgtype.Codec].
func (c amountCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if format == pgtype.TextFormatCode {
		if plan := (pgtype.TextCodec{}).PlanScan(m, oid, format, target); plan != nil {
			return plan
		}
	}
	return c.NumericCodec.PlanScan(m, oid, format, target)
}
