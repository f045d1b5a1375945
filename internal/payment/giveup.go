package payment

import "time"

// GivenUp reports that nobody wants the open outcome of a deposit any more: the merchant has abandoned it, or the time of
// its customer is over. The provider is then asked to close it, and only its word ends the payment.
func (p *Payment) GivenUp(now time.Time) bool {
	a := p.LiveAttempt()
	if p.Type != Deposit || p.state != Pending || a == nil || a.Kind != AttemptDeposit {
		return false
	}
	end := p.closing(a)
	return !p.Abandoned.IsZero() || !end.IsZero() && !now.Before(end)
}

// closing is when the provider is asked to close the attempt if it is still open; zero for never, which is so of methods
// that end by themselves unless the payment's terms say how long it lasts.
func (p *Payment) closing(a *Attempt) time.Time {
	method := p.Method.Spec()
	if p.CheckoutUntil.IsZero() || p.Terms.Lasts == 0 && !method.Ends {
		return time.Time{}
	}
	if end := a.Started.Add(method.Patience); method.Patience > 0 && end.After(p.CheckoutUntil) {
		return end
	}
	return p.CheckoutUntil
}

// askBy keeps the next status query of an open deposit from coming later than its closing, or than now where it is given
// up and the provider has not been asked since.
func (d *draft) askBy(a *Attempt) {
	if d.p.state != Pending || a.Kind != AttemptDeposit || a.Calling() || !a.Live() {
		return
	}
	if d.p.GivenUp(d.now) {
		if !d.fenced {
			a.NextCheck = d.now
		}
		return
	}
	if end := d.p.closing(a); !end.IsZero() && end.Before(a.NextCheck) {
		a.NextCheck = end
	}
}

// over reports that the fact proves that a deposit was never done, and never will be, for no other reason than that it was
// given up, or that its customer was too late with a code.
func (d *draft) over(a *Attempt, f Fact) bool {
	if f.Class == ClassCancelled {
		method := d.p.Method.Spec()
		return a.Kind == AttemptDeposit && method.Late != "" && !method.LateAway && (f.Code == "" || f.Code == CodeTimeout)
	}
	return f.Class == ClassRejected && a.Checks > 0 && d.p.GivenUp(d.now)
}

// notDone books that a deposit is over in that way.
func (d *draft) notDone(a *Attempt) Input {
	in, method := InClosed, d.p.Method.Spec()
	switch {
	case !d.p.Abandoned.IsZero():
		a.Code = CodeByCustomer
	case method.Late != "" && (!method.LateAway || a.Next.Leads()):
		a.Code, in = method.Late, InRefused
	default:
		a.Code = CodeTimeout
	}
	if d.triesAgain(a) {
		return InAnother
	}
	d.p.ErrorCode = a.Code
	return in
}
