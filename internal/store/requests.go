package store

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Names of the writes that fail when a request was made before.
const (
	WriteIdempotency = "idempotency.create"
	WriteReference   = "reference.create"
)

// mostIndexed is how many bytes of a text an index takes together with its neighbours: PostgreSQL refuses long rows.
const mostIndexed = 1024

// indexable stands in keys for a text that may be longer than an index takes.
func indexable(text string) string {
	if len(text) <= mostIndexed {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Idempotency ties a merchant's key for one command to the payment it was for.
type Idempotency struct {
	Shop        payment.ShopID
	Route       string
	Key         string
	Fingerprint []byte
	Payment     payment.ID
	Created     time.Time
}

const sqlInsertIdempotency = `INSERT INTO idempotency (shop_id, route, key, fingerprint, payment_id, created)
	VALUES ($1, $2, $3, $4, $5, $6)`

// Insert remembers a command. A second one under the same key fails with a
// UniqueError of WriteIdempotency.
func (t IdempotencyKeys) Insert(i Idempotency) {
	t.tx.Write(WriteIdempotency, sqlInsertIdempotency, string(i.Shop), indexable(i.Route), indexable(i.Key),
		i.Fingerprint, string(i.Payment), tx.Micros(i.Created))
}

const sqlIdempotency = `SELECT fingerprint, payment_id, created FROM idempotency
	WHERE shop_id = $1 AND route = $2 AND key = $3`

// Get returns the command under that key, or ErrNotFound.
func (t IdempotencyKeys) Get(shop payment.ShopID, route, key string) (Idempotency, error) {
	return tx.One(t.tx, func(s tx.Scanner) (Idempotency, error) {
		i := Idempotency{Shop: shop, Route: route, Key: key}
		var pid string
		var created int64
		err := s.Scan(&i.Fingerprint, &pid, &created)
		i.Payment, i.Created = payment.ID(pid), tx.FromMicros(&created)
		return i, err
	}, sqlIdempotency, string(shop), indexable(route), indexable(key))
}

// Reference reserves a merchant's reference where a shop allows it once.
type Reference struct {
	Shop        payment.ShopID
	Type        payment.Type
	Reference   string
	Payment     payment.ID
	Fingerprint []byte
	Forever     bool // stays when the payment is declined or cancelled
}

const sqlInsertReference = `INSERT INTO reference (shop_id, type, reference, payment_id, fingerprint, forever)
	VALUES ($1, $2, $3, $4, $5, $6)`

// Insert reserves a reference. One that is taken fails with a UniqueError of
// WriteReference.
func (t References) Insert(r Reference) {
	t.tx.Write(WriteReference, sqlInsertReference, string(r.Shop), string(r.Type), indexable(r.Reference),
		string(r.Payment), r.Fingerprint, r.Forever)
}

const sqlReference = `SELECT payment_id, fingerprint, forever FROM reference
	WHERE shop_id = $1 AND type = $2 AND reference = $3`

// Get returns who holds a reference, or ErrNotFound.
func (t References) Get(shop payment.ShopID, of payment.Type, reference string) (Reference, error) {
	return tx.One(t.tx, func(s tx.Scanner) (Reference, error) {
		r := Reference{Shop: shop, Type: of, Reference: reference}
		var pid string
		err := s.Scan(&pid, &r.Fingerprint, &r.Forever)
		r.Payment = payment.ID(pid)
		return r, err
	}, sqlReference, string(shop), string(of), indexable(reference))
}

const sqlFreeReference = `DELETE FROM reference
	WHERE shop_id = $1 AND type = $2 AND reference = $3 AND payment_id = $4 AND NOT forever`

// Release gives the reference of a failed payment back, if it held one that is
// not kept for ever.
func (t References) Release(p *payment.Payment) {
	t.tx.Write("reference.free", sqlFreeReference, string(p.Shop), string(p.Type), indexable(p.Reference),
		string(p.ID))
}
