package payment

import "time"

// wholeLog is how many operations of a payment are written whatever they say. Beyond it a status query, or a notice, is
// logged only where it brings something new: a hold that waits for months, a provider that repeats itself and a merchant
// who asks in a loop do not grow the log without end. An operator's own query is always logged.
const wholeLog = 200

func (p *Payment) logLong() bool { return p.Ops >= wholeLog }

// news reports that a fact about an attempt, which was different before it, says something that nobody knew yet: it moves
// the payment, changes what is shown of it or known of the attempt, or has to be looked at.
func (d *draft) news(was, is *Attempt, in Input, op OperationKind) bool {
	to, ok := next(d.p.state, in, op)
	return !ok || to != d.p.state || d.d.Alarm != "" || !sameShown(&d.before, d.p) || was.known() != is.known()
}

// known is the attempt without what says who asks about it, and when.
func (a *Attempt) known() Attempt {
	k := *a
	k.Op, k.LeaseOwner, k.LeaseUntil, k.NextCheck, k.Checks = 0, "", time.Time{}, time.Time{}, 0
	return k
}
