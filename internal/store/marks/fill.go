package marks

import (
	"bytes"
	"slices"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Unfilled are marks without a histogram, and the histograms that are to be theirs.
type Unfilled struct {
	Next    int64 // where to go on: payments below the last mark that was looked at
	More    bool  // there may be further ones
	version int64
	ready   []filled
}

// Any reports that there is something to write.
func (u *Unfilled) Any() bool { return len(u.ready) > 0 }

type filled struct {
	span
	histogram
}

// span is a mark with the one before it.
type span struct {
	n         int64
	id, after payment.ID
}

const (
	sqlUnfilled = `SELECT m.n, m.id, m.after FROM payment_mark m WHERE m.shop_id = $1 AND m.n > $2 AND NOT EXISTS (
		SELECT 1 FROM payment_histogram h WHERE h.shop_id = $1 AND h.n = m.n) ORDER BY m.n LIMIT CAST($3 AS BIGINT)`
	sqlInstants = `SELECT q.listed FROM payment q WHERE q.shop_id = $1 AND q.id >= $2 AND q.id < $3 AND q.version > 0` // see readIn
	sqlFill     = `INSERT INTO payment_histogram (shop_id, n, id, after, shift, cells)
		SELECT m.shop_id, m.n, m.id, m.after, CAST($1 AS BIGINT), $2 FROM payment_mark m WHERE m.shop_id = $3 AND m.n = $4 AND m.id = $5 AND m.after = $6`
	sqlFilled   = `UPDATE payment_tally SET version = version + 1 WHERE shop_id = $1 AND version = $2`
	sqlEmptied  = `DELETE FROM payment_histogram WHERE shop_id = $1 AND n = $2`
	sqlEmptyID  = `DELETE FROM payment_histogram WHERE shop_id = $1 AND id > $2`
	sqlEmptyAll = `DELETE FROM payment_histogram WHERE shop_id = $1 AND n > $2`
)

// Unfilled looks for marks without a histogram above those with so many payments below, a few at a time, and makes theirs. A mark
// below which something was changed that the marks do not know yet is left out: it would lose it again.
func (t Tallies) Unfilled(shop payment.ShopID, from int64) (u Unfilled, err error) {
	// First of all the version: whatever is read after it holds for it, or is not written.
	tally, err := tx.List(t.tx, func(s tx.Scanner) (v [2]int64, err error) { return v, s.Scan(&v[0], &v[1]) }, sqlKnows, string(shop))
	if err != nil || len(tally) == 0 {
		return u, err
	}
	u.version, u.Next = tally[0][0], from
	marks, err := tx.List(t.tx, func(s tx.Scanner) (m span, err error) { return m, s.Scan(&m.n, (*string)(&m.id), (*string)(&m.after)) },
		sqlUnfilled, string(shop), from, int64(markBatch))
	if err != nil {
		return u, err
	}
	u.More = len(marks) == markBatch
	for _, m := range marks {
		instants, err := t.instants(shop, m)
		if err != nil {
			return u, err
		}
		u.Next = m.n
		if len(instants) > 0 && slices.Max(instants) <= tally[0][1] {
			u.ready = append(u.ready, filled{m, histogramOf(instants)})
		}
	}
	return u, nil
}

const sqlKnows = `SELECT t.version, t.changed FROM payment_tally t WHERE t.shop_id = $1`

func (t Tallies) instants(shop payment.ShopID, m span) ([]int64, error) {
	return tx.List(t.tx, tx.ScanInt64, sqlInstants, string(shop), string(m.after), string(m.id))
}

// Fill writes the histograms. Whoever has changed marks since they were looked at has the body run again and again: it is for the one
// who counts.
func (t Tallies) Fill(shop payment.ShopID, u *Unfilled) {
	t.tx.LockKey("tally:" + string(shop))
	t.tx.Version("tally.fill", sqlFilled, string(shop), u.version)
	for _, f := range u.ready {
		t.tx.Guard("histogram.create", sqlFill, f.shift, f.cells, string(shop), f.n, string(f.id), string(f.after))
	}
}

const sqlHistograms = `SELECT h.n, h.id, h.after, h.shift, h.cells, t.changed FROM payment_histogram h JOIN payment_tally t ON t.shop_id = h.shop_id
	WHERE h.shop_id = $1 AND h.n > $2 AND h.n <= $3 ORDER BY h.n`

// wrongHistogram is the first of the marks in between whose histogram is not that of its payments, 0 for none. Payments that were
// changed after what the marks know of are told apart by that, whenever they are read.
func (t Tallies) wrongHistogram(shop payment.ShopID, above, upTo int64) (n int64, err error) {
	type known struct {
		filled
		changed int64
	}
	all, err := tx.List(t.tx, func(s tx.Scanner) (k known, err error) {
		return k, s.Scan(&k.n, (*string)(&k.id), (*string)(&k.after), &k.shift, &k.cells, &k.changed)
	}, sqlHistograms, string(shop), above, upTo)
	for _, k := range all {
		if err != nil {
			break
		}
		var instants []int64
		instants, err = t.instants(shop, k.span)
		if err == nil && (len(instants) == 0 || slices.Max(instants) <= k.changed) && !k.is(instants) {
			return k.n, nil
		}
	}
	return 0, err
}

// is reports that the histogram is that of these instants. One that was made with wider cells than it would get today is as true.
func (h histogram) is(instants []int64) bool {
	return len(instants) > 0 && h.shift >= finest && h.shift <= 62 && bytes.Equal(cellsOf(slices.Sorted(slices.Values(instants)), h.shift), h.cells)
}
