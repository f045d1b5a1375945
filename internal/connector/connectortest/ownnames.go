package connectortest

import (
	"context"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
)

// remember keeps the provider's name of an attempt, as the engine does.
func (r *rig) remember(key string, f payment.Fact, err error) {
	if err == nil && f.ProviderRef != "" {
		r.names.Store(key, f.ProviderRef)
	}
}

// named refers to an attempt, by the provider's name of it where that is known and wanted.
func (r *rig) named(kind payment.AttemptKind, q connector.Request) connector.Ref {
	ref := r.refOf(kind, q)
	if name, known := r.names.Load(q.Key); known && r.suite.But.Named {
		ref.ProviderRef, _ = name.(string)
	}
	return ref
}

// question asks about an attempt as the engine asks about one that is live. Of providers that know their own names only, a deposit of
// which nothing was told is closed, or found by that.
func (r *rig) question(ctx context.Context, kind payment.AttemptKind, q connector.Request) (payment.Fact, error) {
	ref := r.named(kind, q)
	if fencer, ok := connector.As[connector.Fencer](r.c); ok && r.suite.But.Named && kind == payment.AttemptDeposit && ref.ProviderRef == "" {
		return fencer.Fence(ctx, ref)
	}
	if resumer, ok := connector.As[connector.Resumer](r.c); ok && r.c.Traits().Completes {
		return resumer.Resume(ctx, ref, payment.Brought{})
	}
	return r.c.Status(ctx, ref)
}
