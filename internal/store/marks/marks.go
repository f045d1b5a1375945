// Package marks is what lists of payments know beforehand, so that a page far from the top costs what the first one costs: the tables
// payment_tally, payment_mark and payment_histogram, and the statements of lists that go by them. It is a part of package store, which hands its
// accessor on; marks are made and looked after by package tally.
//
// A page far from the top of a list is found by marks: ids of which it is known how many payments of the shop lie below. Payments
// are never deleted, and an id begins with the instant of creation, so that what lies below an id of some minutes ago is settled
// as soon as no transaction is left that may write such a payment. One that is written later all the same, by a node whose clock
// is behind or that was held up, says so in its own row (payment.late), which is read together with the marks: those above it
// are not used until all is counted again from there.
package marks

import (
	"cmp"
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Every is how many payments lie between two marks. It is set before a database is opened, by tests, which have fewer.
var Every int64 = 1000

const (
	// LateAfter is how long after the instant in its id a payment may be written, by the clock of the stamps, and not be late.
	LateAfter  = 30 * time.Second
	LateMicros = `30000000` // LateAfter in SQL
	// SlowMicros is within what time of its birth a payment whose commit was slow counts as one that was born late.
	SlowMicros = `3600000000`
	// markBatch is how many marks one transaction makes: SQLite's only writer counts once more what lies between them.
	markBatch = 20
)

// Tallies reads and writes the counts that lists go by: tables payment_tally, payment_mark and payment_histogram.
type Tallies struct{ tx *tx.Tx }

// Of is the accessor in a transaction.
func Of(t *tx.Tx) Tallies { return Tallies{t} }

// later is the later one.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// shopTally is how far the payments of a shop are counted.
type shopTally struct {
	shop    payment.ShopID
	counted int64 // payments below the last mark
	version int64 // 0 where nothing is marked
	asof    time.Time
	changed time.Time
	last    payment.ID
	late    payment.ID // the first that was written late and may not be counted; empty for none
}

const (
	sqlTally = `SELECT t.version, t.asof, t.changed, m.n, m.id, COALESCE((SELECT MIN(q.id || '') FROM payment q
			WHERE q.shop_id = $2 AND q.late > t.asof AND q.late <= $1), '')
		FROM payment_tally t JOIN payment_mark m ON m.shop_id = t.shop_id WHERE t.shop_id = $2 ORDER BY m.n DESC LIMIT 1`
	sqlNextMark = `SELECT id FROM payment WHERE shop_id = $1 AND id >= $2 ORDER BY id LIMIT 1 OFFSET CAST($3 AS BIGINT)`

	sqlBetweenMarks = `SELECT COALESCE(MIN(q.listed + 0), 0), COALESCE(MAX(q.listed + 0), 0) FROM payment q
		WHERE q.shop_id = $1 AND q.id >= $2 AND q.id < $3 AND q.version > 0` // see readIn

	sqlBeginTally   = `INSERT INTO payment_tally (shop_id, version, asof, changed) VALUES ($1, 1, $2, $2) ON CONFLICT (shop_id) DO NOTHING`
	sqlAdvanceTally = `UPDATE payment_tally SET version = version + 1, asof = $1, changed = CASE WHEN changed < $1 THEN changed ELSE $1 END
		WHERE shop_id = $2 AND version = $3 AND NOT EXISTS (
		SELECT 1 FROM payment q WHERE q.shop_id = $2 AND q.late > payment_tally.asof AND q.late <= $1 AND q.id || '' < $4)`
	sqlFirstMark = `INSERT INTO payment_mark (shop_id, n, id, after, least, most) VALUES ($1, 0, '', '', 0, 0)`
	// The count is made by the statement that writes it: on SQLite nobody can write in between.
	sqlInsertMark = `INSERT INTO payment_mark (shop_id, n, id, after, least, most)
		SELECT m.shop_id, m.n + CAST($1 AS BIGINT), CAST($2 AS TEXT), m.id, CAST($3 AS BIGINT), CAST($4 AS BIGINT) FROM payment_mark m
		WHERE m.shop_id = $5 AND m.n = $6 AND (SELECT COUNT(*) FROM payment q
			WHERE q.shop_id = $5 AND q.id >= m.id AND q.id < CAST($2 AS TEXT)) = CAST($1 AS BIGINT)`
	sqlDropMarks = `DELETE FROM payment_mark WHERE shop_id = $1 AND id > $2 AND n > 0`
)

// Clock reads the clock by which payments are told to be late, and which transactions run.
func (t Tallies) Clock() (tx.Reading, error) { return t.tx.Clock() }

// read returns the tally of a shop, with its first late payment of up to that instant that may not be counted.
func (t Tallies) read(shop payment.ShopID, until time.Time) (shopTally, error) {
	s := shopTally{shop: shop}
	found, err := tx.List(t.tx, func(row tx.Scanner) (shopTally, error) {
		var asof, changed int64
		err := row.Scan(&s.version, &asof, &changed, &s.counted, (*string)(&s.last), (*string)(&s.late))
		s.asof, s.changed = tx.FromMicros(&asof), tx.FromMicros(&changed)
		return s, err
	}, sqlTally, tx.Micros(until), string(shop))
	if err != nil || len(found) == 0 {
		return shopTally{shop: shop}, err
	}
	return found[0], nil
}

// Extend counts on, up to payments of that instant, a few marks at a time. It returns how many are counted before and after, and
// whether more can be done at once. No transaction may be left that writes a payment which was created before the instant and is
// not late. What was written late since is counted in: the marks above it are made anew.
func (t Tallies) Extend(shop payment.ShopID, until time.Time) (before, now int64, more bool, err error) {
	t.tx.LockKey("tally:" + string(shop))
	tally, err := t.read(shop, until)
	if err != nil {
		return 0, 0, false, err
	}
	before = tally.counted
	floor := payment.ID(id.Floor(until))
	if tally.version == 0 {
		more, err = t.begin(tally, until, floor)
		return 0, 0, more, err
	}
	if tally.late != "" || tally.ahead(until) {
		above := cmp.Or(tally.late, floor)
		t.advance(&tally, until, above)
		t.tx.Write("mark.drop", sqlDropMarks, string(shop), string(min(floor, above)))
		t.tx.Write("histogram.drop", sqlEmptyID, string(shop), string(min(floor, above)))
		return before, before, true, nil
	}
	made, err := t.mark(&tally, floor)
	if err == nil && made > 0 {
		t.advance(&tally, later(tally.asof, until), aboveAll)
	}
	return before, tally.counted, made == markBatch, err
}

// ahead reports that what is counted lies so near, or in the future, that the clock must have been set back since.
func (s *shopTally) ahead(until time.Time) bool {
	near := until.Add(2 * LateAfter)
	return s.asof.After(near) || s.changed.After(near) || s.last > payment.ID(id.Floor(near))
}

// advance says that what was written late until then is counted below that id. It holds only if it is true then, too.
func (t Tallies) advance(s *shopTally, until time.Time, below payment.ID) {
	t.tx.Version("tally.advance", sqlAdvanceTally, tx.Micros(until), string(s.shop), s.version, string(below))
}

// begin makes the first mark of a shop that has enough payments for a second one.
func (t Tallies) begin(tally shopTally, until time.Time, floor payment.ID) (bool, error) {
	next, err := t.next(tally.shop, "", floor)
	if err != nil || next == "" {
		return false, err
	}
	t.tx.Guard("tally.create", sqlBeginTally, string(tally.shop), tx.Micros(until))
	t.tx.Write("mark.create", sqlFirstMark, string(tally.shop))
	return true, nil
}

// next is where the mark after that one has to stand, empty where that is not below the floor.
func (t Tallies) next(shop payment.ShopID, last, floor payment.ID) (payment.ID, error) {
	found, err := tx.List(t.tx, tx.ScanText, sqlNextMark, string(shop), string(last), Every)
	if err != nil || len(found) == 0 || payment.ID(found[0]) >= floor {
		return "", err
	}
	return payment.ID(found[0]), nil
}

func (t Tallies) mark(tally *shopTally, floor payment.ID) (made int, err error) {
	for ; made < markBatch; made++ {
		next, err := t.next(tally.shop, tally.last, floor)
		if err != nil || next == "" {
			return made, err
		}
		var least, most int64
		_, err = tx.One(t.tx, func(s tx.Scanner) (none struct{}, err error) { return none, s.Scan(&least, &most) },
			sqlBetweenMarks, string(tally.shop), string(tally.last), string(next))
		if err != nil {
			return made, err
		}
		t.tx.Guard("mark.create", sqlInsertMark, Every, string(next), least, most, string(tally.shop), tally.counted)
		tally.last = next
		tally.counted += Every
	}
	return made, nil
}

const (
	sqlTallyShops = `SELECT id FROM shop ORDER BY id`
	sqlUntelling  = `SELECT id FROM node WHERE NOT tells_late ORDER BY id`
)

// Shops lists all shops.
func (t Tallies) Shops() (shops []payment.ShopID, err error) {
	found, err := tx.List(t.tx, tx.ScanText, sqlTallyShops)
	for _, s := range found {
		shops = append(shops, payment.ShopID(s))
	}
	return shops, err
}

// Untelling names nodes whose programs do not say that a payment is late: while one is there, nothing can be counted.
func (t Tallies) Untelling() ([]string, error) { return tx.List(t.tx, tx.ScanText, sqlUntelling) }
