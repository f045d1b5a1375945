package store

import (
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// WriteAttempt names the write that fails when a provider's transaction is booked on
// another payment already.
const WriteAttempt = "attempt.update"

var sqlAttempts = `SELECT ` + attemptColumns + ` FROM attempt WHERE shop_id = $1 AND payment_id = $2 ORDER BY seq`

// sqlLatestAttempts reads the unique index on shop, terminal and key. Keys of one epoch are ordered by their payments' ids,
// which is by time.
var sqlLatestAttempts = `SELECT ` + attemptColumns + ` FROM attempt WHERE shop_id = $1 AND terminal_id = $2
	ORDER BY key DESC LIMIT $3`

// Latest returns attempts at a terminal, those of the newest payments first, at most limit.
func (t Attempts) Latest(shop payment.ShopID, terminal string, limit int) ([]payment.Attempt, error) {
	return tx.List(t.tx, scanAttempt, sqlLatestAttempts, string(shop), terminal, int64(limit))
}

// Insert writes an attempt that is about to be sent.
func (t Attempts) Insert(p *payment.Payment, a *payment.Attempt) {
	t.tx.Write("attempt.create", insertAttempt.sql, insertAttempt.args(t.tx, a, 0, string(p.Shop), string(p.ID))...)
}

// Update writes everything of an attempt that can change. The version that the
// payment's own update names protects it.
func (t Attempts) Update(p *payment.Payment, a *payment.Attempt) {
	args := updateAttempt.args(t.tx, a, 3)
	t.tx.Guard(WriteAttempt, updateAttempt.sql, append(args, string(p.Shop), string(p.ID), a.Seq)...)
}

const sqlAttemptKey = `SELECT key FROM attempt WHERE shop_id = $1 AND terminal_id = $2 AND own_ref = $3`

// KeyOf returns our key of the payment's own try that the provider knows by that id, or ErrNotFound.
func (t Attempts) KeyOf(shop payment.ShopID, terminal, providerRef string) (key string, err error) {
	return tx.One(t.tx, func(s tx.Scanner) (key string, err error) {
		err = s.Scan(&key)
		return key, err
	}, sqlAttemptKey, string(shop), terminal, providerRef)
}

const sqlAttemptOwner = `SELECT payment_id, seq FROM attempt WHERE shop_id = $1 AND terminal_id = $2 AND key = $3`

// Owner returns the payment and the number of the attempt that the provider
// knows by that key, or ErrNotFound.
func (t Attempts) Owner(shop payment.ShopID, terminal, key string) (pid payment.ID, seq int, err error) {
	type owner struct {
		payment string
		seq     int
	}
	o, err := tx.One(t.tx, func(s tx.Scanner) (o owner, err error) {
		err = s.Scan(&o.payment, &o.seq)
		return o, err
	}, sqlAttemptOwner, string(shop), terminal, key)
	return payment.ID(o.payment), o.seq, err
}
