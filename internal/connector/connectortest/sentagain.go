package connectortest

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// sentAgain makes calls once more whose answer was lost, where the connector says that this tells how they ended: the same one books once and
// is answered, and whatever would be another request does not leave.
func sentAgain(t *testing.T, s Suite) {
	keyed := func(sum []byte) []byte { h := sha256.Sum256(sum); return h[:] }
	for _, kind := range kinds() {
		for _, f := range []FaultKind{FaultDrop, FaultDropBefore} {
			t.Run(string(kind)+" "+string(f), func(t *testing.T) {
				r := newRig(t, s)
				if r.c.Traits().Resend.Within <= 0 || kind == payment.AttemptWithdrawal {
					t.Skip("it is never sent again")
				}
				q := r.request(t, kind)
				means := q.Means
				q.Means = instrument.Clone(means)
				r.strike(t, callOf(kind), Fault{Kind: f})
				ctx, sums := outbound.WithSums(t.Context(), keyed)
				if fact, err := r.sendIn(ctx, t, kind, q); !unknown(fact, err) {
					t.Fatalf("%+v, %v; want UNKNOWN", fact, err)
				}
				if sums.String() == "" {
					t.Fatal("no request says what it does once: outbound.Request.Once")
				}
				before := r.p.Requests()
				if kind != payment.AttemptVoid { // it has no content to change
					other := q
					other.Means, other.Amount = instrument.Clone(means), money.MustParse("3.21")
					fact, err := r.sendIn(outbound.OnlyAgain(t.Context(), keyed, sums.String()), t, kind, other)
					if !errors.Is(err, outbound.ErrNotSent) || r.p.Requests() != before {
						t.Errorf("another amount: %+v, %v; %d requests; want outbound.ErrNotSent and none", fact, err, r.p.Requests()-before)
					}
				}
				other := q
				other.Means, other.Key = instrument.Clone(means), r.key()
				fact, err := r.sendIn(outbound.OnlyAgain(t.Context(), keyed, sums.String()), t, kind, other)
				if !errors.Is(err, outbound.ErrNotSent) || r.p.Requests() != before {
					t.Errorf("another key: %+v, %v; %d requests; want outbound.ErrNotSent and none", fact, err, r.p.Requests()-before)
				}
				q.Means = instrument.Clone(means)
				fact, err = r.sendIn(outbound.OnlyAgain(t.Context(), keyed, sums.String()), t, kind, q)
				r.done(t, kind, q, fact, err)
				r.booked(t, q, movement(kind))
			})
		}
	}
}
