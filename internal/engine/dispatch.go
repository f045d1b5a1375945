package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/resend"
)

// call makes one provider call, once, and classifies what came of it. It always
// returns a fact: what is not proved is UNKNOWN.
func (e *Engine) call(ctx context.Context, p *payment.Payment, call *payment.Call, x callInput) (fact payment.Fact,
	m payment.Messages) {
	started := e.Now()
	ctx, rec := outbound.WithRecorder(ctx)
	kind, c, err := "", x.at.to, x.at.fault
	var sent *resend.Sent // what may have to be sent again
	if c != nil {
		kind = c.Kind
		timeout := e.callTimeout(c)
		if call.Ask {
			timeout = min(timeout, e.askLimit())
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
		if _, ok := connector.As[connector.Notifier](c.Connector); ok {
			x.noticeURL = e.c.PublicURL + "/notices/" + call.Attempt.TerminalID
		}
		if !call.Ask {
			ctx, sent = e.resend.Watch(ctx, c, &call.Attempt, x.means)
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
	sent.Keep(settled(ctx), p, &fact)
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
	x callInput) (fact payment.Fact, err error) {
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
	x callInput) (payment.Fact, error) {
	if call.Ask {
		of, err := e.named(ctx, c, p, &call.Attempt)
		if err != nil {
			return payment.Fact{}, err
		}
		fact, err := connector.Ask(ctx, c, call, of, x.back)
		if err == nil && fact.Class == payment.ClassUnknown {
			fact, err = e.onceMore(ctx, p, call, x, fact)
		}
		return fact, errors.Join(err, connector.UnfitToShow(p, &fact))
	}
	r, err := e.request(p, &call.Attempt, x)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("%w: %w: %w", outbound.ErrNotSent, outbound.ErrOurs, err)
	}
	fact, err := connector.Send(ctx, c, call.Attempt.Kind, r)
	if fact.Class == payment.ClassUnsent { // not for a connector to say, who would have to give an error
		fact.Class = payment.ClassUnknown
	}
	return fact, errors.Join(err, connector.UnfitToShow(p, &fact))
}

// named is what an attempt refers to, for a provider that finds it through that only. Of any other it reads nothing.
func (e *Engine) named(ctx context.Context, c connector.Connector, p *payment.Payment, a *payment.Attempt) (connector.Original, error) {
	if !c.Traits().NeedsOriginal(a) {
		return connector.Original{}, nil
	}
	of, err := e.originalOf(ctx, p, a)
	return connector.OriginalOf(of), err
}

// request puts together what the connector needs for the attempt.
func (e *Engine) request(p *payment.Payment, a *payment.Attempt, x callInput) (connector.Request, error) {
	r := connector.Request{
		Origin: p.Terms.Origin, Until: p.CheckoutUntil,
		Key: a.Key, Amount: a.Sent.Amount, Currency: a.Sent.Currency, Method: p.Method, PreAuth: p.PreAuth,
		StartRecurring: p.StartRecurring, Means: x.means, Description: p.Description,
		ReturnURL: e.CheckoutURL(p.Shop, p.ID) + "/return", Verify: p.Terms.Verify && a.Kind == payment.AttemptDeposit, NoticeURL: x.noticeURL,
		OnPage: x.onPage,
	}
	if x.original != nil {
		r.Original = connector.RefOf(x.original)
	}
	err := errors.Join(p.Customer.Into(&r.Customer), p.Billing.Into(&r.Billing), p.Browser.Into(&r.Browser))
	return r, err
}
