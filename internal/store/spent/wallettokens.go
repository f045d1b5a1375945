// Package spent is the tokens of wallets that have paid: the table spent_token. It is a part of package store, which hands its accessor
// on. It knows hashes and no token.
package spent

import (
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Token is one that a try was made with.
type Token struct {
	Shop    payment.ShopID
	Hash    string // at most 64 characters
	Payment payment.ID
	Due     time.Time // from when on nobody would take it any more; zero for never
}

// WriteToken is the name of the write that fails when a token was spent before.
const WriteToken = "spent_token.create"

// Tokens reads and writes spent tokens: table spent_token.
type Tokens struct{ tx *tx.Tx }

// Of is the accessor of spent tokens in a transaction.
func Of(t *tx.Tx) Tokens { return Tokens{t} }

const sqlSpend = `INSERT INTO spent_token (shop_id, hash, payment_id, due, created) VALUES ($1, $2, $3, $4, $5)`

// Spend has the token be spent. One that is already fails with a UniqueError of WriteToken.
func (t Tokens) Spend(s Token) {
	t.tx.Write(WriteToken, sqlSpend, string(s.Shop), s.Hash, string(s.Payment), tx.Micros(s.Due), tx.Micros(t.tx.Now()))
}

const sqlSpent = `SELECT payment_id FROM spent_token WHERE shop_id = $1 AND hash = $2`

// On returns the payment that a token was spent on, or ErrNotFound.
func (t Tokens) On(shop payment.ShopID, hash string) (payment.ID, error) {
	return tx.One(t.tx, func(s tx.Scanner) (payment.ID, error) {
		var id string
		err := s.Scan(&id)
		return payment.ID(id), err
	}, sqlSpent, string(shop), hash)
}

const sqlSpentDue = `SELECT shop_id, hash, due FROM spent_token WHERE due IS NOT NULL AND due <= $1 ORDER BY due LIMIT $2`

// Due returns tokens of any shop whose time is over, longest first.
func (t Tokens) Due(before time.Time, most int) ([]Token, error) {
	return tx.List(t.tx, func(s tx.Scanner) (k Token, err error) {
		var shop string
		var due int64
		err = s.Scan(&shop, &k.Hash, &due)
		k.Shop, k.Due = payment.ShopID(shop), tx.FromMicros(&due)
		return k, err
	}, sqlSpentDue, tx.Micros(before), int64(most))
}

const sqlForgetSpent = `DELETE FROM spent_token WHERE shop_id = $1 AND hash = $2 AND due = $3`

// Forget removes a token whose time is over.
func (t Tokens) Forget(s Token) {
	t.tx.Write("spent_token.forget", sqlForgetSpent, string(s.Shop), s.Hash, tx.Micros(s.Due))
}
