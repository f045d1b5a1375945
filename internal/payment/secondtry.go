package payment

import "slices"

// A try that was refused need not end a payment whose customer is at our page: it waits between tries, as after a call of which
// nothing left, until the customer has tried again or the checkout time is over. How often that may be is fixed at birth
// (Payment.Retries); an order to pay that comes by API ends it, so that whoever pays that way sees a decline as one. What was only
// mistyped, and reached nobody, does not count, up to a number that is of no use to whoever guesses.

// mostMistakes is how many such there are. retriesEnded is Retries once an API has ended it.
const mostMistakes, retriesEnded = 5, -1

// LastRefusal is, between tries, the try that somebody has refused, or that the customer left without paying: the customer is told
// why, and may pay with something else. Nil where the last try decided nothing.
func (p *Payment) LastRefusal() *Attempt {
	if !p.BetweenTries() || len(p.Attempts) == 0 {
		return nil
	}
	if a := &p.Attempts[len(p.Attempts)-1]; a.Kind == AttemptDeposit && a.Code != "" {
		return a
	}
	return nil
}

// ChoosesAgain reports that the customer chose the method of the last try and may choose another.
func (p *Payment) ChoosesAgain() bool { return p.Chosen && p.BetweenTries() }

// mended are the codes of declines that another terminal would not change, and the customer can: by what was mistyped, by
// another card, by confirming this time. What says that somebody may be a fraud is not among them.
var mended = []ErrorCode{"3.07", "4.01", "4.03", "4.04", "4.05", "4.07", "4.11", "4.13", "5.00", "5.01", "6.15"}

func (c ErrorCode) mendable() bool { return slices.Contains(mended, c) }

// triesAgain decides whether the customer may follow a try that was refused, or closed without money, by another. The try is settled:
// nothing of it can be paid any more but by a late success, which goes back like any other.
func (d *draft) triesAgain(a *Attempt) bool {
	again, free := a.Class.Another() || a.Class == ClassCancelled || a.Class == ClassDeclinedHard && a.Code.mendable(), d.mistaken(a)
	if !again || a.Kind != AttemptDeposit || d.p.Retries <= 0 && !free || d.p.state != Pending || d.p.CheckoutUntil.IsZero() || !d.now.Before(d.p.CheckoutUntil) || d.ends(a) != "" {
		return false
	}
	if !free {
		d.p.Retries--
	}
	d.p.Means, d.p.ErrorCode, d.p.ExternalCode = "", "", ""
	return true
}

// mistaken reports a refusal of what was mistyped on our page, which costs no retry.
func (d *draft) mistaken(a *Attempt) bool {
	code, n := d.p.Method.Spec().Mistake, 0
	for i := range d.p.Attempts {
		if d.p.Attempts[i].Code == code {
			n++
		}
	}
	return code != "" && a.Code == code && d.p.Retries != retriesEnded && n <= mostMistakes
}
