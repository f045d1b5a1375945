package store

import (
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/store/nodes"
	"github.com/sluicepay/sluice/internal/store/tx"
	"github.com/sluicepay/sluice/internal/vault"
)

// The sealing of what stands in the database goes through all of it, a few rows at a time, and three times for each data key.
// The first pass seals what is there. The second comes when no process can be going by the key before any more, and seals
// what was written by it meanwhile. The third comes so late that whoever has read something before can have no transaction
// left in which to write it again; after it the keys before seal no more, not even at a node that does not have the master key
// of the new one. After a last pass they are removed.
var sealingPasses = []time.Duration{0, 2 * time.Minute, 24 * time.Hour, 24*time.Hour + 2*time.Minute} // after the key became active

// sealingRetires is how many passes come before the keys before seal no more.
const sealingRetires = 3

const (
	// sealingWaits is when a sealing that cannot begin, because of a node that could not open, is looked at again.
	sealingWaits = 10 * time.Second
	// SealedFile is the part that is no table: the file of the database, which is rewritten when the tables are done.
	SealedFile = "file"
	// SealingDone is how many passes leave nothing in clear, and nothing sealed by a key before.
	SealingDone = 2
)

// Sealing is how far one part of the database has come.
type Sealing struct {
	Part     string
	Round    int       // passes that are over
	Unopened int       // rows of this pass, or of the last one, whose secret cannot be opened
	Shard    int64     // the same for all parts: one node does them one after the other
	Due      time.Time // zero when nothing is to be done
	Fails    int

	version int64
	at      secretKey // the last row that was looked at
}

// secretKey is the place of a row in the order of its table.
type secretKey struct {
	shop, id string
	seq      int64
}

const (
	sealingColumns = `part, round, unopened, shard, due, fails, version, at_shop, at_id, at_seq`
	sqlSealings    = `SELECT ` + sealingColumns + ` FROM sealing ORDER BY part`
	sqlSealingOf   = `SELECT ` + sealingColumns + ` FROM sealing WHERE part = $1`
	sqlDueSealings = `SELECT ` + sealingColumns + ` FROM sealing WHERE due <= $1`

	sqlSaveSealing = `UPDATE sealing SET round = $1, unopened = $2, due = $3, at_shop = $4, at_id = $5, at_seq = $6, fails = 0,
	version = version + 1 WHERE part = $7 AND version = $8`
	sqlBeginSealing = `UPDATE sealing SET round = 0, unopened = 0, due = $1, at_shop = '', at_id = '', at_seq = 0, fails = 0,
	version = version + 1 WHERE part <> '` + SealedFile + `'`
	sqlPostponeSealing = `UPDATE sealing SET due = $1, fails = fails + 1, version = version + 1 WHERE part = $2 AND version = $3`

	sqlRetireDataKeys = `UPDATE data_key SET active = NULL WHERE number < $1 AND active IS NOT NULL`
	sqlForgetDataKeys = `DELETE FROM data_key WHERE number < $1
	AND NOT EXISTS (SELECT 1 FROM sealing WHERE part <> $2 AND part <> '` + SealedFile + `' AND (due IS NOT NULL OR unopened > 0))`
)

// SealingEnds returns from when on, at the earliest, a key that becomes active now is the only one that is needed, and the only
// one that there is.
func SealingEnds(now time.Time) (sealed, gone time.Time) {
	return now.Add(sealingPasses[SealingDone-1]), now.Add(sealingPasses[len(sealingPasses)-1])
}

func scanSealing(s tx.Scanner) (Sealing, error) {
	var p Sealing
	var due *int64
	err := s.Scan(&p.Part, &p.Round, &p.Unopened, &p.Shard, &due, &p.Fails, &p.version, &p.at.shop, &p.at.id, &p.at.seq)
	p.Due = tx.FromMicros(due)
	return p, err
}

// List returns all parts.
func (t Sealings) List() ([]Sealing, error) { return tx.List(t.tx, scanSealing, sqlSealings) }

// Delay puts a part off, which is no failure; a zero next is for ever.
func (t Sealings) Delay(s *Sealing, rounds int, next time.Time) {
	s.Round, s.Due = rounds, next
	t.save(s)
}

// Due returns the parts of the shards that are due at the instant, longest due first.
func (t Sealings) Due(shards []int64, before time.Time, limit int) ([]Sealing, error) {
	where, args := tx.InShards(shards, []any{tx.Micros(before)})
	text, args := tx.Limited(sqlDueSealings+" AND "+where+" ORDER BY due, part", args, limit)
	return tx.List(t.tx, scanSealing, text, args...)
}

// Begin has everything sealed anew.
func (t Sealings) Begin() { t.tx.Write("sealing.begin", sqlBeginSealing, tx.Micros(t.tx.Now())) }

// Postpone records that the work on a part failed. It is due again at next.
func (t Sealings) Postpone(s *Sealing, next time.Time) {
	t.tx.Write("sealing.postpone", sqlPostponeSealing, tx.Micros(next), s.Part, s.version)
}

func (t Sealings) save(s *Sealing) {
	t.tx.Guard("sealing.save", sqlSaveSealing, s.Round, s.Unopened, tx.Micros(s.Due), s.at.shop, s.at.id, s.at.seq, s.Part, s.version)
}

// SealSome seals up to limit rows of a part. It returns the part as it was and as it is then.
func (t Sealings) SealSome(part string, limit int) (was, now Sealing, err error) {
	was, err = tx.One(t.tx, scanSealing, sqlSealingOf, part)
	if err != nil || was.Due.IsZero() || t.tx.Now().Before(was.Due) {
		return was, was, err
	}
	keys, err := DataKeys(t).List()
	if err == nil && (owner(t.tx).safe == nil || len(keys) == 0) {
		err = ErrNoDataKey
	}
	if err == nil {
		err = owner(t.tx).safe.Learn(keys)
	}
	if err != nil {
		return was, was, err
	}
	now = was
	newest := &keys[len(keys)-1]
	if newest.Active.IsZero() {
		err = t.begin(&now, newest)
	} else {
		err = t.sealRows(&now, newest, limit)
	}
	if err == nil {
		t.save(&now)
	}
	return was, now, err
}

// begin has the key seal from now on, or waits while a node lives that could not open anything.
func (t Sealings) begin(s *Sealing, newest *vault.DataKey) error {
	old, err := nodes.Of(t.tx).Old()
	if err != nil {
		return err
	}
	DataKeys(t).Activate(newest.Number)
	if len(old) > 0 {
		s.Due = t.tx.Now().Add(sealingWaits)
	}
	return nil
}

func (t Sealings) sealRows(s *Sealing, newest *vault.DataKey, limit int) error {
	seal, ok := sealers[s.Part]
	if !ok {
		return fmt.Errorf("nothing is known of the part %q", s.Part)
	}
	if s.at == (secretKey{}) {
		s.Unopened = 0
	}
	seen, err := seal(t, s, limit)
	if err == nil && seen < limit {
		t.endPass(s, newest)
	}
	return err
}

// endPass says when the next pass is due. After the last one the keys that nothing needs any more are removed.
func (t Sealings) endPass(s *Sealing, newest *vault.DataKey) {
	s.Round++
	s.at = secretKey{}
	if s.Round < len(sealingPasses) {
		s.Due = newest.Active.Add(sealingPasses[s.Round])
		if s.Round == sealingRetires {
			t.tx.Write("data_key.retire", sqlRetireDataKeys, newest.Number)
			t.tx.After(owner(t.tx).expireKeys)
			s.Due = laterOf(s.Due, t.tx.Now().Add(sealingPasses[1]))
		}
		return
	}
	s.Due = time.Time{}
	if s.Unopened == 0 {
		t.tx.Write("data_key.forget", sqlForgetDataKeys, newest.Number, s.Part)
	}
}
