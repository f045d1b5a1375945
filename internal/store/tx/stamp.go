package tx

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/rescue"
)

// Lists by last change compare an instant of their own, the stamp, that never lies before the change can be
// read: a reader who has not seen the change yet, and asks from now on next time, finds it then. It is made by the
// writer when the group is sent, and lies so far ahead that the commit comes before it. Of a commit that took longer,
// or whose outcome got lost, the writer stamps the rows again afterwards. PostgreSQL's own clock makes it there,
// which is one clock for all nodes.
const (
	// stampAhead is how far ahead of the writing a change is stamped.
	stampAhead = time.Second
	// lateCommit is the part of it that a commit may take. The rest is for readers whose clock is ahead of ours.
	lateCommit = 2
)

// Stamp is the argument of a write in whose place the writer puts the instant to compare. It must be the first one of
// its statement, where StampSQL stands for it.
type Stamp struct{}

const (
	// StampSQL stands in a statement for the stamp, which is its first argument.
	StampSQL = `CAST($1 AS BIGINT)`
	// serverStampSQL is StampSQL by the server's clock; $1 is how far ahead of it.
	serverStampSQL = `(CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) + CAST($1 AS BIGINT))`
	// spreadStampSQL is serverStampSQL for rows on many nodes, whose statements take no function that changes while they run: it
	// is the coordinator's clock, when the statement came there. Whoever waits for a row after that commits late, and stamps again.
	spreadStampSQL = `(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + CAST($1 AS BIGINT))`
)

// Row names a row that is stamped.
type Row struct{ Shop, ID string }

// Stamps notes that the body stamps the row, by a write of it with a Stamp: when that comes too late, it is stamped again by
// Tables.Restamp.
func (tx *Tx) Stamps(r Row) { tx.set.changed = append(tx.set.changed, r) }

// Restamp queues what stamps a row anew.
func (tx *Tx) Restamp(r Row) {
	again := &tx.db.tables.Restamp
	tx.Write(again.Name, again.SQL, Stamp{}, r.Shop, r.ID)
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

// stampLate has the rows of a group stamped again when its commit, sent at that instant, came late.
func (db *DB) stampLate(group []*writeSet, errs []error, sent time.Time) {
	took := db.now().Sub(sent)
	var late []Row
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

// stampAgain stamps rows whose change may have been committed too late for its own stamp, in the background and so
// far ahead that a commit may take twice that long. It is called inside a transaction's bounds, which Close waits for, as
// it does for what runs here. On PostgreSQL the row of a commit that is still under way is locked, so that the stamp
// comes after it.
func (db *DB) stampAgain(late []Row, took time.Duration) {
	if len(late) == 0 {
		return
	}
	slices.SortFunc(late, func(a, b Row) int { return strings.Compare(a.Shop+a.ID, b.Shop+b.ID) })
	late = slices.Compact(late)
	db.stats.restamps.Add(1)
	db.inside.Go(func() {
		for {
			err := rescue.Call(func() error {
				return db.update(context.Background(), func(tx *Tx) error {
					tx.set.changed, tx.set.slow = late, took // this commit may be late, too
					for _, r := range late {
						tx.Restamp(r)
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
