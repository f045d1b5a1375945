package payment

// situation is a fact about a settled attempt, with what decides about it.
type situation struct {
	p      *Payment
	a      *Attempt
	part   Part
	was    Ending
	says   Saying
	doubt  string // why a success does not fit
	fact   Fact   // as far as it is believed
	honour bool
	noRoom bool // the deposit has not as much left as the refund
}

// finding looks the row up.
func (s *situation) finding() *Finding {
	for i := range findings {
		f := &findings[i]
		if fits(f.Of, s.part) && fits(f.Was, s.was) && fits(f.Says, s.says) && (f.When.holds == nil || f.When.holds(s)) {
			return f
		}
	}
	return &findings[len(findings)-1]
}

func (s *situation) failed() bool {
	return (s.p.state == Declined || s.p.state == Cancelled) && s.p.Live == 0
}

// openKind is the kind of the open attempt; empty where none is.
func (s *situation) openKind() AttemptKind {
	if a := s.p.LiveAttempt(); a != nil && a.Reverses == 0 {
		return a.Kind
	}
	return ""
}

// situate judges what a fact says about the settled attempt.
func situate(p *Payment, a *Attempt, f Fact) *situation {
	s := &situation{p: p, a: a, part: a.part(), was: a.ending(p), fact: f}
	if f.Class == ClassApproved && s.part == PartDeposit && p.PreAuth && a.takes(p, f) {
		f.Echoed.Amount = a.Sent.Amount // less than was held may have been taken of it
	}
	believed, doubt := believe(p, a, f)
	switch {
	case doubt != "":
		s.says, s.doubt = SaysOther, doubt
	case believed.Class == ClassApproved:
		s.says = SaysDone
	case believed.Class == ClassAuthorized:
		s.says = SaysHeld
	case believed.Class.Refused():
		s.says = SaysRefused
	case believed.Class == ClassCancelled:
		s.says = SaysClosed
	default:
		s.says = SaysOpen
	}
	return s
}

// takes reports that the amount can have been taken of what the attempt holds, or is what was.
func (a *Attempt) takes(p *Payment, f Fact) bool {
	switch {
	case a.Class != ClassAuthorized && a.Class != ClassCancelled || f.Echoed.Amount.IsZero():
		return false
	case p.state == Completed:
		return f.Echoed.Amount == p.Captured
	}
	return f.Echoed.Amount.Cmp(a.Sent.Amount) <= 0
}

func (a *Attempt) part() Part {
	switch {
	case a.Reverses != 0:
		return PartReturn
	case a.Kind == AttemptWithdrawal:
		return PartWithdrawal
	case a.Kind == AttemptRefund:
		return PartRefund
	case a.Kind == AttemptCapture:
		return PartCapture
	case a.Kind == AttemptVoid:
		return PartVoid
	}
	return PartDeposit
}

func (a *Attempt) ending(p *Payment) Ending {
	switch {
	case a.Reversed && a.Class == ClassCancelled:
		return EndReturned
	case a.Reversed:
		return EndGoing
	case a.Class == ClassApproved:
		return EndDone
	case a.Class == ClassAuthorized:
		return EndHeld
	case a.Class == ClassCancelled && a.part() == PartDeposit && p.lastTry(a) && (!p.Authorised.IsZero() || p.Terms.Verify && a.Code == ""):
		return EndOver // a verification without a code was closed by the merchant's void
	case a.Class == ClassCancelled:
		return EndClosed
	}
	return EndRefused
}

// lastTry reports that no other try of the deposit follows a, and none stands: a hold is followed by none.
func (p *Payment) lastTry(a *Attempt) bool {
	for i := range p.Attempts {
		if b := &p.Attempts[i]; b.part() == PartDeposit && (b.Seq > a.Seq || b.stands()) {
			return false
		}
	}
	return true
}

// lastDone is the newest attempt of that kind that was done, or nil; what gives a late success back does not count.
func (p *Payment) lastDone(kind AttemptKind) *Attempt {
	for i := len(p.Attempts) - 1; i >= 0; i-- {
		if a := &p.Attempts[i]; a.Kind == kind && a.Class == ClassApproved && a.Reverses == 0 {
			return a
		}
	}
	return nil
}

// released is the deposit's hold that was given back or has run out, or nil.
func (p *Payment) released() *Attempt {
	for i := len(p.Attempts) - 1; i >= 0; i-- {
		if a := &p.Attempts[i]; a.part() == PartDeposit && a.ending(p) == EndOver {
			return a
		}
	}
	return nil
}
