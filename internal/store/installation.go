package store

import "errors"

const (
	sqlInstallation       = `SELECT proof FROM installation WHERE id = 1`
	sqlInsertInstallation = `INSERT INTO installation (id, proof) VALUES (1, $1)`
)

const sqlProbe = `UPDATE installation SET proof = proof WHERE id = 1`

// Probe writes what is there already, to find out whether anything can be written.
func (tx *Tx) Probe() { tx.guard("installation.probe", sqlProbe) }

// Installation returns the proof of the keys that belong to this database. The first
// caller's own proof is kept and returned.
func (tx *Tx) Installation(own string) (string, error) {
	kept, err := one(tx, scanText, sqlInstallation)
	if errors.Is(err, ErrNotFound) {
		tx.write("installation.create", sqlInsertInstallation, own)
		return own, nil
	}
	return kept, err
}

// KnownInstallation returns the proof that the database has, or ErrNotFound: it keeps none.
func (tx *Tx) KnownInstallation() (string, error) { return one(tx, scanText, sqlInstallation) }
