package connectortest

import (
	"context"
	"slices"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
)

// fences closes attempts that never arrived, wait, or are done.
func fences(t *testing.T, s Suite) {
	for _, kind := range kinds() {
		t.Run(string(kind)+" that never arrived", func(t *testing.T) {
			r := newRig(t, s)
			q := r.request(t, kind)
			if s.But.Begun && kind == payment.AttemptDeposit {
				t.Skip("nothing of it can arrive before its customer has come back")
			}
			if slices.Contains(s.But.Unfenced, kind) {
				if fact, err := r.fence(t, kind, q); err != nil || !fact.NotFound {
					t.Errorf("%+v, %v; want not found", fact, err)
				}
				return
			}
			for range 2 { // a fence may be set twice
				if fact, err := r.fence(t, kind, q); err != nil || fact.Class != payment.ClassRejected {
					t.Fatalf("%+v, %v; want REJECTED", fact, err)
				}
				if s.But.Unique {
					break
				}
			}
			if fact, err := r.status(t, kind, q); err != nil || !fact.Class.Refused() && !s.But.Unique {
				t.Errorf("status: %+v, %v; want a refusal", fact, err)
			}
			if fact, err := r.send(t, kind, q); err == nil && won(fact) {
				t.Errorf("the original still arrived: %+v", fact)
			}
			r.booked(t, q)
		})
		t.Run(string(kind)+" that is done", func(t *testing.T) {
			r := newRig(t, s)
			q := r.request(t, kind)
			r.must(t, kind, q)
			if fact, err := r.fence(t, kind, q); err != nil || fact.Class != payment.ClassApproved || fact.Echoed.Amount != q.Amount {
				t.Errorf("%+v, %v; want APPROVED %s", fact, err, q.Amount)
			}
			r.booked(t, q, movement(kind))
		})
		t.Run(string(kind)+" that is pending", func(t *testing.T) {
			r := newRig(t, s)
			q := r.request(t, kind)
			r.strike(t, callOf(kind), Fault{Kind: FaultPending})
			if fact, err := r.send(t, kind, q); err != nil || fact.Class != payment.ClassWaiting {
				t.Fatalf("%+v, %v; want WAITING", fact, err)
			}
			fact, err := r.fence(t, kind, q)
			if s.But.Steady && err == nil && fact.Class == payment.ClassWaiting {
				if err := r.p.Finish(q.Key, true); err != nil {
					t.Fatal(err)
				}
				r.booked(t, q, movement(kind))
				return
			}
			if err != nil || !fact.Class.Refused() && (kind != payment.AttemptDeposit || fact.Class != payment.ClassCancelled) {
				t.Fatalf("%+v, %v; want a refusal", fact, err)
			}
			_ = r.p.Finish(q.Key, true) // the double may refuse: there is nothing left to end
			r.booked(t, q)
		})
	}
}

// fenceFaults lets fences fail, after which nothing is known.
func fenceFaults(t *testing.T, s Suite) {
	r := newRig(t, s)
	for _, f := range queryHurts {
		t.Run(string(f), func(t *testing.T) {
			fencer, ok := connector.As[connector.Fencer](r.c)
			if !ok {
				t.Skip("the connector has no fence")
			}
			if f == FaultWrongReference && slices.Contains(s.But.Unfenced, payment.AttemptDeposit) {
				t.Skip("the fence of what never arrived is a query, whose answer names nothing")
			}
			q := r.sale()
			r.strike(t, CallFence, Fault{Kind: f})
			ctx, cancel := r.within(t, f)
			defer cancel()
			fact, err := r.watch(ctx, t, func(ctx context.Context) (payment.Fact, error) {
				return fencer.Fence(ctx, r.refOf(payment.AttemptDeposit, q))
			})
			if err == nil && fact.Class != payment.ClassUnknown || fact.NotFound {
				t.Errorf("%+v, %v; want UNKNOWN", fact, err)
			}
		})
	}
}
