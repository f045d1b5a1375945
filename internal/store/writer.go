package store

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
)

// committer writes groups of sets, each group durable as a whole but for the sets that failed. It fills
// errs, which is as long as group and all nil. It is used by one goroutine.
type committer interface {
	commit(group []*writeSet, errs []error)
	close()
}

// writer is one goroutine that takes waiting sets in groups and answers each after the group's commit.
// While one commit runs, the next group gathers; nobody waits for a group to fill.
type writer struct {
	queue *queue
	out   committer
	limit int
	db    *DB
}

// loop runs until the queue is closed and empty.
func (w *writer) loop() {
	defer w.out.close()
	for {
		group := w.queue.take(w.limit)
		if group == nil {
			return
		}
		errs := w.process(group)
		w.queue.applied(group, errs)
		for i, set := range group {
			set.done <- errs[i]
		}
	}
}

func (w *writer) process(group []*writeSet) []error {
	errs := make([]error, len(group))
	if err := w.db.broken.failure(); err != nil {
		return fill(errs, err)
	}
	w.db.stats.group(len(group))
	if err := w.db.inject(FaultBusy, group); err != nil {
		return fill(errs, fmt.Errorf("%w: %s", errRetry, err.Error()))
	}
	if err := w.db.inject(FaultBeforeGroup, group); err != nil {
		return fill(errs, fmt.Errorf("%w: %s", ErrUnavailable, err.Error()))
	}
	if err := w.db.inject(FaultBeforeCommit, group); err != nil {
		return fill(errs, fmt.Errorf("%w: %s", errLost, err.Error()))
	}
	w.out.commit(group, errs)
	if err := w.db.inject(FaultAfterCommit, w.db.committed(group, errs)); err != nil {
		lost := fmt.Errorf("%w: %s", errLost, err.Error())
		for i := range errs {
			if errs[i] == nil {
				errs[i] = lost
			}
		}
	}
	for _, err := range errs {
		if errors.Is(err, errRetry) {
			w.db.stats.conflicts.Add(1)
		}
	}
	return errs
}

// committed are the sets of a group that were written, for the test's hook.
func (db *DB) committed(group []*writeSet, errs []error) []*writeSet {
	if db.hook == nil {
		return nil
	}
	var sets []*writeSet
	for i, set := range group {
		if errs[i] == nil {
			sets = append(sets, set)
		}
	}
	return sets
}

// fill gives every set the same error.
func fill(errs []error, err error) []error {
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// submit queues a set and waits for its outcome. When ctx ends before a writer took the set, the set is
// withdrawn.
func (db *DB) submit(ctx context.Context, set *writeSet) error {
	q := db.route(set)
	if err := q.put(set); err != nil {
		return err
	}
	select {
	case err := <-set.done:
		return err
	case <-ctx.Done():
	}
	if q.withdraw(set) {
		return fmt.Errorf("waiting for the writer: %w", ctx.Err())
	}
	return <-set.done
}

// route keeps sets with the same first key on one writer, so that two writers do not block each other
// on one row; sets without a key go around.
func (db *DB) route(set *writeSet) *queue {
	if len(db.queues) == 1 {
		return db.queues[0]
	}
	n := db.turn.Add(1)
	if len(set.keys) > 0 {
		n = maphash.String(db.seed, set.keys[0])
	}
	return db.queues[n%uint64(len(db.queues))]
}
