package payment

import (
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
)

// Command is an input of Decide.
type Command interface{ apply(*draft) }

// Decide says what an input does to a payment at the instant now. It changes
// neither its arguments nor anything else. A *Refusal means that the payment
// stays as it is; ErrBusy that a call of another worker is still running.
func Decide(p Payment, c Command, now time.Time) (Decision, error) {
	d := begin(p, now)
	c.apply(d)
	decided, err := d.finish()
	if err != nil || decided.Parent.Redo.IsZero() {
		return decided, err
	}
	d = begin(p, now)
	d.noRoom = true
	c.apply(d)
	otherwise, err := d.finish()
	decided.Otherwise = &otherwise
	return decided, err
}

// New decides the birth of a payment. p carries what was asked for; its state is
// ignored. With start the payment goes to a provider at once and never was in a
// checkout; without it a customer has to come.
func New(p Payment, start *Start, now time.Time) (Decision, error) {
	p.state = None
	d := begin(p, now)
	d.create(start)
	return d.finish()
}

func (d *draft) create(start *Start) {
	switch {
	case d.p.Terms.Verify && !d.p.Asked.Amount.IsZero():
		d.err = refuse(CodeInvalidAmount, "amount", "the verification of a card moves no money")
	case tooFine(d.p.Asked.Amount, d.p.Asked.Currency):
		d.p.ErrorCode = CodeInvalidAmount
		d.log(OpCreatePayment, InRefuse, 0, Messages{})
	case start == nil:
		d.log(OpCreatePayment, InCreateHosted, 0, Messages{})
	default:
		d.p.CheckoutUntil = time.Time{}
		d.log(OpCreatePayment, InCreateDirect, 0, Messages{})
		if d.p.Type == Refund {
			d.start(*start)
			return
		}
		d.screened(*start)
	}
}

// tooFine reports whether a fiat amount has more decimals than its currency.
func tooFine(a money.Amount, c money.Currency) bool {
	return c.Fiat() && a.Decimals() > c.MinorUnits()
}

// start opens the first attempt of the plan, or ends the payment when there is none.
func (d *draft) start(s Start) {
	kind := AttemptKind(d.p.Type)
	if len(s.Plan.Steps) == 0 {
		d.p.ErrorCode = s.Plan.refusal()
		d.log(kind.Operation(), InNoTerminal, 0, Messages{})
		d.keepPlan(s.Plan.record())
		return
	}
	d.attempt(kind, InSend, s.Plan.Steps[0].Terminal, d.p.Moves().Amount, s.Run)
	d.keepPlan(s.Plan.record())
	d.keepRest(restOf(s.Plan.Steps[1:]))
}

// Submit is the customer's or the merchant's order to go ahead with a deposit in
// its checkout, or between tries. Empty fields leave the payment's own values.
type Submit struct {
	Method     Method
	Amount     money.Amount
	Instrument instrument.Masked
	Browser    Document
	Customer   Document
	Billing    Document
	Start      Start
	Means      string // what is submitted to pay with, sealed, where a review may hold the payment; see Payment.Means
	ByPage     bool   // by the customer, who may try again; otherwise a decline is one
}

// Fill puts into the payment what is submitted with it.
func (c *Submit) Fill(p *Payment) {
	if c.Method != "" {
		p.Method = c.Method
	}
	if p.Asked.Amount.IsZero() && !p.Terms.Verify {
		p.Asked.Amount = c.Amount
	}
	if c.Instrument != (instrument.Masked{}) {
		p.Instrument = c.Instrument
	}
	if c.Browser != "" {
		p.Browser = c.Browser
	}
	if c.Customer != "" {
		p.Customer = c.Customer
	}
	if c.Billing != "" {
		p.Billing = c.Billing
	}
	p.PreAuth = p.Holds(p.Method)
}

func (c Submit) apply(d *draft) {
	if !d.p.Payable() {
		d.err = refuse(CodeWrongState, "", "only a deposit in state %s can be executed", Checkout)
		return
	}
	if !d.known() {
		return
	}
	if d.p.BetweenTries() && c.Method != "" && c.Method != d.p.Method && !d.p.ChoosesAgain() {
		d.err = refuse(CodeWrongState, "paymentMethod", "the payment goes on by %s", d.p.Method)
		return
	}
	d.p.Chosen = d.p.Chosen || d.p.Method == "" && c.Method != ""
	if !c.ByPage {
		d.p.Retries = retriesEnded
	}
	c.Fill(d.p)
	switch {
	case d.p.Asked.Amount.IsZero() && !d.p.Terms.Verify:
		d.err = &Missing{Field: "amount"}
	case tooFine(d.p.Asked.Amount, d.p.Asked.Currency):
		d.err = refuse(CodeInvalidAmount, "amount", "%s has %d decimals", d.p.Asked.Currency, d.p.Asked.Currency.MinorUnits())
	case d.p.Method == "":
		d.err = &Missing{Field: "paymentMethod"}
	case !d.p.Terms.Allow(d.p.Method):
		d.err = refuse(CodeNoTerminal, "paymentMethod", "the payment may not be paid by %s", d.p.Method)
	}
	d.log(OpCheckout, InSubmit, 0, Messages{})
	if d.screened(c.Start); d.p.InReview() && c.Means != "" {
		d.p.Means = c.Means
	}
}

// Capture takes the held money, or Amount of it; the rest is released.
type Capture struct {
	Amount money.Amount // zero: all that is authorised
	Run    Run
}

func (c Capture) apply(d *draft) {
	held := d.hold("capture")
	if held == nil {
		return
	}
	if !d.p.Abandoned.IsZero() {
		d.err = refuse(CodeWrongState, "", "the merchant has abandoned the payment")
		return
	}
	if d.p.Terms.Verify {
		d.err = refuse(CodeInvalidAmount, "amount", "the card was verified, nothing is held")
		return
	}
	amount := c.Amount
	if amount.IsZero() {
		amount = d.p.Authorised
	}
	if amount.Cmp(d.p.Authorised) > 0 {
		d.err = refuse(CodeInvalidAmount, "amount", "at most %s can be captured", d.p.Authorised)
		return
	}
	if c := d.p.Moves().Currency; tooFine(amount, c) {
		d.err = refuse(CodeInvalidAmount, "amount", "%s has %d decimals", c, c.MinorUnits())
		return
	}
	d.attempt(AttemptCapture, InCapture, Terminal{ID: held.TerminalID, Name: held.Terminal}, amount, c.Run)
}

// Void gives the held money back. The verification of a card, for which nothing is held anywhere, it only closes.
type Void struct{ Run Run }

func (c Void) apply(d *draft) {
	held := d.hold("void")
	switch {
	case held == nil:
	case d.p.Terms.Verify:
		a := d.p.attempt(held.Seq)
		a.Class = ClassCancelled
		d.log(OpVoid, InForget, a.Seq, Messages{})
		d.d.Attempts = append(d.d.Attempts, *a)
	default:
		d.attempt(AttemptVoid, InVoid, Terminal{ID: held.TerminalID, Name: held.Terminal}, d.p.Authorised, c.Run)
	}
}

// hold returns the attempt that holds the money, or ends the draft.
func (d *draft) hold(what string) *Attempt {
	if d.p.state != Authorized {
		d.err = refuse(CodeWrongState, "", "%s needs state %s", what, Authorized)
		return nil
	}
	held := d.p.Standing()
	if held == nil || d.p.Live != 0 {
		d.err = refuse(CodeWrongState, "", "%s needs a standing hold", what)
		return nil
	}
	if !d.known() {
		return nil
	}
	return held
}

// Cancel closes a checkout that nothing was sent for, or a deposit between tries.
type Cancel struct {
	ByClock bool // the checkout time ran out; otherwise the customer gave up
}

func (c Cancel) apply(d *draft) {
	if !d.p.Payable() {
		d.err = refuse(CodeWrongState, "", "only a payment in state %s can be cancelled", Checkout)
		return
	}
	if !d.known() {
		return
	}
	in, code := InGiveUp, CodeByCustomer
	if c.ByClock {
		in, code = InTimeout, CodeTimeout
		if last := d.p.lastDecline(); last != "" {
			in, code = InLapse, last
		}
	}
	d.p.ErrorCode = code
	d.log(OpCancel, in, 0, Messages{})
}

// Redirected records that the customer was sent to the provider or bank.
type Redirected struct{}

func (Redirected) apply(d *draft) {
	a := d.p.LiveAttempt()
	if a == nil || a.Class != ClassWaiting || !a.Next.Leads() || !d.p.Abandoned.IsZero() {
		d.err = refuse(CodeWrongState, "", "nothing to send the customer to")
		return
	}
	if a.Redirected {
		return
	}
	a.Redirected, a.Returned = true, false // who came back before was away for another try
	d.log(OpRedirect, InRedirect, a.Seq, Messages{})
	d.d.Attempts = append(d.d.Attempts, *a)
}
