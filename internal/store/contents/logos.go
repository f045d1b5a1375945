// Package contents is what operators give as a whole, and what is used as a whole: the logos of shops and the table of card
// ranges: the tables shop_logo and card_range. It is a part of package store, which hands its accessors on.
package contents

import (
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Logo is a shop's picture as it is served.
type Logo struct {
	Name    string
	Content []byte
}

// Logos reads and writes the pictures of shops: table shop_logo.
type Logos struct{ tx *tx.Tx }

// LogosOf is the accessor of logos in a transaction.
func LogosOf(t *tx.Tx) Logos { return Logos{t} }

const sqlLogo = `SELECT name, content FROM shop_logo WHERE shop_id = $1`

// Get returns the picture of a shop, or ErrNotFound.
func (t Logos) Get(sid payment.ShopID) (Logo, error) {
	return tx.One(t.tx, func(s tx.Scanner) (l Logo, err error) {
		err = s.Scan(&l.Name, &l.Content)
		return l, err
	}, sqlLogo, string(sid))
}

const sqlPutLogo = `INSERT INTO shop_logo (shop_id, name, content) VALUES ($1, $2, $3)
	ON CONFLICT (shop_id) DO UPDATE SET name = excluded.name, content = excluded.content`

// Put writes the picture of a shop in the place of the one before.
func (t Logos) Put(sid payment.ShopID, l *Logo) {
	t.tx.Write("logo.put", sqlPutLogo, string(sid), l.Name, l.Content)
}

const sqlDeleteLogo = `DELETE FROM shop_logo WHERE shop_id = $1`

// Delete takes the picture of a shop away, if there is one.
func (t Logos) Delete(sid payment.ShopID) { t.tx.Write("logo.delete", sqlDeleteLogo, string(sid)) }
