package payment

import "time"

// MeansHold is how long what a payment came with to pay by waits for the order to pay, from the payment's birth.
const MeansHold = 15 * time.Minute

// MeansUntil is when what the payment came with is forgotten, if the customer can still pay by then.
func (p *Payment) MeansUntil() time.Time { return p.Created.Add(MeansHold) }

// keepsMeans reports that what the payment is to be paid with may still be needed: until the order to pay, between two tries,
// in review, while a call runs that may turn out not to have left, as long as one waits to be sent again, and while a try is
// open that another may follow. Every decision forgets it as soon as that is over, in the transaction that writes the decision.
func (p *Payment) keepsMeans(now time.Time) bool {
	switch {
	case p.InReview():
		return true
	case p.Payable():
		return now.Before(p.MeansUntil())
	}
	a := p.LiveAttempt()
	if a == nil || p.state != Pending || !p.Abandoned.IsZero() {
		return false
	}
	return a.Class == ClassPrepared || a.Class == ClassUnsent || p.GoesOn() && (p.Type != Deposit || now.Before(p.MeansUntil()))
}

// Keeps reports that the payment's Means are there and their time is not over.
func (p *Payment) Keeps(now time.Time) bool { return p.Means != "" && p.keepsMeans(now) }

// ForgetMeans forgets what the payment came with to pay by, once its time is over. Nothing shows it.
type ForgetMeans struct{}

func (ForgetMeans) apply(d *draft) {
	d.d.touched = d.p.Means != "" && !d.p.keepsMeans(d.now)
}
