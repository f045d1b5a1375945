package payment

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/money"
)

// ManualUpdate puts a payment into the state that operators know to be true, when the
// provider cannot tell or told wrongly. Who asked and why is kept beside the payment.
type ManualUpdate struct {
	To        State
	Code      ErrorCode // of a payment that ends without money; a fitting one when empty
	HoldCheck time.Time // when to ask whether a hold still stands, for To AUTHORIZED
	Messages  Messages  // who and why, as the log shows it
}

func (c ManualUpdate) apply(d *draft) {
	legal := slices.ContainsFunc(edges, func(e Edge) bool {
		return e.Input == InManual && e.From == d.p.state && e.To == c.To
	})
	if !legal || d.p.Type == Refund && d.p.state.Final() {
		d.err = refuse(CodeWrongState, "", "%s cannot be set to %s by hand", d.p.state, c.To)
		return
	}
	if d.p.InReview() && (c.To != Cancelled || len(d.p.LostKinds()) == 0) {
		d.err = refuse(CodeWrongState, "", "the payment is in review, and ends by a verdict on it")
		return
	}
	if d.p.state == Checkout || d.p.InReview() {
		c.close(d)
		return
	}
	if leaves := d.p.state == Completed; leaves && !d.p.RefundReserved.IsZero() {
		d.err = refuse(CodeWrongState, "", "refunds of the deposit stand")
		return
	}
	a := d.p.subject()
	if a == nil || !c.fits(d.p, a) {
		d.err = refuse(CodeWrongState, "", "the payment has no attempt that could have ended so")
		return
	}
	d.end(a, Messages{})
	d.p.Live, d.p.Lost = 0, "" // whoever says how it stands has found out
	a.NextCheck = time.Time{}
	switch {
	case c.To == Authorized && !a.Kind.Main():
		d.undone(a, c)
	case c.To == Completed || c.To == Authorized:
		d.won(a, c)
	default:
		d.lost(a, c)
	}
	d.moveTo(&c, a.Seq)
	d.d.Attempts = append(d.d.Attempts, *a)
}

// close ends a checkout, or a review, of which nobody tells what became of it after the backup: a provider that is gone for good would keep
// it open for ever. Any other is closed like by its customer or by the clock.
func (c ManualUpdate) close(d *draft) {
	if len(d.p.LostKinds()) == 0 {
		d.err = refuse(CodeWrongState, "", "%s cannot be set to %s by hand", d.p.state, c.To)
		return
	}
	d.p.Lost, d.p.ErrorCode = "", cmp.Or(c.Code, CodeTimeout)
	d.moveTo(&c, 0)
}

// moveTo logs a manual update, the one input whose target is chosen by its author.
func (d *draft) moveTo(c *ManualUpdate, attempt int) {
	d.took(InManual, OpManualUpdate, c.To)
	d.p.state = c.To
	d.p.Ops++
	d.d.Opened = append(d.d.Opened, Operation{
		Seq: d.p.Ops, Kind: OpManualUpdate, Started: d.at, Completed: d.at, State: c.To, Attempt: attempt, Messages: c.Messages,
		Began: d.version(), Ended: d.version(),
	})
}

// subject is the attempt that the update is about: the open one, the one that the
// payment stands on, or the last that was not given back.
func (p *Payment) subject() *Attempt {
	if a := p.LiveAttempt(); a != nil {
		if a.Reverses != 0 {
			return nil
		}
		return a
	}
	if a := p.Standing(); a != nil {
		return p.attempt(a.Seq)
	}
	for i := len(p.Attempts) - 1; i >= 0; i-- {
		if a := &p.Attempts[i]; a.Kind.Main() && a.Reverses == 0 && !(a.Reversed && a.Class == ClassCancelled) {
			return a
		}
	}
	return nil
}

// fits reports whether the attempt that the update is about can have ended so.
func (c ManualUpdate) fits(p *Payment, a *Attempt) bool {
	switch {
	case c.To == Authorized && a.Kind.Main():
		return a.Kind == AttemptDeposit && p.PreAuth
	case c.To == Authorized:
		return p.Standing() != nil
	}
	return a.Kind != AttemptVoid || c.To == Cancelled
}

// undone books that a capture or void was not done: the hold stands as before.
func (d *draft) undone(a *Attempt, c ManualUpdate) {
	a.Class, a.Code = ClassRejected, c.Code
	if a.Code == "" {
		a.Code = CodeAcquirerRequest
	}
	d.p.ErrorCode = c.Code
	if held := d.p.Standing(); held != nil {
		d.holdCheck = c.HoldCheck
		held.NextCheck = d.holdDue(held)
		d.d.Attempts = append(d.d.Attempts, *held)
	}
}

// won books that the money moved, or is held.
func (d *draft) won(a *Attempt, c ManualUpdate) {
	d.p.ErrorCode = ""
	a.Class, a.Reversed = ClassApproved, false // where it could not be given back, it stays
	switch {
	case a.Kind == AttemptCapture:
		d.p.Captured = a.Sent.Amount
	case a.Kind == AttemptRefund:
		d.d.Parent.Settle = a.Sent.Amount
	case a.Kind == AttemptDeposit && c.To == Authorized && d.p.Terms.Verify: // nothing is held that could expire
	case a.Kind == AttemptDeposit && c.To == Authorized:
		d.holdCheck = c.HoldCheck
		a.Class, d.p.Authorised, a.NextCheck = ClassAuthorized, a.Sent.Amount, d.holdDue(a)
	case a.Kind == AttemptDeposit:
		d.believeCapture()
		d.p.Authorised, d.p.Captured = a.Sent.Amount, d.taken(a)
	}
}

// believeCapture takes the last capture of held money as done, although the provider had said that it was not.
func (d *draft) believeCapture() {
	if d.before.state != Authorized {
		return
	}
	for i := len(d.p.Attempts) - 1; i >= 0; i-- {
		if c := &d.p.Attempts[i]; c.Kind == AttemptCapture {
			c.Class, c.Code = ClassApproved, ""
			d.d.Attempts = append(d.d.Attempts, *c)
			return
		}
	}
}

// taken is how much of a deposit was taken: what was captured, if a capture is known to
// have been done, else all of it.
func (d *draft) taken(a *Attempt) money.Amount {
	for i := range d.p.Attempts {
		if c := &d.p.Attempts[i]; c.Kind == AttemptCapture && c.Class == ClassApproved {
			return c.Sent.Amount
		}
	}
	return a.Sent.Amount
}

// lost books that no money moved or is held.
func (d *draft) lost(a *Attempt, c ManualUpdate) {
	d.p.ErrorCode = c.Code
	if d.p.ErrorCode == "" {
		d.p.ErrorCode = CodeAcquirer
		if c.To == Cancelled {
			d.p.ErrorCode = CodeTimeout
		}
	}
	if held := d.p.Standing(); held != nil && held.Seq != a.Seq {
		held.Class = ClassCancelled
		d.d.Attempts = append(d.d.Attempts, *held)
	}
	a.Class, a.Code = ClassCancelled, d.p.ErrorCode
	d.p.Captured = money.Amount{}
	if a.Kind == AttemptRefund {
		d.d.Parent.Release = a.Sent.Amount
	}
}
