package simulator_test

import (
	"strings"
	"testing"
	"time"
)

// appsOf are the apps that know an alias.
func (s *sandbox) appsOf(alias string) string {
	s.t.Helper()
	var ids []string
	list, _ := s.do("GET", "/v1/blik/aliases/"+alias, nil).body["apps"].([]any)
	for _, a := range list {
		ids = append(ids, a.(object)["id"].(string))
	}
	return strings.Join(ids, " ")
}

func byAlias(reference, alias string, more ...any) object {
	return payment(reference, "30", append([]any{"card", nil, "method", "BLIK", "currency", "PLN", "blikAlias", alias}, more...)...)
}

// TestAnAliasIsAgreedToInTheApp, and asks the customer without a code from then on, until its time is over.
func TestAnAliasIsAgreedToInTheApp(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	begin := func(body object) string { return s.post("/v1/payments", body).str("actionUrl") }
	s.decide(begin(byAlias("plain", "anna", "blikCode", "123456")), "approve")
	s.decide(begin(byAlias("unpaid", "anna", "blikCode", "123457")), "cancel")
	if got := s.appsOf("anna"); got != "" {
		t.Fatalf("nobody has agreed: %q", got)
	}
	for _, body := range []object{byAlias("first", "anna"), byAlias("second", "anna", "blikApp", "mbank")} {
		if got := s.post("/v1/payments", body).str("responseCode"); got != "C11" {
			t.Errorf("an unknown alias: %s", got)
		}
	}

	s.decide(begin(byAlias("agreed", "anna", "blikCode", "123456")), "remember-mbank")
	if got := s.appsOf("anna"); got != "mbank" || s.appsOf("berta") != "" {
		t.Fatalf("known to %q", got)
	}
	for decision, want := range map[string]string{"approve": "00", "cancel": "C01", "decline": "C03"} {
		r := s.post("/v1/payments", byAlias("by-"+decision, "anna"))
		if r.str("actionKind") != "confirm" {
			t.Fatal(r.raw)
		}
		s.decide(r.str("actionUrl"), decision)
		if got := s.byReference("by-" + decision).str("responseCode"); got != want {
			t.Errorf("%s: %s", decision, got)
		}
	}

	s.decide(begin(byAlias("elsewhere", "anna", "blikCode", "123456")), "remember-pko")
	if got := s.post("/v1/payments", byAlias("which", "anna")).str("responseCode"); got != "C12" {
		t.Errorf("of several apps none is named: %s", got)
	}
	if a := s.post("/v1/payments", byAlias("this", "anna", "blikApp", "pko")); a.str("actionKind") != "confirm" {
		t.Error(a.raw)
	}
	if a := s.decide(begin(byAlias("codeless", "anna", "blikApp", "pko")), "remember-pko"); a.status != 422 {
		t.Errorf("nothing is left to agree to: %d", a.status)
	}
	s.clock.advance(90 * 24 * time.Hour)
	if got := s.appsOf("anna"); got != "" {
		t.Errorf("after its time: %q", got)
	}
}
