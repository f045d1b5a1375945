package payment

import (
	"cmp"
	"slices"
	"time"
)

// Answer brings a provider's fact about an attempt: the answer to a call, or what
// a status query found.
type Answer struct {
	Attempt   int
	Op        int    // the operation that shows the call; 0 where it is shown only if it brings something new
	Lease     string // of the call, see Attempt.LeaseOwner
	Fact      Fact
	Messages  Messages
	NextCheck time.Time // when to ask if the fact leaves the outcome open; zero leaves it to a human
	Token     string    // unused recurring token, taken if a chain starts
	HoldCheck time.Time // when to ask whether a hold still stands
	Fenced    bool      // the call was one with Fence
	Reversed  bool      // what the fact shows as done went back in the time after the backup

	// Means is what the call needs if it has to be made again, or what another try needs that may follow, sealed. Empty for nothing,
	// or where the payment has it.
	Means string

	// Stalled says that a call which has not left has waited for long: a human is told.
	Stalled bool

	// Late says what to do about a success that comes after the end.
	Late LatePolicy
	// Onward is what it takes to go on with the plan after a refusal.
	Onward Onward

	// MaxInFlight is the connector's: how far apart two answers "not found" have
	// to be to prove that nothing was booked. Zero: they never do.
	MaxInFlight time.Duration
	// KeyLife is the connector's: how long after its start an attempt is known by its key. Zero: for ever.
	KeyLife time.Duration
}

// unheard turns "not found" into a refusal once it is proved: a first answer after
// every request in flight must have arrived, and a second as much later.
func (c Answer) unheard(a *Attempt, f Fact, now time.Time) Fact {
	if !f.NotFound || f.Class != ClassUnknown || c.MaxInFlight <= 0 {
		return f
	}
	switch {
	case c.KeyLife > 0 && !now.Before(a.Started.Add(c.KeyLife)):
	case now.Before(a.Started.Add(c.MaxInFlight)):
	case a.NotFoundAt.IsZero():
		a.NotFoundAt = now
	case !now.Before(a.NotFoundAt.Add(c.MaxInFlight)):
		f.Class, f.Code = ClassRejected, CodeCommunication
	}
	return f
}

func (c Answer) apply(d *draft) {
	a := d.p.attempt(c.Attempt)
	if a == nil {
		d.err = refuse(CodeNotFound, "", "attempt %d", c.Attempt)
		return
	}
	d.p.Means = cmp.Or(d.p.Means, c.Means)
	d.holdCheck, d.run, d.fenced, d.onward = c.HoldCheck, c.Late.Run, c.Fenced, c.Onward
	quiet := c.Op == 0 && c.Lease != ""
	asked := c.Op != 0 && a.Op == c.Op || quiet && a.LeaseOwner == c.Lease
	running := a.Op == c.Op && (c.Lease == "" || a.LeaseOwner == c.Lease)
	if quiet && a.LeaseOwner == c.Lease {
		d.end(a, Messages{})
		d.d.Attempts = append(d.d.Attempts, *a)
	}
	if !a.Live() {
		if c.Reversed {
			c.Fact = d.givenBack(a, c.Fact)
		}
		d.heard(a, report{op: OpCheckState, running: c.Op, asked: asked, quiet: quiet, messages: c.Messages, fact: c.Fact, late: c.Late,
			token: c.Token, nextCheck: c.NextCheck})
		return
	}
	was := *a
	if c.Fact.Class == ClassUnsent && (!running || d.unsent(a, c)) {
		return // it says nothing about the call that runs now, if any
	}
	fact, alarm := believe(d.p, a, c.Fact)
	d.d.Alarm = alarm
	if c.Reversed && fact.Class == ClassApproved {
		fact = d.givenBack(a, fact)
	}
	fact = c.unheard(a, fact, d.now)
	d.note(a, fact)
	in := d.settle(a, fact, c.Token)
	switch {
	case a.Op == c.Op && c.Op != 0:
		d.conclude(a, in, a.shownAs(), c.Messages)
	case quiet && !d.news(&was, a, in, OpCheckState):
	default: // not shown before, or another worker took over meanwhile; the answer still counts
		d.end(a, Messages{})
		d.log(OpCheckState, in, a.Seq, c.Messages)
	}
	if a.Live() {
		a.NextCheck = c.NextCheck
		d.askBy(a)
	}
	d.d.Attempts = append(d.d.Attempts, *a)
	d.reverseAgain()
}

// shownAs tells under which operation the running call is shown. Every kind of
// status query takes the same facts in the table, so CHECK_STATE speaks for all.
func (a *Attempt) shownAs() OperationKind {
	if a.Checks == 0 {
		return a.Kind.Operation()
	}
	return OpCheckState
}

// believe turns a success that does not fit what was asked into an unknown outcome.
func believe(p *Payment, a *Attempt, f Fact) (Fact, string) {
	if f.Class == ClassUnsent { // of one call, whatever became of others
		return Fact{Class: ClassUnknown}, ""
	}
	won := f.Class == ClassApproved || f.Class == ClassAuthorized
	alarm := ""
	switch {
	case f.Class == ClassAuthorized && (a.Kind != AttemptDeposit || !p.PreAuth):
		alarm = "the provider reports a hold that was not asked for"
	case p.takenInPart(a, f):
	case won && !f.Echoed.Amount.IsZero() && f.Echoed.Amount != a.Sent.Amount:
		alarm = "the provider reports another amount than was asked for"
	case won && f.Echoed.Currency != "" && f.Echoed.Currency != a.Sent.Currency:
		alarm = "the provider reports another currency than was asked for"
	case won && a.ProviderRef != "" && f.ProviderRef != "" && f.ProviderRef != a.ProviderRef:
		alarm = "the provider reports another transaction than before"
	}
	if alarm != "" {
		return Fact{Class: ClassUnknown, RawCode: f.RawCode}, alarm
	}
	if f.Class == ClassPrepared || !slices.Contains(Classes(), f.Class) { // also what no connector may say
		f.Class = ClassUnknown
	}
	return f, ""
}

// note keeps what the provider told, whatever it means.
func (d *draft) note(a *Attempt, f Fact) {
	if a.ProviderRef == "" {
		a.ProviderRef = f.ProviderRef
	}
	a.Auth = cmp.Or(f.Auth, a.Auth)
	if f.Credential != "" {
		a.Credential = f.Credential
	}
	if f.RawCode != "" {
		a.RawCode, d.p.ExternalCode = f.RawCode, f.RawCode
	}
	if !f.Next.IsZero() {
		a.Next = f.Next
	}
	if !f.Settled.IsZero() {
		d.p.Settled = f.Settled
	}
	if !f.Fee.IsZero() {
		d.p.Fee = f.Fee
	}
	d.p.Instrument = d.p.Instrument.With(f.Instrument)
}

// settle applies the fact to the attempt and the money and names the input that
// it is for the payment.
func (d *draft) settle(a *Attempt, f Fact, token string) Input {
	if f.Class == ClassWaiting || f.Class == ClassUnknown {
		if f.Class == ClassWaiting || a.Class == ClassPrepared {
			a.Class = f.Class
		}
		return d.nothingNew()
	}
	if a.Reverses != 0 {
		return d.settleReversal(a, f)
	}
	f = d.left(a, f)
	over := d.over(a, f)
	a.Class, a.NextCheck, d.p.Live = f.Class, time.Time{}, 0
	switch {
	case over:
		return d.notDone(a)
	case f.Class.Refused():
		return d.refused(a, f)
	case f.Class == ClassCancelled:
		return d.closed(a, f)
	}
	d.p.ErrorCode = ""
	switch a.Kind {
	case AttemptVoid:
		return d.closed(a, f)
	case AttemptCapture:
		d.p.Captured = a.Sent.Amount
		return InApproved
	case AttemptRefund:
		d.d.Parent.Settle = a.Sent.Amount
		return InApproved
	case AttemptWithdrawal:
		return InApproved
	case AttemptDeposit:
		return d.paid(a, f, token)
	}
	return InUnchanged
}

// paid books a deposit that succeeded: as a hold, or as money that moved. Where nothing moves, a card that was verified
// waits, like a hold, until the merchant closes it, if the merchant asked for a hold: of nothing, and it never expires.
func (d *draft) paid(a *Attempt, f Fact, token string) Input {
	d.chain(a, token)
	d.p.Authorised = a.Sent.Amount
	if d.p.Terms.Verify && d.p.PreAuth {
		a.Class = ClassApproved
		return InHeld
	}
	if f.Class == ClassAuthorized {
		a.NextCheck = d.holdDue(a)
		return InHeld
	}
	d.p.Captured = a.Sent.Amount
	if d.p.takenInPart(a, f) {
		d.p.Captured = f.Echoed.Amount
	}
	return InApproved
}

func (d *draft) refused(a *Attempt, f Fact) Input {
	a.Code = f.Code
	if a.Code == "" {
		a.Code = defaultCode(f.Class)
	}
	switch {
	case a.Kind.Main() && d.follows(a):
		return InGoesOn
	case d.triesAgain(a):
		return InAnother
	}
	d.p.ErrorCode = a.Code
	if !a.Kind.Main() {
		d.failed = a.Kind == AttemptVoid
		d.suspect(f)
		return InHeld
	}
	if a.Kind == AttemptRefund {
		d.d.Parent.Release, d.d.Parent.ForGood = a.Sent.Amount, a.ForGood()
	}
	return InRefused
}

// suspect pulls the next look at a hold to now: who refuses a capture or a void may know more about it.
func (d *draft) suspect(f Fact) {
	if held := d.p.Standing(); held != nil && f.Class != ClassNotSent {
		held.NextCheck = d.now
		d.d.Attempts = append(d.d.Attempts, *held)
	}
}

func (d *draft) closed(a *Attempt, f Fact) Input {
	if a.Kind != AttemptVoid {
		a.Code = f.Code
		if a.Code == "" {
			a.Code = CodeTimeout
		}
		d.p.ErrorCode = a.Code
	}
	if d.triesAgain(a) {
		return InAnother
	}
	if a.Kind == AttemptRefund {
		d.d.Parent.Release = a.Sent.Amount
	}
	if held := d.p.Standing(); held != nil && held.Seq != a.Seq {
		held.Class = ClassCancelled
		d.d.Attempts = append(d.d.Attempts, *held)
	}
	return InClosed
}

// chain starts a recurring chain where one was asked for and the provider can.
func (d *draft) chain(a *Attempt, token string) {
	if !d.p.StartRecurring || a.Credential == "" || token == "" || d.p.RecurringToken != "" || !d.p.Abandoned.IsZero() {
		return
	}
	d.p.RecurringToken = token
	d.d.Chain = &Chain{
		Token: token, Payment: d.p.ID, TerminalID: a.TerminalID, Terminal: a.Terminal, Credential: a.Credential,
		Method: d.p.Method, Currency: d.p.Asked.Currency, Instrument: d.p.Instrument,
	}
}
