package tx

import (
	"errors"
	"fmt"
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
	// FaultBeforeRerun is no failure but a moment: the acknowledgement of these writes was lost, and the body
	// has not run again. Another writer may come first: the hook may use the DB here, and its error is not
	// looked at. It is called in the goroutine of the caller of Update.
	FaultBeforeRerun FaultPoint = "before-rerun"
	// FaultRead: a read of a transaction fails with ErrUnavailable. The hook gets no writes.
	FaultRead FaultPoint = "read"
)

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
