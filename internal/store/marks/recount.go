package marks

import (
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Recount is what came of counting some payments of a shop again.
type Recount struct {
	Marks int   // that were looked at
	Next  int64 // where to go on: payments below the last of them
	Done  bool  // it was the last of the shop
	Wrong bool  // the mark after Next does not stand where it has to
}

// Between two marks that follow each other lie Every payments, whose last changes are within the bounds or later than the marks
// know, but where one was written late that is not yet counted; and a histogram is that of the last changes.
const sqlCheckMarks = `SELECT m.n, COALESCE(k.id, ''), (SELECT COUNT(*) FROM payment q
		WHERE q.shop_id = $1 AND q.id >= m.id AND q.id < COALESCE(k.id, '')),
	CASE WHEN EXISTS (SELECT 1 FROM payment q WHERE q.shop_id = $1 AND q.id || '' < k.id
		AND q.late > (SELECT t.asof FROM payment_tally t WHERE t.shop_id = $1)) THEN 1 ELSE 0 END,
	(SELECT COUNT(*) FROM payment q WHERE q.shop_id = $1 AND q.id >= m.id AND q.id < COALESCE(k.id, '') AND q.version > 0
		AND (q.listed + 0 < k.least OR q.listed + 0 > k.most AND q.listed + 0 <= (SELECT t.changed FROM payment_tally t WHERE t.shop_id = $1)))
	FROM payment_mark m LEFT JOIN payment_mark k ON k.shop_id = m.shop_id AND k.n = m.n + CAST($2 AS BIGINT)
	WHERE m.shop_id = $1 AND m.n >= $3 ORDER BY m.n LIMIT CAST($4 AS BIGINT)`

type checkedMark struct {
	n, between, late, beyond int64
	next                     string
}

// Check counts again what lies between at most so many marks, at least 2, from the one on that has so many payments below.
func (t Tallies) Check(shop payment.ShopID, from int64, most int) (Recount, error) {
	marks, err := tx.List(t.tx, func(s tx.Scanner) (m checkedMark, err error) {
		err = s.Scan(&m.n, &m.next, &m.between, &m.late, &m.beyond)
		return m, err
	}, sqlCheckMarks, string(shop), Every, from, int64(most))
	if err != nil {
		return Recount{}, err
	}
	c := Recount{Next: from, Done: len(marks) < most}
	sure := from // no payment below was written late and may not be counted
	for i, m := range marks {
		c.Next = m.n
		last := i == len(marks)-1
		if m.next == "" && last {
			break
		}
		if m.next == "" || (m.between != Every || m.beyond > 0) && m.late == 0 {
			c.Wrong = true
			return c, nil
		}
		c.Marks++
		if m.late == 0 {
			sure = m.n + Every
		}
	}
	wrong, err := t.wrongHistogram(shop, from, min(sure, c.Next))
	if wrong > 0 {
		c.Wrong, c.Next = true, wrong-Every
	}
	return c, err
}

const (
	sqlTallyVersion = `SELECT version FROM payment_tally WHERE shop_id = $1`
	sqlMistrust     = `UPDATE payment_tally SET version = version + 1 WHERE shop_id = $1 AND version = $2`
	sqlDropCounted  = `DELETE FROM payment_mark WHERE shop_id = $1 AND n > $2`
)

// Drop gives up the marks that have more payments below than so many: the payments are counted again from there.
func (t Tallies) Drop(shop payment.ShopID, above int64) error {
	t.tx.LockKey("tally:" + string(shop))
	version, err := tx.One(t.tx, tx.ScanInt64, sqlTallyVersion, string(shop))
	if err != nil {
		return err
	}
	t.tx.Version("tally.mistrust", sqlMistrust, string(shop), version)
	t.tx.Write("mark.drop", sqlDropCounted, string(shop), above)
	t.tx.Write("histogram.drop", sqlEmptyAll, string(shop), above)
	return nil
}
