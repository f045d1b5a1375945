package payment

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/money"
)

// A backup that is restored knows nothing of what ran between it and the restore: the lost time. A deposit that could still be
// tried at the backup may have been tried then, and paid. So after a restore no such deposit is tried, captured, voided or
// closed before its providers have been asked about every try that the lost time may have made. Those can be named: their keys
// have the epoch that the installation had, the payment's id, and the numbers after the last one that the backup knows.

// ErrLost is returned while it is not known yet what became of a payment in the lost time.
var ErrLost = errors.New("what became of the payment after the backup is not known yet")

// LostReach is how many numbers after the last known one are asked about: a number may be unused because its call never left.
const LostReach = 5

// LostTry is a try that may have been made in the lost time.
type LostTry struct {
	Epoch  string
	Number int
	Key    string // what the provider knows it by, if it was made
}

// LostMark is how Payment.Lost names one lost time: the epoch it had, and the number of the last try that is known. Several are
// separated by spaces.
func LostMark(epoch string, tries int) string { return epoch + ":" + strconv.Itoa(tries) }

// LostTries lists the tries that have to be asked about before anything is done with the payment; none where all is known.
func (p *Payment) LostTries() []LostTry {
	var all []LostTry
	for mark := range strings.FieldsSeq(p.Lost) {
		epoch, text, _ := strings.Cut(mark, ":")
		last, err := strconv.Atoi(text)
		if err != nil {
			last = p.Tries
		}
		for n := last + 1; n <= last+LostReach; n++ {
			all = append(all, LostTry{Epoch: epoch, Number: n, Key: attemptKey(epoch, p.ID, n)})
		}
	}
	return all
}

// attemptKey is what a provider knows an attempt by.
func attemptKey(epoch string, p ID, number int) string {
	return fmt.Sprintf("%s-%s-%d", epoch, p, number)
}

// LostKinds lists what a try of the lost time can have been, as the payment stands: none where none can have been made.
func (p *Payment) LostKinds() []AttemptKind {
	switch {
	case p.Type == Refund || p.Live != 0 || p.Lost == "":
		return nil
	case p.InReview():
		return []AttemptKind{AttemptKind(p.Type)}
	case p.Type == Withdrawal: // by the next step of its plan
		if p.state == Declined || p.state == Cancelled {
			return []AttemptKind{AttemptWithdrawal}
		}
		return nil
	case p.Payable():
		return []AttemptKind{AttemptDeposit}
	case p.state == Authorized && !p.Terms.Verify:
		return []AttemptKind{AttemptCapture, AttemptVoid}
	case (p.state == Declined || p.state == Cancelled) && p.Authorised.IsZero():
		// The last try that the backup knows was not done, so that the next may have been.
		return []AttemptKind{AttemptDeposit}
	}
	return nil
}

// LostOthers lists what else a number of the lost time can stand for, where a provider does not know it as a try: after a known
// one it may be what was done about that, such as the void of a hold that the merchant did not want.
func (p *Payment) LostOthers() []AttemptKind {
	if p.Tries == 0 || p.Type != Deposit {
		return nil
	}
	kinds := []AttemptKind{AttemptDeposit, AttemptVoid, AttemptRefund, AttemptCapture}
	return slices.DeleteFunc(kinds, func(k AttemptKind) bool { return slices.Contains(p.LostKinds(), k) })
}

// searched ends the search once there is nothing to search for, and else has it come due at once.
func (d *draft) searched() {
	if d.p.Lost == "" || d.p.Live != 0 {
		return
	}
	if len(d.p.LostKinds()) == 0 {
		d.p.Lost = ""
		return
	}
	d.p.Due = d.now
}

// known refuses what may not be done before the search has ended.
func (d *draft) known() bool {
	if len(d.p.LostKinds()) > 0 && d.err == nil {
		d.err = ErrLost
	}
	return d.err == nil
}

// NothingLost is the end of a search: no provider knows any try that the payment does not.
type NothingLost struct{}

func (NothingLost) apply(d *draft) {
	if d.p.Lost == "" {
		return
	}
	d.p.Lost, d.d.touched = "", true
}

// FoundLost takes up a try of the lost time that a provider knows. It is as if the process had died just after it had stored the
// intent: the provider is asked how the try has ended, and that decides. Fact is what it was found by.
type FoundLost struct {
	Try      LostTry
	Kind     AttemptKind
	Terminal Terminal
	Fact     Fact
}

func (c FoundLost) apply(d *draft) {
	if len(d.p.LostKinds()) == 0 || !d.takeUp(c.Try) {
		d.err = ErrBusy // somebody else has taken it up
		return
	}
	if !slices.Contains(d.p.LostKinds(), c.Kind) { // that number was no try
		d.d.touched = true
		return
	}
	run := Run{Owner: "lost", Call: c.Try.Key, Epoch: c.Try.Epoch}
	switch {
	case d.p.state == Authorized && c.Kind == AttemptVoid:
		d.attempt(AttemptVoid, InVoid, c.Terminal, d.p.Authorised, run)
	case d.p.state == Authorized:
		d.attempt(AttemptCapture, InCapture, c.Terminal, c.amount(d.p.Authorised), run)
	case d.p.InReview(): // it was let pass in the lost time
		d.passReview(false)
		d.attempt(AttemptKind(d.p.Type), InSend, c.Terminal, d.p.Moves().Amount, run)
	case d.p.Payable():
		c.submitted(d)
		d.attempt(AttemptDeposit, InSend, c.Terminal, d.p.Moves().Amount, run)
	default:
		d.doubtful(c)
	}
	if d.err != nil {
		return
	}
	d.d.Call = nil
	a := &d.p.Attempts[len(d.p.Attempts)-1]
	a.Key, d.d.Fresh.Key = c.Try.Key, c.Try.Key // numbers of the lost time may have gaps, those of attempts have none
}

// alarmReversed is what a human is told of a deposit that is closed though its provider has a success.
const alarmReversed = "the payment was paid after the backup, and given back as a late success"

// mayBeReversed reports that the fact shows a deposit as done which may have been given back in the lost time since.
func (p *Payment) mayBeReversed(a *Attempt, f Fact) bool {
	return p.Lost != "" && a.part() == PartDeposit && f.Class == ClassApproved && !p.Terms.Verify
}

// MayBeReversed is the same of what was asked about: then it has to be looked for, see Answer.Reversed.
func (c *Call) MayBeReversed(p *Payment, f Fact) bool {
	return c.Ask && p.mayBeReversed(&c.Attempt, f)
}

// givenBack notes of a deposit that the provider shows as done that its money went back in the lost time. An open one is closed
// by that; what has ended stays as it is, and nothing is sent back once more.
func (d *draft) givenBack(a *Attempt, f Fact) Fact {
	f.Class, f.Credential = ClassCancelled, ""
	a.Reversed, d.d.Alarm = true, alarmReversed
	if !a.Live() {
		a.Class = ClassCancelled
	}
	return f
}

// takenInPart reports that the fact is about a hold of which the lost time has captured a part.
func (p *Payment) takenInPart(a *Attempt, f Fact) bool {
	return p.Lost != "" && p.PreAuth && a.part() == PartDeposit && f.Class == ClassApproved && f.Echoed.Currency == a.Sent.Currency &&
		!f.Echoed.Amount.IsZero() && f.Echoed.Amount.Cmp(a.Sent.Amount) < 0 && (a.ProviderRef == "" || f.ProviderRef == "" || f.ProviderRef == a.ProviderRef)
}

// submitted does what the customer did in the lost time.
func (c FoundLost) submitted(d *draft) {
	if d.p.Method == "" { // the customer's choice is not known, and cards are what is paid by
		d.p.Method = BasicCard
	}
	if d.p.Asked.Amount.IsZero() && !d.p.Terms.Verify {
		d.p.Asked.Amount = c.Fact.Echoed.Amount
	}
	d.p.PreAuth = d.p.Holds(d.p.Method)
	d.log(OpCheckout, InSubmit, 0, Messages{})
	d.log(OpDetectFraud, InFraudPass, 0, Messages{})
}

// doubtful takes up a try of a payment that has ended: like one that was settled as not sent and is contradicted.
func (d *draft) doubtful(c FoundLost) {
	d.p.Tries++
	a := Attempt{
		Seq: d.p.Tries, Kind: c.Kind, TerminalID: c.Terminal.ID, Terminal: c.Terminal.Name, Class: ClassNotSent,
		Sent: money.Sum{Amount: c.amount(d.p.Moves().Amount), Currency: d.p.Moves().Currency}, Started: d.at, Doubts: 1, NextCheck: d.now,
	}
	d.p.Attempts = append(d.p.Attempts, a)
	d.d.Fresh, d.d.touched = &a, true
	d.d.Alarm = "the provider knows a try of the payment that was made after the backup; its status is asked for"
}

// amount is what was asked for, where the payment itself does not say.
func (c FoundLost) amount(otherwise money.Amount) money.Amount {
	if c.Kind.Main() && !otherwise.IsZero() || c.Fact.Echoed.Amount.IsZero() || c.Kind == AttemptCapture && c.Fact.Echoed.Amount.Cmp(otherwise) > 0 {
		return otherwise
	}
	return c.Fact.Echoed.Amount
}

// takeUp notes that the try is known now. It reports whether it was not before.
func (d *draft) takeUp(try LostTry) bool {
	var marks []string
	taken := false
	for mark := range strings.FieldsSeq(d.p.Lost) {
		epoch, text, _ := strings.Cut(mark, ":")
		if last, err := strconv.Atoi(text); epoch == try.Epoch && (err != nil || last < try.Number) {
			mark, taken = LostMark(epoch, try.Number), true
		}
		marks = append(marks, mark)
	}
	d.p.Lost = strings.Join(marks, " ")
	return taken
}

// LostSince is from when on an answer "not found" proves that a try of the lost time was not made: what was under way at the
// restore has arrived by then. ok is false where no such answer ever does.
func LostSince(restored time.Time, inFlight time.Duration) (at time.Time, ok bool) {
	return restored.Add(inFlight), inFlight > 0
}
