package telemetry

import (
	"sync"
	"time"
)

const (
	paceEvery = time.Minute // between two lines about the same
	paceMost  = 1024        // things that are kept in mind
)

// Pace keeps what strangers can cause from filling the log: one line a minute about the same thing, with the number of
// those that were left out. The zero value is ready; it is safe for concurrent use.
type Pace struct {
	// Most is how many lines a minute there are about the same thing; 0 is one.
	Most int

	mu    sync.Mutex
	about map[string]*paced
}

type paced struct {
	since time.Time // of the first line of this minute
	lines int
	more  int
}

// Due reports whether it is time for a line about the thing, and how many were left out since the last one.
func (p *Pace) Due(about string, now time.Time) (more int, due bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.about[about]
	if ok && now.Sub(t.since) < paceEvery {
		if t.lines < p.Most {
			t.lines++
			return 0, true
		}
		t.more++
		return 0, false
	}
	if ok {
		more = t.more
	} else if p.about == nil || len(p.about) >= paceMost {
		p.about = make(map[string]*paced)
	}
	p.about[about] = &paced{since: now, lines: 1}
	return more, true
}
