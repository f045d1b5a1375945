package connectortest

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// hurt is a fault of a request that may move money, and what has to come of it.
type hurt struct {
	kind   FaultKind
	booked bool
	want   verdict
}

// verdict says what an answer under a fault may claim.
type verdict uint8

const (
	open     verdict = iota // the outcome is unknown, and nothing else
	rejected                // REJECTED, as the provider documents
	mismatch                // unknown, or a success that shows that it is not ours
)

var hurts = []hurt{
	{FaultHang, true, open}, {FaultHangBefore, false, open}, {FaultDrop, true, open}, {FaultDropBefore, false, open},
	{FaultServerError, true, open}, {FaultServerErrorBefore, false, open}, {FaultGateway, true, open},
	{FaultGatewayBefore, false, open}, {FaultGarbage, true, open}, {FaultTruncated, true, open},
	{FaultHuge, true, open}, {FaultEmpty, true, open}, {FaultErrorInside, true, open},
	{FaultWrongAmount, true, mismatch}, {FaultWrongCurrency, true, mismatch}, {FaultWrongID, true, mismatch},
	{FaultWrongReference, true, open}, {FaultNewStatus, true, open}, {FaultRedirect, true, open},
	{FaultRateLimited, false, rejected}, {FaultUnauthorized, false, rejected}, {FaultRejected, false, rejected},
}

// faults lets every kind of call meet every fault. Afterwards a query by key tells the
// truth, and nothing was booked twice.
func faults(t *testing.T, s Suite) {
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, s)
			for _, h := range hurts {
				t.Run(string(h.kind), func(t *testing.T) { r.suffer(t, kind, r.request(t, kind), h) })
			}
		})
	}
}

func (r *rig) suffer(t *testing.T, kind payment.AttemptKind, q connector.Request, h hurt) {
	t.Helper()
	call, moved := callOf(kind), []Movement{movement(kind)}
	if q.Verify {
		call, moved = CallVerify, nil
	}
	r.strike(t, call, Fault{Kind: h.kind})
	ctx, cancel := r.within(t, h.kind)
	defer cancel()
	before := r.p.Requests()
	fact, err := r.sendIn(ctx, t, kind, q)
	if n := r.p.Requests() - before; n != 1 {
		t.Errorf("%d requests for one call", n)
	}
	r.names.Delete(q.Key) // what came may have been another's
	truth, askErr := r.status(t, kind, q)
	if h.booked {
		truth, askErr = r.arrived(t, kind, q, truth, askErr)
	}
	switch h.want {
	case open:
		if !unknown(fact, err) {
			t.Errorf("%+v, %v; want UNKNOWN", fact, err)
		}
	case rejected:
		if err != nil || fact.Class != payment.ClassRejected || fact.Code == "" {
			t.Errorf("%+v, %v; want REJECTED with a code", fact, err)
		}
	case mismatch:
		began := r.waits(kind) && fact.Class == payment.ClassWaiting
		other := (won(fact) || began) && (fact.Echoed.Amount != q.Amount || fact.Echoed.Currency != q.Currency || fact.ProviderRef != truth.ProviderRef)
		waits := r.told() && err == nil && fact.Class == payment.ClassWaiting // which claims nothing
		if !unknown(fact, err) && !other && !waits {
			t.Errorf("%+v, %v; want UNKNOWN, or a success that is visibly not ours", fact, err)
		}
	}
	if !h.booked {
		closed := r.suite.But.Named && truth.Class == payment.ClassRejected
		if askErr != nil || !truth.NotFound && !closed {
			t.Errorf("status: %+v, %v; want not found", truth, askErr)
		}
		r.booked(t, q)
		return
	}
	if askErr != nil || truth.Class != payment.ClassApproved || truth.Echoed.Amount != q.Amount {
		t.Errorf("status: %+v, %v; want APPROVED %s", truth, askErr, q.Amount)
	}
	r.booked(t, q, moved...)
}

// unreachable calls an address where nobody listens: proof that nothing was sent.
func unreachable(t *testing.T, s Suite) {
	r := rigAt(t, s, s.Open(t), "http://127.0.0.1:1") // no system gives this port to anybody
	for _, kind := range kinds() {
		if !r.can(kind) {
			continue
		}
		fact, err := r.send(t, kind, r.loose(kind))
		if err == nil || !errors.Is(err, outbound.ErrNotSent) {
			t.Errorf("%s: %+v, %v; want an error that wraps ErrNotSent", kind, fact, err)
		}
		if fact, err := r.ask(t, kind, r.loose(kind)); err == nil && !r.told() && !s.But.Begun {
			t.Errorf("%s: status %+v, want an error", kind, fact)
		}
	}
	if !r.canVerify() {
		return
	}
	if fact, err := r.send(t, payment.AttemptDeposit, r.verification(t, r.p.Good)); !errors.Is(err, outbound.ErrNotSent) {
		t.Errorf("verification: %+v, %v; want an error that wraps ErrNotSent", fact, err)
	}
}

// loose is a request of that kind whose original nobody knows.
func (r *rig) loose(kind payment.AttemptKind) connector.Request {
	q := r.sale()
	switch kind {
	case payment.AttemptDeposit:
	case payment.AttemptWithdrawal:
		if r.p.Account != nil {
			q.Means, q.Customer = nil, *r.p.Account
		}
	default:
		q.Means = nil
		q.Original = connector.Ref{
			Kind: payment.AttemptDeposit, Key: r.key(), ProviderRef: cmp.Or(r.suite.Foreign, "0195a0e27cc17a3b8b1f0a4c5d6e7f80"),
			Amount: q.Amount, Currency: q.Currency,
		}
	}
	return q
}

func contexts(t *testing.T, s Suite) {
	t.Run("ended before", func(t *testing.T) {
		r := newRig(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		before := r.p.Requests()
		q := r.sale()
		if fact, err := r.sendIn(ctx, t, payment.AttemptDeposit, q); !errors.Is(err, outbound.ErrNotSent) {
			t.Errorf("%+v, %v; want an error that wraps ErrNotSent", fact, err)
		}
		if n := r.p.Requests() - before; n != 0 {
			t.Errorf("%d requests under an ended context", n)
		}
		r.booked(t, q)
	})
	t.Run("ends meanwhile", func(t *testing.T) {
		r := newRig(t, s)
		r.strike(t, CallStart, Fault{Kind: FaultHang})
		ctx, cancel := r.within(t, FaultHang)
		defer cancel()
		q := r.sale()
		started := time.Now()
		fact, err := r.sendIn(ctx, t, payment.AttemptDeposit, q)
		if !unknown(fact, err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v, %v; want UNKNOWN because of the deadline", fact, err)
		}
		if took := time.Since(started); took > patience/2 {
			t.Errorf("the call went on for %s", took)
		}
		r.pay(t, payment.AttemptDeposit, q)
		r.booked(t, q, Taken)
	})
}
