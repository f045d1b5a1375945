package payment

import "time"

// What fails on our own side decides nothing about a payment. Where it is proved that not a byte of a call has left
// (ClassUnsent), a deposit whose customer can try again waits for that between tries; everything else keeps its attempt,
// and the call is made again under the same key until it leaves. Only the row of an attempt tells that it may be: a
// process that dies while it sends leaves ClassPrepared behind, which is asked about.

// BetweenTries reports that a deposit with a customer is PENDING and nothing is under way: a try has ended without
// deciding about the payment, and the customer may try again until the checkout time is over.
func (p *Payment) BetweenTries() bool {
	return p.Type == Deposit && p.state == Pending && p.Live == 0 && !p.InReview()
}

// Payable reports that the customer can pay now: in the checkout, or between tries.
func (p *Payment) Payable() bool {
	return p.Type == Deposit && p.state == Checkout || p.BetweenTries()
}

// lastDecline is the code of the last of the payment's tries that was refused by somebody; empty for none.
func (p *Payment) lastDecline() ErrorCode {
	for i := len(p.Attempts) - 1; i >= 0; i-- {
		if a := &p.Attempts[i]; a.Kind == AttemptDeposit && a.Class.Refused() && a.Code != "" {
			return a.Code
		}
	}
	return ""
}

// Unsent returns the open attempt of which it is proved that nothing has left, or nil.
func (p *Payment) Unsent() *Attempt {
	if a := p.LiveAttempt(); a != nil && a.Class == ClassUnsent {
		return a
	}
	return nil
}

// unsent books that nothing left of the running call of an attempt, for want of our own means. ok is false where the
// provider has told something about the attempt all the same.
func (d *draft) unsent(a *Attempt, c Answer) (ok bool) {
	if a.Class != ClassPrepared {
		return false
	}
	in := InUnsent
	switch {
	case a.Kind == AttemptDeposit && !d.p.Abandoned.IsZero():
		d.settleUnsent(a)
		in = d.notDone(a)
	case a.Kind == AttemptDeposit && !d.p.CheckoutUntil.IsZero():
		d.settleUnsent(a)
	default:
		a.Class, a.NextCheck = ClassUnsent, c.NextCheck
		if c.Stalled {
			d.d.Alarm = "a call cannot leave for want of our own means, and is tried again"
		}
	}
	if d.p.state != Pending {
		in = InUnchanged
	}
	switch {
	case a.Op != 0:
		d.conclude(a, in, a.Kind.Operation(), c.Messages)
	case in == InClosed:
		d.log(OpCheckState, in, a.Seq, c.Messages)
	}
	d.d.Attempts = append(d.d.Attempts, *a)
	return true
}

// settleUnsent closes an attempt of which nothing left and nothing will.
func (d *draft) settleUnsent(a *Attempt) {
	a.Class, a.NextCheck, d.p.Live = ClassNotSent, time.Time{}, 0
}

// Retry makes the call again of which the attempt's row says that nothing has left: the same key, a new lease. Once the
// log is long, it shows only what comes of it.
// ErrBusy where another worker was faster.
type Retry struct{ Run Run }

func (c Retry) apply(d *draft) {
	a := d.p.Unsent()
	if a == nil {
		d.err = ErrBusy
		return
	}
	waited := a.NextCheck.Sub(a.Started)
	a.Class, a.Started = ClassPrepared, d.at
	if !d.p.logLong() {
		d.open(a.Kind.Operation(), InSendAgain, a)
	}
	a.LeaseOwner, a.LeaseUntil = c.Run.name(), d.now.Add(c.Run.Lease)
	a.NextCheck = a.LeaseUntil
	d.d.Attempts = append(d.d.Attempts, *a)
	d.d.Call = &Call{Attempt: *a, Op: a.Op, Waited: waited}
}

// NeverSent ends the open attempt of which nothing has left because it cannot be sent any more.
type NeverSent struct{ Code ErrorCode }

func (c NeverSent) apply(d *draft) {
	a := d.p.Unsent()
	if a == nil || !a.Kind.Main() || a.Reverses != 0 {
		d.err = ErrBusy
		return
	}
	d.settleUnsent(a)
	in := d.refused(a, Fact{Class: ClassNotSent, Code: c.Code})
	d.log(OpCheckState, in, a.Seq, Messages{})
	d.d.Attempts = append(d.d.Attempts, *a)
}
