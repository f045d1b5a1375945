package payment

import "time"

// Event is a fact that a merchant is told about: the payment has come into a state
// that matters, or a final state has changed, or only how one of its captures or voids
// ended: State is Before then. It is written in the transaction of the fact.
type Event struct {
	State   State
	Before  State
	Attempt int       // Seq of the attempt that this fact settled, or of the capture or void that it corrects; 0 for none
	Stopped bool      // the recurring chain that the payment began was stopped; no state changed
	At      time.Time // later than the payment's event before it
}

// notable reports whether merchants are told when a payment comes into the state.
func (s State) notable() bool { return s.Final() || s == Authorized }

// dueAt is when something has to be done about the payment if nobody does anything:
// its checkout or its review ends, what it came with to pay is forgotten, or the provider is to be asked about an open outcome
// or a hold, or sent again what never left.
// Zero when nothing is open.
func (p *Payment) dueAt() time.Time {
	switch end := p.MeansUntil(); {
	case p.InReview():
		return p.Review
	case !p.Payable():
	case p.Means != "" && (p.CheckoutUntil.IsZero() || end.Before(p.CheckoutUntil)):
		return end
	default:
		return p.CheckoutUntil
	}
	if a := p.LiveAttempt(); a != nil {
		return a.NextCheck
	}
	if a := p.Standing(); a != nil && p.state == Authorized {
		return a.NextCheck
	}
	return time.Time{}
}

// settled is the Seq of the attempt whose outcome was open before and is not now, or was told wrongly before.
func (d *draft) settled() int {
	if was := d.before.Live; was != 0 && was != d.p.Live {
		return was
	}
	return d.about
}

// stuck reports that nothing more can be done by machine: nobody can tell how an attempt
// ended, or the provider does not take a late success back.
func (p *Payment) stuck() bool {
	if a := p.LiveAttempt(); a != nil {
		return a.NextCheck.IsZero()
	}
	if p.Owes() && p.Due.IsZero() {
		return true
	}
	for i := range p.Attempts {
		if a := &p.Attempts[i]; a.Reversed && a.Class != ClassCancelled {
			return true
		}
	}
	return false
}

// SetStored gives a payment the state that it was stored with, as Restore does, in place.
func (p *Payment) SetStored(s State) { p.state = s }
