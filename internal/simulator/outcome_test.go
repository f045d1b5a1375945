package simulator_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCard(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, number, status, code, reason string
		page                               bool // asks for 3DS first
	}{
		{"visa, 3DS, authorised", "4000000000000002", "approved", "00", "", true},
		{"visa, 3DS, declined", "4242424242424242", "declined", "05", "issuer_declined", true},
		{"visa, authorised", "4000000000000408", "approved", "00", "", false},
		{"visa, declined", "4000000000000416", "declined", "05", "issuer_declined", false},
		{"mastercard, 3DS, authorised", "5555000000000008", "approved", "00", "", true},
		{"mastercard, 3DS, declined", "5555000000000438", "declined", "05", "issuer_declined", true},
		{"mastercard, authorised", "5555000000000107", "approved", "00", "", false},
		{"mastercard, declined", "5555000000000115", "declined", "05", "issuer_declined", false},
		{"any other number", "4111111111111111", "approved", "00", "", false},
		{"3DS, then funds", "4000008260003178", "declined", "51", "insufficient_funds", true},
		{"3DS out of order", "4000008400001280", "declined", "T03", "authentication_unavailable", true},
		{"funds", "4000000000009995", "declined", "51", "insufficient_funds", false},
		{"lost", "4000000000009987", "declined", "41", "lost_card", false},
		{"stolen", "4000000000009979", "declined", "43", "stolen_card", false},
		{"expired by its issuer", "4000000000000069", "declined", "54", "expired_card", false},
		{"security code", "4000000000000127", "declined", "82", "wrong_security_code", false},
		{"malfunction", "4000000000000119", "declined", "96", "issuer_unavailable", false},
		{"pick up", "4000000000040008", "declined", "04", "issuer_declined", false},
		{"no such card", "4000000000140006", "declined", "14", "issuer_declined", false},
		{"enter again", "4000000000190001", "declined", "19", "issuer_declined", false},
		{"not permitted", "4000000000570004", "declined", "57", "issuer_declined", false},
		{"fraud", "4000000000590002", "declined", "59", "suspected_fraud", false},
		{"issuer's limit", "4000000000610008", "declined", "61", "issuer_limit", false},
		{"restricted", "4000000000620007", "declined", "62", "issuer_declined", false},
		{"unreachable", "4000000000910002", "declined", "91", "issuer_unavailable", false},
		{"SCA, Mastercard way", "4000000000650004", "declined", "65", "authentication_required", false},
		{"SCA, Visa way", "4000002500003155", "declined", "1A", "authentication_required", false},
	}
	s := newSandbox(t)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ref := "card-" + string(rune('a'+i%26)) + c.number
			r := s.post("/v1/payments", payment(ref, "11.12", "card", card(c.number)))
			if r.status != http.StatusCreated {
				t.Fatalf("status %d: %s", r.status, r.raw)
			}
			if c.page != (r.str("status") == "requires_action") {
				t.Fatalf("status %q, want a page: %v", r.str("status"), c.page)
			}
			if c.page {
				if back := s.decide(r.str("actionUrl"), "approve"); back.status != http.StatusSeeOther {
					t.Fatalf("the page answered %d", back.status)
				}
				r = s.byReference(ref)
			}
			got := []string{r.str("status"), r.str("responseCode"), r.str("declineReason")}
			if diff := cmp.Diff([]string{c.status, c.code, c.reason}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCardExpiry(t *testing.T) {
	t.Parallel()
	s := newSandbox(t) // it is March 2030
	for _, c := range []struct{ ref, month, year, code string }{
		{"e1", "02", "2030", "54"}, {"e2", "03", "2030", "00"}, {"e3", "12", "2029", "54"}, {"e4", "03", "2099", "00"},
	} {
		body := card(plainCard)
		body["expiryMonth"], body["expiryYear"] = c.month, c.year
		if r := s.post("/v1/payments", payment(c.ref, "5", "card", body)); r.str("responseCode") != c.code {
			t.Errorf("%s/%s: %s, want code %s", c.month, c.year, r.raw, c.code)
		}
	}
}

func TestHolderCommand(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	body := card(plainCard)
	body["holder"] = "DECLINED:N7"
	if r := s.post("/v1/payments", payment("h1", "5", "card", body)); r.str("responseCode") != "N7" {
		t.Errorf("got %s", r.raw)
	}
}

func TestAmountRule(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	paid := s.post("/v1/payments", payment("big", "9999999.99")).str("id")
	cases := []struct {
		name, path string
		body       object
		code       string
	}{
		{"payment below", "/v1/payments", payment("p1", "9999999.99"), "00"},
		{"payment at", "/v1/payments", payment("p2", "10000000"), "61"},
		{"payment above", "/v1/payments", payment("p3", "10000000.01"), "61"},
		{"3DS is not asked above", "/v1/payments", payment("p4", "10000000", "card", card("4000000000000002")), "61"},
		{"payout at", "/v1/payouts", object{"reference": "w1", "amount": "10000", "currency": "EUR", "card": card(plainCard)}, "00"},
		{"payout above", "/v1/payouts", object{"reference": "w2", "amount": "10000.01", "currency": "EUR", "card": card(plainCard)}, "61"},
		{"payout to an account", "/v1/payouts", object{"reference": "w3", "amount": "1", "currency": "EUR", "account": object{"number": "DE02", "holder": "A"}}, "00"},
		{"refund at", "/v1/transactions/" + paid + "/refund", object{"reference": "r1", "amount": "10000"}, "00"},
		{"refund above", "/v1/transactions/" + paid + "/refund", object{"reference": "r2", "amount": "10000.01"}, "61"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := s.post(c.path, c.body)
			if r.str("responseCode") != c.code {
				t.Fatalf("got %s", r.raw)
			}
			if c.code == "61" && r.str("declineReason") != "provider_limit" {
				t.Errorf("reason %q", r.str("declineReason"))
			}
		})
	}
	if sums, _ := s.sim.Totals("big"); sums.Refunded != "10000" {
		t.Errorf("the declined refund holds money: %+v", sums)
	}
}

func TestAuthenticationOnDemand(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	r := s.post("/v1/payments", payment("sca", "5", "card", card("4000000000650004"), "threeDS", "required"))
	if r.str("status") != "requires_action" {
		t.Fatalf("got %s", r.raw)
	}
	s.decide(r.str("actionUrl"), "approve")
	got := s.byReference("sca")
	if got.str("status") != "approved" || told(got, "status") != "Y" || told(got, "eci") != "05" || told(got, "flow") != "challenge" {
		t.Errorf("got %s", got.raw)
	}
}

func TestCredential(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	first := s.post("/v1/payments", payment("c1", "5", "storeCredential", true, "card", card("4000000000000002")))
	if first.str("credential") != "" {
		t.Error("a credential before the customer has paid")
	}
	s.decide(first.str("actionUrl"), "approve")
	credential := s.byReference("c1").str("credential")
	again := s.post("/v1/payments", payment("c2", "7", "card", nil, "credential", credential))
	if again.str("status") != "approved" {
		t.Errorf("charge of the credential: %s", again.raw)
	}
	if r := s.post("/v1/payments", payment("c3", "7", "card", nil, "credential", "cred_none")); r.errorCode() != "credential_not_found" {
		t.Errorf("unknown credential: %s", r.raw)
	}
	revoked := s.post("/v1/payments", payment("c4", "5", "storeCredential", true, "card", card("4000000000000341")))
	if r := s.post("/v1/payments", payment("c5", "7", "card", nil, "credential", revoked.str("credential"))); r.str("responseCode") != "R1" {
		t.Errorf("revoked credential: %s", r.raw)
	}
	if s.booked("c3") != "" {
		t.Error("a refused request reached the books")
	}
}
