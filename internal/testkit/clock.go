package testkit

import (
	"sync/atomic"
	"time"
)

// Clock runs like the real one and can be moved forward. The zero value is ready.
type Clock struct {
	ahead  atomic.Int64
	began  time.Time
	slower time.Duration
}

// SlowClock returns a clock that runs so many times slower than the real one, for tests that say by Advance when
// something comes due: however long the machine takes for what they do before, nothing does by itself.
func SlowClock(times int) *Clock { return &Clock{began: time.Now(), slower: time.Duration(times)} }

// Now returns the moved time.
func (c *Clock) Now() time.Time {
	now := time.Now()
	if c.slower > 0 {
		now = c.began.Add(now.Sub(c.began) / c.slower)
	}
	return now.Add(time.Duration(c.ahead.Load()))
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }
