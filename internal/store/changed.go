package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
)

// Lists by last change compare an instant of their own, payment.listed, that never lies before the change can be
// read: a reader who has not seen the change yet, and asks from now on next time, finds it then. It is made by the
// writer when the group is sent, and lies so far ahead that the commit comes before it. Of a commit that took longer,
// or whose outcome got lost, the writer stamps the payments again afterwards. PostgreSQL's own clock makes it there,
// which is one clock for all nodes.
const (
	// stampAhead is how far ahead of the writing a change is stamped.
	stampAhead = time.Second
	// lateCommit is the part of it that a commit may take. The rest is for readers whose clock is ahead of ours.
	lateCommit = 2
)

// stamp is the argument of a write in whose place the writer puts the instant to compare. It must be the first one of
// its statement, where stampSQL stands for it.
type stamp struct{}

const (
	stampSQL = `CAST($1 AS BIGINT)`
	// serverStampSQL is stampSQL by the server's clock; $1 is how far ahead of it.
	serverStampSQL = `(CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) + CAST($1 AS BIGINT))`
)

// changed is a payment that a set of writes changes.
type changed struct{ shop, id string }

// changes notes that the body changes the payment.
func (tx *Tx) changes(p *payment.Payment) {
	tx.set.changed = append(tx.set.changed, changed{string(p.Shop), string(p.ID)})
}

// putStamps fills in the stamps of a group that is about to be sent and returns when that was.
func (db *DB) putStamps(group []*writeSet) time.Time {
	now := db.now()
	for _, set := range group {
		at := set.ahead().Microseconds()
		if !db.serverClock {
			at += now.UnixMicro()
		}
		for _, w := range set.writes {
			if w.stamped {
				w.args[0] = at
			}
		}
	}
	return now
}

// stampLate has the payments of a group stamped again when its commit, sent at that instant, came late.
func (db *DB) stampLate(group []*writeSet, errs []error, sent time.Time) {
	took := db.now().Sub(sent)
	var late []changed
	for i, set := range group {
		if errs[i] == nil && took > set.ahead()/lateCommit {
			late = append(late, set.changed...)
		}
	}
	db.stampAgain(late, took)
}

// ahead is how far ahead of the writing the set's changes are stamped.
func (set *writeSet) ahead() time.Duration {
	return max(stampAhead, 2*lateCommit*set.slow)
}

const sqlStampAgain = `UPDATE payment SET listed = ` + stampSQL + ` WHERE shop_id = $2 AND id = $3`

// stampAgain stamps payments whose change may have been committed too late for its own stamp, in the background and so
// far ahead that a commit may take twice that long. It is called inside a transaction's bounds, which Close waits for, as
// it does for what runs here. On PostgreSQL the row of a commit that is still under way is locked, so that the stamp
// comes after it.
func (db *DB) stampAgain(late []changed, took time.Duration) {
	if len(late) == 0 {
		return
	}
	slices.SortFunc(late, func(a, b changed) int { return strings.Compare(a.shop+a.id, b.shop+b.id) })
	late = slices.Compact(late)
	db.stats.restamps.Add(1)
	db.inside.Go(func() {
		for {
			err := rescue.Call(func() error {
				return db.update(context.Background(), func(tx *Tx) error {
					tx.set.changed, tx.set.slow = late, took // this commit may be late, too
					for _, p := range late {
						tx.write("payment.stamp", sqlStampAgain, stamp{}, p.shop, p.id)
					}
					return nil
				})
			})
			if err == nil || errors.Is(err, ErrBroken) || db.closing() {
				return
			}
			db.log.Warn("payments whose change was committed late are not stamped yet", "payments", len(late), "error", err)
			time.Sleep(stampAhead) // the database is away
		}
	})
}

// sqlNewestStamps finds the payments that the last commit changed: all of a group have one stamp on SQLite.
const sqlNewestStamps = `SELECT p.shop_id, p.id FROM shop s JOIN payment p ON p.shop_id = s.id
	AND p.listed = (SELECT MAX((SELECT MAX(q.listed) FROM payment q WHERE q.shop_id = t.id)) FROM shop t)`

// Resume stamps again what the process before was committing when it ended: that can be read only now. On PostgreSQL
// such a commit has long ended by itself. Call it before the first list is read.
func (db *DB) Resume(ctx context.Context) error {
	if db.kind != SQLite {
		return nil
	}
	return db.Update(ctx, func(tx *Tx) error {
		last, err := list(tx, scanChanged, sqlNewestStamps)
		for _, p := range last {
			tx.write("payment.stamp", sqlStampAgain, stamp{}, p.shop, p.id)
		}
		return err
	})
}

func scanChanged(s scanner) (c changed, err error) {
	err = s.Scan(&c.shop, &c.id)
	return c, err
}
