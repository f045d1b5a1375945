package payment

import "time"

// Watched does what New does, and with a command what Decide does, and tells of each row of the table that it takes.
func Watched(p Payment, start *Start, c Command, now time.Time, moved func(Edge)) (Decision, error) {
	if c == nil {
		p.state = None
	}
	d := begin(p, now)
	d.moved = moved
	if c == nil {
		d.create(start)
	} else {
		c.apply(d)
	}
	return d.finish()
}

// MostDoubts is for tests.
const MostDoubts = mostDoubts

// FindingOf is the row of the table that decides about a fact on a settled attempt, and whether the fact fits what was
// asked for.
func FindingOf(p *Payment, attempt int, f Fact, honour, noRoom bool) (Finding, Part, Ending, Saying) {
	s := situate(p, p.attempt(attempt), f)
	s.honour, s.noRoom = honour, noRoom
	return *s.finding(), s.part, s.was, s.says
}

// RecordOf is what the log keeps of a plan.
func RecordOf(p *Plan) string { return p.record() }
