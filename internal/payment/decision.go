package payment

import (
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
)

// Decision is what one input does to one payment. The engine writes all of it in
// one transaction or none of it, and makes Call only after that has committed.
type Decision struct {
	Payment  Payment     // as it is afterwards; Version is still the one that was read
	Opened   []Operation // new entries of the log, running or already complete
	Ended    []Operation // entries that were running and end now
	Fresh    *Attempt    // the attempt that starts, if any
	Attempts []Attempt   // earlier attempts that changed
	Call     *Call       // the provider call to make, if any
	Chain    *Chain      // the recurring chain that starts, if any
	Events   []Event     // what merchants are told
	Parent   ParentMove  // what happens to the money of the parent deposit
	Alarm    string      // something about the payment that a human should look at; empty for nothing
	Also     []Alarm     // more of it, about what else belongs to the transaction; the engine adds it
	Screened bool        // Review or Screened of Payment have changed
	Token    string      // by which it is found again in the payment, see Sign

	// Otherwise is written instead where the deposit has no room for Parent.Redo.
	Otherwise *Decision

	touched bool // something changed that no operation shows
}

// Idle reports that the input changed nothing, so that nothing needs to be written.
func (d *Decision) Idle() bool {
	return !d.touched && len(d.Opened) == 0 && len(d.Ended) == 0 && len(d.Attempts) == 0 && d.Fresh == nil
}

// Alarm is something that a human has to look at, as package alarm tells it.
type Alarm struct {
	About, Subject string
	Why, Detail    string
}

// Call is a provider call to make once its intent is stored.
type Call struct {
	Attempt Attempt
	Op      int  // Seq of the operation that shows the call
	Ask     bool // a status query instead of the attempt itself
	Fence   bool // with Ask: nobody wants it any more, so the provider is asked to refuse it from now on

	// Waited is how long a call that is made again has waited for it; zero for all others.
	Waited time.Duration
}

// Chain is the right to charge a customer again without the customer.
type Chain struct {
	Token      string // what the merchant holds, 32 characters
	Payment    ID     // the first payment
	TerminalID string
	Terminal   string
	Credential string // what the provider holds, sealed by whoever keeps it
	Method     Method
	Currency   money.Currency
	Instrument instrument.Masked
	Stopped    bool
	StoppedAt  time.Time
}

// ParentMove is what a refund does to the money of its deposit.
type ParentMove struct {
	Release money.Amount // no longer reserved: the refund was refused
	Settle  money.Amount // reserved before, refunded now
	Undo    money.Amount // refunded before, and not any more
	Redo    money.Amount // not even reserved before, refunded all the same
	Try     int          // of giving an abandoned deposit back: 1 for the first refund, 0 for any other refund
	ForGood bool         // with Release: it makes no sense to try again
}

// Start carries what is needed to open an attempt.
type Start struct {
	Plan    Plan
	Verdict Verdict // of the screening; refunds are not screened
	Run     Run     // of the call to the plan's first step
}

// Terminal names one configured account at one provider.
type Terminal struct{ ID, Name string }

// Run says which process makes a call and how long it may take.
type Run struct {
	Owner string        // name of the process
	Call  string        // unique for this call: two calls never share a lease
	Epoch string        // name of the installation: part of every provider key
	Lease time.Duration // after this the process counts as dead
}

func (r Run) name() string { return r.Owner + "/" + r.Call }

// draft collects a Decision while the table is asked for each move.
type draft struct {
	before Payment
	p      *Payment  // the decision's
	now    time.Time // by the clock of whoever decides: what is due, leased, over
	at     time.Time // what is recorded as now: never earlier than anything that was recorded of the payment before
	d      Decision
	err    error

	holdCheck time.Time // when to ask whether a hold still stands
	run       Run       // of the call that gives a late success back
	failed    bool      // money was tried to be given back, and was not
	again     int       // Seq of a late success that has to be given back once more
	parked    bool      // it waited for a human, who asks now
	fenced    bool      // the provider was asked to close the attempt
	refundTry int       // which try of giving an abandoned deposit back has failed
	forGood   bool      // it failed in a way that no other try will change
	about     int       // Seq of the capture or void that a fact about something settled was about
	noRoom    bool      // the deposit has not as much left as the refund that was done after all

	onward Onward // what is known of the steps that are left in the plan
	turn   *Turn  // the step that follows a refusal, if one does
	routed string // what a refusal meant for the plan, as the log keeps it

	moved func(Edge) // in tests: told of each row of the table that is taken, with the one operation that shows it
}

func begin(p Payment, now time.Time) *draft {
	d := &draft{before: p, now: now, at: now, d: Decision{Payment: p}}
	d.p = &d.d.Payment
	d.p.Attempts = slices.Clone(p.Attempts)
	if last := p.last(); now.Before(last) {
		d.at = last
	}
	return d
}

// version is what the payment's version becomes when the decision is written.
func (d *draft) version() int64 { return d.before.Version + 1 }

// move changes the state by the table. A move that the table lacks ends the draft.
func (d *draft) move(in Input, op OperationKind) {
	if d.err != nil {
		return
	}
	to, ok := next(d.p.state, in, op)
	if !ok {
		d.err = refuse(CodeWrongState, "", "a payment in state %s does not take %q", d.p.state, in)
		return
	}
	d.took(in, op, to)
	d.p.state = to
}

func (d *draft) took(in Input, op OperationKind, to State) {
	if d.moved != nil {
		d.moved(Edge{From: d.p.state, Input: in, Ops: []OperationKind{op}, To: to})
	}
}

// log adds an operation that is complete as soon as it is written.
func (d *draft) log(op OperationKind, in Input, attempt int, m Messages) {
	d.move(in, op)
	d.p.Ops++
	d.d.Opened = append(d.d.Opened, Operation{
		Seq: d.p.Ops, Kind: op, Started: d.at, Completed: d.at, State: d.p.state, Attempt: attempt, Messages: m,
		Began: d.version(), Ended: d.version(),
	})
}

// open adds an operation that runs until the provider has answered.
func (d *draft) open(op OperationKind, in Input, a *Attempt) {
	d.move(in, op)
	d.p.Ops++
	a.Op = d.p.Ops
	d.d.Opened = append(d.d.Opened, Operation{
		Seq: d.p.Ops, Kind: op, Started: d.at, State: d.p.state, Attempt: a.Seq, Began: d.version(),
	})
}

// end ends the running call of an attempt, if one runs, and completes its operation as it stands.
func (d *draft) end(a *Attempt, m Messages) {
	if a.Op != 0 {
		d.d.Ended = append(d.d.Ended, Operation{
			Seq: a.Op, Completed: d.at, State: d.p.state, Attempt: a.Seq, Messages: m, Ended: d.version(),
		})
	}
	a.Op, a.LeaseOwner, a.LeaseUntil = 0, "", time.Time{}
}

// conclude completes the running operation of an attempt by a fact. Where another operation was added while it ran, a
// fact that changes the state is shown by one more, so that the newest operation always shows the payment's state.
func (d *draft) conclude(a *Attempt, in Input, op OperationKind, m Messages) {
	if to, ok := next(d.p.state, in, op); a.Op == d.p.Ops || ok && to == d.p.state {
		d.move(in, op)
		d.end(a, m)
		return
	}
	d.end(a, m)
	d.log(OpCheckState, in, a.Seq, Messages{})
}

// attempt opens a new attempt with its first operation and asks for its call.
func (d *draft) attempt(kind AttemptKind, in Input, t Terminal, amount money.Amount, run Run) {
	d.p.Tries++
	a := Attempt{
		Seq: d.p.Tries, Kind: kind, TerminalID: t.ID, Terminal: t.Name,
		Key: attemptKey(run.Epoch, d.p.ID, d.p.Tries), Class: ClassPrepared,
		Sent: money.Sum{Amount: amount, Currency: d.p.Moves().Currency}, Started: d.at,
		LeaseOwner: run.name(), LeaseUntil: d.now.Add(run.Lease), NextCheck: d.now.Add(run.Lease),
	}
	d.open(kind.Operation(), in, &a)
	d.p.Live, d.p.Terminal = a.Seq, a.Terminal
	d.p.Attempts = append(d.p.Attempts, a)
	d.d.Fresh = &a
	d.d.Call = &Call{Attempt: a, Op: a.Op}
}

// finish returns the decision, or the refusal that came up on the way.
func (d *draft) finish() (Decision, error) {
	d.goOn()
	d.hurryDoubts()
	if d.err != nil {
		return Decision{}, d.err
	}
	if !sameShown(&d.before, d.p) {
		d.update()
	}
	if d.p.state != d.before.state && d.p.state.notable() {
		d.d.Events = append(d.d.Events, Event{
			State: d.p.state, Before: d.before.state, Attempt: d.settled(), At: d.p.Updated,
		})
	}
	if d.p.Changed.Before(d.at) {
		d.p.Changed = d.at
	}
	d.leaveReview()
	if !d.p.keepsMeans(d.now) {
		d.p.Means = ""
	}
	d.p.Due, d.p.DueFails = d.p.dueAt(), 0
	if d.p.Owes() {
		d.p.Due = d.payBackAt()
	}
	stuck := d.p.stuck()
	d.p.Due = d.p.askedBy(d.p.Due)
	d.searched()
	if stuck || d.parked {
		d.p.DueFails = 1
	}
	switch {
	case d.d.Alarm != "":
	case d.failed && d.p.HeldInVain():
		d.d.Alarm = "the provider refuses to release the hold of an abandoned payment"
	case d.forGood && d.p.Owes():
		d.d.Alarm = "the provider refuses to give the money of an abandoned payment back"
	case stuck && d.before.DueFails == 0:
		d.d.Alarm = "nothing more can be done by machine"
	}
	if d.d.Parent != (ParentMove{}) && d.p.Terms.Reversal {
		d.d.Parent.Try = d.p.Terms.Before + 1
	}
	return d.d, nil
}

// update records that something changed that the payment shows: later than all before it, so that updates and events have
// an order.
func (d *draft) update() {
	if d.before.Updated.IsZero() { // it is born
		d.p.Updated = d.at
		return
	}
	d.p.Updated = d.p.Mark(d.now)
}

// sameShown reports whether a merchant would see no difference.
func sameShown(a, b *Payment) bool {
	return a.state == b.state && a.Method == b.Method && a.Asked == b.Asked && a.Roles == b.Roles &&
		a.ErrorCode == b.ErrorCode && a.ExternalCode == b.ExternalCode && a.Customer == b.Customer &&
		a.Billing == b.Billing && a.Instrument == b.Instrument && a.Terminal == b.Terminal &&
		a.RecurringToken == b.RecurringToken && a.Fee == b.Fee
}
