package connectortest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// holds asks for an authorization before and after its end.
func holds(t *testing.T, s Suite) {
	cases := []struct {
		name   string
		then   payment.AttemptKind // empty: nothing
		amount string
		want   payment.Class
		told   string
	}{
		{"standing", "", "", payment.ClassAuthorized, "11.12"},
		{"captured", payment.AttemptCapture, "11.12", payment.ClassApproved, "11.12"},
		{"captured in part", payment.AttemptCapture, "4.5", payment.ClassApproved, "4.5"},
		{"voided", payment.AttemptVoid, "11.12", payment.ClassCancelled, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, s)
			if !r.c.Traits().PreAuth || c.then != "" && (!r.can(c.then) || r.told()) { // what is told of a hold is told once
				t.Skip("the connector cannot")
			}
			hold := r.sale()
			hold.PreAuth = true
			held := r.must(t, payment.AttemptDeposit, hold)
			r.booked(t, hold, Held)
			if c.then != "" {
				q := connector.Request{
					Key: r.key(), Amount: money.MustParse(c.amount), Currency: hold.Currency, Method: hold.Method,
					Original: r.refOf(payment.AttemptDeposit, hold),
				}
				q.Original.ProviderRef = held.ProviderRef
				r.must(t, c.then, q)
				r.booked(t, q, movement(c.then))
			}
			fact, err := r.status(t, payment.AttemptDeposit, hold)
			if err != nil || fact.Class != c.want || fact.ProviderRef != held.ProviderRef {
				t.Errorf("%+v, %v; want %s of %s", fact, err, c.want, held.ProviderRef)
			}
			if c.told != "" && fact.Echoed.Amount != money.MustParse(c.told) {
				t.Errorf("told %s, want %s", fact.Echoed.Amount, c.told)
			}
		})
	}
}

// originals lets follow-ups name their original by key alone, as they have to when its
// answer was lost.
func originals(t *testing.T, s Suite) {
	for _, kind := range []payment.AttemptKind{payment.AttemptCapture, payment.AttemptVoid, payment.AttemptRefund} {
		t.Run(string(kind), func(t *testing.T) {
			r := newRig(t, s)
			q := r.request(t, kind)
			if !s.But.Named {
				q.Original.ProviderRef = r.nameOf(q.Original.Key)
			}
			if r.told() {
				if fact, err := r.send(t, kind, q); !errors.Is(err, outbound.ErrNotSent) {
					t.Errorf("of an original without its name: %+v, %v; want an error that wraps ErrNotSent", fact, err)
				}
				r.booked(t, q)
				return
			}
			r.must(t, kind, q)
			r.booked(t, q, movement(kind))
			for _, other := range []payment.AttemptKind{payment.AttemptDeposit, payment.AttemptCapture, payment.AttemptVoid, payment.AttemptRefund} {
				if s.But.Named && other == payment.AttemptDeposit {
					continue // nothing was told of one, so that its key would be used up
				}
				if fact, err := r.status(t, other, q); other != kind && err == nil && fact.Class != payment.ClassUnknown {
					t.Errorf("asked about it as a %s: %+v", other, fact)
				}
			}

			q.Key, q.Original.Key = r.key(), r.key()
			q.Original.ProviderRef = ""
			fact, err := r.send(t, kind, q)
			if err == nil && !fact.Class.Refused() {
				t.Errorf("of an original that nobody knows: %+v", fact)
			}
			r.booked(t, q)
		})
	}
}

// queryHurts are faults of a query. What refuses the query refuses not the attempt.
var queryHurts = []FaultKind{
	FaultHang, FaultDrop, FaultServerError, FaultGateway, FaultGarbage, FaultTruncated, FaultHuge, FaultEmpty,
	FaultErrorInside, FaultWrongReference, FaultRedirect, FaultRateLimited, FaultUnauthorized, FaultRejected,
}

func queryFaults(t *testing.T, s Suite) {
	r := newRig(t, s)
	if r.told() {
		t.Skip("nothing can be asked about")
	}
	done, absent := r.sale(), r.sale()
	r.must(t, payment.AttemptDeposit, done)
	for _, f := range queryHurts {
		t.Run(string(f), func(t *testing.T) {
			for name, q := range map[string]connector.Request{"booked": done, "absent": absent} {
				if name == "absent" && (f == FaultWrongReference || s.But.Named || s.But.Begun) {
					continue
				}
				r.strike(t, CallStatus, Fault{Kind: f})
				ctx, cancel := r.within(t, f)
				fact, err := r.watch(ctx, t, func(ctx context.Context) (payment.Fact, error) {
					return r.c.Status(ctx, r.named(payment.AttemptDeposit, q))
				})
				cancel()
				if err == nil && fact.Class != payment.ClassUnknown || fact.NotFound {
					t.Errorf("%s: %+v, %v; want UNKNOWN and not NotFound", name, fact, err)
				}
			}
		})
	}
	if s.But.Named {
		return
	}
	if fact, err := r.status(t, payment.AttemptDeposit, absent); err != nil || !fact.NotFound {
		t.Errorf("a key that was never used: %+v, %v; want NotFound", fact, err)
	}
}

func lag(t *testing.T, s Suite) {
	r := newRig(t, s)
	r.strike(t, CallStart, Fault{Kind: FaultLag})
	q := r.sale()
	if fact, err := r.send(t, payment.AttemptDeposit, q); !unknown(fact, err) {
		t.Errorf("%+v, %v; want UNKNOWN", fact, err)
	}
	if fact, err := r.status(t, payment.AttemptDeposit, q); err != nil || !fact.NotFound {
		t.Fatalf("%+v, %v; want NotFound", fact, err)
	}
	if _, ok := connector.As[connector.Fencer](r.c); ok {
		fact, err := r.fence(t, payment.AttemptDeposit, q)
		blind := fact.Class == payment.ClassUnknown && (s.But.Blind && !fact.NotFound || slices.Contains(s.But.Unfenced, payment.AttemptDeposit))
		if err != nil || !won(fact) && !blind {
			t.Errorf("fence of what was booked: %+v, %v; want APPROVED", fact, err)
		}
	}
	if err := r.p.Finish(q.Key, true); err != nil {
		t.Fatal(err)
	}
	if fact, err := r.status(t, payment.AttemptDeposit, q); err != nil || fact.Class != payment.ClassApproved {
		t.Errorf("%+v, %v; want APPROVED", fact, err)
	}
	r.booked(t, q, Taken)
}
