package limit

import "sync"

// Places are places that keys share. A key may hold as many places as are left free: one that is alone gets half of them, with
// another one beside it two thirds are given out between the two, and however many hold all they get, whoever comes next
// finds a place. Nobody has to be told who else will come, and nothing is set aside for somebody who never does.
//
// The zero value and nil give a place to everybody. It is safe for concurrent use.
type Places[K comparable] struct {
	mu    sync.Mutex
	most  int
	taken int
	held  map[K]int
}

// NewPlaces returns so many places; 0 or less is no limit.
func NewPlaces[K comparable](most int) *Places[K] {
	return &Places[K]{most: most, held: make(map[K]int)}
}

// Take takes n places for the key, all or none, and reports whether it did. Give must follow if so.
func (p *Places[K]) Take(key K, n int) bool {
	if p == nil || p.most <= 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[key]+n > p.most-p.taken-n+1 {
		return false
	}
	p.add(key, n)
	return true
}

// Retake takes places that the key gave for a while, however many are left.
func (p *Places[K]) Retake(key K, n int) {
	if p == nil || p.most <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(key, n)
}

// Give gives back n places of the key.
func (p *Places[K]) Give(key K, n int) {
	if p == nil || p.most <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(key, -n)
}

func (p *Places[K]) add(key K, n int) {
	p.taken += n
	if left := p.held[key] + n; left > 0 {
		p.held[key] = left
		return
	}
	delete(p.held, key)
}

// Held is how many places the key holds, and how many are taken by all.
func (p *Places[K]) Held(key K) (held, taken int) {
	if p == nil {
		return 0, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held[key], p.taken
}
