package store

import (
	"errors"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// Restoration says when and as what the installation was restored from a backup.
type Restoration struct {
	Epoch    string   // the one that it was given
	Lost     []string // the epochs under which it, or another restored from the same backup, ran after the backup
	Taken    time.Time
	Restored time.Time
}

const (
	sqlInsertRestoration = `INSERT INTO restoration (epoch, lost, taken, restored) VALUES ($1, $2, $3, $4)`
	sqlLatestRestoration = `SELECT epoch, lost, taken, restored FROM restoration ORDER BY restored DESC, epoch LIMIT 1`
	sqlRenewInstallation = `UPDATE installation SET proof = $1 WHERE id = 1 AND proof = $2`

	// What says that nothing has left may have been sent since: it is asked about like everything else that is open.
	sqlAskUnsent = `UPDATE attempt SET class = 'UNKNOWN', started = $1 WHERE class = 'UNSENT'`

	// Nobody makes the calls any more that were under way, and the notices of the lost time have been taken by somebody else.
	sqlAskOpen = `UPDATE attempt SET next_check = CAST($1 AS BIGINT),
		lease_until = CASE WHEN lease_owner IS NULL THEN NULL ELSE CAST($1 AS BIGINT) END
		WHERE class IN ('PREPARED', 'WAITING', 'UNKNOWN')`
	sqlHurryOpen = `UPDATE payment SET due = $1, due_fails = 0 WHERE live <> 0`

	// As payment.LostMark has it.
	sqlMarkLost = `UPDATE payment SET lost = CASE WHEN lost IS NULL THEN '' ELSE lost || ' ' END || $1 || ':' || CAST(tries AS TEXT),
		due = $2, due_fails = 0 WHERE type = 'DEPOSIT' AND state IN ('CHECKOUT', 'PENDING', 'AUTHORIZED') OR review IS NOT NULL
		OR type = 'WITHDRAWAL' AND state = 'PENDING' AND EXISTS (SELECT 1 FROM attempt WHERE attempt.shop_id = payment.shop_id
			AND attempt.payment_id = payment.id AND attempt.seq = payment.live AND attempt.rest IS NOT NULL)`

	sqlForgetNodes = `DELETE FROM node`
)

// MarkRestored writes into a database that was just restored, and that nobody uses yet, what has to be found out about the time
// since the backup: see payment.LostTries. proof is that of the keys that it has from now on, was that of the keys of before.
// The body runs again, and in the end fails, if the database belongs to other keys.
func (t Installation) MarkRestored(r Restoration, was, proof string) {
	now := tx.Micros(t.tx.Now())
	t.tx.Guard("installation.renew", sqlRenewInstallation, proof, was)
	t.tx.Write("attempt.restored", sqlAskUnsent, now)
	t.tx.Write("attempt.restored", sqlAskOpen, now)
	t.tx.Write("payment.restored", sqlHurryOpen, now)
	for _, epoch := range r.Lost {
		t.tx.Write("payment.lost", sqlMarkLost, epoch, now)
	}
	t.tx.Write("node.forget", sqlForgetNodes)
	t.tx.Write("restoration.create", sqlInsertRestoration, r.Epoch, strings.Join(r.Lost, " "), tx.Micros(r.Taken), tx.Micros(r.Restored))
}

// LastRestored returns when the installation was last restored, or zero.
func (t Installation) LastRestored() (Restoration, error) {
	r, err := tx.One(t.tx, func(s tx.Scanner) (r Restoration, err error) {
		var lost string
		var taken, restored int64
		err = s.Scan(&r.Epoch, &lost, &taken, &restored)
		r.Lost, r.Taken, r.Restored = strings.Fields(lost), tx.FromMicros(&taken), tx.FromMicros(&restored)
		return r, err
	}, sqlLatestRestoration)
	if errors.Is(err, ErrNotFound) {
		return Restoration{}, nil
	}
	return r, err
}

const sqlLostPayments = `SELECT COUNT(*) FROM payment WHERE lost IS NOT NULL`

// CountLost returns of how many payments it is still to be found out what happened to them after the backup.
func (t Payments) CountLost() (int64, error) { return tx.One(t.tx, tx.ScanInt64, sqlLostPayments) }
