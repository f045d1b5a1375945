package payment

import (
	"errors"
	"time"
)

// ErrBusy is returned when a call for the payment is still running elsewhere.
var ErrBusy = errors.New("a call for this payment is still running")

// BeginAsk starts a status query for the live attempt, else for a settled one that is
// in doubt or a hold: the intent that precedes the call. Op is CHECK_STATE, CONTINUE or
// MANUAL_CHECK_STATE, which also asks where nothing is in doubt.
type BeginAsk struct {
	Op        OperationKind
	Run       Run
	Exclusive bool // no other process works on this database
	// Paced: nothing is asked before the attempt's next check. Whoever reads a payment, or opens its page, asks so. With
	// CONTINUE the first return of the attempt's customer is due at once.
	Paced bool
	// Brought: the customer came back with something that the provider has to be told. It is asked at once.
	Brought bool
	// Leave: the customer wants to pay another way, for which the provider is to close the try, see Payment.MayLeave.
	Leave bool

	// NextCheck is when to ask again if this time brings no answer that can be stored, but not before the lease has ended.
	NextCheck time.Time
}

func (c BeginAsk) apply(d *draft) {
	a := d.p.AskedAbout(c.Op)
	if a == nil {
		d.returned(c.Op)
		return
	}
	if c.Leave && !d.p.MayLeave(d.now) {
		return
	}
	if a.Leased(d.now, c.Run.Owner, c.Exclusive) || a.Class == ClassUnsent { // the provider would know nothing of it
		d.err = ErrBusy
		return
	}
	if c.Paced && c.Op == OpContinue && a.Returned {
		c.Op = OpCheckState // nothing new about the customer
	}
	if c.Paced && !c.Brought && c.Op != OpContinue && !d.before.CheckDue(a, d.now, c.Run.Owner, c.Exclusive) {
		return
	}
	if !a.Live() && d.p.state != Authorized && d.p.Doubted() == nil {
		a.Doubts++ // asked by hand: it is finished if this process dies
	}
	if a.Class == ClassPrepared { // the process that held the lease is gone
		a.Class = ClassUnknown
	}
	d.end(a, Messages{})
	if c.Op == OpContinue {
		a.Returned = true
	}
	if c.Op != OpCheckState || !d.p.logLong() {
		d.open(c.Op, d.nothingNew(), a)
	}
	d.parked = a.NextCheck.IsZero() && a.Live()
	if a.Checks == 0 || !d.now.Before(a.NextCheck) { // asking out of turn does not climb the ladder
		a.Checks++
	}
	a.LeaseOwner, a.LeaseUntil = c.Run.name(), d.now.Add(c.Run.Lease)
	a.NextCheck = a.LeaseUntil
	if c.NextCheck.After(a.NextCheck) {
		a.NextCheck = c.NextCheck
	}
	if c.Leave {
		a.Next = Next{Kind: NextLeft}
	}
	d.d.Attempts = append(d.d.Attempts, *a)
	d.d.Call = &Call{Attempt: *a, Op: a.Op, Ask: true, Fence: a.Next.Kind == NextLeft || d.p.GivenUp(d.now)}
}

// returned logs the customer's return to a payment of which nothing is open: it is settled, or between tries.
func (d *draft) returned(op OperationKind) {
	if op != OpContinue || len(d.p.Attempts) == 0 {
		return
	}
	a := &d.p.Attempts[len(d.p.Attempts)-1]
	if !a.Redirected || a.Returned {
		return
	}
	a.Returned = true
	d.log(OpContinue, d.nothingNew(), a.Seq, Messages{})
	d.d.Attempts = append(d.d.Attempts, *a)
}
