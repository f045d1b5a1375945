package simulator_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/simulator"
)

// verification asks for a check of the plain card, changed by the pairs given.
func verification(reference string, pairs ...any) object {
	return payment(reference, "", append([]any{"amount", nil}, pairs...)...)
}

// movesNoMoney fails when the ledger tells of money under the reference, or the totals hold any.
func (s *sandbox) movesNoMoney(reference string) {
	s.t.Helper()
	for _, e := range s.sim.Find(simulator.Filter{Reference: reference}) {
		if e.Amount != "0" {
			s.t.Errorf("%s of %s", e.Type, e.Amount)
		}
	}
	sums, ok := s.sim.Totals(reference)
	if !ok {
		return
	}
	if sums.Authorized != "0" || sums.Captured != "0" || sums.Refunded != "0" || sums.PaidOut != "0" || sums.Held != "0" {
		s.t.Errorf("totals %+v", sums)
	}
}

func TestVerification(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, card, decision   string
		status, code, reason   string
		ledger, authentication string
	}{
		{"good card", plainCard, "", "approved", "00", "", "verified", ""},
		{"declined card", "4000000000000416", "", "declined", "05", "issuer_declined", "declined", ""},
		{"insufficient funds", "4000000000009995", "", "declined", "51", "insufficient_funds", "declined", ""},
		{"challenge done", "4000000000000002", "approve", "approved", "00", "", "action_required verified", "Y"},
		{"challenge failed", "4000000000000002", "decline", "declined", "T01", "authentication_failed", "action_required declined", "N"},
		{"challenge left", "4000000000000002", "cancel", "declined", "C01", "customer_cancelled", "action_required declined", ""},
		{"challenge, then declined", "4242424242424242", "approve", "declined", "05", "issuer_declined", "action_required declined", "Y"},
		{"needs a challenge", "4000000000650004", "", "declined", "65", "authentication_required", "declined", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			r := s.post("/v1/verifications", verification("v", "card", card(tc.card)))
			if r.status != http.StatusCreated || r.str("kind") != "verification" || r.str("amount") != "0" {
				t.Fatalf("%d %s", r.status, r.raw)
			}
			if tc.decision != "" {
				if s.decide(r.str("actionUrl"), tc.decision).status != http.StatusSeeOther {
					t.Error("the page does not lead back")
				}
				r = s.byReference("v")
			}
			if r.str("status") != tc.status || r.str("responseCode") != tc.code || r.str("declineReason") != tc.reason {
				t.Errorf("%s", r.raw)
			}
			three, _ := r.body["threeDS"].(object)
			if got, _ := three["status"].(string); got != tc.authentication {
				t.Errorf("3-D Secure %q, want %q", got, tc.authentication)
			}
			if _, there := r.body["credential"]; there {
				t.Error("a credential that nobody asked for")
			}
			if got := s.booked("v"); got != tc.ledger {
				t.Errorf("booked %q, want %q", got, tc.ledger)
			}
			s.movesNoMoney("v")
		})
	}
}

func TestVerificationIsDoneOnce(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	var all sync.WaitGroup
	var fresh atomic.Int64
	for range 20 {
		all.Go(func() {
			r, err := s.try(http.MethodPost, "/v1/verifications", verification("one", "storeCredential", true))
			if err != nil || r.str("credential") == "" {
				t.Errorf("%v %s", err, r.raw)
			}
			if r.status == http.StatusCreated {
				fresh.Add(1)
			}
		})
	}
	all.Wait()
	if got := s.booked("one"); fresh.Load() != 1 || got != "verified" {
		t.Errorf("%d are new, booked %q", fresh.Load(), got)
	}
	for name, other := range map[string]object{
		"card":       verification("one", "storeCredential", true, "card", card("4111111111111111")),
		"credential": verification("one"),
		"3DS":        verification("one", "storeCredential", true, "threeDS", "required"),
		"expiry":     verification("one", "storeCredential", true, "expiresAt", "2031-01-01T00:00:00Z"),
	} {
		if r := s.post("/v1/verifications", other); r.errorCode() != "reference_conflict" {
			t.Errorf("other %s: %d %s", name, r.status, r.raw)
		}
	}
	if r := s.post("/v1/payments", payment("one", "5")); r.errorCode() != "reference_conflict" {
		t.Errorf("a payment under its reference: %d %s", r.status, r.raw)
	}
}

func TestVerificationIsReadStrictly(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for name, body := range map[string]object{
		"amount":      verification("x", "amount", "1"),
		"zero amount": verification("x", "amount", "0"),
		"capture":     verification("x", "capture", false),
		"method":      verification("x", "method", "CARD"),
		"no card":     verification("x", "card", nil),
		"credential":  verification("x", "credential", "cred_1"),
		"no currency": verification("x", "currency", nil),
		"currency":    verification("x", "currency", "QQQ"),
		"threeDS":     verification("x", "threeDS", "never"),
		"expiresAt":   verification("x", "expiresAt", "soon"),
		"testAmounts": verification("x", "testAmounts", "yandexpay"),
		"card number": verification("x", "card", card("4000000000000409")),
	} {
		r := s.post("/v1/verifications", body)
		if r.status != http.StatusUnprocessableEntity || r.errorCode() != "invalid_field" {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	if got := s.booked("x"); got != "" {
		t.Errorf("booked %q", got)
	}
	for _, op := range []string{"capture", "void", "refund"} {
		v := s.post("/v1/verifications", verification("done-"+op))
		for _, path := range []string{v.str("id"), "by-reference/done-" + op} {
			r := s.post("/v1/transactions/"+path+"/"+op, object{"reference": "f-" + op})
			if r.errorCode() != "transaction_not_found" {
				t.Errorf("%s of a verification: %d %s", op, r.status, r.raw)
			}
		}
	}
}

func TestVerifiedCardIsChargedLater(t *testing.T) {
	t.Parallel()
	path := ledgerFile(t)
	kept := func(cfg *simulator.Config) { cfg.LedgerPath = path }
	s := newSandbox(t, kept)
	good := s.post("/v1/verifications", verification("v1", "storeCredential", true)).str("credential")
	once := s.post("/v1/verifications", verification("v2", "storeCredential", true, "card", card("4000000000000341"))).str("credential")
	refused := s.post("/v1/verifications", verification("v3", "storeCredential", true, "card", card("4000000000000416")))
	if _, there := refused.body["credential"]; there || good == "" || once == "" {
		t.Fatalf("%q %q %s", good, once, refused.raw)
	}
	charge := func(s *sandbox, reference, credential string) string {
		r := s.post("/v1/payments", object{"reference": reference, "amount": "3", "currency": "EUR", "credential": credential})
		return r.str("status") + r.str("responseCode")
	}
	if got := charge(s, "c1", good); got != "approved00" {
		t.Error(got)
	}
	if got := charge(s, "c2", once); got != "declinedR1" {
		t.Error(got)
	}
	if err := s.sim.Close(); err != nil {
		t.Fatal(err)
	}
	again := newSandbox(t, kept)
	if got := charge(again, "c3", good); got != "approved00" {
		t.Error("after a restart:", got)
	}
	if got := again.byReference("v1").str("credential"); got != good {
		t.Errorf("the credential is %q now, was %q", got, good)
	}
	again.movesNoMoney("v1")
}

func TestVerificationMeetsFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, scenario, card, ledger string }{
		{"lost answer", `{"match":{"operation":"verification"},"fault":"drop"}`, plainCard, "verified"},
		{"nothing done", `{"match":{"operation":"verification"},"fault":"server_error","stage":"before"}`, plainCard, ""},
		{"other operations go on", `{"match":{"operation":"payment"},"fault":"drop"}`, plainCard, "verified"},
		{"by a card", "", "4000006600050008", "verified"},
		{"decided by a scenario", `{"match":{},"responseCode":"41"}`, plainCard, "declined"},
		{"later", `{"match":{},"asyncAfterMs":1000}`, plainCard, "pending verified"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			if tc.scenario != "" {
				if r := s.post("/scenarios", tc.scenario); r.status != http.StatusCreated {
					t.Fatal(string(r.raw))
				}
			}
			_, _ = s.try(http.MethodPost, "/v1/verifications", verification("v", "card", card(tc.card))) // it may fail
			s.clock.advance(2 * time.Second)
			s.byReference("v")
			if got := s.booked("v"); got != tc.ledger {
				t.Errorf("booked %q, want %q", got, tc.ledger)
			}
			s.movesNoMoney("v")
		})
	}
}

func TestVerificationIsFencedAndNoticed(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	if r := s.post("/v1/transactions/by-reference/f/cancel", nil); r.str("result") != "fenced" {
		t.Fatal(string(r.raw))
	}
	if r := s.post("/v1/verifications", verification("f")); r.errorCode() != "reference_cancelled" {
		t.Errorf("%d %s", r.status, r.raw)
	}
	open := s.post("/v1/verifications", verification("open", "card", card("4000000000000002"), "storeCredential", true))
	if r := s.post("/v1/transactions/by-reference/open/cancel", nil); r.str("result") != "cancelled" {
		t.Error(string(r.raw))
	}
	if page := s.decide(open.str("actionUrl"), "approve"); page.status != http.StatusSeeOther {
		t.Error(page.status)
	}
	if r := s.byReference("open"); r.str("status") != "cancelled" || r.str("credential") != "" {
		t.Error(string(r.raw))
	}

	told := make(chan string, 8)
	merchant := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		told <- r.Header.Get("Sandbox-Event-Id")
	}))
	defer merchant.Close()
	late := verification("late", "card", card("4000000000000002"), "noticeUrl", merchant.URL)
	s.decide(s.post("/v1/verifications", late).str("actionUrl"), "approve")
	select {
	case <-told:
	case <-time.After(30 * time.Second):
		t.Error("no notice of what the customer did")
	}
}

func TestVerificationPageNamesNoAmount(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	r := s.post("/v1/verifications", verification("v", "card", card("4000000000000002")))
	page := s.do(http.MethodGet, strings.TrimPrefix(r.str("actionUrl"), s.url), nil)
	for _, want := range []string{"Confirm your card", "400000******0002", "the card is only checked"} {
		if !strings.Contains(string(page.raw), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.raw)
		}
	}
	if strings.Contains(string(page.raw), "EUR") {
		t.Errorf("the page names a currency:\n%s", page.raw)
	}
}
