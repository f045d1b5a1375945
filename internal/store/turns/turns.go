// Package turns is who goes first when several callers of one process want to change the same thing: lines by key. It knows no
// database and decides nothing; package store/tx uses it, and begins with [Turns.At] in DB.Update.
package turns

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Turns puts the bodies of this process that lose against each other over one key into a line, so that
// each runs once more and not twenty times. A line exists while somebody is in it, and whoever is in it
// is a caller who waits anyway, so nothing here needs a bound of its own.
//
// Nothing rests on it but speed and fairness. Writers of other processes know nothing of the line, and
// what is written is still guarded by the version that was read.
type Turns struct {
	lines atomic.Int64 // lines there are; zero is the usual case, and costs no lock
	mu    sync.Mutex
	by    map[string]*line
}

// line is those who wait for a key while one has the turn.
type line struct{ waiting []chan struct{} }

// Place is what one Update holds: the turns of these keys, or none.
type Place struct {
	turns *Turns
	keys  []string // sorted
}

// At is a place of which nothing is held yet.
func (t *Turns) At() Place { return Place{turns: t} }

// Outside reports that others are in line for one of the keys, and that p has no turn there.
func (p *Place) Outside(keys []string) bool {
	t := p.turns
	if t.lines.Load() == 0 || len(keys) == 0 {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(keys, func(key string) bool {
		return t.by[key] != nil && !slices.Contains(p.keys, key)
	})
}

// Join waits for the turns of the keys and reports whether it took any that p did not have: then
// whatever was read before is worth nothing, and what is read now will stand if no other process
// interferes. The keys are taken in one order, so that two who need the same ones never wait for each
// other. The error is the context's, and then p has no turn.
func (p *Place) Join(ctx context.Context, keys []string) (fresh bool, err error) {
	if !slices.ContainsFunc(keys, func(key string) bool { return !slices.Contains(p.keys, key) }) {
		return false, nil
	}
	all := slices.Concat(p.keys, keys)
	slices.Sort(all)
	p.Leave()
	for _, key := range slices.Compact(all) {
		if err := p.turns.take(ctx, key); err != nil {
			p.Leave()
			return false, fmt.Errorf("waiting for a turn: %w", err)
		}
		p.keys = append(p.keys, key)
	}
	return true, nil
}

// Leave gives every turn of p to who is next.
func (p *Place) Leave() {
	for _, key := range p.keys {
		p.turns.pass(key)
	}
	p.keys = nil
}

// Count is how many lines there are, and how many bodies wait in them.
func (t *Turns) Count() (lines, waiting int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.by {
		waiting += len(l.waiting)
	}
	return len(t.by), waiting
}

// take waits for the turn of one key.
func (t *Turns) take(ctx context.Context, key string) error {
	mine := t.enter(key)
	if mine == nil {
		return nil
	}
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	if !t.withdraw(key, mine) { // it came at the same moment
		t.pass(key)
	}
	return ctx.Err()
}

// enter stands in line and returns what is closed when the turn comes; nil if it is there at once.
func (t *Turns) enter(key string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.by[key]
	if l == nil {
		if t.by == nil {
			t.by = map[string]*line{}
		}
		t.by[key] = &line{}
		t.lines.Add(1)
		return nil
	}
	mine := make(chan struct{})
	l.waiting = append(l.waiting, mine)
	return mine
}

// withdraw leaves the line and reports whether the turn had not come yet.
func (t *Turns) withdraw(key string, mine chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.by[key]
	if l == nil {
		return false
	}
	at := slices.Index(l.waiting, mine)
	if at < 0 {
		return false
	}
	l.waiting = slices.Delete(l.waiting, at, at+1)
	return true
}

// pass gives the turn to who has waited longest; nobody waiting ends the line.
func (t *Turns) pass(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.by[key]
	if len(l.waiting) == 0 {
		delete(t.by, key)
		t.lines.Add(-1)
		return
	}
	next := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	close(next)
}
