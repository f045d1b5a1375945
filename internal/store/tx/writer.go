package tx

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/sluicepay/sluice/internal/rescue"
)

// committer writes groups of sets, each group durable as a whole but for the sets that failed. It fills
// errs, which is as long as group and all nil. It is used by one goroutine.
type committer interface {
	commit(group []*writeSet, errs []error)
	reset(cause error) // after a panic: whatever was begun is given up
	close()
}

// writer is one goroutine that takes waiting sets in groups and answers each after the group's commit.
// While one commit runs, the next group gathers; nobody waits for a group to fill.
type writer struct {
	queue *queue
	out   committer
	limit int
	db    *DB
	alone int // how many of the next commits hold one set only, because a group panicked
}

// aloneAfterPanic is how many sets are committed one by one after a panic: until then the one that caused it has come
// again and failed by itself, and the others of its group are through.
const aloneAfterPanic = 2 * defaultGroup

// loop runs until the queue is closed and empty.
func (w *writer) loop() {
	defer w.out.close()
	for {
		limit := w.limit
		if w.alone > 0 {
			limit = 1
			w.alone--
		}
		group := w.queue.take(limit)
		if group == nil {
			return
		}
		errs := w.attempt(group)
		w.queue.applied(group, errs)
		for i, set := range group {
			set.done <- errs[i]
		}
	}
}

// attempt is process, and lives on when that panics: those who wait for the group are told that its outcome is unknown,
// and look for it.
func (w *writer) attempt(group []*writeSet) (errs []error) {
	err := rescue.Run(func() { errs = w.process(group) })
	if err == nil {
		return errs
	}
	w.db.log.Error("panic while a group was written", "sets", len(group), "error", err, "stack", rescue.Stack(err))
	w.alone = aloneAfterPanic
	lost := fmt.Errorf("%w: %w", errLost, err)
	if err := rescue.Run(func() { w.out.reset(lost) }); err != nil {
		w.db.log.Error("panic while a connection was given up", "error", err)
	}
	return fill(make([]error, len(group)), lost)
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
	if lost := w.db.lose(group, lostBefore[w.db.kind]...); lost != nil {
		return fill(errs, lost)
	}
	sent := w.db.putStamps(group)
	w.out.commit(group, errs)
	if lost := w.db.lose(w.db.committed(group, errs), lostAfter[w.db.kind]...); lost != nil {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = lost
			}
		}
	}
	w.db.stampLate(group, errs, sent)
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
// on one row; sets without a key go around. On many nodes those of one part go to two writers, so that groups are of few parts.
func (db *DB) route(set *writeSet) *queue {
	if db.spread {
		set.part = db.partOf(set)
	}
	if len(db.queues) == 1 {
		return db.queues[0]
	}
	n := db.turn.Add(1)
	if len(set.keys) > 0 {
		n = maphash.String(db.seed, set.keys[0])
	}
	if set.part != "" {
		n = maphash.String(db.seed, set.part) + n%2
	}
	return db.queues[n%uint64(len(db.queues))]
}
