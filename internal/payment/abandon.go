package payment

import "time"

// Abandon is the merchant's word that a deposit shall not stand. Nothing can be paid on it any more; money that is
// held or was taken goes back, also what turns out to have been taken later. It binds in every state; what has ended
// stays as it is meanwhile. The log shows it as CANCEL. ErrBusy while a capture, void or refund is open.
type Abandon struct{}

func (Abandon) apply(d *draft) {
	p := d.p
	a := p.LiveAttempt()
	switch {
	case p.Type != Deposit:
		d.err = refuse(CodeWrongState, "", "only deposits can be abandoned")
	case !p.Abandoned.IsZero():
	case !d.known():
	case a != nil && a.Kind != AttemptDeposit || p.RefundReserved != p.Refunded:
		d.err = ErrBusy
	case p.state == Completed && p.Captured.IsZero(): // a card that was verified
	case p.BetweenTries() || p.InReview() || p.Unsent() != nil: // nothing is under way: it is over at once
		p.Abandoned, p.ErrorCode = d.now, CodeByCustomer
		if a != nil {
			d.settleUnsent(a)
			a.Code = CodeByCustomer
			d.d.Attempts = append(d.d.Attempts, *a)
		}
		d.log(OpCancel, InGiveUp, 0, Messages{})
	default:
		p.Abandoned, p.WentBack = d.now, p.state == Completed && p.Refundable().IsZero()
		if p.state == Checkout {
			p.ErrorCode = CodeByCustomer
		}
		d.log(OpCancel, InAbandon, 0, Messages{})
		if a != nil { // it is closed at the provider, if that can do it
			d.askBy(a)
			d.d.Attempts = append(d.d.Attempts, *a)
		}
	}
}

// Owes reports that the deposit was abandoned and its money is not yet on its way back: a hold has to be voided, or
// what is left has to be refunded.
func (p *Payment) Owes() bool {
	if p.Abandoned.IsZero() || p.Live != 0 {
		return false
	}
	return p.state == Authorized || p.state == Completed && p.RefundReserved == p.Refunded && !p.Refundable().IsZero()
}

// payBackSoon are the first waits between tries to give the money of an abandoned deposit back: a try that was never
// made, because the process died, looks like one that failed.
var payBackSoon = []time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second}

// Later waits: as long again as the deposit has been abandoned.
const (
	payBackLeast = time.Minute
	payBackMost  = 24 * time.Hour
	payBackFor   = 30 * 24 * time.Hour // then a human has to look
)

// payBackAt is when the money of an abandoned deposit has to be sent back: at once, later after a try that failed,
// and never when the provider refused it for good or trying has gone on for too long. Of a hold that the provider does
// not release it is when the hold is looked at: it runs out by itself.
func (d *draft) payBackAt() time.Time {
	since := d.now.Sub(d.p.Abandoned)
	switch {
	case d.p.voidRefused():
		return d.p.dueAt()
	case !d.failed && d.before.Owes() && d.before.onlyAsked():
		return time.Time{}
	case !d.failed && d.before.Owes():
		return d.before.Due
	case !d.failed:
		return d.now
	case d.forGood, since > payBackFor:
		return time.Time{}
	}
	if n := d.payBackTries(); n <= len(payBackSoon) {
		return d.now.Add(payBackSoon[n-1])
	}
	return d.now.Add(min(max(since, payBackLeast), payBackMost))
}

// payBackTries is how often giving the money back has failed, this time included.
func (d *draft) payBackTries() int {
	n := d.refundTry
	for i := range d.p.Attempts {
		if a := &d.p.Attempts[i]; a.Kind == AttemptVoid && a.Class.Refused() && !a.Started.Before(d.p.Abandoned) {
			n++
		}
	}
	return max(n, 1)
}

// ForGood reports that a refusal will not change by asking once more: the provider, or whoever it asked, has declined,
// and not because it was out of order. What was only not processed may succeed later.
func (a *Attempt) ForGood() bool {
	if a.Class != ClassDeclinedSoft && a.Class != ClassDeclinedHard {
		return false
	}
	return a.Code != CodeAcquirerDown && a.Code != CodeAcquirerLate && a.Code != CodeRetryAsked
}

// GaveUpBy reports that the engine has stopped to send the money of a deposit back because the refund, which it made for
// that, was refused: for good, or for too long. A human has to look, and whoever abandons the deposit again has it tried
// once more. The attempts of the refund have to be loaded.
func (p *Payment) GaveUpBy(refund *Payment) bool {
	if s := refund.state; !refund.Terms.Reversal || s != Declined && s != Cancelled || len(refund.Attempts) == 0 {
		return false
	}
	return refund.Attempts[len(refund.Attempts)-1].ForGood() || refund.Updated.Sub(p.Abandoned) > payBackFor
}

// voidRefused reports that the provider has refused for good to release the hold of an abandoned deposit.
func (p *Payment) voidRefused() bool {
	if p.state != Authorized || p.Abandoned.IsZero() {
		return false
	}
	for i := len(p.Attempts) - 1; i >= 0; i-- {
		if a := &p.Attempts[i]; a.Kind == AttemptVoid && a.Reverses == 0 {
			return a.ForGood() && !a.Started.Before(p.Abandoned)
		}
	}
	return false
}

// HeldInVain reports that the deposit was abandoned and the provider does not release its hold, so that nothing is left to do
// but to see it run out.
func (p *Payment) HeldInVain() bool { return p.Owes() && p.voidRefused() }

// HoldOver reports that money has been held for longer than the payment's terms allow.
func (p *Payment) HoldOver(now time.Time) bool {
	a := p.Standing()
	return p.state == Authorized && p.Live == 0 && p.Terms.HoldFor > 0 && a != nil && !now.Before(a.Started.Add(p.Terms.HoldFor))
}

// holdDue is when to look at a hold again: when it may have been lost, or has to be given back.
func (d *draft) holdDue(a *Attempt) time.Time {
	if d.p.voidRefused() {
		return d.holdCheck
	}
	if end := a.Started.Add(d.p.Terms.HoldFor); d.p.Terms.HoldFor > 0 && end.Before(d.holdCheck) {
		return end
	}
	return d.holdCheck
}

// Opened records that the customer has opened the page of a payment that lasts longer then. Nothing shows it.
type Opened struct{}

func (Opened) apply(d *draft) {
	if d.p.state == Checkout && d.p.Terms.Grace > 0 && !d.p.WasOpened() {
		d.p.CheckoutUntil = d.p.CheckoutUntil.Add(d.p.Terms.Grace)
		d.d.touched = true
	}
}
