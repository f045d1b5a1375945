package engine_test

import (
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestAbandonedAtTheBankIsClosedAtOnce: the customer is at the bank's page; the provider refuses the payment from the
// merchant's wish on, so that it is final before anybody waits for the page.
func TestAbandonedAtTheBankIsClosedAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.execute(h.create(h.newDeposit("50.00", cardChallenge)).ID)
		if _, err := h.Engine.SendAway(t.Context(), h.target(p.ID)); err != nil {
			t.Fatal(err)
		}
		p = h.abandon(p.ID)
		if p.State() != payment.Cancelled || p.ErrorCode != payment.CodeByCustomer {
			t.Errorf("%s %q, want CANCELLED 2.00", p.State(), p.ErrorCode)
		}
		if err := h.Simulator.Decide(p.Attempts[0].Key, "00"); err == nil {
			t.Error("the bank still takes the customer's word")
		}
		h.gone(h.stored(p.ID))
		h.agree()
	})
}

// TestTimeOfTheCustomerIsOver: what is open then is closed at the provider where the payment's terms or method have an end,
// and by nothing but the provider's word; what was paid at the last moment stands.
func TestTimeOfTheCustomerIsOver(t *testing.T) {
	t.Parallel()
	const lasts = 10 * time.Minute // the provider's own pages last longer
	cases := []struct {
		name   string
		method payment.Method // a card where it is empty
		order  bool
		paid   bool
		late   time.Duration // when the customer goes ahead
		state  payment.State
		code   payment.ErrorCode
	}{
		{"order at the bank's page", "", true, false, 0, payment.Declined, payment.CodeLateAtBank},
		{"order paid at the last moment", "", true, true, 0, payment.Completed, ""},
		{"order by a code that nobody scans", payment.Pix, true, false, 0, payment.Cancelled, payment.CodeTimeout},
		{"order by a bank", payment.OpenBanking, true, false, 0, payment.Cancelled, payment.CodeTimeout},
		{"code that nobody scans", payment.Pix, false, false, 0, payment.Cancelled, payment.CodeTimeout},
		{"code scanned at the last moment", payment.Pix, false, true, 0, payment.Completed, ""},
		{"code that nobody confirms", payment.Blik, false, false, 0, payment.Declined, payment.CodeAbandoned},
		{"code that came late", payment.Blik, false, false, 9 * time.Minute, payment.Declined, payment.CodeAbandoned},
		{"card at the bank's page", "", false, false, 0, payment.Pending, ""},
		{"bank", payment.OpenBanking, false, false, 0, payment.Pending, ""},
		{"link", payment.PayByLink, false, false, 0, payment.Pending, ""},
	}
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.CheckoutTimeout = int(lasts / time.Minute) })
		for _, c := range cases {
			made := h.waitingFor(c.method)
			if c.order {
				made.Terms.Lasts = lasts
			}
			p := h.create(made)
			over := p.CheckoutUntil
			h.Clock.Advance(c.late)
			if p = h.execute(p.ID); p.State() != payment.Pending {
				t.Fatalf("%s: %s %q at first", c.name, p.State(), p.ErrorCode)
			}
			if c.late > 0 {
				over = p.Attempts[0].Started.Add(3 * time.Minute)
			}
			p = h.workUntil(p.ID, over)
			if p.State() != payment.Pending || c.state != payment.Pending && !p.Due.Equal(over) {
				t.Errorf("%s: %s before its end, due %s after it", c.name, p.State(), p.Due.Sub(over))
			}
			if c.paid {
				if err := h.Simulator.Decide(p.Attempts[0].Key, "00"); err != nil {
					t.Fatal(err)
				}
			}
			h.Clock.Advance(over.Sub(h.Clock.Now()))
			if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
			if p = h.stored(p.ID); p.State() != c.state || p.ErrorCode != c.code {
				t.Errorf("%s: %s %q, want %s %q", c.name, p.State(), p.ErrorCode, c.state, c.code)
			}
			if p.State() == payment.Pending {
				h.abandon(p.ID)
			}
		}
		h.agree()
	})
}

// TestCodeThatNobodyConfirmsEndsOneWay: whoever ends the waiting for it, the provider by itself or we.
func TestCodeThatNobodyConfirmsEndsOneWay(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.execute(h.create(h.waitingFor(payment.Blik)).ID)
		h.Clock.Advance(20 * time.Minute) // the checkout lasts longer, and the provider's page does not
		if p = h.get(p.ID); p.State() != payment.Declined || p.ErrorCode != payment.CodeAbandoned {
			t.Errorf("%s %q, want DECLINED 3.18", p.State(), p.ErrorCode)
		}
		h.agree()
	})
}

// waitingFor is a request for a deposit whose customer has to act elsewhere.
func (h *house) waitingFor(method payment.Method) engine.Create {
	made := h.newDeposit("50.00", cardChallenge)
	if method == "" {
		return made
	}
	made.Means, made.Method = nil, method
	switch method {
	case payment.Pix:
		made.Currency = "BRL"
	case payment.Blik:
		made.Currency = "PLN"
	}
	return made
}

// workUntil does what comes due before end.
func (h *house) workUntil(id payment.ID, end time.Time) payment.Payment {
	h.t.Helper()
	p := h.stored(id)
	for !p.Due.IsZero() && p.Due.Before(end) {
		p = h.workOff(id, 1)
	}
	return p
}
