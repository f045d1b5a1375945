package connectortest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
)

func customers(t *testing.T, s Suite) {
	for name, approve := range map[string]bool{"approves": true, "declines": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, s)
			if r.p.Back != nil {
				away(t, r, approve)
				return
			}
			q := r.sale()
			if !s.But.Waits {
				if r.p.Challenged == nil {
					t.Skip("no such card")
				}
				q.Means = r.p.Challenged.Clone()
			}
			fact, err := r.send(t, payment.AttemptDeposit, q)
			if err != nil || fact.Class != payment.ClassWaiting || fact.Next.IsZero() {
				t.Fatalf("%+v, %v; want WAITING with a redirect", fact, err)
			}
			r.booked(t, q)
			r.finished(t, q, approve)
		})
	}
}

func pending(t *testing.T, s Suite) {
	for name, approve := range map[string]bool{"approved later": true, "declined later": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, s)
			r.strike(t, CallStart, Fault{Kind: FaultPending})
			q := r.sale()
			fact, err := r.send(t, payment.AttemptDeposit, q)
			if err != nil || fact.Class != payment.ClassWaiting {
				t.Fatalf("%+v, %v; want WAITING", fact, err)
			}
			if fact, err = r.status(t, payment.AttemptDeposit, q); err != nil || fact.Class != payment.ClassWaiting && !(r.told() && fact.NotFound) {
				t.Fatalf("status: %+v, %v; want WAITING", fact, err)
			}
			r.finished(t, q, approve)
		})
	}
}

// finished ends an open sale and compares what is asked with what is booked.
func (r *rig) finished(t *testing.T, q connector.Request, approve bool) {
	t.Helper()
	fact, err := r.over(t, q, approve)
	if approve {
		if err != nil || fact.Class != payment.ClassApproved || !fact.Next.IsZero() {
			t.Errorf("%+v, %v; want APPROVED", fact, err)
		}
		r.booked(t, q, Taken)
		return
	}
	silent := r.suite.But.Silent && fact.Class == payment.ClassWaiting
	if err != nil || !fact.Class.Refused() && !silent {
		t.Errorf("%+v, %v; want a decline", fact, err)
	}
	r.booked(t, q)
}

// arrived has the customer pay for whom a payment waits, where every one does, and asks about what was only taken. Other answers are returned
// as they are.
func (r *rig) arrived(t *testing.T, kind payment.AttemptKind, q connector.Request, fact payment.Fact, err error) (payment.Fact, error) {
	t.Helper()
	if slices.Contains(r.suite.But.Accepted, kind) && err == nil && fact.Class == payment.ClassWaiting {
		return r.status(t, kind, q)
	}
	if !r.waits(kind) || err != nil || fact.Class != payment.ClassWaiting {
		return fact, err
	}
	return r.over(t, q, true)
}

// waits reports that such attempts wait for their customers first.
func (r *rig) waits(kind payment.AttemptKind) bool {
	return r.suite.But.Waits && kind == payment.AttemptDeposit
}

// over ends a payment that waits and asks how it stands.
func (r *rig) over(t *testing.T, q connector.Request, approve bool) (payment.Fact, error) {
	t.Helper()
	if err := r.p.Finish(q.Key, approve); err != nil {
		return payment.Fact{}, err
	}
	return r.status(t, payment.AttemptDeposit, q)
}

// back has the customer come back from where the payment has sent them, and goes on with what is brought.
func (r *rig) back(ctx context.Context, q connector.Request, sent payment.Fact, agree bool) (payment.Fact, error) {
	r.pages.Store(q.Key, sent.Next.URL)
	brought, err := r.p.Back(sent.Next.URL, agree)
	if err != nil {
		return payment.Fact{}, err
	}
	resumer, ok := connector.As[connector.Resumer](r.c)
	if !ok {
		return payment.Fact{}, errors.New("the connector takes nobody back")
	}
	return resumer.Resume(ctx, r.refOf(payment.AttemptDeposit, q), brought)
}

// page is where the customer of the key was sent.
func (r *rig) page(key string) string {
	page, _ := r.pages.Load(key)
	text, _ := page.(string)
	return text
}

// away lets a customer agree or refuse at the page of a payment that is sent only then.
func away(t *testing.T, r *rig, approve bool) {
	t.Helper()
	q := r.sale()
	begun, err := r.watch(t.Context(), t, func(ctx context.Context) (payment.Fact, error) { return r.c.Start(ctx, q) })
	if err != nil || begun.Class != payment.ClassWaiting || !begun.Next.Leads() {
		t.Fatalf("%+v, %v; want WAITING with a redirect", begun, err)
	}
	r.booked(t, q)
	fact, err := r.watch(t.Context(), t, func(ctx context.Context) (payment.Fact, error) { return r.back(ctx, q, begun, approve) })
	if approve {
		r.done(t, payment.AttemptDeposit, q, fact, err)
		r.booked(t, q, Taken)
		return
	}
	if err != nil || !fact.Class.Refused() {
		t.Errorf("%+v, %v; want a decline", fact, err)
	}
	r.booked(t, q)
}

// pay has the customer pay whose answer got lost, where every payment waits for its customer.
func (r *rig) pay(t *testing.T, kind payment.AttemptKind, q connector.Request) {
	t.Helper()
	if !r.waits(kind) {
		return
	}
	if fact, err := r.over(t, q, true); err != nil || fact.Class != payment.ClassApproved {
		t.Errorf("once it is paid: %+v, %v; want APPROVED", fact, err)
	}
}
