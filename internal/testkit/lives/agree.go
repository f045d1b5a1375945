package lives

import (
	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// booked is what the double has under the attempt's key.
func (l *Life) booked(a *payment.Attempt) []frame.Entry {
	key := a.Key
	if l.account.Said != nil {
		key = l.account.Said(key)
	}
	return l.double.Booked(key)
}

// Agree compares each attempt with the double's books, which are the truth: what has succeeded is booked once, with its amount, and nothing else.
func (l *Life) Agree(what string, p *payment.Payment) {
	l.t.Helper()
	released := false
	for i := range p.Attempts {
		moved := l.booked(&p.Attempts[i])
		released = released || len(moved) == 1 && moved[0].Moved == frame.Released
	}
	for i := range p.Attempts {
		a := &p.Attempts[i]
		moved := l.booked(a)
		if a.Class == payment.ClassCancelled && released && len(moved) == 1 && moved[0].Moved == frame.Held {
			continue // a hold that was found to be gone
		}
		won := a.Class == payment.ClassApproved || a.Class == payment.ClassAuthorized
		switch {
		case a.Live() && !(l.account.Stays && len(moved) == 0):
			l.t.Errorf("%s: %s is open as %s, and the books have %v", what, a.Kind, a.Class, moved)
		case won && (len(moved) != 1 || l.account.Read(moved[0]) != l.moves(p, a)), !won && len(moved) != 0:
			l.t.Errorf("%s: %s is %s, and the books have %v", what, a.Kind, a.Class, moved)
		}
	}
}

// moves is the amount that an attempt was to move: a void all that was held.
func (l *Life) moves(p *payment.Payment, a *payment.Attempt) money.Amount {
	if a.Kind == payment.AttemptVoid {
		return p.Attempts[0].Sent.Amount
	}
	return a.Sent.Amount
}

// AgreeParent compares a refund with what its deposit has given back.
func (l *Life) AgreeParent(what string, refund *payment.Payment) {
	l.t.Helper()
	of, done := l.Get(refund.Parent), refund.State() == payment.Completed
	if (of.Refunded == refund.Asked.Amount) != done || !of.RefundReserved.IsZero() && !done {
		l.t.Errorf("%s: the refund is %s, and the deposit has %s given back and %s reserved", what, refund.State(), of.Refunded, of.RefundReserved)
	}
}
