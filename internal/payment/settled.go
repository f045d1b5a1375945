package payment

import (
	"cmp"
	"time"

	"github.com/sluicepay/sluice/internal/money"
)

// mostDoubts is how often it may become due to ask about one attempt that is settled. Beyond that, what contradicts is
// only put on record.
const mostDoubts = 20

// report is a fact about a settled attempt and what came with it.
type report struct {
	op        OperationKind // by which the log shows it, where it is a new entry
	running   int           // or Seq of the operation of the call that brought it
	asked     bool          // by a query about this attempt, which nothing else has taken over
	quiet     bool          // not shown where it brings nothing new
	messages  Messages
	fact      Fact
	late      LatePolicy
	token     string    // see Answer.Token
	nextCheck time.Time // when to ask again if a query has found nothing
}

// heard books a fact about an attempt that is settled. Only what a query about it has found changes anything.
func (d *draft) heard(a *Attempt, r report) {
	s := situate(d.p, a, r.fact)
	s.honour, s.noRoom = r.late.Honour, d.noRoom
	row := s.finding()
	if r.asked {
		d.found(s, row, r)
		return
	}
	was := *a
	if row.Then != ThenNothing && a.Doubts < mostDoubts {
		if !row.Quiet && !d.p.inDoubt(a, d.now) {
			d.d.Alarm = s.alarm("reports") + "; its status is asked for"
		}
		d.doubt(a)
		d.end(a, Messages{}) // what a query finds that is under way may be older than this
	}
	if !r.quiet || was.Doubts != a.Doubts {
		d.log(r.op, d.nothingNew(), a.Seq, r.messages)
	}
	d.d.Attempts = append(d.d.Attempts, *a)
}

// doubt makes it due to ask about a settled attempt.
func (d *draft) doubt(a *Attempt) {
	a.Doubts++
	a.NextCheck = d.now
}

// alarm says what a fact contradicts.
func (s *situation) alarm(verb string) string {
	what := string(s.fact.Class)
	if s.says == SaysDone || s.says == SaysHeld || s.says == SaysOther {
		what = "success"
	}
	text := "the provider " + verb + " " + what + " for an attempt that was settled as " + string(s.a.Class)
	if s.doubt != "" {
		text += "; " + s.doubt
	}
	return text
}

// found books what a status query has found about a settled attempt.
func (d *draft) found(s *situation, row *Finding, r report) {
	if s.says == SaysOpen {
		d.foundNothing(s.a, r)
		return
	}
	then := row.Then
	if (then == ThenWait || then == ThenLater) && s.a.Doubts >= mostDoubts {
		then = ThenLook
	}
	s.a.NextCheck = d.rest(s.a)
	if then == ThenNothing || then == ThenLook || then == ThenWait || then == ThenLater {
		if then != ThenNothing {
			d.d.Alarm = s.alarm("confirms") + ": " + string(then)
		}
		if then == ThenWait || then == ThenLater {
			d.doubt(s.a)
		}
		if then == ThenLater {
			s.a.NextCheck = d.holdCheck
		}
		d.bookFound(s.a, r, d.nothingNew())
		return
	}
	if !row.Quiet {
		d.d.Alarm = s.alarm("confirms") + ": " + string(then)
	}
	d.follow(s, then, r)
}

// foundNothing books a query that has not told how a settled attempt stands: it is asked again, not for ever.
func (d *draft) foundNothing(a *Attempt, r report) {
	a.NextCheck = d.rest(a)
	switch {
	case a.Doubts == 0:
	case a.Doubts < mostDoubts && !r.nextCheck.IsZero():
		a.Doubts++
		if a.NextCheck.IsZero() || r.nextCheck.Before(a.NextCheck) {
			a.NextCheck = r.nextCheck
		}
	default:
		d.d.Alarm = "the provider does not tell how an attempt stands that it has contradicted"
	}
	d.bookFound(a, r, d.nothingNew())
}

// bookFound shows in the log what a query has found.
func (d *draft) bookFound(a *Attempt, r report, in Input) {
	switch {
	case r.running != 0:
		d.conclude(a, in, r.op, r.messages)
	case !r.quiet || d.news(d.before.attempt(a.Seq), a, in, r.op):
		d.log(r.op, in, a.Seq, r.messages)
	}
	d.d.Attempts = append(d.d.Attempts, *a)
}

// rest is when to look at a settled attempt again of which nothing is in doubt: never, if it is not a hold that waits
// for its capture.
func (d *draft) rest(a *Attempt) time.Time {
	if d.p.state == Authorized && a.Class == ClassAuthorized && a.stands() {
		return d.holdDue(a)
	}
	return time.Time{}
}

// hurryDoubts has a try that is in doubt asked about at once when the payment has ended: what would have been in the way is not
// any more.
func (d *draft) hurryDoubts() {
	if !d.p.state.Final() || d.before.state.Final() {
		return
	}
	for i := range d.p.Attempts {
		if a := &d.p.Attempts[i]; a.part() == PartDeposit && a.Class.Refused() && a.Doubts > 0 && a.NextCheck.After(d.now) {
			a.NextCheck = d.now
			d.d.Attempts = append(d.d.Attempts, *a)
		}
	}
}

// inDoubt reports that it is due already to ask about the settled attempt.
func (p *Payment) inDoubt(a *Attempt, now time.Time) bool {
	if a.Doubts == 0 || a.NextCheck.IsZero() || a.Calling() {
		return false
	}
	return p.state != Authorized || !a.stands() || !now.Before(a.NextCheck)
}

// Doubted is the settled attempt about which the provider is to be asked first, or nil. Attempt.NextCheck says when. What
// is open is asked about before.
func (p *Payment) Doubted() *Attempt {
	var first *Attempt
	for i := range p.Attempts {
		a := &p.Attempts[i]
		if p.Live != 0 || a.Doubts == 0 || a.NextCheck.IsZero() || first != nil && !a.NextCheck.Before(first.NextCheck) {
			continue
		}
		first = a
	}
	return first
}

// askedBy is when work is due of which all else is due then. Money that is still to be sent back comes before a doubt about it.
func (p *Payment) askedBy(due time.Time) time.Time {
	a := p.Doubted()
	if a == nil || !due.IsZero() && (due.Before(a.NextCheck) || p.Owes() && !p.voidRefused()) {
		return due
	}
	return a.NextCheck
}

// onlyAsked reports that nothing is due but to ask about a doubt: sending the money of an abandoned deposit back was given up.
func (p *Payment) onlyAsked() bool {
	a := p.Doubted()
	return p.DueFails > 0 && a != nil && p.Due.Equal(a.NextCheck)
}

// AskedAbout is the attempt that a status query shown as op is about: the open one, else a settled one that is in doubt or
// holds money, else by hand the one that the payment ended with. Nil where there is nothing to ask.
func (p *Payment) AskedAbout(op OperationKind) *Attempt {
	if a := p.LiveAttempt(); a != nil || op == OpContinue {
		return a
	}
	a, held := p.Doubted(), p.Standing()
	if p.state == Authorized && held != nil && !p.Terms.Verify && (a == nil || held.NextCheck.Before(a.NextCheck)) {
		return held // does the hold still stand?
	}
	if a != nil || op != OpManualCheckState || p.Terms.Verify { // of a verification nothing is held
		return a
	}
	return p.subject()
}

// follow lets the payment, or its money, follow what is confirmed.
func (d *draft) follow(s *situation, then Consequence, r report) {
	a, f := s.a, s.fact
	if a.Kind == AttemptCapture || a.Kind == AttemptVoid {
		d.about = a.Seq
	}
	a.NextCheck = time.Time{}
	d.note(a, f)
	switch then {
	case ThenPaid:
		a.Class, d.p.ErrorCode = f.Class, ""
		d.bookFound(a, r, d.paid(a, f, r.token))
	case ThenHonour:
		d.honour(a, f, r)
	case ThenTaken:
		d.takenThere(a, f, r)
	case ThenAdopt:
		if a.Class, a.Code = ClassApproved, ""; a.Kind == AttemptVoid {
			d.p.ErrorCode = "" // it was no expiry
		}
		d.update()
		d.d.Events = append(d.d.Events, Event{State: d.p.state, Before: d.p.state, Attempt: a.Seq, At: d.p.Updated})
		d.bookFound(a, r, InUnchanged)
	case ThenStands:
		d.stands(a, f, r)
	case ThenDeclined, ThenClosed:
		d.undo(s, then, r)
	case ThenGone:
		d.gone(a, f, r)
	case ThenReverse:
		d.giveBack(s, r)
	case ThenNothing, ThenLook, ThenWait, ThenLater: // booked by found
	}
	d.d.Attempts = append(d.d.Attempts, *d.p.attempt(a.Seq))
}

// honour books a success that came after the payment had failed.
func (d *draft) honour(a *Attempt, f Fact, r report) {
	a.Class, a.Code, d.p.ErrorCode = f.Class, "", ""
	switch a.Kind {
	case AttemptDeposit:
		d.p.Authorised, d.p.Captured = a.Sent.Amount, a.Sent.Amount
	case AttemptRefund:
		d.d.Parent.Redo = a.Sent.Amount
	case AttemptWithdrawal, AttemptCapture, AttemptVoid:
	}
	d.bookFound(a, r, InLate)
}

// takenThere books that held money was taken: by a capture that had been settled as not done, or by nobody
// that we know of.
func (d *draft) takenThere(a *Attempt, f Fact, r report) {
	sum := a.Sent.Amount
	if a.Kind == AttemptCapture {
		a.Class, a.Code = ClassApproved, ""
	} else if !f.Echoed.Amount.IsZero() {
		sum = f.Echoed.Amount
	}
	d.p.Captured, d.p.ErrorCode = sum, ""
	d.bookFound(a, r, InTaken)
}

// stands books that a capture or void was not done after all. Whether the hold really stands is asked at once.
func (d *draft) stands(a *Attempt, f Fact, r report) {
	held := d.p.Standing()
	if a.Kind == AttemptVoid {
		held = d.p.released()
		held.Class = ClassAuthorized
	}
	a.Class, a.Code = f.Class, cmp.Or(f.Code, defaultCode(f.Class))
	d.p.ErrorCode, d.p.Captured = a.Code, money.Amount{}
	d.doubt(held)
	d.d.Attempts = append(d.d.Attempts, *held)
	d.bookFound(a, r, InStands)
}
