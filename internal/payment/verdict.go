package payment

import (
	"cmp"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
)

// VerdictKind is what screening says of a payment that is about to be sent.
type VerdictKind string

// The kinds of verdicts. The zero value lets a payment pass: who screens nothing says nothing.
const (
	VerdictPass   VerdictKind = ""       // it is sent
	VerdictStop   VerdictKind = "STOP"   // it ends as DECLINED, and no provider hears of it
	VerdictReview VerdictKind = "REVIEW" // it waits for a person, and no longer than until an instant
)

// Verdict is the outcome of screening.
type Verdict struct {
	Kind   VerdictKind
	Code   ErrorCode // of a stop, also of one that a review ends with; 6.00 when empty
	Reason string    // for operators; merchants and customers never see it
	Until  time.Time // of a review: then the clock decides
	// PassAfter: the clock lets a payment pass that nobody has reviewed. Otherwise it stops it.
	PassAfter bool
}

// Check reports what is wrong with a verdict that somebody has come to.
func (v *Verdict) Check() error {
	switch v.Kind {
	case VerdictPass:
		return nil
	case VerdictReview:
		if v.Until.IsZero() {
			return fmt.Errorf("verdict %s has no end", v.Kind)
		}
	case VerdictStop:
	default:
		return fmt.Errorf("there is no verdict %q", v.Kind)
	}
	if v.Code != "" && !v.Code.Valid() {
		return fmt.Errorf("verdict %s has the code %q, which does not exist", v.Kind, v.Code)
	}
	return nil
}

// Screening is the last verdict on a payment that did not let it pass at once, and what became of it. It is internal:
// merchants see what the log shows.
type Screening struct {
	Verdict   VerdictKind `json:"verdict,omitempty"`
	Code      ErrorCode   `json:"code,omitempty"`
	Reason    string      `json:"reason,omitempty"`
	At        time.Time   `json:"at,omitzero"`
	Until     time.Time   `json:"until,omitzero"`
	PassAfter bool        `json:"passAfter,omitempty"`
	Ended     time.Time   `json:"ended,omitzero"` // when a review ended by a verdict
	Passed    bool        `json:"passed,omitempty"`
	ByClock   bool        `json:"byClock,omitempty"` // nobody had reviewed it in time
}

// InReview reports that the payment waits for the verdict of a person or of the clock. Nothing of it is under way, and it
// can neither be paid nor sent meanwhile.
func (p *Payment) InReview() bool { return !p.Review.IsZero() }

// NeedsCard reports that the payment cannot be tried without the card that its customer gave.
func (p *Payment) NeedsCard() bool {
	if p.Type == Withdrawal {
		return p.Instrument.CustomerAccountNumber != ""
	}
	return p.Method.Spec().Means == instrument.KindCard
}

// ScreenedAs is what is last known of the screening of a payment that was not let pass at once: stop, review, and once that has
// ended passed or refused. Empty where a review ended in another way.
func (p *Payment) ScreenedAs() string {
	switch r := &p.Screened; {
	case p.InReview():
		return "review"
	case r.Verdict == VerdictStop:
		return "stop"
	case r.Passed:
		return "passed"
	case !r.Ended.IsZero():
		return "refused"
	}
	return ""
}

// screened goes on with the payment as its screening says: it is sent, ends, or waits for a review. A review holds what
// could be sent; what could not ends at once.
func (d *draft) screened(s Start) {
	v := &s.Verdict
	switch {
	case v.Kind == VerdictStop:
		d.noteVerdict(v)
		d.p.ErrorCode = d.p.Screened.Code
		d.log(OpDetectFraud, InFraudStop, 0, Messages{})
	case v.Kind == VerdictReview && len(s.Plan.Steps) > 0:
		d.noteVerdict(v)
		d.p.Review = d.p.Screened.Until
		d.log(OpDetectFraud, InFraudPass, 0, Messages{})
	default:
		d.log(OpDetectFraud, InFraudPass, 0, Messages{})
		if d.err == nil {
			d.start(s)
		}
	}
}

func (d *draft) noteVerdict(v *Verdict) {
	d.p.Screened = Screening{
		Verdict: v.Kind, Code: cmp.Or(v.Code, CodeAntiFraud), Reason: v.Reason, At: d.at,
		Until: v.Until.UTC().Truncate(time.Microsecond), PassAfter: v.PassAfter,
	}
	if v.Kind == VerdictStop {
		d.p.Screened.Until, d.p.Screened.PassAfter = time.Time{}, false
	}
}

// Judge is the verdict on a payment in review.
type Judge struct {
	Pass bool
	Code ErrorCode // of a stop; that of the review when empty
	Of   time.Time // Screening.At of the review that is meant; zero for whichever
	// ByClock: nobody has judged in time. The clock can say nothing but what the review has it say.
	ByClock bool

	// Start is how it is sent; with Lost it is not. Lost says that nobody knows any more what the customer pays with.
	Start Start
	Lost  bool
}

func (c Judge) apply(d *draft) {
	r := &d.p.Screened
	switch {
	case !d.p.InReview():
		d.err = refuse(CodeWrongState, "", "the payment is not in review")
	case !c.Of.IsZero() && !c.Of.Equal(r.At):
		d.err = refuse(CodeWrongState, "", "the payment is in another review")
	case c.ByClock && (d.now.Before(d.p.Review) || c.Pass && !r.PassAfter):
		d.err = ErrBusy
	case !d.known():
	case c.Pass:
		d.passReview(c.ByClock)
		c.goOn(d)
	default:
		d.endReview(c.ByClock)
		r.Code = cmp.Or(c.Code, r.Code)
		d.p.ErrorCode = r.Code
		d.log(OpContinueAntiFraud, InFraudStop, 0, Messages{})
	}
}

// goOn sends what was let pass. Where it is not known any more what the customer pays with, the customer is asked again,
// as between tries; what has no customer cannot be sent any more.
func (c Judge) goOn(d *draft) {
	switch {
	case !c.Lost:
		d.start(c.Start)
	case d.p.CheckoutUntil.IsZero():
		d.start(Start{Plan: Plan{NoRoute: CodeInternal}})
	}
}

// passReview ends a review with leave to be sent. The clock of the checkout stood still meanwhile: the customer has as much
// time left as when the payment was submitted.
func (d *draft) passReview(byClock bool) {
	d.endReview(byClock)
	d.p.Screened.Passed = true
	if !d.p.CheckoutUntil.IsZero() {
		d.p.CheckoutUntil = d.p.CheckoutUntil.Add(d.at.Sub(d.p.Screened.At))
	}
	d.log(OpContinueAntiFraud, InFraudPass, 0, Messages{})
}

func (d *draft) endReview(byClock bool) {
	d.p.Review = time.Time{}
	d.p.Screened.Ended, d.p.Screened.ByClock = d.at, byClock
}

// leaveReview sees to it that a payment is in no review any more of which something else has become: it was abandoned, or a
// try before turned out to have been paid.
func (d *draft) leaveReview() {
	if d.p.state != Pending || d.p.Live != 0 {
		d.p.Review = time.Time{}
	}
	d.d.Screened = !d.p.Review.Equal(d.before.Review) || d.p.Screened != d.before.Screened
}
