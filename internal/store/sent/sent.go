// Package sent is what attempts have sent whose calls gave no answer, as keyed hashes: the table sent_request. It is a part of package
// store, which hands its accessor on. It knows hashes and no request.
package sent

import (
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Request is what one attempt has sent.
type Request struct {
	Shop    payment.ShopID
	Payment payment.ID
	Seq     int       // of the attempt
	Sums    string    // by which the same request is known
	Tries   int       // how often it was sent again
	Due     time.Time // from when on it is not sent any more
}

// Requests reads and writes what was sent: table sent_request.
type Requests struct{ tx *tx.Tx }

// Of is the accessor of what was sent in a transaction.
func Of(t *tx.Tx) Requests { return Requests{t} }

const sqlKeep = `INSERT INTO sent_request (shop_id, payment_id, seq, sums, tries, due) VALUES ($1, $2, $3, $4, 0, $5)`

// Keep keeps what an attempt has sent. Nothing of it may be kept yet.
func (t Requests) Keep(r Request) {
	t.tx.Write("sent_request.create", sqlKeep, string(r.Shop), string(r.Payment), int64(r.Seq), r.Sums, tx.Micros(r.Due))
}

const sqlSent = `SELECT sums, tries, due FROM sent_request WHERE shop_id = $1 AND payment_id = $2 AND seq = $3`

// By returns what the attempt has sent, or ErrNotFound.
func (t Requests) By(p *payment.Payment, seq int) (Request, error) {
	return tx.One(t.tx, func(s tx.Scanner) (Request, error) {
		r := Request{Shop: p.Shop, Payment: p.ID, Seq: seq}
		var due int64
		err := s.Scan(&r.Sums, &r.Tries, &due)
		r.Due = tx.FromMicros(&due)
		return r, err
	}, sqlSent, string(p.Shop), string(p.ID), int64(seq))
}

const sqlAgain = `UPDATE sent_request SET tries = tries + 1 WHERE shop_id = $1 AND payment_id = $2 AND seq = $3 AND tries = $4`

// Again counts that it is about to be sent once more. It fails where somebody else was faster.
func (t Requests) Again(r Request) {
	t.tx.Guard("sent_request.again", sqlAgain, string(r.Shop), string(r.Payment), int64(r.Seq), int64(r.Tries))
}

const sqlSentDue = `SELECT shop_id, payment_id, seq FROM sent_request WHERE due <= $1 ORDER BY due LIMIT $2`

// Due returns those of any shop whose time is over, longest first.
func (t Requests) Due(before time.Time, most int) ([]Request, error) {
	return tx.List(t.tx, func(s tx.Scanner) (r Request, err error) {
		var shop, id string
		err = s.Scan(&shop, &id, &r.Seq)
		r.Shop, r.Payment = payment.ShopID(shop), payment.ID(id)
		return r, err
	}, sqlSentDue, tx.Micros(before), int64(most))
}

const sqlForgetSent = `DELETE FROM sent_request WHERE shop_id = $1 AND payment_id = $2 AND seq = $3`

// Forget removes one.
func (t Requests) Forget(r Request) {
	t.tx.Write("sent_request.forget", sqlForgetSent, string(r.Shop), string(r.Payment), int64(r.Seq))
}
