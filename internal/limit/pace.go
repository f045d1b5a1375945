package limit

import (
	"sync"
	"time"
)

// Rate is how often something may happen: PerSecond in the long run, and Burst at once after a rest. The zero value allows
// everything.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Limits reports whether the rate limits anything.
func (r Rate) Limits() bool { return r.PerSecond > 0 }

// Pace keeps the pace of each key. It remembers a key for as long as its burst takes to fill up again, and no more than
// mostKeys: beyond them a key that is new passes unseen, so that whoever comes from everywhere harms nobody who is known
// already. The zero value is ready; it is safe for concurrent use.
type Pace[K comparable] struct {
	mu    sync.Mutex
	full  map[K]time.Time // when the key's burst is whole again
	most  int             // mostKeys where 0
	swept time.Time       // when there was no room the last time
}

const (
	mostKeys   = 1 << 16     // bounds the memory of a Pace to some eight megabytes
	sweepEvery = time.Second // while it is full
)

// Take counts one of the key and returns 0, or how long until the next one passes: then nothing is counted.
func (p *Pace[K]) Take(key K, rate Rate, now time.Time) (wait time.Duration) {
	if !rate.Limits() {
		return 0
	}
	each := max(time.Duration(float64(time.Second)/rate.PerSecond), 1)
	room := each * time.Duration(max(rate.Burst, 1)-1)
	p.mu.Lock()
	defer p.mu.Unlock()
	full, known := p.full[key]
	switch {
	case !known && !p.fits(now):
		return 0
	case full.Before(now), full.Sub(now) > each+room: // the latter where the clock was set back, or the rate raised
		full = now
	}
	if ahead := full.Sub(now) - room; ahead > 0 {
		return ahead
	}
	p.full[key] = full.Add(each)
	return 0
}

// fits makes room for one more key.
func (p *Pace[K]) fits(now time.Time) bool {
	most := p.most
	if most == 0 {
		most = mostKeys
	}
	if p.full == nil {
		p.full = make(map[K]time.Time)
	}
	if len(p.full) < most {
		return true
	}
	if since := now.Sub(p.swept); since >= 0 && since < sweepEvery {
		return false
	}
	p.swept = now
	for k, full := range p.full {
		if full.Before(now) {
			delete(p.full, k)
		}
	}
	return len(p.full) < most
}
