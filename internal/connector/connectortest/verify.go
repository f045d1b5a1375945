package connectortest

import (
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

func (r *rig) canVerify() bool { return r.method(payment.AttemptDeposit, true) != nil }

// verification is a request to check a card, or the test is skipped. No books may ever show money for it.
func (r *rig) verification(t *testing.T, c *instrument.Card) connector.Request {
	t.Helper()
	if !r.canVerify() {
		t.Skip("the connector cannot verify cards")
	}
	if c == nil {
		t.Skip("no such card")
	}
	q := r.sale()
	q.Verify, q.Amount, q.Means = true, money.Amount{}, c.Clone()
	return q
}

func verifications(t *testing.T, s Suite) {
	t.Run("good card", func(t *testing.T) {
		r := newRig(t, s)
		q := r.verification(t, r.p.Good)
		card, before := q.Means, r.p.Requests()
		sent := r.must(t, payment.AttemptDeposit, q)
		if n := r.p.Requests() - before; n != 1 {
			t.Errorf("%d requests for one call", n)
		}
		asked, err := r.status(t, payment.AttemptDeposit, q)
		if err != nil || asked.Class != payment.ClassApproved || asked.ProviderRef != sent.ProviderRef {
			t.Errorf("status: %+v, %v; want %s of %s", asked, err, payment.ClassApproved, sent.ProviderRef)
		}
		for _, f := range []payment.Fact{sent, asked} {
			if !f.Echoed.Amount.IsZero() || f.Credential != "" {
				t.Errorf("%+v; want no amount, and no credential that nobody asked for", f)
			}
		}
		q.Means = instrument.Clone(card)
		if again := r.must(t, payment.AttemptDeposit, q); again.ProviderRef != sent.ProviderRef && !s.But.Repeats {
			t.Errorf("the same key made another: %s and %s", sent.ProviderRef, again.ProviderRef)
		}
		r.booked(t, q)
	})
	t.Run("refused card", func(t *testing.T) { refusedVerification(t, newRig(t, s)) })
	for name, approve := range map[string]bool{"customer approves": true, "customer declines": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, s)
			q := r.verification(t, r.p.Challenged)
			fact, err := r.send(t, payment.AttemptDeposit, q)
			if err != nil || fact.Class != payment.ClassWaiting || fact.Next.IsZero() {
				t.Fatalf("%+v, %v; want WAITING with a redirect", fact, err)
			}
			if err := r.p.Finish(q.Key, approve); err != nil {
				t.Fatal(err)
			}
			fact, err = r.status(t, payment.AttemptDeposit, q)
			if err != nil || approve != (fact.Class == payment.ClassApproved) || approve == fact.Class.Refused() {
				t.Errorf("%+v, %v; approved is %t", fact, err, approve)
			}
			r.booked(t, q)
		})
	}
	t.Run("charged later", verifiedAndCharged(s))
	t.Run("a payment is asked for", func(t *testing.T) {
		r := newRig(t, s)
		q := r.verification(t, r.p.Good)
		if r.told() {
			t.Skip("nothing can be asked about")
		}
		r.must(t, payment.AttemptDeposit, q)
		q.Amount = money.MustParse("11.12")
		if fact, err := r.status(t, payment.AttemptDeposit, q); !unknown(fact, err) || fact.NotFound && !s.But.Apart {
			t.Errorf("%+v, %v; want UNKNOWN", fact, err)
		}
	})
}

func refusedVerification(t *testing.T, r *rig) {
	t.Helper()
	q := r.verification(t, r.p.Refused)
	q.StartRecurring = true
	fact, err := r.send(t, payment.AttemptDeposit, q)
	if err != nil || !fact.Class.Refused() || fact.Code == "" || fact.Credential != "" {
		t.Errorf("%+v, %v; want a decline with a code", fact, err)
	}
	r.booked(t, q)
}

// verifiedAndCharged stores a card without money and takes money from it then.
func verifiedAndCharged(s Suite) func(t *testing.T) {
	return func(t *testing.T) {
		r := newRig(t, s)
		if !r.c.Traits().Recurring {
			t.Skip("the connector has no recurring charges")
		}
		q := r.verification(t, r.p.Good)
		q.StartRecurring = true
		credential := r.must(t, payment.AttemptDeposit, q).Credential
		asked, err := r.status(t, payment.AttemptDeposit, q)
		if credential == "" || err != nil || asked.Credential != credential {
			t.Fatalf("no credential, or the status tells another one: %v", err)
		}
		r.secrets = append(r.secrets, `"`+credential+`"`, `\"`+credential+`\"`)
		next := r.sale()
		next.Means, next.ReturnURL = &instrument.Credential{Handle: credential}, ""
		r.must(t, payment.AttemptDeposit, next)
		r.booked(t, next, Taken)
		r.booked(t, q)
	}
}

func verificationFaults(t *testing.T, s Suite) {
	r := newRig(t, s)
	for _, h := range hurts {
		t.Run(string(h.kind), func(t *testing.T) {
			r.suffer(t, payment.AttemptDeposit, r.verification(t, r.p.Good), h)
		})
	}
}

func verificationFences(t *testing.T, s Suite) {
	r := newRig(t, s)
	fresh := r.verification(t, r.p.Good)
	if fact, err := r.fence(t, payment.AttemptDeposit, fresh); err != nil || fact.Class != payment.ClassRejected {
		t.Errorf("never arrived: %+v, %v; want REJECTED", fact, err)
	}
	if fact, err := r.send(t, payment.AttemptDeposit, fresh); err == nil && won(fact) {
		t.Errorf("it still arrived: %+v", fact)
	}
	done := r.verification(t, r.p.Good)
	r.must(t, payment.AttemptDeposit, done)
	if fact, err := r.fence(t, payment.AttemptDeposit, done); err != nil || fact.Class != payment.ClassApproved {
		t.Errorf("done: %+v, %v; want APPROVED", fact, err)
	}
	if r.p.Challenged == nil {
		return
	}
	open := r.verification(t, r.p.Challenged)
	if fact, err := r.send(t, payment.AttemptDeposit, open); err != nil || fact.Class != payment.ClassWaiting {
		t.Fatalf("%+v, %v; want WAITING", fact, err)
	}
	fact, err := r.fence(t, payment.AttemptDeposit, open)
	if err != nil || !fact.Class.Refused() && fact.Class != payment.ClassCancelled {
		t.Errorf("waiting: %+v, %v; want a refusal", fact, err)
	}
}
