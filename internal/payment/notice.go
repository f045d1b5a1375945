package payment

import "time"

// Notice brings what the provider told by itself about an attempt. It counts like an
// answer where the attempt is open. Of one that is settled it changes nothing: what
// contradicts is asked about, so that duplicates and any order lead to the same end.
type Notice struct {
	Attempt   int
	Fact      Fact
	Messages  Messages
	NextCheck time.Time // when to ask if the notice leaves the outcome open
	Token     string    // unused recurring token, taken if a chain starts
	HoldCheck time.Time // when to ask whether a hold still stands
	Late      LatePolicy
	Onward    Onward // what it takes to go on with the plan after a refusal
}

func (c Notice) apply(d *draft) {
	a := d.p.attempt(c.Attempt)
	if a == nil {
		d.err = refuse(CodeNotFound, "", "attempt %d", c.Attempt)
		return
	}
	d.holdCheck, d.run, d.onward = c.HoldCheck, c.Late.Run, c.Onward
	if !a.Live() {
		d.heard(a, report{op: OpHandleWebhook, quiet: d.p.logLong(), messages: c.Messages, fact: c.Fact, late: c.Late})
		return
	}
	was := *a
	fact, alarm := believe(d.p, a, c.Fact)
	d.d.Alarm = alarm
	d.note(a, fact)
	if d.p.mayBeReversed(a, fact) || d.onlyTold(a, fact) { // how it is is found out by asking
		fact = Fact{Class: ClassUnknown}
	}
	in := d.settle(a, fact, c.Token)
	shown := !d.p.logLong() || d.news(&was, a, in, OpHandleWebhook)
	if in != InOpen { // whoever is still calling will find the attempt settled
		d.end(a, Messages{})
	} else if !a.Calling() {
		a.sooner(c.NextCheck, fact, d.now)
		d.askBy(a)
	}
	if shown {
		d.log(OpHandleWebhook, in, a.Seq, c.Messages)
	}
	d.d.Attempts = append(d.d.Attempts, *a)
	d.reverseAgain()
}

// sooner pulls the next status query forward, never back: notices that say nothing new
// must not keep us from asking. What cannot be believed is asked about at once.
func (a *Attempt) sooner(next time.Time, f Fact, now time.Time) {
	if f.Class == ClassUnknown {
		next = now
	}
	if a.NextCheck.IsZero() || next.Before(a.NextCheck) {
		a.NextCheck = next
	}
}

// LatePolicy says what happens when an attempt that was settled as failed turns out
// to have succeeded.
type LatePolicy struct {
	Honour bool // a failed deposit becomes COMPLETED, if nothing else stands
	Run    Run  // of the call that gives the money back otherwise
}

// nothingNew is the input of a fact that changes nothing, in the present state.
func (d *draft) nothingNew() Input {
	if d.p.state == Pending {
		return InOpen
	}
	return InUnchanged
}

// reverse opens the attempt that gives the money of a late success back.
func (d *draft) reverse(won Attempt, run Run) {
	kind := AttemptVoid
	if won.Class == ClassApproved {
		kind = AttemptRefund
	}
	d.attempt(kind, InReverse, Terminal{ID: won.TerminalID, Name: won.Terminal}, won.Sent.Amount, run)
	if d.err != nil {
		return
	}
	a := &d.p.Attempts[len(d.p.Attempts)-1]
	a.Reverses = won.Seq
	d.d.Fresh.Reverses = won.Seq
	d.d.Call.Attempt.Reverses = won.Seq
}

// mostReversals is how often it is tried to give one late success back.
const mostReversals = 10

// settleReversal applies a fact to the attempt that gives a late success back; the
// payment's state does not depend on it. One that was provably not done is made again,
// after the ladder's next wait.
func (d *draft) settleReversal(a *Attempt, f Fact) Input {
	undone := f.Class == ClassNotSent || f.Class == ClassRejected
	if undone && a.Checks == 0 {
		a.Class = ClassUnknown
		return d.nothingNew()
	}
	a.Class, a.NextCheck, d.p.Live = f.Class, time.Time{}, 0
	switch {
	case undone && d.p.reversals(a.Reverses) < mostReversals:
		a.Code, d.again = f.Code, a.Reverses
	case f.Class.Refused():
		a.Code = f.Code
		d.d.Alarm = "the provider refuses to give a late success back"
	default:
		if won := d.p.attempt(a.Reverses); won != nil {
			won.Class = ClassCancelled
			d.d.Attempts = append(d.d.Attempts, *won)
		}
	}
	return d.nothingNew()
}

// reversals counts the attempts to give a late success back.
func (p *Payment) reversals(of int) (n int) {
	for i := range p.Attempts {
		if p.Attempts[i].Reverses == of {
			n++
		}
	}
	return n
}

// reverseAgain opens the next attempt to give a late success back, where one is needed.
func (d *draft) reverseAgain() {
	if won := d.p.attempt(d.again); won != nil && d.err == nil {
		d.reverse(*won, d.run)
	}
}
