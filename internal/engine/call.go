package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/flight"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/terminals"
	"github.com/sluicepay/sluice/internal/velocity"
)

// callInput is what a provider call needs beside the payment: nothing of it is
// written down.
type callInput struct {
	means     instrument.Means // what the customer pays with
	original  *payment.Attempt // what a capture, void or refund refers to
	chain     payment.ID       // the payment that began the recurring chain that is charged
	noticeURL string           // where the provider may post notices
	onPage    bool             // a code can be shown to the customer
	back      payment.Brought  // what the customer brought back from the provider
	at        *reached         // the terminal, read before the intent was stored; never nil with a call
	pass      *velocity.Pass   // the leave to try the card; nil where none is needed
}

// carry makes the call of a committed intent and stores the answer. It does not
// stop when the caller goes away, and it does not panic. When the answer cannot be stored, the payment is
// returned as the intent left it: open, and with a next check like after a crash.
func (e *Engine) carry(ctx context.Context, d *payment.Decision, x callInput) payment.Payment {
	if d.Call == nil {
		return d.Payment
	}
	means := x.means
	if means == nil {
		means = e.means.Screened(ctx, &d.Payment) // between two tries
		defer instrument.Wipe(means)
	}
	ctx, number, done := flight.Without(settled(ctx), means)
	defer done()
	p := d.Payment
	if err := rescue.Run(func() { p = e.carryOn(ctx, d, x, number) }); err != nil {
		return e.leaveOpen(ctx, d, whyCallPanics, err)
	}
	return p
}

func (e *Engine) carryOn(ctx context.Context, d *payment.Decision, x callInput, number *instrument.Finder) payment.Payment {
	if x.pass != nil {
		e.guard.Sent(x.pass, d.Call.Attempt.Seq)
	}
	fact, messages := e.call(ctx, &d.Payment, d.Call, x)
	said := report{fact: fact, messages: messages, at: x.at}
	if flight.Withhold(number, &said.fact, &said.messages) {
		said.odd = whyCardTold
	}
	if d.Call.MayBeReversed(&d.Payment, said.fact) {
		said = e.lookForReversal(ctx, d, said)
	}
	e.sealFact(ctx, d.Payment.Shop, d.Payment.ID, &said.fact)
	said.means = e.means.ForRetry(ctx, &d.Payment, d.Call, &said.fact, x.means)
	p := e.answer(ctx, d, said, x.means)
	e.means.Answered(&p, d.Call, x.means)
	if fact.Revoked && x.chain != "" {
		e.endChain(ctx, &p, x.chain)
	}
	return p
}

// leaveOpen is for an answer that cannot be stored because of what it or the payment holds: the outcome stays unknown, the
// provider is asked again at the ladder's pace until a human has to look, and one is told now.
func (e *Engine) leaveOpen(ctx context.Context, d *payment.Decision, why string, cause error) payment.Payment {
	p, call := d.Payment, d.Call
	told := aboutPayment(&p, why)
	told.Detail = cause.Error() + "\n" + rescue.Stack(cause)
	stored := false
	err := rescue.Call(func() error {
		now, err := e.load(ctx, p.Shop, p.ID)
		if err != nil {
			return err
		}
		a := now.LiveAttempt()
		if a == nil || a.Seq != call.Attempt.Seq || a.Op != call.Op { // it was stored, or somebody else is at it
			p = now
			return nil
		}
		answer := payment.Answer{Attempt: a.Seq, Op: call.Op, Fact: payment.Fact{Class: payment.ClassUnknown}}
		answer.NextCheck, _ = e.nextCheck(&payment.Call{Attempt: *a}, answer.Fact)
		open, err := e.decideOn(ctx, new(unconfirmed), now, answer, told)
		if err == nil {
			p, stored = open.Payment, true
		}
		return err
	})
	if err != nil {
		e.c.Log.ErrorContext(ctx, "answer of a provider not stored", "payment_id", p.ID, "attempt", call.Attempt.Seq, "error", err)
	}
	if !stored {
		e.raise(ctx, &p, why, cause)
	}
	return p
}

// endChain stops the chain whose charge p may not be made again. If that fails, or this process dies before it, the next
// charge is sent once more and ends it then.
func (e *Engine) endChain(ctx context.Context, p *payment.Payment, began payment.ID) {
	if err := e.StopChain(ctx, p.Shop, began); err != nil {
		e.raise(ctx, p, whyChainRuns, fmt.Errorf("chain of payment %s: %w", began, err))
	}
}

// carryFor is carry for a caller who waits no longer than that, or to the end where wait is zero. The call goes on in any
// case; Drain waits for it.
func (e *Engine) carryFor(ctx context.Context, d *payment.Decision, x callInput, wait time.Duration) payment.Payment {
	if wait <= 0 || d.Call == nil {
		return e.carry(ctx, d, x)
	}
	ended := make(chan payment.Payment, 1)
	x.means = instrument.Clone(x.means) // the caller's is wiped when the caller is answered
	e.carried.Go(func() {
		defer instrument.Wipe(x.means)
		p := d.Payment
		if err := rescue.Run(func() { p = e.carry(ctx, d, x) }); err != nil {
			e.raise(ctx, &p, whyCallPanics, err)
		}
		ended <- p
	})
	patience := time.NewTimer(wait)
	defer patience.Stop()
	select {
	case p := <-ended:
		return p
	case <-patience.C:
		return d.Payment
	}
}

// Drain waits for calls that went on without anybody waiting for them. No command may begin after it has been called.
func (e *Engine) Drain() { e.carried.Wait() }

// answer stores a provider's fact. Whoever changed the payment meanwhile, the fact
// is booked on what the payment is now. Where another try follows a refusal, or a late success goes back, that is carried out too.
func (e *Engine) answer(ctx context.Context, made *payment.Decision, said report, means instrument.Means) payment.Payment {
	p, call := &made.Payment, made.Call
	a, at := &call.Attempt, said.at
	if means == nil && a.Rest != "" {
		means = e.means.Screened(ctx, p)
		defer instrument.Wipe(means)
	}
	onward, s := e.onwardFrom(ctx, p, a, at, instrument.CardOf(means) != nil)
	answer := payment.Answer{Attempt: a.Seq, Op: call.Op, Lease: a.LeaseOwner, Fact: said.fact, Messages: said.messages, Token: e.c.IDs.Letters(32)}
	answer.NextCheck, answer.Stalled = e.nextCheck(call, said.fact)
	answer.Fenced, answer.Reversed, answer.Means = call.Fence, said.reversed, said.means
	answer.HoldCheck = e.Now().Add(job.HoldWait)
	answer.Late, answer.Onward = e.latePolicy(at), onward
	if at.to != nil {
		traits := at.to.Traits()
		answer.MaxInFlight, answer.KeyLife = traits.ProvenAfter(), traits.KeyLife
	}
	var also []payment.Alarm
	if said.odd != "" {
		also = append(also, aboutPayment(p, said.odd))
	}
	d, err := e.store(ctx, p, call, answer, also...)
	if err != nil && !passing(err) { // not for what it means, but for a text in it: the outcome alone can be stored
		told := aboutPayment(p, whyAnswerBare)
		told.Detail = err.Error() + "\n" + rescue.Stack(err)
		answer.Fact, answer.Messages = answer.Fact.Bare(), payment.Messages{}
		d, err = e.store(ctx, p, call, answer, append(also, told)...)
	}
	if err != nil && !passing(err) {
		return e.leaveOpen(ctx, made, whyAnswerLost, err)
	}
	if err != nil {
		e.c.Log.ErrorContext(ctx, "answer of a provider not stored", "payment_id", p.ID, "attempt", a.Seq,
			"class", said.fact.Class, "error", err)
		return *p
	}
	if d.Call != nil {
		return e.carry(ctx, &d, e.inputOf(&d, at, s, means))
	}
	return d.Payment
}

// store books the answer on the payment as the intent left it, or as it is now. What is in the way comes back as an error,
// a panic too.
func (e *Engine) store(ctx context.Context, p *payment.Payment, call *payment.Call, answer payment.Answer,
	also ...payment.Alarm) (d payment.Decision, err error) {
	known := *p
	known.Version++ // as the intent was committed
	err = rescue.Call(func() (err error) {
		d, err = e.persist(ctx, known, answer, also...)
		if !clashed(err, store.WriteAttempt) {
			return err
		}
		if call.Ask { // found by our own key: what it says is ours, whoever else was told that id
			answer.Fact.ProviderRef = ""
		} else {
			answer.Fact = payment.Fact{Class: payment.ClassUnknown}
		}
		known.Version = 0
		d, err = e.persist(ctx, known, answer, append(also, aboutPayment(p, whyForeign))...)
		return err
	})
	return d, err
}

// passing reports that an error says nothing against what was to be stored: the same may work the next time.
func passing(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, payment.ErrBusy) || store.Away(err)
}

// nextCheck is when to ask about an attempt that stays open, or to send it again, which a human is told of once that takes
// long; never, once the ladder has ended and a human has to look.
func (e *Engine) nextCheck(call *payment.Call, fact payment.Fact) (at time.Time, long bool) {
	now, a := e.Now(), &call.Attempt
	if fact.Class == payment.ClassUnsent {
		wait, long := job.SendWait(call.Waited, e.c.Random)
		return now.Add(wait), long
	}
	if !a.Live() { // it has a bound of its own
		return now.Add(job.CheckWait(false, a.Doubts, e.c.Random)), false
	}
	if now.Sub(a.Started) > job.CheckFor {
		return time.Time{}, false
	}
	next := fact.Next
	if next.IsZero() {
		next = a.Next
	}
	away := !next.IsZero() && next.Kind != payment.NextWait && next.Kind != payment.NextLeft && !a.Returned // the customer is the slow one, but in an app that asks
	at = now.Add(job.CheckWait(away, a.Checks, e.c.Random))
	if end := next.Until; end.After(now) && end.Before(at) { // the provider has an answer then, whoever tells it
		at = end
	}
	return at, false
}

// recordIncoming is a notice as an operation shows it, masked.
func recordIncoming(ctx context.Context, c *terminals.Opened, post Post) payment.Messages {
	_, rec := outbound.WithRecorder(ctx)
	rec.RecordIncoming(outbound.Incoming{
		At: post.At, Method: http.MethodPost, URL: post.URL, Header: post.Header, Body: post.Body,
	}, c.Loggable)
	return payment.Messages{Incoming: rec.Incoming()}
}
