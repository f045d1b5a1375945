package payment

import "slices"

// What a provider says about an attempt that is settled already. The table below says what follows; the code does
// nothing else, and docs/facts.md is printed from it. Two things hold for every row:
//
//   - What was only told, by a notice or by the late answer to a call, moves neither the payment nor its money. It is on
//     record, and where it contradicts, an alarm is raised and the provider's status is asked for.
//   - What that query finds is judged by the same row, on the payment as it is by then.

// Part is what an attempt is for its payment.
type Part string

// The parts.
const (
	PartDeposit    Part = "deposit"
	PartWithdrawal Part = "withdrawal"
	PartRefund     Part = "refund"
	PartCapture    Part = "capture"
	PartVoid       Part = "void"
	PartReturn     Part = "giving back of a late success"
)

// Parts lists every part in the order of the table.
func Parts() []Part {
	return []Part{PartDeposit, PartWithdrawal, PartRefund, PartCapture, PartVoid, PartReturn}
}

// Ending is how an attempt was settled.
type Ending string

// The endings. The last three are of what had succeeded first.
const (
	EndRefused  Ending = "refused"                          // NOT_SENT, REJECTED or declined
	EndClosed   Ending = "closed"                           // without having been done
	EndHeld     Ending = "held"                             // AUTHORIZED
	EndDone     Ending = "done"                             // APPROVED
	EndOver     Ending = "over: held or done, closed since" // voided, expired, undone
	EndGoing    Ending = "late success, going back"
	EndReturned Ending = "late success, went back"
)

// Endings lists every ending in the order of the table.
func Endings() []Ending {
	return []Ending{EndRefused, EndClosed, EndHeld, EndDone, EndOver, EndGoing, EndReturned}
}

// Saying is what the provider says now.
type Saying string

// The sayings.
const (
	SaysOpen    Saying = "waiting, unknown or not found"
	SaysOther   Saying = "success that does not fit" // another amount, currency or transaction, or a hold that was not asked for
	SaysDone    Saying = "done"
	SaysHeld    Saying = "held"
	SaysRefused Saying = "refused"
	SaysClosed  Saying = "closed"
)

// Sayings lists every saying in the order of the table.
func Sayings() []Saying {
	return []Saying{SaysOpen, SaysOther, SaysDone, SaysHeld, SaysRefused, SaysClosed}
}

// Consequence is what follows once a status query has found what is said.
type Consequence string

// The consequences. All but ThenNothing make the provider be asked when it was only told.
const (
	ThenNothing  Consequence = "nothing new"
	ThenLook     Consequence = "a human has to look"
	ThenWait     Consequence = "asked again when the open attempt has ended"
	ThenLater    Consequence = "asked again when the hold is captured or released"
	ThenPaid     Consequence = "the payment goes on with it"
	ThenHonour   Consequence = "COMPLETED"
	ThenTaken    Consequence = "COMPLETED: the hold was taken"
	ThenStands   Consequence = "AUTHORIZED: the hold stands"
	ThenDeclined Consequence = "DECLINED: undone"
	ThenClosed   Consequence = "CANCELLED: closed"
	ThenReverse  Consequence = "the money goes back"
	ThenGone     Consequence = "nothing has to go back any more"
	ThenAdopt    Consequence = "the payment shows it already"
)

// Finding is one row of the table: the first that fits a fact decides.
type Finding struct {
	Of   []Part    // empty for all
	Was  []Ending  // empty for all
	Says []Saying  // empty for all
	When Condition // the zero value is always
	Then Consequence

	// Quiet: it may be news that came late, or the way that things go. It is asked about without an alarm.
	Quiet bool
}

// Condition is what else has to hold for a row.
type Condition struct {
	Text  string
	holds func(s *situation) bool
}

// Conditions of the table.
var (
	whenVerified = Condition{"the card was only verified", func(s *situation) bool { return s.p.Terms.Verify }}
	whenOpen     = Condition{"another attempt is open", func(s *situation) bool { return s.p.Live != 0 }}
	whenPending  = Condition{"between tries or in review", func(s *situation) bool { return s.p.state == Pending }}
	whenHonoured = Condition{"it failed, the shop honours late success, nothing was abandoned or refunded", func(s *situation) bool {
		return s.failed() && s.honour && s.p.Abandoned.IsZero() && s.p.RefundReserved.IsZero()
	}}
	whenFailed = Condition{"it failed", func(s *situation) bool { return s.failed() }}
	whenPaid   = Condition{"another try was paid", func(s *situation) bool { return s.p.state == Completed && s.p.Standing() != nil }}
	whenHeld   = Condition{"AUTHORIZED", func(s *situation) bool { return s.p.state == Authorized && s.p.Live == 0 }}
	whenVoided = Condition{"a void is open", func(s *situation) bool { return s.openKind() == AttemptVoid }}
	whenTaken  = Condition{"a capture is open", func(s *situation) bool { return s.openKind() == AttemptCapture }}
	whenEnded  = Condition{"DECLINED or CANCELLED", func(s *situation) bool { return s.failed() }}
	whenFree   = Condition{"COMPLETED, no refund stands", func(s *situation) bool {
		return s.p.state == Completed && s.p.RefundReserved.IsZero()
	}}
	whenCaptured = Condition{"COMPLETED", func(s *situation) bool { return s.p.state == Completed }}
	whenOwn      = Condition{"COMPLETED by this capture, no refund stands", func(s *situation) bool {
		held := s.p.Standing()
		return s.p.state == Completed && s.p.RefundReserved.IsZero() && held != nil && held.Class == ClassAuthorized &&
			s.p.Captured == s.a.Sent.Amount
	}}
	whenSame = Condition{"COMPLETED with that amount by no other capture", func(s *situation) bool {
		return s.p.state == Completed && s.p.Captured == s.a.Sent.Amount && s.p.lastDone(AttemptCapture) == nil
	}}
	whenReleased = Condition{"CANCELLED", func(s *situation) bool { return s.p.state == Cancelled && s.p.released() != nil }}
	whenRoom     = Condition{"the deposit has as much left", func(s *situation) bool { return !s.noRoom }}
	whenAgain    = Condition{"it went back by this, and that was not tried too often", func(s *situation) bool {
		won := s.p.attempt(s.a.Reverses)
		return won != nil && won.Reversed && won.Class == ClassCancelled && s.p.reversals(won.Seq) < mostReversals
	}}
	whenGoing = Condition{"it is still to go back", func(s *situation) bool {
		won := s.p.attempt(s.a.Reverses)
		return won != nil && won.Reversed && won.Class != ClassCancelled
	}}
)

var (
	ofDeposit = []Part{PartDeposit}
	wasFailed = []Ending{EndRefused, EndClosed}
	saysWon   = []Saying{SaysDone, SaysHeld}
	saysLost  = []Saying{SaysRefused, SaysClosed}
)

// findings is the table.
var findings = []Finding{
	{Says: []Saying{SaysOpen}, Then: ThenNothing},
	{Says: []Saying{SaysOther}, Then: ThenLook},

	{Of: ofDeposit, Was: wasFailed, Says: saysLost, Then: ThenNothing},
	{Of: ofDeposit, Was: wasFailed, Says: saysWon, When: whenVerified, Then: ThenLook},
	{Of: ofDeposit, Was: []Ending{EndDone, EndOver}, Says: saysWon, When: whenVerified, Then: ThenNothing},
	{Of: ofDeposit, Was: wasFailed, Says: saysWon, When: whenOpen, Then: ThenWait},
	{Of: ofDeposit, Was: wasFailed, Says: saysWon, When: whenPending, Then: ThenPaid},
	{Of: ofDeposit, Was: wasFailed, Says: []Saying{SaysDone}, When: whenHonoured, Then: ThenHonour},
	{Of: ofDeposit, Was: wasFailed, Says: saysWon, When: whenFailed, Then: ThenReverse},
	{Of: ofDeposit, Was: wasFailed, Says: saysWon, When: whenPaid, Then: ThenReverse},
	{Of: ofDeposit, Was: wasFailed, Says: saysWon, When: whenHeld, Then: ThenLater},

	{Of: ofDeposit, Was: []Ending{EndHeld}, Says: []Saying{SaysHeld}, Then: ThenNothing},
	{Of: ofDeposit, Was: []Ending{EndHeld}, Says: saysLost, When: whenVoided, Then: ThenNothing},
	{Of: ofDeposit, Was: []Ending{EndHeld}, Says: []Saying{SaysDone}, When: whenTaken, Then: ThenNothing},
	{Of: ofDeposit, Was: []Ending{EndHeld}, When: whenOpen, Then: ThenWait},
	{Of: ofDeposit, Was: []Ending{EndHeld}, Says: []Saying{SaysDone}, When: whenHeld, Then: ThenTaken},
	{Of: ofDeposit, Was: []Ending{EndHeld}, Says: []Saying{SaysClosed}, When: whenHeld, Then: ThenClosed, Quiet: true},
	{Of: ofDeposit, Was: []Ending{EndHeld}, Says: []Saying{SaysRefused}, When: whenHeld, Then: ThenDeclined},
	{Of: ofDeposit, Was: []Ending{EndHeld}, Says: []Saying{SaysDone}, When: whenCaptured, Then: ThenNothing},

	{Of: ofDeposit, Was: []Ending{EndDone}, Says: saysWon, When: whenCaptured, Then: ThenNothing},
	{Of: ofDeposit, Was: []Ending{EndDone}, When: whenOpen, Then: ThenWait},
	{Of: ofDeposit, Was: []Ending{EndHeld, EndDone}, Says: []Saying{SaysRefused}, When: whenFree, Then: ThenDeclined},
	{Of: ofDeposit, Was: []Ending{EndHeld, EndDone}, Says: []Saying{SaysClosed}, When: whenFree, Then: ThenClosed},

	{Of: ofDeposit, Was: []Ending{EndOver}, Says: saysLost, Then: ThenNothing},
	{Of: ofDeposit, Was: []Ending{EndOver}, Says: saysWon, Then: ThenLook, Quiet: true},
	{Of: ofDeposit, Was: []Ending{EndGoing}, Says: saysWon, Then: ThenNothing},
	{Of: ofDeposit, Was: []Ending{EndGoing}, Says: saysLost, When: whenOpen, Then: ThenWait},
	{Of: ofDeposit, Was: []Ending{EndGoing}, Says: saysLost, Then: ThenGone},
	{Of: ofDeposit, Was: []Ending{EndReturned}, Then: ThenNothing},

	{Of: []Part{PartWithdrawal, PartRefund}, Was: []Ending{EndDone}, Says: []Saying{SaysDone}, Then: ThenNothing},
	{Of: []Part{PartWithdrawal, PartRefund}, Was: []Ending{EndDone}, Says: []Saying{SaysRefused}, Then: ThenDeclined},
	{Of: []Part{PartWithdrawal, PartRefund}, Was: []Ending{EndDone}, Says: []Saying{SaysClosed}, Then: ThenClosed},
	{Of: []Part{PartWithdrawal, PartRefund}, Was: wasFailed, Says: saysLost, Then: ThenNothing},
	{Of: []Part{PartWithdrawal}, Was: []Ending{EndRefused}, Says: []Saying{SaysDone}, When: whenOpen, Then: ThenWait},
	{Of: []Part{PartWithdrawal}, Was: []Ending{EndRefused}, Says: []Saying{SaysDone}, When: whenPaid, Then: ThenLook},
	{Of: []Part{PartWithdrawal}, Was: []Ending{EndRefused}, Says: []Saying{SaysDone}, Then: ThenHonour},
	{Of: []Part{PartRefund}, Was: []Ending{EndRefused}, Says: []Saying{SaysDone}, When: whenRoom, Then: ThenHonour},

	{Of: []Part{PartCapture}, Was: []Ending{EndDone}, Says: []Saying{SaysDone}, Then: ThenNothing},
	{Of: []Part{PartCapture}, Was: wasFailed, Says: saysLost, Then: ThenNothing},
	{Of: []Part{PartCapture}, When: whenOpen, Then: ThenWait},
	{Of: []Part{PartCapture}, Was: []Ending{EndDone}, Says: saysLost, When: whenEnded, Then: ThenNothing},
	{Of: []Part{PartCapture}, Was: []Ending{EndDone}, Says: []Saying{SaysRefused}, When: whenOwn, Then: ThenStands},
	{Of: []Part{PartCapture}, Was: []Ending{EndDone}, Says: []Saying{SaysClosed}, When: whenOwn, Then: ThenClosed},
	{Of: []Part{PartCapture}, Was: wasFailed, Says: []Saying{SaysDone}, When: whenHeld, Then: ThenTaken},
	{Of: []Part{PartCapture}, Was: wasFailed, Says: []Saying{SaysDone}, When: whenSame, Then: ThenAdopt},

	{Of: []Part{PartVoid}, Was: []Ending{EndDone}, Says: []Saying{SaysDone, SaysClosed}, Then: ThenNothing},
	{Of: []Part{PartVoid}, Was: []Ending{EndClosed}, Then: ThenNothing},
	{Of: []Part{PartVoid}, Was: []Ending{EndRefused}, Says: []Saying{SaysRefused}, Then: ThenNothing},
	{Of: []Part{PartVoid}, When: whenOpen, Then: ThenWait},
	{Of: []Part{PartVoid}, Was: []Ending{EndDone}, Says: []Saying{SaysRefused}, When: whenReleased, Then: ThenStands},
	{Of: []Part{PartVoid}, Was: []Ending{EndRefused}, Says: []Saying{SaysDone, SaysClosed}, When: whenHeld, Then: ThenClosed},
	{Of: []Part{PartVoid}, Was: []Ending{EndRefused}, Says: []Saying{SaysDone}, When: whenReleased, Then: ThenAdopt},
	{Of: []Part{PartVoid}, Was: []Ending{EndRefused}, Says: []Saying{SaysDone, SaysClosed}, When: whenEnded, Then: ThenNothing},

	{Of: []Part{PartReturn}, Was: []Ending{EndDone}, Says: []Saying{SaysDone, SaysClosed}, Then: ThenNothing},
	{Of: []Part{PartReturn}, Was: []Ending{EndClosed}, Then: ThenNothing},
	{Of: []Part{PartReturn}, Was: []Ending{EndRefused}, Says: []Saying{SaysRefused}, Then: ThenNothing},
	{Of: []Part{PartReturn}, When: whenOpen, Then: ThenWait},
	{Of: []Part{PartReturn}, Was: []Ending{EndDone}, Says: []Saying{SaysRefused}, When: whenAgain, Then: ThenReverse},
	{Of: []Part{PartReturn}, Was: []Ending{EndRefused}, Says: []Saying{SaysDone, SaysClosed}, When: whenGoing, Then: ThenGone},
	{Of: []Part{PartReturn}, Was: []Ending{EndRefused}, Says: []Saying{SaysClosed}, Then: ThenNothing},

	{Then: ThenLook},
}

// Findings returns the table in the order in which it is printed and looked up.
func Findings() []Finding { return slices.Clone(findings) }

func fits[T comparable](set []T, v T) bool { return len(set) == 0 || slices.Contains(set, v) }
