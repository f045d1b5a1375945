package tx

import (
	"slices"
	"sync"
	"sync/atomic"
)

// maxKnownCommits bounds the memory of queue.last. Forgetting only costs a wasted statement.
const maxKnownCommits = 8192

// queue holds the sets that wait for one writer, oldest first.
type queue struct {
	commits *atomic.Uint64 // commits of all writers, counted before their sets are answered

	mu      sync.Mutex
	wake    sync.Cond
	waiting []*writeSet
	closed  bool
	last    map[string]uint64 // key to the count at its last commit by this writer
}

func newQueue(commits *atomic.Uint64) *queue {
	q := &queue{commits: commits, last: map[string]uint64{}}
	q.wake.L = &q.mu
	return q
}

// put adds a set, or returns ErrClosed.
func (q *queue) put(set *writeSet) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	q.waiting = append(q.waiting, set)
	q.wake.Signal()
	return nil
}

// withdraw removes a set that no writer took yet and reports whether it could.
func (q *queue) withdraw(set *writeSet) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.waiting, set)
	if at < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	return true
}

// take waits for sets and returns up to limit of them, no two with a key in common: on PostgreSQL the
// second would miss its guard and undo the group. It returns nil when the queue is closed and empty.
// Stale sets are sent back for another run and never reach the database.
func (q *queue) take(limit int) []*writeSet {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if group := q.pick(limit); len(group) > 0 {
			return group
		}
		if q.closed && len(q.waiting) == 0 {
			return nil
		}
		q.wake.Wait()
	}
}

func (q *queue) pick(limit int) []*writeSet {
	var group []*writeSet
	taken := map[string]bool{}
	later := q.waiting[:0]
	for _, set := range q.waiting {
		switch {
		case q.stale(set):
			set.done <- missedGuard("turned back before it was sent")
		case len(group) == limit || overlaps(taken, set.keys):
			later = append(later, set)
		default:
			for _, key := range set.keys {
				taken[key] = true
			}
			group = append(group, set)
		}
	}
	clear(q.waiting[len(later):])
	q.waiting = later
	return group
}

// stale reports that something the set depends on was committed after its body began reading, so that
// a guard would miss. It errs on the side of true: another run is always allowed.
func (q *queue) stale(set *writeSet) bool {
	for _, key := range set.keys {
		if q.last[key] > set.start {
			return true
		}
	}
	return false
}

func overlaps(taken map[string]bool, keys []string) bool {
	for _, key := range keys {
		if taken[key] {
			return true
		}
	}
	return false
}

// applied notes the keys of the sets that stand, or may stand.
func (q *queue) applied(group []*writeSet, errs []error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	count := q.commits.Add(1)
	if len(q.last) > maxKnownCommits {
		clear(q.last)
	}
	for i, set := range group {
		if errs[i] != nil && !isLost(errs[i]) {
			continue
		}
		for _, key := range set.keys {
			q.last[key] = count
		}
	}
}

// close lets the writer finish what waits and refuses more.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake.Signal()
}

// length counts the waiting sets.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
