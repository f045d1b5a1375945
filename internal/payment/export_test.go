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
		d.birth(start)
	} else {
		c.apply(d)
	}
	return d.finish()
}
