package connector

import (
	"context"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// Send makes an attempt's own call: it chooses the connector's method for the kind of attempt. A capability that
// the connector lacks is a call that provably never left.
func Send(ctx context.Context, c Connector, kind payment.AttemptKind, r Request) (payment.Fact, error) {
	switch kind {
	case payment.AttemptDeposit:
		if !r.Verify {
			return c.Start(ctx, r)
		}
		if cc, ok := As[Verifier](c); ok {
			return cc.Verify(ctx, r)
		}
	case payment.AttemptCapture:
		if cc, ok := As[Capturer](c); ok {
			return cc.Capture(ctx, r)
		}
	case payment.AttemptVoid:
		if cc, ok := As[Voider](c); ok {
			return cc.Void(ctx, r)
		}
	case payment.AttemptRefund:
		if cc, ok := As[Refunder](c); ok {
			return cc.Refund(ctx, r)
		}
	case payment.AttemptWithdrawal:
		if cc, ok := As[Payer](c); ok {
			return cc.Payout(ctx, r)
		}
	}
	return payment.Fact{}, fmt.Errorf("%w: the connector has no %s", outbound.ErrNotSent, kind)
}

// Ask queries an attempt by our key. A provider that does not know the attempt is
// asked to refuse it from now on, where it can do that; so is one that may know it,
// when nobody wants it any more. What the customer has brought back is told first, where the provider wants it; where it leaves
// that to us, what the customer has approved is taken.
// of names what a capture, void or refund refers to, where NeedsOriginal says that it has to be named.
func Ask(ctx context.Context, c Connector, call *payment.Call, of Original, back payment.Brought) (payment.Fact, error) {
	ref := RefOf(&call.Attempt)
	ref.Of = of
	traits := c.Traits()
	nameless := !traits.Asks(ref.ProviderRef)
	if !call.Attempt.Live() && !nameless { // it is only asked about: nothing of it is to be closed
		return c.Status(ctx, ref)
	}
	fencer, fences := As[Fencer](c)
	if fences && call.Fence && !nameless {
		return fencer.Fence(ctx, ref)
	}
	ask := func() (payment.Fact, error) { return c.Status(ctx, ref) }
	resumer, resumes := As[Resumer](c)
	switch {
	case resumes && call.Attempt.Live() && !call.Fence && (!back.IsZero() || traits.Completes && !nameless): // what it brought names the attempt; what nobody wants is not gone on with
		ask = func() (payment.Fact, error) { return resumer.Resume(ctx, ref, back) }
	case nameless:
		return payment.Fact{Class: payment.ClassUnknown}, nil
	}
	fact, err := ask()
	if err == nil && fact.NotFound && fences && !nameless {
		return fencer.Fence(ctx, ref)
	}
	return fact, err
}

// Asks reports that an attempt can be asked about of which the provider's id is that; empty for none.
func (t Traits) Asks(providerRef string) bool {
	return !t.Told && (providerRef != "" || !t.NoAskByKey)
}

// NeedsOriginal reports that the provider finds the attempt through what it refers to only.
func (t Traits) NeedsOriginal(a *payment.Attempt) bool {
	follows := a.Kind == payment.AttemptCapture || a.Kind == payment.AttemptVoid || a.Kind == payment.AttemptRefund
	return follows && t.ByOriginal && a.ProviderRef == ""
}

// ProvenAfter is how far apart two answers "not found" have to be to prove that nothing was booked; zero where they never do.
func (t Traits) ProvenAfter() time.Duration {
	if t.MaxInFlight <= 0 {
		return 0
	}
	return t.MaxInFlight + t.Visible
}
