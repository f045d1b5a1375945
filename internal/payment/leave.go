package payment

import "time"

// A customer who has something to do elsewhere, such as taking a code to an app, may pay another way after all. The provider is
// asked to close the try first (BeginAsk.Leave), until it has said something, and only its word that it did lets another one follow:
// while the first could still be paid there is no second. What is paid all the same afterwards is a late success like any other.

// MayLeave reports that the customer of the payment may have its open try closed to pay another way.
func (p *Payment) MayLeave(now time.Time) bool {
	a := p.LiveAttempt()
	if a == nil || a.Kind != AttemptDeposit || a.Class != ClassWaiting || a.Next.IsZero() || a.Next.Kind == NextDone || a.Next.Kind == NextLeft {
		return false
	}
	return p.state == Pending && p.Chosen && p.Retries > 0 && p.Abandoned.IsZero() && now.Before(p.CheckoutUntil)
}

// left turns the word that the try was closed, because its customer wanted that, into that of a customer who went away. No other
// terminal follows it.
func (d *draft) left(a *Attempt, f Fact) Fact {
	if a.Next.Kind == NextLeft && f.Class == ClassRejected && !d.p.GivenUp(d.now) {
		f.Class, f.Code = ClassCancelled, CodeByCustomer
	}
	return f
}
