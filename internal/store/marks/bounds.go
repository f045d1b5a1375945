package marks

import (
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// A mark also knows between which instants the payments below it, down to the mark before, were changed last. That holds for
// those whose last change is not after payment_tally.changed; what was changed later is found by that very instant, and due work
// puts it into the bounds soon. They are never too narrow: a payment that leaves them has been changed later.

const (
	// foldAtOnce is about how many changes are put into the bounds at a time.
	foldAtOnce = 20_000
	// foldFrom is of how many payments above the last mark, and no other, changes are left as they are.
	foldFrom = 1000
	// widenedAtOnce is how many marks one transaction changes.
	widenedAtOnce = 200
)

// Widened is a mark below which payments were changed.
type Widened struct{ n, least, most int64 }

// Folding is what is to be done so that the bounds hold for what was changed up to an instant.
type Folding struct {
	Marks   []Widened
	More    bool // there are further changes
	version int64
	until   time.Time
	idle    bool
}

const (
	sqlChangesEnd = `SELECT q.listed FROM payment q WHERE q.shop_id = $1 AND q.listed > $2 AND q.listed <= $3
		ORDER BY q.listed LIMIT 1 OFFSET CAST($4 AS BIGINT)`
	// Those above the last mark come as 0.
	sqlChanges = `SELECT c.n, COUNT(*), MIN(c.listed), MAX(c.listed) FROM (SELECT q.listed, COALESCE((SELECT m.n FROM payment_mark m
			WHERE m.shop_id = $1 AND m.id > q.id ORDER BY m.id LIMIT 1), 0) AS n
		FROM payment q WHERE q.shop_id = $1 AND q.listed > $2 AND q.listed <= $3) AS c GROUP BY c.n`
	// An instant may lie below the bounds only where a clock was set back.
	sqlWidenMark = `UPDATE payment_mark SET most = CASE WHEN most < $1 THEN $1 ELSE most END, least = CASE WHEN least > $2 THEN $2 ELSE least END
		WHERE shop_id = $3 AND n = $4 AND (most < $1 OR least > $2)`
	sqlFolded = `UPDATE payment_tally SET version = version + 1, changed = $1 WHERE shop_id = $2 AND version = $3`
)

// Changes looks for what was changed up to the instant, as of which no transaction may be left that changes a payment before it.
func (t Tallies) Changes(shop payment.ShopID, until time.Time) (f Folding, err error) {
	tally, err := t.read(shop, until)
	if err != nil || tally.version == 0 || !until.After(tally.changed) {
		return Folding{idle: true}, err
	}
	f = Folding{version: tally.version, until: until}
	end, err := tx.List(t.tx, tx.ScanInt64, sqlChangesEnd, string(shop), tx.Micros(tally.changed), tx.Micros(until), int64(foldAtOnce))
	if err != nil {
		return f, err
	}
	if len(end) > 0 {
		f.until, f.More = tx.FromMicros(&end[0]), true
	}
	var above int64
	err = t.tx.Each(func(s tx.Scanner) error {
		var w Widened
		var payments int64
		if err := s.Scan(&w.n, &payments, &w.least, &w.most); err != nil {
			return err
		}
		if w.n == 0 {
			above = payments
		} else {
			f.Marks = append(f.Marks, w)
		}
		return nil
	}, sqlChanges, string(shop), tx.Micros(tally.changed), tx.Micros(f.until))
	f.idle = len(f.Marks) == 0 && above < foldFrom
	return f, err
}

// Fold puts some of the changes into the bounds, and says that all are in once none is left. It reports whether it was that.
func (t Tallies) Fold(shop payment.ShopID, f *Folding, done int) (now int, last bool) {
	if f.idle {
		return done, true
	}
	t.tx.LockKey("tally:" + string(shop))
	now = min(done+widenedAtOnce, len(f.Marks))
	for _, w := range f.Marks[done:now] {
		t.tx.Write("mark.widen", sqlWidenMark, w.most, w.least, string(shop), w.n)
		t.tx.Write("histogram.drop", sqlEmptied, string(shop), w.n)
	}
	if now < len(f.Marks) {
		return now, false
	}
	t.tx.Version("tally.fold", sqlFolded, tx.Micros(f.until), string(shop), f.version)
	return now, true
}
