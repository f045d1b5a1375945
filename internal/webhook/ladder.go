package webhook

import (
	"encoding/binary"
	"io"
	"time"
)

// ladder is how long to wait after the first, second, … failed try of a delivery; the
// last wait repeats until the delivery is given up.
var ladder = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute,
	1 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

const (
	// giveUpAfter is how long after its first try a delivery is tried for the last time.
	giveUpAfter = 75 * time.Hour
	// probeWait is the longest time between two probes of an endpoint that is down. What is
	// left of five minutes is for its backlog.
	probeWait = 4*time.Minute + 30*time.Second
	// maxRetryAfter bounds what a receiver may ask for.
	maxRetryAfter = time.Hour
)

// retryAt returns when a delivery is tried again whose try number rung, counted since
// began, has just failed; the zero time when it is given up.
func retryAt(began, now time.Time, rung int, random io.Reader) time.Time {
	end := began.Add(giveUpAfter)
	if !now.Before(end) {
		return time.Time{}
	}
	next := now.Add(early(ladder[min(max(rung, 1), len(ladder))-1], random))
	if next.After(end) {
		return end
	}
	return next
}

// early takes up to a fifth off a wait, so that what failed together spreads out. Without
// random bytes nothing is taken off.
func early(wait time.Duration, random io.Reader) time.Duration {
	var b [2]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return wait
	}
	return wait - wait/5/(1<<16)*time.Duration(binary.BigEndian.Uint16(b[:]))
}
