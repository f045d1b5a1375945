package payment

import (
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
)

// Payment is one deposit, withdrawal or refund with everything the engine needs
// to decide its next move. It is the unit of concurrency: every change of the
// payment, its attempts or its operations raises Version, and a writer that read
// an older Version loses.
type Payment struct {
	ID      ID
	Shop    ShopID
	Version int64 // of the row as loaded; 0 before the first write

	Type        Type
	Method      Method // empty while the customer has still to choose
	Reference   string // the merchant's referenceId, never sent to a provider
	Parent      ID     // the deposit of a refund, the first payment of a chain
	Description string

	// The money of the payment by its roles, see sums.go. Asked is what the merchant asked for, and never less because less was
	// captured; its amount is zero while the customer has still to enter it.
	Asked money.Sum
	Roles

	// Counters of the money. Authorised and Captured belong to a deposit;
	// RefundReserved counts its refunds that are done or may still be done,
	// Refunded those that are done.
	Authorised, Captured, RefundReserved, Refunded money.Amount

	PreAuth        bool   // hold first, capture later
	StartRecurring bool   // begins a recurring chain
	RecurringToken string // continues the chain; set once the payment has succeeded

	ReturnURL, WebhookURL string
	Terms                 Terms

	Customer   Document // see Customer
	Billing    Document // see BillingAddress
	Browser    Document // see Browser; set by the page or by an execute call
	Instrument instrument.Masked

	Terminal     string // name of the latest attempt's terminal
	ErrorCode    ErrorCode
	ExternalCode string    // the provider's raw code of the latest answer
	Fee          money.Sum // what the provider takes for it, where it told

	Created       time.Time // the instant in ID
	Updated       time.Time // last change of something the payment shows
	Changed       time.Time // instant of the last decision, shown or not; none later is recorded with an earlier one
	CheckoutUntil time.Time // end of the checkout; zero where none ever ran
	Abandoned     time.Time // since when the merchant wants it undone, see Abandon; zero for never
	WentBack      bool      // when it was abandoned, all of it had been refunded already

	Live  int // Seq of the attempt that is not settled yet; 0 when none is
	Tries int // attempts so far
	Ops   int // operations so far
	Told  int // events so far

	// Retries is how often the customer may still try again on our page after a try that was refused, see LastRefusal. Chosen says that
	// the payment's Method was the customer's choice.
	Retries int
	Chosen  bool

	Tokens string // of the last decisions, newest first: see Decision.Sign

	// Untold is the highest number of a fact that waits to be put into words, see store.Untold; 0 while none does.
	Untold int

	// Review is until when a review holds the payment, see InReview; zero for none. Screened is the last verdict that did not
	// let it pass at once.
	Review   time.Time
	Screened Screening

	// Means is what the payment is to be paid with, sealed by whoever keeps it: of one that waits for the order to pay, or whose
	// call never left. Empty where nothing has to be kept; see keepsMeans.
	Means string `json:"-"`

	// Lost says, after a restore, of which tries the providers have still to be asked, see LostTries; empty for none.
	Lost string

	Due      time.Time // when work on it comes due; zero for never
	DueFails int       // times in a row that this work failed; with no Due it waits for a human

	// Attempts are loaded for decisions and left out in lists.
	Attempts []Attempt

	state State
}

// State returns the public state. Only decisions change it.
func (p *Payment) State() State { return p.state }

// Restore gives a payment that was not decided just now its state: one that is read from the store, or a sample.
func Restore(p Payment, s State) Payment {
	p.state = s
	return p
}

// last is the latest instant that is on record of the payment. Clocks of several nodes differ, and a node may stand still
// after it has looked at its clock: what is recorded next is not earlier all the same.
func (p *Payment) last() time.Time {
	last := p.Created
	for _, at := range []time.Time{p.Updated, p.Changed} {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// Mark records that something happened with the payment at now, which a merchant is told. It returns the instant to show:
// now, or just after everything that was recorded before.
func (p *Payment) Mark(now time.Time) time.Time {
	if last := p.last(); !now.After(last) {
		now = last.Add(time.Microsecond)
	}
	p.Changed = now
	return now
}

// Torn reports that the attempts were read after a change that the payment's row does not show yet: it names as open what is
// settled, or does not count them all. A row and its attempts are two reads.
func (p *Payment) Torn() bool {
	a := p.LiveAttempt()
	return a != nil && !a.Live() || len(p.Attempts) > p.Tries
}

// LiveAttempt returns the attempt that is not settled yet, or nil.
func (p *Payment) LiveAttempt() *Attempt { return p.attempt(p.Live) }

func (p *Payment) attempt(seq int) *Attempt {
	for i := range p.Attempts {
		if seq != 0 && p.Attempts[i].Seq == seq {
			return &p.Attempts[i]
		}
	}
	return nil
}

// parkedPace is how often the provider of a payment that waits for a human is asked at most, when somebody reads it.
const parkedPace = 24 * time.Hour

// CheckDue reports that it is time to ask the provider about an attempt of the payment: its next check has come, or a call
// was begun whose process died. While a lease runs it is not.
func (p *Payment) CheckDue(a *Attempt, now time.Time, self string, exclusive bool) bool {
	switch {
	case a.Calling():
		return !a.Leased(now, self, exclusive)
	case a.NextCheck.IsZero():
		return !now.Before(p.Changed.Add(parkedPace))
	}
	return !now.Before(a.NextCheck)
}

// ReturnMatters reports that the return of the customer would be put on record now, or the provider be asked. Anybody can
// call the address again and again: whoever does when it does not matter costs no transaction.
func (p *Payment) ReturnMatters(now time.Time, self string, exclusive bool) bool {
	a := p.LiveAttempt()
	switch {
	case a == nil && len(p.Attempts) == 0:
		return false
	case a == nil:
		last := &p.Attempts[len(p.Attempts)-1]
		return last.Redirected && !last.Returned
	case a.Class == ClassUnsent, a.Leased(now, self, exclusive):
		return false
	}
	return !a.Returned || p.CheckDue(a, now, self, exclusive)
}

// Standing returns the attempt whose approval or hold the payment stands on: what
// a capture, a void or a refund refers to. Nil when nothing was approved.
func (p *Payment) Standing() *Attempt {
	for i := range p.Attempts {
		a := &p.Attempts[i]
		if a.stands() {
			return a
		}
	}
	return nil
}

// stands reports an approval or hold that the payment can rest on.
func (a *Attempt) stands() bool {
	won := a.Class == ClassApproved || a.Class == ClassAuthorized
	return won && a.Kind.Main() && a.Reverses == 0 && !a.Reversed
}

// Refundable is what can still be refunded: captured less reserved.
func (p *Payment) Refundable() money.Amount {
	left, err := p.Captured.Sub(p.RefundReserved)
	if err != nil {
		return money.Amount{}
	}
	return left
}

// AttemptKind says what an attempt asks of the provider.
type AttemptKind string

// The kinds of attempts.
const (
	AttemptDeposit    AttemptKind = "DEPOSIT" // a sale, or a hold where the payment is PreAuth
	AttemptWithdrawal AttemptKind = "WITHDRAWAL"
	AttemptRefund     AttemptKind = "REFUND"
	AttemptCapture    AttemptKind = "CAPTURE"
	AttemptVoid       AttemptKind = "VOID"
)

// Main reports whether the attempt is the payment's own try, not a capture or
// void of something approved earlier.
func (k AttemptKind) Main() bool {
	return k == AttemptDeposit || k == AttemptWithdrawal || k == AttemptRefund
}

// Operation returns the operation that shows the provider call of such an attempt.
func (k AttemptKind) Operation() OperationKind { return OperationKind(k) }

// Attempt is one try of one payment at one terminal. Attempts are internal: a
// merchant sees the payment and its operations.
type Attempt struct {
	Seq        int // 1, 2, … within the payment
	Kind       AttemptKind
	TerminalID string
	Terminal   string    // name of the terminal
	Key        string    // what the provider knows the attempt by; fixed before the first byte leaves
	Class      Class     // ClassPrepared until the provider has answered
	Sent       money.Sum // what the provider is asked for

	Op         int       // Seq of the operation that shows the running call; 0 when none runs, or one that is not shown
	LeaseOwner string    // the process that runs the call, and the call; empty when none runs
	LeaseUntil time.Time // when that process counts as dead
	NextCheck  time.Time // when the provider is to be asked; once settled, only of a hold and in doubt
	Checks     int       // status queries so far; of those before NextCheck only the first counts
	Doubts     int       // times that it became due to ask about it although it was settled
	NotFoundAt time.Time // when the provider first said that it does not know the attempt

	ProviderRef string // the provider's own id of the transaction
	Code        ErrorCode
	RawCode     string
	Next        Next `json:"Redirect"` // what the customer has to do; stored by this name before there was more than an address to open
	Redirected  bool // the customer was sent there
	Returned    bool // the customer came back
	Auth        instrument.Proof
	Credential  string // the provider's handle for recurring charges, sealed by whoever keeps it
	Started     time.Time
	Rest        Rest // what may be tried after it
	Reverses    int  // Seq of the late success that this attempt gives back; 0 for none
	Reversed    bool // a late success that is given back, or was
}

// Live reports whether the outcome is still open.
func (a *Attempt) Live() bool {
	return a.Class == ClassPrepared || a.Class == ClassWaiting || a.Class == ClassUnknown || a.Class == ClassUnsent
}

// Calling reports that a call of the attempt was begun and its answer is not booked yet: it runs, or its process is dead.
func (a *Attempt) Calling() bool { return a.LeaseOwner != "" }

// Leased reports whether a call of the attempt may still be running at now in the
// eyes of the process named self. exclusive says that no other process can be
// working on this database, so that a lease of another owner is a dead one's.
func (a *Attempt) Leased(now time.Time, self string, exclusive bool) bool {
	if !a.Calling() || !now.Before(a.LeaseUntil) {
		return false
	}
	return !exclusive || strings.HasPrefix(a.LeaseOwner, self+"/")
}

// Operation is one entry of a payment's log. It is written when it starts and
// completed exactly once; a completed operation never changes.
type Operation struct {
	Seq       int // 1, 2, … within the payment
	Kind      OperationKind
	Started   time.Time
	Completed time.Time // zero while it runs
	State     State     // after the operation; while it runs, since its start
	Attempt   int       // Seq of the attempt it belongs to; 0 for none
	Messages  Messages

	// Plan is what the log keeps of the payment's plan, internal: lines that ReadRouted reads. Operations come without it, and where
	// one ends it is what is added.
	Plan string

	// Began and Ended are the versions of the payment that the start and the end made;
	// Ended is 0 while it runs. They order what happened when operations overlap.
	Began, Ended int64
}

// Messages are the masked exchanges with a provider during one operation, each
// side the text of a JSON array. Empty means none.
type Messages struct {
	Outgoing, Incoming string
}
