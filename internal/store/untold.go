package store

import (
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Untold is a fact that a dialect could not put into words when it was stored, or one that must not overtake such a
// fact.
type Untold struct {
	Shop    payment.ShopID
	Payment payment.ID // in whose order it is told
	Dialect string
	Number  int    // order of the facts within the payment
	Fact    string // JSON of the engine
	Error   string // why it could not be worded; empty for one that waits behind another
	Created time.Time
	Due     time.Time // when it is tried again; zero while it waits behind another
	Fails   int
}

const sqlInsertUntold = `INSERT INTO untold (shop_id, payment_id, dialect, number, fact, error, created, shard, due, fails)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// Insert keeps a fact until it can be worded. The payment's Untold counts it: see Payments.SetUntold.
func (t UntoldFacts) Insert(u *Untold) {
	t.tx.Write("untold.create", sqlInsertUntold, string(u.Shop), string(u.Payment), u.Dialect, u.Number, u.Fact,
		tx.Nullable(u.Error), tx.Micros(u.Created), ShardOf(string(u.Payment)), tx.Micros(u.Due), u.Fails)
}

const sqlSetUntold = `UPDATE payment SET untold = $1 WHERE shop_id = $2 AND id = $3`

// SetUntold writes the payment's Untold. It belongs behind the write of the payment itself, whose version protects it.
func (t Payments) SetUntold(p *payment.Payment) {
	var n any
	if p.Untold > 0 {
		n = p.Untold
	}
	t.tx.Guard("payment.untold", sqlSetUntold, n, string(p.Shop), string(p.ID))
}

const (
	untoldColumns    = `SELECT shop_id, payment_id, dialect, number, fact, COALESCE(error, ''), created, due, fails FROM untold`
	sqlUntold        = untoldColumns + ` WHERE shop_id = $1 AND payment_id = $2 ORDER BY number, dialect`
	sqlUntoldDialect = `SELECT dialect FROM untold WHERE shop_id = $1 AND payment_id = $2 GROUP BY dialect`
	sqlDueUntold     = untoldColumns + ` WHERE due <= $1`
	sqlListUntold    = untoldColumns + ` WHERE due IS NOT NULL ORDER BY created, shop_id, payment_id LIMIT $1`
)

func scanUntold(s tx.Scanner) (Untold, error) {
	var u Untold
	var shop, pid string
	var created int64
	var due *int64
	err := s.Scan(&shop, &pid, &u.Dialect, &u.Number, &u.Fact, &u.Error, &created, &due, &u.Fails)
	u.Fact = ofToday(u.Fact)
	u.Shop, u.Payment, u.Created, u.Due = payment.ShopID(shop), payment.ID(pid), tx.FromMicros(&created), tx.FromMicros(due)
	return u, err
}

// Of returns all facts of the payment that are not told yet, in their order.
func (t UntoldFacts) Of(shop payment.ShopID, pid payment.ID) ([]Untold, error) {
	return tx.List(t.tx, scanUntold, sqlUntold, string(shop), string(pid))
}

// Dialects returns the dialects in which something about the payment is not told yet.
func (t UntoldFacts) Dialects(shop payment.ShopID, pid payment.ID) ([]string, error) {
	return tx.List(t.tx, tx.ScanText, sqlUntoldDialect, string(shop), string(pid))
}

// Due returns facts of the shards that are to be tried again, longest due first, at most limit.
func (t UntoldFacts) Due(shards []int64, before time.Time, limit int) ([]Untold, error) {
	where, args := tx.InShards(shards, []any{tx.Micros(before)})
	text, args := tx.Limited(sqlDueUntold+" AND "+where+" ORDER BY due", args, limit)
	return tx.List(t.tx, scanUntold, text, args...)
}

// List returns the facts that could not be worded, without those that wait behind them; oldest first, at most limit.
func (t UntoldFacts) List(limit int) ([]Untold, error) {
	return tx.List(t.tx, scanUntold, sqlListUntold, int64(limit))
}

const sqlDeleteUntold = `DELETE FROM untold WHERE shop_id = $1 AND payment_id = $2 AND dialect = $3 AND number = $4`

// Delete forgets a fact that has been worded.
func (t UntoldFacts) Delete(u *Untold) {
	t.tx.Guard("untold.delete", sqlDeleteUntold, string(u.Shop), string(u.Payment), u.Dialect, u.Number)
}

const sqlUpdateUntold = `UPDATE untold SET error = $1, due = $2, fails = $3
	WHERE shop_id = $4 AND payment_id = $5 AND dialect = $6 AND number = $7`

// Update writes when the fact is tried again, and why it has to be.
func (t UntoldFacts) Update(u *Untold) {
	t.tx.Guard("untold.update", sqlUpdateUntold, tx.Nullable(u.Error), tx.Micros(u.Due), u.Fails, string(u.Shop), string(u.Payment),
		u.Dialect, u.Number)
}

const sqlHurryUntold = `UPDATE untold SET due = $1 WHERE due > $1`

// Hurry has every fact that could not be worded tried again now.
func (t UntoldFacts) Hurry() { t.tx.Write("untold.hurry", sqlHurryUntold, tx.Micros(t.tx.Now())) }
