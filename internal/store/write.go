package store

import (
	"fmt"
	"slices"
	"time"
)

// writeSet is all that one run of a body wants written. It belongs to the body until it is queued, then
// to the writer until done is sent; done has room for one, so the writer never waits for the caller.
type writeSet struct {
	writes  []write
	keys    []string
	changed []changed     // payments that lists by last change have to find
	slow    time.Duration // what a commit before this one took, of the same changes
	start   uint64        // commits counted when the body began: see queue.stale
	done    chan error
}

type write struct {
	name    string
	sql     string
	args    []any
	guard   bool
	stamped bool // its first argument is put in when it is sent
}

// write queues a statement that need not hit a row: mostly a plain INSERT. The name is what a
// [UniqueError] reports; "table.verb" is the custom.
//
// Arguments are string, int, int64, bool, []byte or nil, and must not be changed afterwards. A
// time.Time is not taken: use micros. Named string types are converted by the caller.
func (tx *Tx) write(name, sql string, args ...any) {
	tx.queue(write{name: name, sql: sql, args: args})
}

// guard queues an INSERT, UPDATE or DELETE, without RETURNING, that must hit exactly one row.
// Otherwise nothing of the set is written and the body runs again.
func (tx *Tx) guard(name, sql string, args ...any) {
	tx.queue(write{name: name, sql: sql, args: args, guard: true})
}

// version queues a guard that decides whether the body read what is still there. It is sent before all
// else, whenever it is queued: who read something old runs again, and does not stumble first over a key
// that the faster one has written.
func (tx *Tx) version(name, sql string, args ...any) {
	before := len(tx.set.writes)
	tx.queue(write{name: name, sql: sql, args: args, guard: true})
	if len(tx.set.writes) == before {
		return // a mistake, which is kept
	}
	w := tx.set.writes[before]
	tx.set.writes = slices.Insert(tx.set.writes[:before], tx.versions, w)
	tx.versions++
}

// lockKey says that the guards of this body depend on the thing with this key, usually a payment's id.
// It locks nothing. It lets the writer keep bodies on the same thing out of one group, and turn back at
// once a body whose reads are known to be old; and it lets those who lost stand in line. Call it before
// reading the thing; leaving it out costs speed under contention, never correctness. A body that names a
// key must not begin another transaction: that one could wait in line behind it.
func (tx *Tx) lockKey(key string) {
	if !slices.Contains(tx.set.keys, key) {
		tx.set.keys = append(tx.set.keys, key)
	}
}

func (tx *Tx) queue(w write) {
	if tx.readOnly {
		tx.misuse(fmt.Errorf("write %s: %w", w.name, ErrReadOnly))
		return
	}
	if tx.card != nil && mustNotRepeat(tx.card, &w) {
		tx.misuse(&CardTextError{Write: w.name})
		return
	}
	for i, arg := range w.args {
		switch v := arg.(type) {
		case string, int64, bool, []byte, nil:
		case int:
			w.args[i] = int64(v)
		case stamp:
			w.stamped = true
		default:
			tx.misuse(fmt.Errorf("write %s: argument $%d has type %T", w.name, i+1, arg))
			return
		}
	}
	tx.set.writes = append(tx.set.writes, w)
}

// misuse remembers the first mistake of a body; the transaction then fails with it.
func (tx *Tx) misuse(err error) {
	if tx.mistake == nil {
		tx.mistake = err
	}
}

// micros is how an instant is stored: microseconds since 1970, UTC. The zero time is stored as NULL.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// fromMicros reads a stored instant; nil, the stored NULL, is the zero time.
func fromMicros(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.UnixMicro(*n).UTC()
}

// nullable stores the empty text as NULL, for columns where absent and empty are the same.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
