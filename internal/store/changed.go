package store

import (
	"context"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/marks"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Lists by last change compare payment.listed, which the kernel stamps: see [tx.Stamp].
// What was committed so late may have been born too late to be counted, too: see marks.LateAfter.
const sqlStampPayment = `UPDATE payment SET listed = ` + tx.StampSQL + `,
	late = NULLIF(COALESCE(late, 0) * CAST(NOT (` + slowBirth + `) AS INTEGER) + ` + tx.StampSQL + ` * CAST(` + slowBirth + ` AS INTEGER), 0)
	WHERE shop_id = $2 AND id = $3`

// slowBirth tells that the payment is just born and was committed late. Many nodes take no clock in a CASE.
const slowBirth = tx.StampSQL + ` - created > ` + marks.LateMicros + ` AND ` + tx.StampSQL + ` - created < ` + marks.SlowMicros

// changes notes that the body changes the payment.
func (t Payments) changes(p *payment.Payment) {
	t.tx.Stamps(tx.Row{Shop: string(p.Shop), ID: string(p.ID)})
}

// sqlNewestStamps finds the payments that the last commit changed: all of a group have one stamp on SQLite. A join that is no CROSS JOIN
// begins with all payments.
const sqlNewestStamps = `SELECT p.shop_id, p.id FROM shop s CROSS JOIN payment p WHERE p.shop_id = s.id
	AND p.listed = (SELECT MAX((SELECT MAX(q.listed) FROM payment q WHERE q.shop_id = t.id)) FROM shop t)`

// Resume stamps again what the process before was committing when it ended: that can be read only now. On PostgreSQL
// such a commit has long ended by itself. Call it before the first list is read.
func (db *DB) Resume(ctx context.Context) error {
	if db.Kind() != SQLite {
		return nil
	}
	return db.kernel.Update(ctx, func(t *tx.Tx) error {
		last, err := tx.List(t, scanRow, sqlNewestStamps)
		for _, r := range last {
			t.Restamp(r)
		}
		return err
	})
}

func scanRow(s tx.Scanner) (r tx.Row, err error) {
	err = s.Scan(&r.Shop, &r.ID)
	return r, err
}
