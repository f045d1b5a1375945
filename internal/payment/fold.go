package payment

import (
	"cmp"
	"fmt"
	"slices"
)

// step is the start or the end of an operation, or both at once.
type step struct {
	op      *Operation
	version int64
	starts  bool
	ends    bool
	again   bool // the call of an attempt that was made before
}

// Fold derives the state of a payment from its log, oldest operation first, and
// fails when the log holds a move that the table does not allow. The stored state
// is a cache of this. Operations may overlap; the versions order what happened.
func Fold(log []Operation) (State, error) {
	state := None
	for i := range log {
		if log[i].Seq != i+1 {
			return state, fmt.Errorf("operation %d stands at place %d", log[i].Seq, i+1)
		}
	}
	for _, s := range steps(log) {
		after, ok := s.from(state)
		if !ok {
			return state, fmt.Errorf("operation %d: %s does not lead from %q to %q", s.op.Seq, s.op.Kind, state, s.op.State)
		}
		state = after
	}
	return state, nil
}

// steps puts starts and ends in the order in which they were written. One decision
// ends what ran before it adds anything.
func steps(log []Operation) []step {
	var all []step
	called := map[int]bool{} // attempts whose call was made
	for i := range log {
		op := &log[i]
		again := op.Kind.calls() && called[op.Attempt]
		if op.Kind.calls() && op.Attempt != 0 {
			called[op.Attempt] = true
		}
		if op.Began == op.Ended {
			all = append(all, step{op, op.Began, true, true, again})
			continue
		}
		all = append(all, step{op, op.Began, true, false, again})
		if op.Ended != 0 {
			all = append(all, step{op, op.Ended, false, true, again})
		}
	}
	slices.SortStableFunc(all, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.version, b.version), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.op.Seq, b.op.Seq))
	})
	return all
}

func rank(s step) int {
	if s.starts {
		return 1
	}
	return 0
}

// from returns the state that the step leads to, if the table allows it.
func (s step) from(state State) (State, bool) {
	switch kind := s.op.Kind; {
	case s.starts && s.ends:
		return s.op.State, leads(state, kind, s.op.State, false) || leads(state, kind, s.op.State, true) && !kind.calls()
	case s.ends:
		return s.op.State, leads(state, kind, s.op.State, true)
	case s.again:
		return state, leads(state, kind, state, false)
	case kind.calls():
		return starts(state, kind)
	}
	return state, true
}
