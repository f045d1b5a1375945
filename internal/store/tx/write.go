package tx

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// writeSet is all that one run of a body wants written. It belongs to the body until it is queued, then
// to the writer until done is sent; done has room for one, so the writer never waits for the caller.
type writeSet struct {
	writes  []write
	keys    []string
	changed []Row         // rows that are stamped: see Stamp
	slow    time.Duration // what a commit before this one took, of the same changes
	part    string        // on many nodes, what all its writes are a part of; "" where they are of several, or of none
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

// Write queues a statement that need not hit a row: mostly a plain INSERT. The name is what a
// [UniqueError] reports; "table.verb" is the custom.
//
// Arguments are string, int, int64, bool, []byte or nil, and must not be changed afterwards. A
// time.Time is not taken: use Micros. Named string types are converted by the caller.
func (tx *Tx) Write(name, sql string, args ...any) {
	tx.queue(write{name: name, sql: sql, args: args})
}

// Guard queues an INSERT, UPDATE or DELETE, without RETURNING, that must hit exactly one row.
// Otherwise nothing of the set is written and the body runs again.
func (tx *Tx) Guard(name, sql string, args ...any) {
	tx.queue(write{name: name, sql: sql, args: args, guard: true})
}

// Version queues a guard that decides whether the body read what is still there. It is sent before all
// else, whenever it is queued: who read something old runs again, and does not stumble first over a key
// that the faster one has written.
func (tx *Tx) Version(name, sql string, args ...any) {
	before := len(tx.set.writes)
	tx.queue(write{name: name, sql: sql, args: args, guard: true})
	if len(tx.set.writes) == before {
		return // a mistake, which is kept
	}
	w := tx.set.writes[before]
	tx.set.writes = slices.Insert(tx.set.writes[:before], tx.versions, w)
	tx.versions++
}

// LockKey says that the guards of this body depend on the thing with this key, usually a payment's id.
// It locks nothing. It lets the writer keep bodies on the same thing out of one group, and turn back at
// once a body whose reads are known to be old; and it lets those who lost stand in line. Call it before
// reading the thing; leaving it out costs speed under contention, never correctness. A body that names a
// key must not begin another transaction: that one could wait in line behind it.
func (tx *Tx) LockKey(key string) {
	if !slices.Contains(tx.set.keys, key) {
		tx.set.keys = append(tx.set.keys, key)
	}
}

func (tx *Tx) queue(w write) {
	if tx.readOnly {
		tx.Fail(fmt.Errorf("write %s: %w", w.name, ErrReadOnly))
		return
	}
	if tx.check != nil {
		if err := tx.check.Refuses(w.name, w.args); err != nil {
			tx.Fail(err)
			return
		}
	}
	for i, arg := range w.args {
		switch v := arg.(type) {
		case string, int64, bool, []byte, nil:
		case int:
			w.args[i] = int64(v)
		case Stamp:
			w.stamped = true
		default:
			tx.Fail(fmt.Errorf("write %s: argument $%d has type %T", w.name, i+1, arg))
			return
		}
	}
	tx.set.writes = append(tx.set.writes, w)
}

// Check looks at each write of a transaction before it is queued.
type Check interface {
	// Refuses returns why the write with that name may not be made, or nil.
	Refuses(write string, args []any) error
}

type checkKey struct{}

// SetCheck has the check look at each write of this run from here on, in the place of the context's.
func (tx *Tx) SetCheck(c Check) { tx.check = c }

// WithCheck returns a context whose transactions fail with what the check says of their first write that it refuses.
func WithCheck(ctx context.Context, check Check) context.Context {
	return context.WithValue(ctx, checkKey{}, check)
}

// checkOf is the check of the context's transactions, or nil.
func checkOf(ctx context.Context) Check {
	check, _ := ctx.Value(checkKey{}).(Check)
	return check
}

// Fail remembers the first mistake of a body; the transaction then fails with it.
func (tx *Tx) Fail(err error) {
	if tx.mistake == nil {
		tx.mistake = err
	}
}

// Micros is how an instant is stored: microseconds since 1970, UTC. The zero time is stored as NULL.
func Micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// FromMicros reads a stored instant; nil, the stored NULL, is the zero time.
func FromMicros(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.UnixMicro(*n).UTC()
}

// Nullable stores the empty text as NULL, for columns where absent and empty are the same.
func Nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
