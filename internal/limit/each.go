package limit

import "sync"

// Each gives every key so many places of its own, however many others hold theirs: it is for what nobody needs more of at
// a time, and bounds nothing in sum. It remembers only keys that hold a place.
//
// The zero value and nil give a place to everybody. It is safe for concurrent use.
type Each[K comparable] struct {
	mu   sync.Mutex
	most int
	held map[K]int
}

// NewEach returns so many places for each key; 0 or less is no limit.
func NewEach[K comparable](most int) *Each[K] {
	return &Each[K]{most: most, held: make(map[K]int)}
}

// Take takes a place for the key and reports whether it did. Give must follow if so.
func (e *Each[K]) Take(key K) bool {
	if e == nil || e.most <= 0 {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.held[key] >= e.most {
		return false
	}
	e.held[key]++
	return true
}

// Give gives a place of the key back.
func (e *Each[K]) Give(key K) {
	if e == nil || e.most <= 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.held[key]--; e.held[key] <= 0 {
		delete(e.held, key)
	}
}
