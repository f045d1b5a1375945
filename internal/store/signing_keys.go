package store

import "time"

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

// SigningKeys returns all keys that were ever made, oldest first.
func (tx *Tx) SigningKeys() ([]SigningKey, error) { return list(tx, scanSigningKey, sqlSigningKeys) }

func scanSigningKey(s scanner) (SigningKey, error) {
	var k SigningKey
	var created, active int64
	var replaced *int64
	err := s.Scan(&k.Number, &k.KID, &k.Salt, &created, &active, &replaced)
	k.Created, k.Active, k.Replaced = fromMicros(&created), fromMicros(&active), fromMicros(replaced)
	return k, err
}

const (
	sqlInsertSigningKey = `INSERT INTO signing_key (number, kid, salt, created, active_from, replaced_at)
	VALUES ($1, $2, $3, $4, $5, NULL)`
	sqlReplaceSigningKey = `UPDATE signing_key SET replaced_at = $1 WHERE number = $2 AND replaced_at IS NULL`
	sqlHastenSigningKey  = `UPDATE signing_key SET active_from = $1 WHERE number = $2 AND active_from > $1 AND replaced_at IS NULL`
	sqlRetireSigningKey  = `UPDATE signing_key SET replaced_at = $1 WHERE number = $2 AND replaced_at > $1`
)

// InsertSigningKey writes a new key, the newest. If its number is taken the transaction
// fails with a UniqueError of WriteSigningKey.
func (tx *Tx) InsertSigningKey(k *SigningKey) {
	tx.write(WriteSigningKey, sqlInsertSigningKey, k.Number, k.KID, k.Salt, micros(k.Created), micros(k.Active))
}

// ReplaceSigningKey ends the newest key's time at that instant. Who comes second runs
// again.
func (tx *Tx) ReplaceSigningKey(number int, at time.Time) {
	tx.guard("signing_key.replace", sqlReplaceSigningKey, micros(at), number)
}

// HastenSigningKey has the newest key, which waits for its time, take over at an earlier
// instant from the one before it. Who comes second runs again.
func (tx *Tx) HastenSigningKey(number int, at time.Time) {
	tx.guard("signing_key.hasten", sqlHastenSigningKey, micros(at), number)
	tx.guard("signing_key.retire", sqlRetireSigningKey, micros(at), number-1)
}
