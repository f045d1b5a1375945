package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// exchange is what a provider call needs beside the payment: nothing of it is
// written down.
type exchange struct {
	card       *payment.Card
	original   *payment.Attempt // what a capture, void or refund refers to
	credential string           // of the recurring chain
	chain      payment.ID       // the payment that began that chain
	noticeURL  string           // where the provider may post notices
}

// carry makes the call of a committed intent and stores the answer. It does not
// stop when the caller goes away. When the answer cannot be stored, the payment is
// returned as the intent left it: open, and with a next check like after a crash.
func (e *Engine) carry(ctx context.Context, d *payment.Decision, x exchange) payment.Payment {
	if d.Call == nil {
		return d.Payment
	}
	ctx = settled(ctx)
	fact, messages := e.call(ctx, &d.Payment, d.Call, x)
	p := e.answer(ctx, &d.Payment, d.Call, fact, messages)
	if fact.Revoked && x.chain != "" {
		e.endChain(ctx, &p, x.chain)
	}
	return p
}

// endChain stops the chain whose charge p may not be made again. If that fails, or this process dies before it, the next
// charge is sent once more and ends it then.
func (e *Engine) endChain(ctx context.Context, p *payment.Payment, began payment.ID) {
	if err := e.StopChain(ctx, p.Shop, began); err != nil {
		e.Log.ErrorContext(ctx, "revoked recurring chain not stopped", "payment_id", p.ID, "chain_payment_id", began, "error", err)
	}
}

// carryFor is carry for a caller who waits no longer than that, or to the end where wait is zero. The call goes on in any
// case; Drain waits for it.
func (e *Engine) carryFor(ctx context.Context, d *payment.Decision, x exchange, wait time.Duration) payment.Payment {
	if wait <= 0 || d.Call == nil {
		return e.carry(ctx, d, x)
	}
	ended := make(chan payment.Payment, 1)
	x.card = x.card.Clone() // the caller's is wiped when the caller is answered
	e.carried.Go(func() {
		defer x.card.Wipe()
		ended <- e.carry(ctx, d, x)
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
func (e *Engine) answer(ctx context.Context, p *payment.Payment, call *payment.Call, fact payment.Fact,
	m payment.Messages) payment.Payment {
	a := &call.Attempt
	answer := payment.Answer{Attempt: a.Seq, Op: call.Op, Lease: a.LeaseOwner, Fact: fact, Messages: m, Token: e.IDs.Letters(32)}
	answer.NextCheck = e.nextCheck(a, fact)
	answer.Fenced = call.Fence
	answer.HoldCheck = e.Now().Add(job.HoldWait)
	answer.Late = e.latePolicy(ctx, p.Shop, a.TerminalID)
	answer.MaxInFlight = e.maxInFlight(ctx, p.Shop, a.TerminalID)
	known := *p
	known.Version++ // as the intent was committed
	d, err := e.persist(ctx, known, answer)
	if clashed(err, store.WriteAttempt) {
		e.Log.ErrorContext(ctx, "the provider answers with a transaction of another payment", "payment_id", p.ID,
			"attempt", a.Seq, "terminal", a.Terminal)
		if call.Ask { // found by our own key: what it says is ours, whoever else was told that id
			answer.Fact.ProviderRef = ""
		} else {
			answer.Fact = payment.Fact{Class: payment.ClassUnknown}
		}
		d, err = e.persist(ctx, payment.Payment{Shop: p.Shop, ID: p.ID}, answer)
	}
	if err != nil {
		e.Log.ErrorContext(ctx, "answer of a provider not stored", "payment_id", p.ID, "attempt", a.Seq,
			"class", fact.Class, "error", err)
		return *p
	}
	if d.Call != nil { // a late success is given back
		return e.carry(ctx, &d, exchangeOf(&d))
	}
	return d.Payment
}

// nextCheck is when to ask about an attempt that stays open; never, once the ladder
// has ended and a human has to look.
func (e *Engine) nextCheck(a *payment.Attempt, fact payment.Fact) time.Time {
	now := e.Now()
	if now.Sub(a.Started) > job.CheckFor {
		return time.Time{}
	}
	away := (fact.Redirect != "" || a.Redirect != "") && !a.Returned // the customer is the slow one
	return now.Add(job.CheckWait(away, a.Checks, e.Random))
}

// exchangeOf is what the call needs that gives a late success back.
func exchangeOf(d *payment.Decision) exchange {
	for i := range d.Payment.Attempts {
		if a := &d.Payment.Attempts[i]; a.Seq == d.Call.Attempt.Reverses {
			return exchange{original: a}
		}
	}
	return exchange{}
}

// recordIncoming is a notice as an operation shows it, masked.
func recordIncoming(ctx context.Context, c *opened, post Post) payment.Messages {
	_, rec := outbound.WithRecorder(ctx)
	rec.RecordIncoming(outbound.Incoming{
		At: post.At, Method: http.MethodPost, URL: post.URL, Header: post.Header, Body: post.Body,
	}, c.loggable)
	return payment.Messages{Incoming: rec.Incoming()}
}

func (e *Engine) maxInFlight(ctx context.Context, shop payment.ShopID, terminal string) time.Duration {
	c, err := e.connectors.get(ctx, e, shop, terminal)
	if err != nil {
		return 0
	}
	return c.Traits().MaxInFlight
}

// call makes one provider call, once, and classifies what came of it. It always
// returns a fact: what is not proved is UNKNOWN.
func (e *Engine) call(ctx context.Context, p *payment.Payment, call *payment.Call, x exchange) (fact payment.Fact,
	m payment.Messages) {
	started := e.Now()
	ctx, rec := outbound.WithRecorder(ctx)
	kind := ""
	c, err := e.connectors.get(ctx, e, p.Shop, call.Attempt.TerminalID)
	if err == nil {
		kind = c.kind
		timeout := e.callTimeout(c)
		if call.Ask {
			timeout = min(timeout, e.askLimit())
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
		if _, ok := c.Connector.(connector.Notifier); ok {
			x.noticeURL = e.PublicURL + "/notices/" + call.Attempt.TerminalID
		}
		fact, err = e.guarded(ctx, c.Connector, p, call, x)
	} else if !call.Ask {
		err = fmt.Errorf("%w: %w", outbound.ErrNotSent, err)
	}
	if err != nil {
		fact = e.classify(ctx, p, call, err)
	}
	e.Metrics.ProviderCalls.Observe(e.Now().Sub(started), kind, string(fact.Class))
	return fact, payment.Messages{Outgoing: rec.Outgoing(), Incoming: rec.Incoming()}
}

// classify says what a failed call proves: that nothing left, or nothing at all.
func (e *Engine) classify(ctx context.Context, p *payment.Payment, call *payment.Call, err error) payment.Fact {
	e.Log.WarnContext(ctx, "provider call failed", "payment_id", p.ID, "terminal", call.Attempt.Terminal,
		"attempt", call.Attempt.Seq, "ask", call.Ask, "error", err)
	if !call.Ask && errors.Is(err, connector.ErrIncomplete) {
		return payment.Fact{Class: payment.ClassNotSent, Code: payment.CodeAcquirerRequest}
	}
	if !call.Ask && errors.Is(err, outbound.ErrNotSent) {
		return payment.Fact{Class: payment.ClassNotSent}
	}
	return payment.Fact{Class: payment.ClassUnknown}
}

var errPanic = errors.New("connector panicked")

// guarded runs the connector; its panic is one more unknown outcome.
func (e *Engine) guarded(ctx context.Context, c connector.Connector, p *payment.Payment, call *payment.Call,
	x exchange) (fact payment.Fact, err error) {
	defer func() {
		if r := recover(); r != nil {
			e.Log.ErrorContext(ctx, "connector panicked", "payment_id", p.ID, "terminal", call.Attempt.Terminal,
				"panic", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			fact, err = payment.Fact{}, errPanic
		}
	}()
	if call.Ask {
		return ask(ctx, c, call)
	}
	r, err := e.request(p, &call.Attempt, x)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("%w: %w", outbound.ErrNotSent, err)
	}
	return send(ctx, c, call.Attempt.Kind, r)
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
// when nobody wants it any more.
func ask(ctx context.Context, c connector.Connector, call *payment.Call) (payment.Fact, error) {
	ref := refOf(&call.Attempt)
	fencer, fences := c.(connector.Fencer)
	if fences && call.Fence {
		return fencer.Fence(ctx, ref)
	}
	fact, err := c.Status(ctx, ref)
	if err == nil && fact.NotFound && fences {
		return fencer.Fence(ctx, ref)
	}
	return fact, err
}

func refOf(a *payment.Attempt) connector.Ref {
	return connector.Ref{Kind: a.Kind, Key: a.Key, ProviderRef: a.ProviderRef, Amount: a.Amount, Currency: a.Currency}
}

// request puts together what the connector needs for the attempt.
func (e *Engine) request(p *payment.Payment, a *payment.Attempt, x exchange) (connector.Request, error) {
	r := connector.Request{
		Origin: p.Terms.Origin, Until: p.CheckoutUntil,
		Key: a.Key, Amount: a.Amount, Currency: a.Currency, Method: p.Method, PreAuth: p.PreAuth,
		StartRecurring: p.StartRecurring, Credential: x.credential, Card: x.card, Description: p.Description,
		ReturnURL: e.CheckoutURL(p.Shop, p.ID) + "/return", Verify: p.Terms.Verify && a.Kind == payment.AttemptDeposit, NoticeURL: x.noticeURL,
	}
	if x.original != nil {
		r.Original = refOf(x.original)
	}
	err := errors.Join(p.Customer.Into(&r.Customer), p.Billing.Into(&r.Billing), p.Browser.Into(&r.Browser))
	return r, err
}
