package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/sluicepay/sluice/internal/store/tx"
	"github.com/sluicepay/sluice/internal/vault"
)

// WriteDataKey is the write that fails when another process has made the same key.
const WriteDataKey = "data_key.create"

// ErrNoDataKey says that the database has no data key, and that none may be made: it was never set up for sealing, or holds
// what was sealed by keys that are gone.
var ErrNoDataKey = errors.New("the database has no data key")

const (
	sqlDataKeys      = `SELECT number, id, master, wrapped, created, active FROM data_key ORDER BY number`
	sqlInsertDataKey = `INSERT INTO data_key (number, id, master, wrapped, created, active) VALUES ($1, $2, $3, $4, $5, NULL)`

	// No node may live that cannot open: one that does not say so is of an older program.
	sqlActivateDataKey = `UPDATE data_key SET active = CAST($1 AS BIGINT) WHERE number = $2 AND active IS NULL
		AND NOT EXISTS (SELECT 1 FROM node WHERE NOT seals AND expires >= CAST($1 AS BIGINT))`
	sqlRewrapDataKey = `UPDATE data_key SET master = $1, wrapped = $2 WHERE number = $3 AND id = $4 AND master = $5`

	sqlNothingInClear = `UPDATE sealing SET round = 1, due = NULL, version = version + 1
	WHERE part = '` + SealedFile + `' AND NOT EXISTS (SELECT 1 FROM shop)`
)

// List returns all data keys, oldest first.
func (t DataKeys) List() ([]vault.DataKey, error) { return tx.List(t.tx, scanDataKey, sqlDataKeys) }

func scanDataKey(s tx.Scanner) (vault.DataKey, error) {
	var k vault.DataKey
	var created int64
	var active *int64
	err := s.Scan(&k.Number, &k.ID, &k.Master, &k.Wrapped, &created, &active)
	k.Created, k.Active = tx.FromMicros(&created), tx.FromMicros(active)
	return k, err
}

// Insert writes a data key, which seals from now on unless a node lives that cannot open. If its number is taken the
// transaction fails with a UniqueError of WriteDataKey.
func (t DataKeys) Insert(k *vault.DataKey) {
	t.tx.Write(WriteDataKey, sqlInsertDataKey, k.Number, k.ID, k.Master, k.Wrapped, tx.Micros(t.tx.Now()))
	t.Activate(k.Number)
	t.tx.After(owner(t.tx).expireKeys)
}

// Activate has a data key seal from now on, unless a node lives that cannot open.
func (t DataKeys) Activate(number int) {
	t.tx.Write("data_key.activate", sqlActivateDataKey, tx.Micros(t.tx.Now()), number)
	t.tx.After(owner(t.tx).expireKeys)
}

// Rewrap replaces the wrapping of a data key that was wrapped by the master key with the id was. Who comes second runs
// again.
func (t DataKeys) Rewrap(k *vault.DataKey, was string) {
	t.tx.Guard("data_key.rewrap", sqlRewrapDataKey, k.Master, k.Wrapped, k.Number, k.ID, was)
}

// Anything that is sealed, where it is found soonest.
const sqlAnySealed = `SELECT CASE WHEN EXISTS (SELECT 1 FROM terminal WHERE config LIKE $1) OR EXISTS (SELECT 1 FROM shop WHERE signing_key LIKE $1)
	OR EXISTS (SELECT 1 FROM chain WHERE credential LIKE $1) THEN 1 ELSE 0 END`

// UseSafe has the database's secrets sealed and opened by the safe, which learns the data keys. Only where fresh is set may it
// have none: the first is made then. It is called before anything else is read or written. Errors: ErrNoDataKey, those of
// vault.Safe.Learn, the database's.
func (db *DB) UseSafe(ctx context.Context, safe *vault.Safe, random io.Reader, fresh bool) error {
	var rows []vault.DataKey
	read := func(t *Tx) (err error) {
		rows, err = t.DataKeys().List()
		return err
	}
	err := db.View(ctx, read)
	if err == nil && len(rows) == 0 {
		if !fresh {
			return ErrNoDataKey
		}
		if err = db.firstDataKey(ctx, safe, random); err == nil || errors.Is(err, ErrUnique) { // another node was first
			err = db.View(ctx, read)
		}
	}
	if err != nil {
		return err
	}
	if err := safe.Learn(rows); err != nil {
		return err
	}
	db.safe = safe
	return nil
}

func (db *DB) firstDataKey(ctx context.Context, safe *vault.Safe, random io.Reader) error {
	first, err := safe.NewKey(random, 1)
	if err != nil {
		return err
	}
	return db.kernel.Update(ctx, func(t *tx.Tx) error {
		if rows, err := (DataKeys{t}).List(); err != nil || len(rows) > 0 {
			return err
		}
		sealed, err := tx.One(t, tx.ScanInt64, sqlAnySealed, "sluice-sealed:%")
		if err != nil {
			return err
		}
		if sealed != 0 {
			return fmt.Errorf("%w, although it holds secrets that were sealed by one: it was not restored as a whole", ErrNoDataKey)
		}
		DataKeys{t}.Insert(&first)
		t.Write("sealing.fresh", sqlNothingInClear)
		return nil
	})
}

// Safe is the one that UseSafe was given, or nil.
func (db *DB) Safe() *vault.Safe { return db.safe }

func (db *DB) expireKeys() {
	if db.safe != nil {
		db.safe.Expire()
	}
}
