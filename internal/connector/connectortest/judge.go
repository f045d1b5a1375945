package connectortest

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// wellFormed checks what holds for every fact.
func wellFormed(t *testing.T, f payment.Fact) {
	t.Helper()
	won := f.Class == payment.ClassApproved || f.Class == payment.ClassAuthorized
	switch {
	case f.Class == payment.ClassPrepared, f.Class == payment.ClassNotSent, f.Class == payment.ClassUnsent, f.Class == "":
		t.Errorf("%q is not a connector's class", f.Class)
	case won && (f.ProviderRef == "" || f.Code != ""):
		t.Errorf("a success has the provider's id and no error code: %+v", f)
	case f.Code != "" && !f.Code.Valid():
		t.Errorf("%s is not in the table of codes", f.Code)
	case f.NotFound && f.Class != payment.ClassUnknown:
		t.Errorf("not found is no more than UNKNOWN, not %s", f.Class)
	}
	if f.Next.IsZero() {
		return
	}
	if f.Class != payment.ClassWaiting {
		t.Errorf("%s, and the customer has something to do: %+v", f.Class, f.Next)
	}
	if u, err := url.Parse(f.Next.URL); f.Next.Leads() && (err != nil || !u.IsAbs()) {
		t.Errorf("the customer is led to an absolute address, not to %q", f.Next.URL)
	}
}

// unknown reports whether the answer leaves the outcome open.
func unknown(f payment.Fact, err error) bool {
	if err != nil {
		return !errors.Is(err, outbound.ErrNotSent)
	}
	return f.Class == payment.ClassUnknown
}

// open reports whether the answer to an attempt of that kind leaves its outcome open, or proves that it was not sent because what has to be
// sent before it failed.
func (r *rig) open(kind payment.AttemptKind, f payment.Fact, err error) bool {
	but := &r.suite.But
	first := but.Prepares && kind == payment.AttemptDeposit || but.Follows && kind != payment.AttemptDeposit && kind != payment.AttemptWithdrawal
	return unknown(f, err) || first && errors.Is(err, outbound.ErrNotSent)
}

// booked fails the test unless exactly these movements are in the double's books.
func (r *rig) booked(t *testing.T, q connector.Request, want ...Movement) {
	t.Helper()
	got := r.p.Booked(q.Key)
	if len(got) != len(want) {
		t.Errorf("booked under %s: %v, want %v", q.Key, got, want)
		return
	}
	for i, e := range got {
		if e.Moved != want[i] || e.Amount != q.Amount || e.Currency != q.Currency {
			t.Errorf("booked %s %s %s, want %s %s %s", e.Moved, e.Amount, e.Currency, want[i], q.Amount, q.Currency)
		}
	}
}

// within is for one call that meets the fault. Where that gives no answer, the deadline comes when the request hangs.
func (r *rig) within(t *testing.T, f FaultKind) (context.Context, context.CancelFunc) {
	t.Helper()
	if f != FaultHang && f != FaultHangBefore {
		return context.WithCancel(t.Context())
	}
	over := &deadline{t.Context(), make(chan struct{})}
	ctx, cancel := context.WithCancel(over)
	before := r.p.Hanging()
	go func() {
		for ctx.Err() == nil && r.p.Hanging() == before {
			time.Sleep(time.Millisecond)
		}
		close(over.passed)
	}()
	return ctx, cancel
}

// deadline is a context whose time is over when a test says so.
type deadline struct {
	context.Context //nolint:containedctx // it is one itself
	passed          chan struct{}
}

func (d *deadline) Done() <-chan struct{} { return d.passed }

func (d *deadline) Err() error {
	select {
	case <-d.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// strike asks for a fault, or skips the test.
func (r *rig) strike(t *testing.T, c Call, f Fault) {
	t.Helper()
	if !r.p.Strike(c, f) {
		t.Skip("the double cannot do: ", f.Kind)
	}
}
