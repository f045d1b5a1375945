package frame

import (
	"sync"
	"time"
)

// saved is the result of the first request under a key.
type saved struct {
	sum     [32]byte
	at      time.Time
	running bool
	answer  Answer
}

// Keys remembers what requests were answered under the caller's keys. Its zero value is ready.
type Keys struct {
	mu    sync.Mutex
	saved map[string]*saved
}

// Replay says what Keys knew of a key.
type Replay uint8

// What was known.
const (
	First   Replay = iota // nothing: the request was carried out
	Again                 // the same request: its answer is given again
	Other                 // another request: nothing was carried out
	Running               // one that is still being carried out
)

// Once carries a request out at most once under its key while the key lives. The sum is of what makes two requests the same. An answer that
// is not kept leaves no key behind.
func (k *Keys) Once(key string, sum [32]byte, now time.Time, life time.Duration, run func() (a Answer, keep bool)) (Answer, Replay) {
	k.mu.Lock()
	if k.saved == nil {
		k.saved = make(map[string]*saved)
	}
	if s := k.saved[key]; s != nil && (life <= 0 || now.Sub(s.at) < life) {
		defer k.mu.Unlock()
		switch {
		case s.sum != sum:
			return Answer{}, Other
		case s.running:
			return Answer{}, Running
		}
		return s.answer, Again
	}
	s := &saved{sum: sum, at: now, running: true}
	k.saved[key] = s
	k.mu.Unlock()
	a, keep := run() // meanwhile another request may find the key in use
	k.mu.Lock()
	defer k.mu.Unlock()
	s.answer, s.running = a, false
	if !keep {
		delete(k.saved, key)
	}
	return a, First
}
