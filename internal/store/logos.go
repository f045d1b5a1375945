package store

import (
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Logo is a shop's picture as it is served.
type Logo struct {
	Name    string
	Content []byte
}

// Logos reads and writes the pictures of shops: table shop_logo.
type Logos struct{ tx *tx.Tx }

// Logos is the accessor of its table.
func (t *Tx) Logos() Logos { return Logos{t.kernel()} }

const sqlLogo = `SELECT name, content FROM shop_logo WHERE shop_id = $1`

// Get returns the picture of a shop, or ErrNotFound.
func (t Logos) Get(sid shop.ID) (Logo, error) {
	return tx.One(t.tx, func(s tx.Scanner) (l Logo, err error) {
		err = s.Scan(&l.Name, &l.Content)
		return l, err
	}, sqlLogo, string(sid))
}

const sqlPutLogo = `INSERT INTO shop_logo (shop_id, name, content) VALUES ($1, $2, $3)
	ON CONFLICT (shop_id) DO UPDATE SET name = excluded.name, content = excluded.content`

// Put writes the picture of a shop in the place of the one before.
func (t Logos) Put(sid shop.ID, l *Logo) {
	t.tx.Write("logo.put", sqlPutLogo, string(sid), l.Name, l.Content)
}

const sqlDeleteLogo = `DELETE FROM shop_logo WHERE shop_id = $1`

// Delete takes the picture of a shop away, if there is one.
func (t Logos) Delete(sid shop.ID) { t.tx.Write("logo.delete", sqlDeleteLogo, string(sid)) }
