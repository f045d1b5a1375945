package simulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/simulator"
)

func TestTestAmountsDecide(t *testing.T) {
	t.Parallel()
	const challenge = "4000000000000002"
	for _, tc := range []struct{ amount, card, want, ledger string }{
		{"10001", plainCard, "declined05", "declined"},
		{"10001.00", challenge, "declined05", "declined"},
		{"10002", plainCard, "declined51", "declined"},
		{"10002", "4000000000009987", "declined51", "declined"},
		{"10003.0", plainCard, "declinedT01", "declined"},
		{"10004", challenge, "pending", "pending"},
		{"10001.01", plainCard, "approved00", "captured"},
		{"10005", plainCard, "approved00", "captured"},
		{"10000", "4000000000009987", "declined41", "declined"},
		{"10006", challenge, "requires_action", "action_required"},
	} {
		t.Run(tc.amount+" by "+tc.card, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			r := s.post("/v1/payments", payment("a", tc.amount, "card", card(tc.card), "testAmounts", "yandexpay"))
			if got := r.str("status") + r.str("responseCode"); r.status != http.StatusCreated || got != tc.want {
				t.Errorf("%d %s, want %s", r.status, r.raw, tc.want)
			}
			if got := s.booked("a"); got != tc.ledger {
				t.Errorf("booked %q, want %q", got, tc.ledger)
			}
		})
	}
}

func TestTestAmountsAreAskedFor(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for _, amount := range []string{"10001", "10002", "10003", "10004"} {
		if r := s.post("/v1/payments", payment("sale-"+amount, amount)); r.str("status") != "approved" {
			t.Errorf("%s without testAmounts: %s", amount, r.raw)
		}
		hold := s.post("/v1/payments", payment("hold-"+amount, "20000", "capture", false, "testAmounts", "yandexpay"))
		took := s.post("/v1/transactions/"+hold.str("id")+"/capture", object{"reference": "take-" + amount, "amount": amount})
		if took.str("status") != "approved" {
			t.Errorf("capture of %s: %s", amount, took.raw)
		}
		page := s.post("/v1/payments", payment("blik-"+amount, amount, "card", nil, "method", "BLIK", "testAmounts", "yandexpay"))
		if page.str("status") != "requires_action" {
			t.Errorf("BLIK of %s: %s", amount, page.raw)
		}
	}
	for name, body := range map[string]object{
		"unknown":   payment("x", "1", "testAmounts", "somebody"),
		"at payout": {"reference": "x", "amount": "1", "currency": "EUR", "card": card(plainCard), "testAmounts": "yandexpay"},
	} {
		path := "/v1/payments"
		if name == "at payout" {
			path = "/v1/payouts"
		}
		if r := s.post(path, body); r.errorCode() != "invalid_field" {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	s.scenario(object{"match": object{"reference": "told"}, "responseCode": "00"})
	if r := s.post("/v1/payments", payment("told", "10002", "testAmounts", "yandexpay")); r.str("status") != "approved" {
		t.Errorf("a scenario goes first: %s", r.raw)
	}
	again := payment("sale-10001", "10001", "testAmounts", "yandexpay")
	if r := s.post("/v1/payments", again); r.errorCode() != "reference_conflict" {
		t.Errorf("testAmounts are part of the content: %s", r.raw)
	}
}

// TestCustomerWhoNeverFinishes follows 10004 to the end of the customer's time, over a restart.
func TestCustomerWhoNeverFinishes(t *testing.T) {
	t.Parallel()
	path := ledgerFile(t)
	kept := func(cfg *simulator.Config) { cfg.LedgerPath = path }
	s := newSandbox(t, kept)
	until := s.clock.now().Add(48 * time.Hour).Format(time.RFC3339)
	s.post("/v1/payments", payment("ends", "10004", "testAmounts", "yandexpay", "expiresAt", until))
	s.post("/v1/payments", payment("never", "10004", "testAmounts", "yandexpay"))
	s.post("/v1/payments", payment("decided", "10004", "testAmounts", "yandexpay", "expiresAt", until))
	s.clock.advance(47 * time.Hour)
	for _, reference := range []string{"ends", "never"} {
		if r := s.byReference(reference); r.str("status") != "pending" {
			t.Errorf("%s: %s", reference, r.raw)
		}
	}
	if err := s.sim.Decide("decided", "00"); err != nil {
		t.Error(err)
	}
	if err := s.sim.Close(); err != nil {
		t.Fatal(err)
	}
	later := newSandbox(t, kept)
	later.clock.advance(49 * time.Hour)
	if r := later.byReference("ends"); r.str("status") != "declined" || r.str("responseCode") != "C04" {
		t.Errorf("%s", r.raw)
	}
	later.clock.advance(1000 * time.Hour)
	if r := later.byReference("never"); r.str("status") != "pending" {
		t.Errorf("%s", r.raw)
	}
	if r := later.byReference("decided"); r.str("status") != "approved" {
		t.Errorf("%s", r.raw)
	}
}

func TestPageEndsWithTheCustomersTime(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, func(cfg *simulator.Config) { cfg.SweepEvery = -1 })
	challenge := func(reference string, after time.Duration) reply {
		return s.post("/v1/payments", payment(reference, "5", "card", card("4000000000000002"), "expiresAt",
			s.clock.now().Add(after).Format(time.RFC3339)))
	}
	soon, far := challenge("soon", time.Minute), challenge("far", time.Hour)
	if soon.str("actionExpiresAt") != "2030-03-14T09:27:53Z" || far.str("actionExpiresAt") != "2030-03-14T09:41:53Z" {
		t.Errorf("%s %s", soon.raw, far.raw)
	}
	s.clock.advance(2 * time.Minute)
	if r := s.byReference("soon"); r.str("status") != "declined" || r.str("responseCode") != "T02" {
		t.Errorf("%s", r.raw)
	}
	if r := s.byReference("far"); r.str("status") != "requires_action" {
		t.Errorf("%s", r.raw)
	}
}
