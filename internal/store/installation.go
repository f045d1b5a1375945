package store

import (
	"errors"

	"github.com/sluicepay/sluice/internal/store/tx"
)

const (
	sqlInstallation       = `SELECT proof FROM installation WHERE id = 1`
	sqlInsertInstallation = `INSERT INTO installation (id, proof) VALUES (1, $1)`
)

const sqlProbe = `UPDATE installation SET proof = proof WHERE id = 1`

// Probe writes what is there already, to find out whether anything can be written.
func (t Installation) Probe() { t.tx.Guard("installation.probe", sqlProbe) }

// Proof returns the proof of the keys that belong to this database. The first
// caller's own proof is kept and returned.
func (t Installation) Proof(own string) (string, error) {
	kept, err := tx.One(t.tx, tx.ScanText, sqlInstallation)
	if errors.Is(err, ErrNotFound) {
		t.tx.Write("installation.create", sqlInsertInstallation, own)
		return own, nil
	}
	return kept, err
}

// KnownProof returns the proof that the database has, or ErrNotFound: it keeps none.
func (t Installation) KnownProof() (string, error) { return tx.One(t.tx, tx.ScanText, sqlInstallation) }
