// Package cards is the cards that shops keep for their customers: the table card_token. It is a part of package store, which hands its
// accessor on. Numbers come sealed and leave sealed.
package cards

import (
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Kept is a card that a shop keeps.
type Kept struct {
	Shop     payment.ShopID
	Token    string // at most 32 characters
	Customer string // the merchant's id of the customer
	Number   string // sealed
	Masked   string
	Brand    instrument.Brand
	Holder   string
	Month    string // of the expiry, two digits
	Year     string // four digits
	Expires  time.Time
	Saved    bool // the customer asked for it
	Updated  time.Time
}

// Key names a kept card.
type Key struct {
	Shop  payment.ShopID
	Token string
	Due   time.Time // when it is forgotten
}

// Tokens reads and writes kept cards: table card_token.
type Tokens struct{ tx *tx.Tx }

// Of is the accessor of kept cards in a transaction.
func Of(t *tx.Tx) Tokens { return Tokens{t} }

const sqlPutCard = `INSERT INTO card_token (shop_id, token, customer, number, masked, brand, holder, month, year, expires, saved, proven, due,
	created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, FALSE, $12, $13, $14)
	ON CONFLICT (shop_id, token) DO UPDATE SET saved = card_token.saved OR excluded.saved,
	due = CASE WHEN card_token.proven OR card_token.due > excluded.due THEN card_token.due ELSE excluded.due END`

// Put writes a card that a payment is about to be made with, unless it is there: then it is the one that is kept, and what the
// payment says of it counts once it is approved. Until due it has to be.
func (t Tokens) Put(c *Kept, due time.Time) {
	now := tx.Micros(t.tx.Now())
	t.tx.Write("card_token.put", sqlPutCard, string(c.Shop), c.Token, c.Customer, c.Number, c.Masked, string(c.Brand), c.Holder, c.Month, c.Year,
		tx.Micros(c.Expires), c.Saved, tx.Micros(due), now, now)
}

const sqlProveCard = `UPDATE card_token SET proven = TRUE, holder = $1, month = $2, year = $3, expires = $4, due = $5, updated = $6
	WHERE shop_id = $7 AND token = $8 AND (NOT proven OR expires < $9)`

// Prove has a card that a payment was approved with be there for others, until due, as it was then. One that another payment has
// proven is changed only where it is good for longer now.
func (t Tokens) Prove(c *Kept, due time.Time) {
	t.tx.Write("card_token.prove", sqlProveCard, c.Holder, c.Month, c.Year, tx.Micros(c.Expires), tx.Micros(due), tx.Micros(t.tx.Now()),
		string(c.Shop), c.Token, tx.Micros(c.Expires))
}

const sqlDoubtCard = `UPDATE card_token SET due = $1 WHERE shop_id = $2 AND token = $3 AND NOT proven AND due > $4`

// Doubt has a card that no payment was approved with be forgotten sooner.
func (t Tokens) Doubt(shop payment.ShopID, token string, due time.Time) {
	t.tx.Write("card_token.doubt", sqlDoubtCard, tx.Micros(due), string(shop), token, tx.Micros(due))
}

const (
	columns     = `shop_id, token, customer, number, masked, brand, holder, month, year, expires, saved, updated`
	sqlCard     = `SELECT ` + columns + ` FROM card_token WHERE shop_id = $1 AND token = $2 AND proven`
	sqlCardsOf  = `SELECT ` + columns + ` FROM card_token WHERE shop_id = $1 AND customer = $2 AND proven ORDER BY updated DESC, token LIMIT $3`
	sqlDueCards = `SELECT shop_id, token, due FROM card_token WHERE due <= $1 ORDER BY due LIMIT $2`
)

// Get returns a proven card of the shop, or ErrNotFound.
func (t Tokens) Get(shop payment.ShopID, token string) (Kept, error) {
	return tx.One(t.tx, scan, sqlCard, string(shop), token)
}

// OfCustomer returns the proven cards of a customer of the shop, the one that was changed last first.
func (t Tokens) OfCustomer(shop payment.ShopID, customer string, most int) ([]Kept, error) {
	return tx.List(t.tx, scan, sqlCardsOf, string(shop), customer, int64(most))
}

func scan(s tx.Scanner) (c Kept, err error) {
	var shop, brand string
	var expires, updated int64
	err = s.Scan(&shop, &c.Token, &c.Customer, &c.Number, &c.Masked, &brand, &c.Holder, &c.Month, &c.Year, &expires, &c.Saved, &updated)
	c.Shop, c.Brand = payment.ShopID(shop), instrument.Brand(brand)
	c.Expires, c.Updated = tx.FromMicros(&expires), tx.FromMicros(&updated)
	return c, err
}

// Due returns cards of any shop whose time is over, longest first.
func (t Tokens) Due(before time.Time, most int) ([]Key, error) {
	return tx.List(t.tx, func(s tx.Scanner) (k Key, err error) {
		var shop string
		var due int64
		err = s.Scan(&shop, &k.Token, &due)
		k.Shop, k.Due = payment.ShopID(shop), tx.FromMicros(&due)
		return k, err
	}, sqlDueCards, tx.Micros(before), int64(most))
}

const (
	sqlForgetCard = `DELETE FROM card_token WHERE shop_id = $1 AND token = $2 AND due = $3`
	sqlDeleteCard = `DELETE FROM card_token WHERE shop_id = $1 AND token = $2 AND customer = $3`
)

// Forget removes a card whose time is over, if that has not changed meanwhile.
func (t Tokens) Forget(k Key) {
	t.tx.Write("card_token.forget", sqlForgetCard, string(k.Shop), k.Token, tx.Micros(k.Due))
}

// Delete removes a card of a customer, if it is there.
func (t Tokens) Delete(shop payment.ShopID, customer, token string) {
	t.tx.Write("card_token.delete", sqlDeleteCard, string(shop), token, customer)
}
