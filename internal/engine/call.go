package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/velocity"
)

// exchange is what a provider call needs beside the payment: nothing of it is
// written down.
type exchange struct {
	means     instrument.Means // what the customer pays with
	original  *payment.Attempt // what a capture, void or refund refers to
	chain     payment.ID       // the payment that began the recurring chain that is charged
	noticeURL string           // where the provider may post notices
	back      payment.Brought  // what the customer brought back from the provider
	at        *reached         // the terminal, read before the intent was stored; never nil with a call
	pass      *velocity.Pass   // the leave to try the card; nil where none is needed
}

// carry makes the call of a committed intent and stores the answer. It does not
// stop when the caller goes away, and it does not panic. When the answer cannot be stored, the payment is
// returned as the intent left it: open, and with a next check like after a crash.
func (e *Engine) carry(ctx context.Context, d *payment.Decision, x exchange) payment.Payment {
	if d.Call == nil {
		return d.Payment
	}
	means := x.means
	if means == nil {
		means = e.c.Vault.Get(d.Payment.ID) // between two tries
		defer instrument.Wipe(means)
	}
	ctx, number, done := withoutCard(settled(ctx), means)
	defer done()
	p := d.Payment
	if err := rescue.Run(func() { p = e.carryOn(ctx, d, x, number) }); err != nil {
		return e.leaveOpen(ctx, d, whyCallPanics, err)
	}
	return p
}

func (e *Engine) carryOn(ctx context.Context, d *payment.Decision, x exchange, number *instrument.Finder) payment.Payment {
	if x.pass != nil {
		e.guard.Sent(x.pass, d.Call.Attempt.Seq)
	}
	fact, messages := e.call(ctx, &d.Payment, d.Call, x)
	said := told{fact: fact, messages: messages, at: x.at}
	if withhold(number, &said.fact, &said.messages) {
		said.odd = whyCardTold
	}
	if d.Call.MayBeGivenBack(&d.Payment, said.fact) {
		said = e.lookForReturn(ctx, d, said)
	}
	e.sealFact(ctx, d.Payment.Shop, d.Payment.ID, &said.fact)
	p := e.answer(ctx, d, said)
	e.keepForAgain(&p, x.means)
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
		open, err := e.decideOn(ctx, new(doubts), now, answer, told)
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
func (e *Engine) carryFor(ctx context.Context, d *payment.Decision, x exchange, wait time.Duration) payment.Payment {
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
// is booked on what the payment is now.
func (e *Engine) answer(ctx context.Context, made *payment.Decision, said told) payment.Payment {
	p, call := &made.Payment, made.Call
	a, at := &call.Attempt, said.at
	answer := payment.Answer{Attempt: a.Seq, Op: call.Op, Lease: a.LeaseOwner, Fact: said.fact, Messages: said.messages, Token: e.c.IDs.Letters(32)}
	answer.NextCheck, answer.Stalled = e.nextCheck(call, said.fact)
	answer.Fenced, answer.GivenBack = call.Fence, said.givenBack
	answer.HoldCheck = e.Now().Add(job.HoldWait)
	answer.Late = e.latePolicy(at)
	if at.to != nil {
		traits := at.to.Traits()
		answer.MaxInFlight, answer.KeyLife = provenAfter(traits), traits.KeyLife
	}
	var also []payment.Alarm
	if said.odd != "" {
		also = append(also, aboutPayment(p, said.odd))
	}
	d, err := e.store(ctx, p, call, answer, also...)
	if err != nil && !passing(err) { // not for what it means, but for a text in it: the outcome alone can be stored
		told := aboutPayment(p, whyAnswerBare)
		told.Detail = err.Error() + "\n" + rescue.Stack(err)
		answer.Fact, answer.Messages = bare(answer.Fact), payment.Messages{}
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
	if d.Call != nil { // a late success is given back
		return e.carry(ctx, &d, exchangeOf(&d, at))
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

// bare is the fact without what the provider wrote.
func bare(f payment.Fact) payment.Fact {
	return payment.Fact{
		Class: f.Class, Code: f.Code, NotFound: f.NotFound, Revoked: f.Revoked, Amount: f.Amount, Currency: f.Currency,
		Fee: f.Fee, FeeCurrency: f.FeeCurrency,
	}
}

// passing reports that an error says nothing against what was to be stored: the same may work the next time.
func passing(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, payment.ErrBusy) || away(err)
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
	away := (!fact.Next.IsZero() || !a.Next.IsZero()) && !a.Returned // the customer is the slow one
	return now.Add(job.CheckWait(away, a.Checks, e.c.Random)), false
}

// exchangeOf is what the call needs that gives a late success back, at the terminal where it was found.
func exchangeOf(d *payment.Decision, at *reached) exchange {
	for i := range d.Payment.Attempts {
		if a := &d.Payment.Attempts[i]; a.Seq == d.Call.Attempt.Reverses {
			return exchange{original: a, at: at}
		}
	}
	return exchange{at: at}
}

// recordIncoming is a notice as an operation shows it, masked.
func recordIncoming(ctx context.Context, c *opened, post Post) payment.Messages {
	_, rec := outbound.WithRecorder(ctx)
	rec.RecordIncoming(outbound.Incoming{
		At: post.At, Method: http.MethodPost, URL: post.URL, Header: post.Header, Body: post.Body,
	}, c.loggable)
	return payment.Messages{Incoming: rec.Incoming()}
}

// call makes one provider call, once, and classifies what came of it. It always
// returns a fact: what is not proved is UNKNOWN.
func (e *Engine) call(ctx context.Context, p *payment.Payment, call *payment.Call, x exchange) (fact payment.Fact,
	m payment.Messages) {
	started := e.Now()
	ctx, rec := outbound.WithRecorder(ctx)
	kind, c, err := "", x.at.to, x.at.fault
	if c != nil {
		kind = c.kind
		timeout := e.callTimeout(c)
		if call.Ask {
			timeout = min(timeout, e.askLimit())
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
		if _, ok := c.Connector.(connector.Notifier); ok {
			x.noticeURL = e.c.PublicURL + "/notices/" + call.Attempt.TerminalID
		}
		fact, err = e.guarded(ctx, c.Connector, p, call, x)
	} else if !call.Ask {
		err = fmt.Errorf("%w: %w", outbound.ErrNotSent, err)
	}
	if rescue.From(err) != nil && !rec.Begun() { // connectors have no other way out than the client
		err = fmt.Errorf("%w: %w: %w", outbound.ErrNotSent, outbound.ErrOurs, err)
	}
	if err != nil {
		fact = e.classify(ctx, p, call, err)
	}
	e.c.Metrics.ProviderCalls.Observe(e.Now().Sub(started), kind, string(fact.Class))
	return fact, payment.Messages{Outgoing: rec.Outgoing(), Incoming: rec.Incoming()}
}

// classify says what a failed call proves: that nothing left, and whether that is our own doing, or nothing at all.
func (e *Engine) classify(ctx context.Context, p *payment.Payment, call *payment.Call, err error) payment.Fact {
	e.c.Log.WarnContext(ctx, "provider call failed", "payment_id", p.ID, "terminal", call.Attempt.Terminal,
		"attempt", call.Attempt.Seq, "ask", call.Ask, "error", err)
	switch {
	case call.Ask || !errors.Is(err, outbound.ErrNotSent):
		return payment.Fact{Class: payment.ClassUnknown}
	case errors.Is(err, outbound.ErrOurs):
		return payment.Fact{Class: payment.ClassUnsent}
	case errors.Is(err, connector.ErrIncomplete):
		return payment.Fact{Class: payment.ClassNotSent, Code: payment.CodeAcquirerRequest}
	}
	return payment.Fact{Class: payment.ClassNotSent}
}

// guarded runs the connector; its panic is one more unknown outcome, or where it had not begun to send, one more failure
// on our own side.
func (e *Engine) guarded(ctx context.Context, c connector.Connector, p *payment.Payment, call *payment.Call,
	x exchange) (fact payment.Fact, err error) {
	err = rescue.Call(func() (err error) {
		fact, err = e.dispatch(ctx, c, p, call, x)
		return err
	})
	if rescue.From(err) != nil {
		fact = payment.Fact{}
		told := alarm.Alarm{Shop: p.Shop, About: alarm.Terminal, Subject: call.Attempt.TerminalID, Why: whyConnector}.Of(err)
		told.Detail = fmt.Sprintf("payment %s, attempt %d: %s", p.ID, call.Attempt.Seq, told.Detail)
		e.bell.Raise(ctx, told)
	}
	return fact, err
}

func (e *Engine) dispatch(ctx context.Context, c connector.Connector, p *payment.Payment, call *payment.Call,
	x exchange) (payment.Fact, error) {
	if call.Ask {
		return ask(ctx, c, call, x.back)
	}
	r, err := e.request(p, &call.Attempt, x)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("%w: %w: %w", outbound.ErrNotSent, outbound.ErrOurs, err)
	}
	fact, err := send(ctx, c, call.Attempt.Kind, r)
	if fact.Class == payment.ClassUnsent { // not for a connector to say, who would have to give an error
		fact.Class = payment.ClassUnknown
	}
	return fact, err
}

// send chooses the connector's method for the kind of attempt. A capability that
// the connector lacks is a call that provably never left.
func send(ctx context.Context, c connector.Connector, kind payment.AttemptKind, r connector.Request) (payment.Fact, error) {
	switch kind {
	case payment.AttemptDeposit:
		if !r.Verify {
			return c.Start(ctx, r)
		}
		if cc, ok := c.(connector.Verifier); ok {
			return cc.Verify(ctx, r)
		}
	case payment.AttemptCapture:
		if cc, ok := c.(connector.Capturer); ok {
			return cc.Capture(ctx, r)
		}
	case payment.AttemptVoid:
		if cc, ok := c.(connector.Voider); ok {
			return cc.Void(ctx, r)
		}
	case payment.AttemptRefund:
		if cc, ok := c.(connector.Refunder); ok {
			return cc.Refund(ctx, r)
		}
	case payment.AttemptWithdrawal:
		if cc, ok := c.(connector.Payer); ok {
			return cc.Payout(ctx, r)
		}
	}
	return payment.Fact{}, fmt.Errorf("%w: the connector has no %s", outbound.ErrNotSent, kind)
}

// ask queries an attempt by our key. A provider that does not know the attempt is
// asked to refuse it from now on, where it can do that; so is one that may know it,
// when nobody wants it any more. What the customer has brought back is told first, where the provider wants it.
func ask(ctx context.Context, c connector.Connector, call *payment.Call, back payment.Brought) (payment.Fact, error) {
	ref := connector.RefOf(&call.Attempt)
	if ref.ProviderRef == "" && c.Traits().NoAskByKey {
		return payment.Fact{Class: payment.ClassUnknown}, nil
	}
	if !call.Attempt.Live() { // it is only asked about: nothing of it is to be closed
		return c.Status(ctx, ref)
	}
	fencer, fences := c.(connector.Fencer)
	if fences && call.Fence {
		return fencer.Fence(ctx, ref)
	}
	if resumer, ok := c.(connector.Resumer); ok && !back.IsZero() {
		return resumer.Resume(ctx, ref, back)
	}
	fact, err := c.Status(ctx, ref)
	if err == nil && fact.NotFound && fences {
		return fencer.Fence(ctx, ref)
	}
	return fact, err
}

// provenAfter is how far apart two answers "not found" have to be to prove that nothing was booked; zero where they never do.
func provenAfter(t connector.Traits) time.Duration {
	if t.MaxInFlight <= 0 {
		return 0
	}
	return t.MaxInFlight + t.Visible
}

// request puts together what the connector needs for the attempt.
func (e *Engine) request(p *payment.Payment, a *payment.Attempt, x exchange) (connector.Request, error) {
	r := connector.Request{
		Origin: p.Terms.Origin, Until: p.CheckoutUntil,
		Key: a.Key, Amount: a.Amount, Currency: a.Currency, Method: p.Method, PreAuth: p.PreAuth,
		StartRecurring: p.StartRecurring, Means: x.means, Description: p.Description,
		ReturnURL: e.CheckoutURL(p.Shop, p.ID) + "/return", Verify: p.Terms.Verify && a.Kind == payment.AttemptDeposit, NoticeURL: x.noticeURL,
	}
	if x.original != nil {
		r.Original = connector.RefOf(x.original)
	}
	err := errors.Join(p.Customer.Into(&r.Customer), p.Billing.Into(&r.Billing), p.Browser.Into(&r.Browser))
	return r, err
}
