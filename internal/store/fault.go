package store

import "errors"

// FaultPoint is a place where a test can make the writer fail.
type FaultPoint string

const (
	// FaultBusy: the group is refused as if the database asked for another run. Nothing is written.
	FaultBusy FaultPoint = "busy"
	// FaultBeforeGroup: the group fails with ErrUnavailable. Nothing is written.
	FaultBeforeGroup FaultPoint = "before-group"
	// FaultAfterCommit: the group is committed and its acknowledgement lost, so callers do not know.
	FaultAfterCommit FaultPoint = "after-commit"
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

func isLost(err error) bool { return errors.Is(err, errLost) }
