package webhook

import (
	"encoding/binary"
	"io"
	"slices"
	"time"
)

// Ladder says when a delivery that failed is tried again.
type Ladder struct {
	// Waits follow the first, second, … failed try; the last one repeats.
	Waits []time.Duration
	// GiveUp is how long after its first try a delivery is tried for the last time.
	GiveUp time.Duration
	// Around spreads the waits by a fifth to both sides; otherwise they get only shorter.
	Around bool
}

var gatewayLadder = Ladder{
	Waits: []time.Duration{
		5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute,
		1 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	},
	GiveUp: 75 * time.Hour,
}

// burst is how many tries of the yandexpay dialect come at once.
const burst = 10

var yandexPayLadder = Ladder{
	Waits: slices.Concat(slices.Repeat([]time.Duration{5 * time.Millisecond}, burst-1), []time.Duration{
		1 * time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
		1 * time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
	}),
	GiveUp: 24 * time.Hour,
	Around: true,
}

const (
	// probeWait is the longest time between two probes of an endpoint that is down. What is
	// left of five minutes is for its backlog.
	probeWait = 4*time.Minute + 30*time.Second
	// maxRetryAfter bounds what a receiver may ask for.
	maxRetryAfter = time.Hour
)

// climbing is where a delivery stands on its ladder: try number rung, counted since began,
// has failed at now.
type climbing struct {
	began, now time.Time
	rung       int
}

// next returns when the delivery is tried again; the zero time when it is given up.
func (l *Ladder) next(c climbing, random io.Reader) time.Time {
	end := c.began.Add(l.GiveUp)
	if !c.now.Before(end) {
		return time.Time{}
	}
	wait := l.Waits[min(max(c.rung, 1), len(l.Waits))-1]
	if l.Around {
		wait = around(wait, random)
	} else {
		wait = early(wait, random)
	}
	if next := c.now.Add(wait); next.Before(end) {
		return next
	}
	return end
}

// early takes up to a fifth off a wait, so that what failed together spreads out. Without
// random bytes nothing is taken off.
func early(wait time.Duration, random io.Reader) time.Duration {
	return wait - part(wait/5/(1<<16), chance(random, 0))
}

// around moves a wait by up to a fifth to either side; without random bytes not at all.
func around(wait time.Duration, random io.Reader) time.Duration {
	return wait + part(wait/5/(1<<15), chance(random, 1<<15)-(1<<15))
}

// part is so many times a small duration.
func part(of time.Duration, times int) time.Duration { return of * time.Duration(times) }

// chance is a random number below 1<<16, or the other one when there is no randomness.
func chance(random io.Reader, otherwise int) int {
	var b [2]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return otherwise
	}
	return int(binary.BigEndian.Uint16(b[:]))
}
