package store

import (
	"time"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// WriteSigningKey is the write that fails when another process has made the same key.
const WriteSigningKey = "signing_key.create"

// SigningKey is what the database knows of a key that signs events: all but the key.
type SigningKey struct {
	Number   int    // 1, 2, … in the order in which they were made
	KID      string // its public name
	Salt     string // random; it is derived by both
	Created  time.Time
	Active   time.Time // it signs from then on
	Replaced time.Time // until then, when the next one takes over; zero for the newest
}

const sqlSigningKeys = `SELECT number, kid, salt, created, active_from, replaced_at FROM signing_key ORDER BY number`

// List returns all keys that were ever made, oldest first.
func (t SigningKeys) List() ([]SigningKey, error) {
	return tx.List(t.tx, scanSigningKey, sqlSigningKeys)
}

func scanSigningKey(s tx.Scanner) (SigningKey, error) {
	var k SigningKey
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
// fails with a UniqueError of WriteSigningKey.
func (t SigningKeys) Insert(k *SigningKey) {
	t.tx.Write(WriteSigningKey, sqlInsertSigningKey, k.Number, k.KID, k.Salt, tx.Micros(k.Created), tx.Micros(k.Active))
}

// Replace ends the newest key's time at that instant. Who comes second runs
// again.
func (t SigningKeys) Replace(number int, at time.Time) {
	t.tx.Guard("signing_key.replace", sqlReplaceSigningKey, tx.Micros(at), number)
}

// Hasten has the newest key, which waits for its time, take over at an earlier
// instant from the one before it. Who comes second runs again.
func (t SigningKeys) Hasten(number int, at time.Time) {
	t.tx.Guard("signing_key.hasten", sqlHastenSigningKey, tx.Micros(at), number)
	t.tx.Guard("signing_key.retire", sqlRetireSigningKey, tx.Micros(at), number-1)
}
