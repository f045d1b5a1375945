package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// onceMore makes the call of an attempt again whose provider did not tell how it ended, where that is the way to learn it. Where nothing
// leaves, what was told stands. Where something does, a "not found" from before it is worth nothing, and neither is a refusal of
// the request: what was sent first may have been carried out all the same.
func (e *Engine) onceMore(ctx context.Context, p *payment.Payment, call *payment.Call, x callInput,
	told payment.Fact) (payment.Fact, error) {
	only, ok := e.resend.May(ctx, p, x.at.to, call, e.askLimit())
	if !ok {
		return told, nil
	}
	r, err := e.asBefore(ctx, p, call, x)
	if err != nil {
		e.c.Log.WarnContext(ctx, "a call is not made again", "payment_id", p.ID, "attempt", call.Attempt.Seq, "error", err)
		return told, nil
	}
	defer instrument.Wipe(r.Means)
	fact, err := connector.Send(only, x.at.to.Connector, call.Attempt.Kind, r)
	switch {
	case errors.Is(err, outbound.ErrNotSent):
		e.c.Log.InfoContext(ctx, "a call is not made again", "payment_id", p.ID, "attempt", call.Attempt.Seq, "error", err)
		return told, nil
	case err != nil:
		return payment.Fact{}, fmt.Errorf("sent again: %w", err)
	case fact.Class == payment.ClassRejected, fact.Class == payment.ClassNotSent, fact.Class == payment.ClassUnsent:
		return payment.Fact{Class: payment.ClassUnknown}, nil
	}
	call.Ask = fact.Class == payment.ClassUnknown // else it is the answer to the call itself
	return fact, nil
}

// asBefore puts together, from rows alone, what the attempt's call was made of.
func (e *Engine) asBefore(ctx context.Context, p *payment.Payment, call *payment.Call, x callInput) (connector.Request, error) {
	var err error
	if x.original, err = e.originalOf(ctx, p, &call.Attempt); err != nil {
		return connector.Request{}, err
	}
	if call.Attempt.Kind == payment.AttemptDeposit && p.Terms.Chain != "" {
		if x, err = e.retryChain(ctx, p, x); err != nil {
			return connector.Request{}, err
		}
	}
	return e.request(p, &call.Attempt, x)
}
