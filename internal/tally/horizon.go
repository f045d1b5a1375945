package tally

import (
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

const (
	// settlesAfter is how long after its instant a payment is counted. A quarter of it is for nodes whose clock is behind; what is
	// left, for commits that take long, matters only where the database cannot tell which transactions run.
	settlesAfter = 4 * store.LateAfter
	// spare is for a transaction that has read the clock and is not yet among those that run.
	spare = 10 * time.Second
	// mostReadings bounds what is kept while a transaction does not end.
	mostReadings = 512
)

// settled knows up to when all is written that is not written late.
type settled struct {
	readings []store.Reading // oldest first; of all but the first some transaction may still run that had begun before it
}

// read takes a reading of the clock and returns up to when everything is written. What was written before a reading is committed
// when no transaction runs that had begun before it; so whatever is committed later is written after it, and late if it was created
// LateAfter before.
func (s *settled) read(r store.Reading) (until time.Time, ok bool) {
	until = r.At.Add(-settlesAfter)
	if r.Next == 0 {
		return until, true
	}
	if n := len(s.readings); n > 0 && s.readings[n-1].At.After(r.At) { // the clock was set back
		s.readings = nil
	}
	if len(s.readings) < mostReadings {
		s.readings = append(s.readings, r)
	}
	for len(s.readings) > 1 && s.readings[1].Next <= r.Oldest {
		s.readings = s.readings[1:]
	}
	first := s.readings[0]
	if first.Next > r.Oldest {
		return time.Time{}, false
	}
	if at := first.At.Add(-store.LateAfter - spare); at.Before(until) {
		until = at
	}
	return until, true
}
