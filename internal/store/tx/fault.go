package tx

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// FaultPoint is a place where a test can make the writer fail.
type FaultPoint string

const (
	// FaultBusy: the group is refused as if the database asked for another run. Nothing is written.
	FaultBusy FaultPoint = "busy"
	// FaultBeforeGroup: the group fails with ErrUnavailable. Nothing is written.
	FaultBeforeGroup FaultPoint = "before-group"
	// FaultBeforeCommit: the acknowledgement is lost and nothing is written, so callers do not know.
	FaultBeforeCommit FaultPoint = "before-commit"
	// FaultAfterCommit: the group is committed and its acknowledgement lost, so callers do not know.
	FaultAfterCommit FaultPoint = "after-commit"
	// FaultCommitUndone: COMMIT is answered by the hook's error, and nothing stands. What an error proves there
	// depends on its kind: see [ServerError].
	FaultCommitUndone FaultPoint = "commit-undone"
	// FaultCommitStands: COMMIT is answered by the hook's error, and the group stands.
	FaultCommitStands FaultPoint = "commit-stands"
	// FaultBrokenOff: the connection ends when the server has done half of the group's statements, or as many as a
	// [BrokenOff] says, and the answers are lost. An engine on which each of them stands by itself, because no
	// transaction was stated, would leave these behind.
	FaultBrokenOff FaultPoint = "broken-off"
	// FaultBeforeRerun is no failure but a moment: the acknowledgement of these writes was lost, and the body
	// has not run again. Another writer may come first: the hook may use the DB here, and its error is not
	// looked at. It is called in the goroutine of the caller of Update.
	FaultBeforeRerun FaultPoint = "before-rerun"
	// FaultRead: a read of a transaction fails with ErrUnavailable. The hook gets no writes.
	FaultRead FaultPoint = "read"
)

// BrokenOff is the error of a hook that says after how many statements of a group the connection ends.
type BrokenOff int

// Error tells the number.
func (b BrokenOff) Error() string { return fmt.Sprintf("broken off after %d statements", int(b)) }

// ServerError is the answer of a PostgreSQL server with that code, for hooks at [FaultCommitUndone] and
// [FaultCommitStands]. On SQLite each is an outcome that is not known.
func ServerError(code string) error {
	return &pgconn.PgError{Severity: "ERROR", Code: code, Message: "injected"}
}

// inject asks the test's hook, if there is one, whether to fail here. There is nothing to fail in a group of none.
func (db *DB) inject(point FaultPoint, group []*writeSet) error {
	if db.hook == nil || len(group) == 0 {
		return nil
	}
	var names []string
	for _, set := range group {
		for _, w := range set.writes {
			names = append(names, w.name)
		}
	}
	return db.hook(point, names)
}

// lose is what comes of a group whose acknowledgement the hook has lost at one of these points, or nil.
func (db *DB) lose(group []*writeSet, points ...FaultPoint) error {
	for _, point := range points {
		if err := db.inject(point, group); err != nil {
			return fmt.Errorf("%w: %s", errLost, err.Error())
		}
	}
	return nil
}

// Where a group gets lost before and after its commit. PostgreSQL's committer injects the others itself, into what it sends
// and what it is answered.
var (
	lostBefore = map[Kind][]FaultPoint{SQLite: {FaultBeforeCommit, FaultCommitUndone, FaultBrokenOff}, Postgres: {FaultBeforeCommit}}
	lostAfter  = map[Kind][]FaultPoint{SQLite: {FaultAfterCommit, FaultCommitStands}, Postgres: {FaultAfterCommit}}
)

// spoiled is what a test's hook has become of a batch.
type spoiled struct {
	cut    bool  // the connection ends before the batch does
	undone error // the answer to a COMMIT that is none
}

var errBrokenOff = errors.New("the connection ends")

// spoil asks the test's hook how a batch that is about to be sent is to fail.
func (db *DB) spoil(b *pgx.Batch, group []*writeSet) (s spoiled) {
	if db.hook == nil {
		return s
	}
	var after int
	if after, s.cut = db.cutAt(group); s.cut {
		b.QueuedQueries = b.QueuedQueries[:1+after]
	} else if s.undone = db.inject(FaultCommitUndone, group); s.undone != nil {
		b.QueuedQueries[b.Len()-1].SQL = sqlRollback
	}
	return s
}

// answer is the hook's to the end of a batch that went well.
func (db *DB) answer(s spoiled, group []*writeSet) error {
	if s.undone != nil {
		return s.undone
	}
	return db.inject(FaultCommitStands, group)
}

// cutAt returns after how many of its statements the group is to be broken off, if it is.
func (db *DB) cutAt(group []*writeSet) (statements int, cut bool) {
	err := db.inject(FaultBrokenOff, group)
	if err == nil {
		return 0, false
	}
	for _, set := range group {
		statements += len(set.writes)
	}
	if after, ok := errors.AsType[BrokenOff](err); ok {
		return min(int(after), statements), true
	}
	return (statements + 1) / 2, true
}

// unread asks the test's hook whether a read is to fail.
func (db *DB) unread() error {
	if db.hook == nil {
		return nil
	}
	if err := db.hook(FaultRead, nil); err != nil {
		return fmt.Errorf("%w: %s", ErrUnavailable, err.Error())
	}
	return nil
}

// beforeRerun gives the test's hook its moment after an acknowledgement was lost. The caller has no turn.
func (db *DB) beforeRerun(set *writeSet) {
	_ = db.inject(FaultBeforeRerun, []*writeSet{set}) // says itself what it does
}

func isLost(err error) bool { return errors.Is(err, errLost) }
