package simulator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/simulator"
)

// TestCorrections lists what a final transaction can become, what the ledger says of it, and what is refused.
func TestCorrections(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	pay := func(reference, amount string, more ...any) {
		t.Helper()
		if r := s.post("/v1/payments", payment(reference, amount, more...)); r.status != 201 {
			t.Fatalf("%s: %d %s", reference, r.status, r.raw)
		}
	}
	follow := func(of, verb, reference string, more ...any) {
		t.Helper()
		body := object{"reference": reference}
		for i := 0; i+1 < len(more); i += 2 {
			body[more[i].(string)] = more[i+1]
		}
		if r := s.post("/v1/transactions/by-reference/"+of+"/"+verb, body); r.status != 201 {
			t.Fatalf("%s: %d %s", reference, r.status, r.raw)
		}
	}
	pay("sale", "10")
	pay("refunded", "10")
	follow("refunded", "refund", "refund", "amount", "4")
	pay("hold", "10", "capture", false)
	pay("part", "10", "capture", false)
	pay("letgo", "10", "capture", false)
	pay("taken", "10", "capture", false)
	follow("taken", "capture", "capture", "amount", "4")
	pay("voided", "10", "capture", false)
	follow("voided", "void", "void")
	if r := s.post("/v1/payments", payment("declined", "10", "card", object{"number": "4000000000000416", "expiryMonth": "12", "expiryYear": "2035"})); r.str("status") != "declined" {
		t.Fatalf("%s", r.raw)
	}
	if r := s.post("/v1/payouts", object{"reference": "payout", "amount": "10", "currency": "EUR", "account": object{"number": "1", "holder": "J"}}); r.status != 201 {
		t.Fatalf("%s", r.raw)
	}
	for _, c := range []struct {
		reference, to, amount string
		ok                    bool
		entry                 string // type, kind and amount; where ok
		sums                  string // status, captured, refunded, held of the payment it belongs to
		of                    string
	}{
		{"nobody", "declined", "", false, "", "", ""},
		{"sale", "nonsense", "", false, "", "", ""},
		{"sale", "captured", "", false, "", "approved 10 0 0", "sale"},
		{"sale", "approved", "", false, "", "approved 10 0 0", "sale"},
		{"sale", "declined", "", true, "reversed sale 10", "declined 0 0 0", "sale"},
		{"sale", "declined", "", false, "", "declined 0 0 0", "sale"},
		{"sale", "approved", "", true, "captured sale 10", "approved 10 0 0", "sale"},
		{"refunded", "declined", "", false, "", "approved 10 4 0", "refunded"},
		{"refund", "declined", "", true, "reversed refund 4", "approved 10 0 0", "refunded"},
		{"refund", "approved", "", true, "refunded refund 4", "approved 10 4 0", "refunded"},
		{"hold", "captured", "11", false, "", "authorized 0 0 10", "hold"},
		{"hold", "captured", "", true, "captured authorization 10", "captured 10 0 0", "hold"},
		{"hold", "declined", "", true, "reversed authorization 10", "declined 0 0 0", "hold"},
		{"part", "captured", "4", true, "captured authorization 4", "captured 4 0 0", "part"},
		{"letgo", "voided", "", true, "voided authorization 10", "voided 0 0 0", "letgo"},
		{"letgo", "captured", "", false, "", "voided 0 0 0", "letgo"},
		{"capture", "declined", "", true, "reversed capture 4", "authorized 0 0 10", "taken"},
		{"capture", "approved", "", true, "captured capture 4", "captured 4 0 0", "taken"},
		{"void", "declined", "", true, "reversed void 10", "authorized 0 0 10", "voided"},
		{"declined", "approved", "", true, "captured sale 10", "approved 10 0 0", "declined"},
		{"payout", "declined", "", true, "reversed payout 10", "declined 0 0 0", "payout"},
		{"payout", "approved", "", true, "paid_out payout 10", "approved 0 0 0", "payout"},
	} {
		before := len(s.sim.Ledger())
		err := s.sim.Correct(c.reference, c.to, c.amount)
		entries := s.sim.Ledger()[before:]
		if (err == nil) != c.ok || len(entries) != map[bool]int{true: 1, false: 0}[c.ok] {
			t.Errorf("%s to %s: %v, booked %v", c.reference, c.to, err, entries)
			continue
		}
		if c.ok {
			if got := entries[0].Type + " " + entries[0].Kind + " " + entries[0].Amount; got != c.entry {
				t.Errorf("%s to %s: booked %q, want %q", c.reference, c.to, got, c.entry)
			}
		}
		if sums, found := s.sim.Totals(c.of); found {
			if got := fmt.Sprint(sums.Status, " ", sums.Captured, " ", sums.Refunded, " ", sums.Held); got != c.sums {
				t.Errorf("%s to %s: %s, want %s", c.reference, c.to, got, c.sums)
			}
		}
	}
	if r := s.post("/control/correct", object{"reference": "sale", "to": "declined"}); r.status != 204 {
		t.Errorf("control: %d %s", r.status, r.raw)
	}
	if r := s.post("/control/correct", object{"reference": "sale", "to": "voided"}); r.errorCode() != "not_correctable" {
		t.Errorf("control: %d %s", r.status, r.raw)
	}
	if r := s.post("/control/correct", object{"reference": "sale", "to": "?"}); r.errorCode() != "invalid_field" {
		t.Errorf("control: %d %s", r.status, r.raw)
	}
}

// TestCorrectionsByScenario: the provider changes its mind by itself, later, and tells so.
func TestCorrectionsByScenario(t *testing.T) {
	t.Parallel()
	box := newInbox(t)
	s := newSandbox(t, func(c *simulator.Config) { c.SweepEvery = -1 })
	for amount, want := range map[string][2]string{
		"6600.41": {"approved", "declined"}, "6600.42": {"declined", "approved"},
	} {
		r := s.post("/v1/payments", payment("m"+amount, amount, "noticeUrl", box.url))
		if r.str("status") != want[0] {
			t.Errorf("%s: %s", amount, r.raw)
		}
		s.clock.advance(2 * time.Second)
		s.sim.Sweep()
		if sums, _ := s.sim.Totals("m" + amount); sums.Status != want[1] {
			t.Errorf("%s: %s later", amount, sums.Status)
		}
	}
	for amount, want := range map[string]string{"6600.41": "declined", "6600.43": "captured", "6600.44": "voided"} {
		s.post("/v1/payments", payment("h"+amount, amount, "capture", false, "noticeUrl", box.url))
		s.clock.advance(2 * time.Second)
		s.sim.Sweep()
		if sums, _ := s.sim.Totals("h" + amount); sums.Status != want {
			t.Errorf("hold of %s: %s, want %s", amount, sums.Status, want)
		}
	}
	box.wait(t, 5)
}
