// Package signing is what is known of the keys that sign events: the table signing_key. It is a part of package store, which hands its
// accessor on.
package signing

import (
	"time"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// Keys reads and writes what is known of the keys that sign events: table signing_key.
type Keys struct{ tx *tx.Tx }

// Of is the accessor of signing keys in a transaction.
func Of(t *tx.Tx) Keys { return Keys{t} }

// Key is what the database knows of a key that signs events: all but the key.
type Key struct {
	Number   int    // 1, 2, … in the order in which they were made
	KID      string // its public name
	Salt     string // random; it is derived by both
	Created  time.Time
	Active   time.Time // it signs from then on
	Replaced time.Time // until then, when the next one takes over; zero for the newest
}

const sqlSigningKeys = `SELECT number, kid, salt, created, active_from, replaced_at FROM signing_key ORDER BY number`

// List returns all keys that were ever made, oldest first.
func (t Keys) List() ([]Key, error) {
	return tx.List(t.tx, scanSigningKey, sqlSigningKeys)
}

func scanSigningKey(s tx.Scanner) (Key, error) {
	var k Key
	var created, active int64
	var replaced *int64
	err := s.Scan(&k.Number, &k.KID, &k.Salt, &created, &active, &replaced)
	k.Created, k.Active, k.Replaced = tx.FromMicros(&created), tx.FromMicros(&active), tx.FromMicros(replaced)
	return k, err
}

const (
	sqlInsertSigningKey = `INSERT INTO signing_key (number, kid, salt, created, active_from, replaced_at)
	VALUES ($1, $2, $3, $4, $5, NULL)`
	sqlReplaceSigningKey = `UPDATE signing_key SET replaced_at = $1 WHERE number = $2 AND replaced_at IS NULL`
	sqlHastenSigningKey  = `UPDATE signing_key SET active_from = $1 WHERE number = $2 AND active_from > $1 AND replaced_at IS NULL`
	sqlRetireSigningKey  = `UPDATE signing_key SET replaced_at = $1 WHERE number = $2 AND replaced_at > $1`
)

// Insert writes a new key, the newest. If its number is taken the transaction
// fails with a UniqueError.
func (t Keys) Insert(k *Key) {
	t.tx.Write("signing_key.create", sqlInsertSigningKey, k.Number, k.KID, k.Salt, tx.Micros(k.Created), tx.Micros(k.Active))
}

// Replace ends the newest key's time at that instant. Who comes second runs
// again.
func (t Keys) Replace(number int, at time.Time) {
	t.tx.Guard("signing_key.replace", sqlReplaceSigningKey, tx.Micros(at), number)
}

// Hasten has the newest key, which waits for its time, take over at an earlier
// instant from the one before it. Who comes second runs again.
func (t Keys) Hasten(number int, at time.Time) {
	t.tx.Guard("signing_key.hasten", sqlHastenSigningKey, tx.Micros(at), number)
	t.tx.Guard("signing_key.retire", sqlRetireSigningKey, tx.Micros(at), number-1)
}
