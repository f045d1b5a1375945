package simulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSameReference(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	const copies = 50
	ids := make([]string, copies)
	var all sync.WaitGroup
	for i := range copies {
		all.Go(func() {
			r, err := s.try(http.MethodPost, "/v1/payments", payment("one", "11.12"))
			if err != nil {
				t.Error(err)
			}
			ids[i] = r.str("id")
		})
	}
	all.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("different answers: %v", ids)
		}
	}
	if got := s.booked("one"); got != "captured" {
		t.Errorf("booked %q", got)
	}
	if r := s.post("/v1/payments", payment("one", "11.12")); r.status != http.StatusOK || r.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("repeat: %d %v", r.status, r.header)
	}
	noCode := card(plainCard)
	delete(noCode, "securityCode")
	if r := s.post("/v1/payments", payment("one", "11.12", "card", noCode)); r.status != http.StatusOK {
		t.Errorf("a repeat without the security code: %d %s", r.status, r.raw)
	}
	for name, other := range map[string]object{
		"amount": payment("one", "11.13"), "currency": payment("one", "11.12", "currency", "USD"),
		"card": payment("one", "11.12", "card", card("4111111111111111")), "capture": payment("one", "11.12", "capture", false),
		"return": payment("one", "11.12", "returnUrl", "https://other.example/"),
	} {
		if r := s.post("/v1/payments", other); r.status != http.StatusConflict || r.errorCode() != "reference_conflict" {
			t.Errorf("other %s: %d %s", name, r.status, r.raw)
		}
	}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	auth := func(ref string) string {
		r := s.post("/v1/payments", payment(ref, "100", "capture", false))
		if r.str("status") != "authorized" || r.str("authorizedAmount") != "100" || r.str("capturedAmount") != "0" {
			t.Fatalf("authorize: %s", r.raw)
		}
		return "/v1/transactions/" + r.str("id")
	}
	part, void := auth("part"), auth("void")
	steps := []struct {
		name, path string
		body       object
		want       string // a status or an error code
	}{
		{"refund of a hold", part + "/refund", object{"reference": "x1"}, "not_refundable"},
		{"capture too much", part + "/capture", object{"reference": "x2", "amount": "100.01"}, "amount_exceeds_authorized"},
		{"capture in another currency", part + "/capture", object{"reference": "x3", "amount": "1", "currency": "USD"}, "currency_mismatch"},
		{"capture finer than cents", part + "/capture", object{"reference": "x4", "amount": "1.001"}, "invalid_field"},
		{"capture a part", part + "/capture", object{"reference": "k1", "amount": "60"}, "approved"},
		{"capture again", part + "/capture", object{"reference": "k2", "amount": "40"}, "not_capturable"},
		{"repeat of the capture", part + "/capture", object{"reference": "k1", "amount": "60.00"}, "approved"},
		{"void after capture", part + "/void", object{"reference": "v1"}, "not_voidable"},
		{"refund a part", part + "/refund", object{"reference": "r1", "amount": "25"}, "approved"},
		{"refund too much", part + "/refund", object{"reference": "r2", "amount": "35.01"}, "amount_exceeds_refundable"},
		{"refund the rest", part + "/refund", object{"reference": "r3"}, "approved"},
		{"refund nothing left", part + "/refund", object{"reference": "r4"}, "amount_exceeds_refundable"},
		{"void", void + "/void", object{"reference": "v2"}, "approved"},
		{"capture after void", void + "/capture", object{"reference": "k3"}, "not_capturable"},
		{"unknown payment", "/v1/transactions/none/capture", object{"reference": "k4"}, "transaction_not_found"},
	}
	for _, step := range steps {
		r := s.post(step.path, step.body)
		if got := r.str("status") + r.errorCode(); got != step.want {
			t.Errorf("%s: %q, want %q: %s", step.name, got, step.want, r.raw)
		}
	}
	if got := s.booked("part"); got != "authorized captured refunded refunded" {
		t.Errorf("ledger: %q", got)
	}
	if got := s.booked("void"); got != "authorized voided" {
		t.Errorf("ledger: %q", got)
	}
	sums, _ := s.sim.Totals("part")
	if sums.Authorized != "100" || sums.Captured != "60" || sums.Refunded != "60" || sums.Status != "captured" {
		t.Errorf("%+v", sums)
	}
}

func TestCaptureAgainstVoid(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for round := range 40 {
		ref := fmt.Sprintf("race-%d", round)
		path := "/v1/transactions/" + s.post("/v1/payments", payment(ref, "10", "capture", false)).str("id")
		var both sync.WaitGroup
		for _, op := range []string{"capture", "void", "capture", "void"} {
			both.Go(func() {
				body := object{"reference": fmt.Sprintf("%s-%s-%p", ref, op, &op)}
				if _, err := s.try(http.MethodPost, path+"/"+op, body); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		if got := s.booked(ref); got != "authorized captured" && got != "authorized voided" {
			t.Fatalf("round %d: %q", round, got)
		}
	}
}

func TestRefundRace(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for round := range 40 {
		ref := fmt.Sprintf("refund-%d", round)
		path := "/v1/transactions/" + s.post("/v1/payments", payment(ref, "100")).str("id") + "/refund"
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				body := object{"reference": fmt.Sprintf("%s-%d", ref, i), "amount": "30"}
				if _, err := s.try(http.MethodPost, path, body); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if sums, _ := s.sim.Totals(ref); sums.Refunded != "90" {
			t.Fatalf("round %d: refunded %s of 100 by thirties", round, sums.Refunded)
		}
	}
}

func TestPendingRefundHoldsItsAmount(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	path := "/v1/transactions/" + s.post("/v1/payments", payment("p", "100")).str("id") + "/refund"
	s.scenario(object{"match": object{"operation": "refund"}, "times": 1, "asyncAfterMs": 60000, "responseCode": "05"})
	if r := s.post(path, object{"reference": "r1", "amount": "60"}); r.str("status") != "pending" {
		t.Fatalf("got %s", r.raw)
	}
	if r := s.post(path, object{"reference": "r2", "amount": "60"}); r.errorCode() != "amount_exceeds_refundable" {
		t.Errorf("got %s", r.raw)
	}
	s.clock.advance(time.Minute)
	if r := s.byReference("r1"); r.str("status") != "declined" {
		t.Errorf("got %s", r.raw)
	}
	if r := s.post(path, object{"reference": "r2", "amount": "60"}); r.str("status") != "approved" {
		t.Errorf("a declined refund still holds its amount: %s", r.raw)
	}
}

func TestHoldExpires(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	id := s.post("/v1/payments", payment("hold", "10", "capture", false)).str("id")
	s.clock.advance(7*24*time.Hour - time.Second)
	if got := s.byReference("hold").str("status"); got != "authorized" {
		t.Errorf("a second before: %s", got)
	}
	s.clock.advance(time.Second)
	if r := s.post("/v1/transactions/"+id+"/capture", object{"reference": "late"}); r.errorCode() != "not_capturable" {
		t.Errorf("capture of an expired hold: %s", r.raw)
	}
	if got := s.booked("hold"); got != "authorized expired" {
		t.Errorf("ledger %q", got)
	}
}

func TestFence(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	cancel := func(ref string) reply {
		return s.post("/v1/transactions/by-reference/"+ref+"/cancel", nil)
	}
	if r := cancel("never"); r.str("result") != "fenced" {
		t.Fatalf("got %s", r.raw)
	}
	if r := s.post("/v1/payments", payment("never", "10")); r.status != 422 || r.errorCode() != "reference_cancelled" {
		t.Errorf("the late original: %d %s", r.status, r.raw)
	}
	if r := s.byReference("never"); r.str("status") != "cancelled" || r.str("kind") != "fence" {
		t.Errorf("state of a fenced reference: %s", r.raw)
	}
	if got := s.booked("never"); got != "fenced" {
		t.Errorf("ledger %q", got)
	}
	s.post("/v1/payments", payment("done", "10"))
	if r := cancel("done"); r.str("result") != "already_final" || s.booked("done") != "captured" {
		t.Errorf("cancel of what is done: %s", r.raw)
	}
	s.post("/v1/payments", payment("open", "10", "card", card("4000000000000002")))
	if r := cancel("open"); r.str("result") != "cancelled" || r.body["transaction"].(object)["status"] != "cancelled" {
		t.Errorf("cancel of an open one: %s", r.raw)
	}
	if r := s.post("/v1/payments", payment("open", "10", "card", card("4000000000000002"))); r.errorCode() != "reference_cancelled" {
		t.Errorf("repeat after the cancel: %s", r.raw)
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	withCard := func(name string, value any) object {
		c := card(plainCard)
		c[name] = value
		return payment("bad", "10", "card", c)
	}
	cases := []struct {
		name   string
		body   any
		status int
		param  string
	}{
		{"no body", "", 400, ""},
		{"not an object", "[]", 400, ""},
		{"trailing data", `{"reference":"a"} {}`, 400, ""},
		{"repeated name", `{"reference":"a","reference":"b"}`, 400, ""},
		{"other letter case", `{"Reference":"a"}`, 400, "Reference"},
		{"bad UTF-8", "{\"reference\":\"\xff\"}", 400, ""},
		{"amount as a number", `{"reference":"a","amount":10}`, 400, "amount"},
		{"too long", `{"reference":"` + strings.Repeat("a", 70<<10) + `"}`, 413, ""},
		{"no reference", payment("", "10"), 422, "reference"},
		{"long reference", payment(strings.Repeat("r", 129), "10"), 422, "reference"},
		{"reference with a slash", payment("a/b", "10"), 422, "reference"},
		{"zero", payment("bad", "0"), 422, "amount"},
		{"negative", payment("bad", "-1"), 422, "amount"},
		{"exponent", payment("bad", "1e3"), 422, "amount"},
		{"half a cent", payment("bad", "1.005"), 422, "amount"},
		{"half a yen", payment("bad", "1.5", "currency", "JPY"), 422, "amount"},
		{"no amount", payment("bad", "1", "amount", nil), 422, "amount"},
		{"no currency", payment("bad", "1", "currency", nil), 422, "currency"},
		{"unknown currency", payment("bad", "1", "currency", "ZZZ"), 422, "currency"},
		{"no card", payment("bad", "1", "card", nil), 422, "card"},
		{"unknown method", payment("bad", "1", "method", "CASH"), 422, "method"},
		{"card and method", payment("bad", "1", "method", "BLIK"), 422, "method"},
		{"card and credential", payment("bad", "1", "credential", "c"), 422, "credential"},
		{"return address", payment("bad", "1", "returnUrl", "javascript:alert(1)"), 422, "returnUrl"},
		{"notice address", payment("bad", "1", "noticeUrl", "ftp://x/"), 422, "noticeUrl"},
		{"account of a payment", payment("bad", "1", "account", object{"number": "1"}), 422, "account"},
		{"check digit", withCard("number", "4000000000000409"), 422, "card.number"},
		{"short number", withCard("number", "42"), 422, "card.number"},
		{"number with spaces", withCard("number", "4000 0000 0000 0408"), 422, "card.number"},
		{"month 13", withCard("expiryMonth", "13"), 422, "card.expiryMonth"},
		{"year 30", withCard("expiryYear", "30"), 422, "card.expiryMonth"},
		{"security code", withCard("securityCode", "12"), 422, "card.securityCode"},
		{"holder", withCard("holder", "A\u0000B"), 422, "card.holder"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := s.post("/v1/payments", c.body)
			inner, _ := r.body["error"].(object)
			param, _ := inner["param"].(string)
			if r.status != c.status || param != c.param || inner["processed"] != false {
				t.Errorf("%d %s", r.status, r.raw)
			}
			if strings.Contains(string(r.raw), "0408") {
				t.Error("the answer repeats the card")
			}
		})
	}
	if entries := s.sim.Ledger(); len(entries) != 0 {
		t.Errorf("bad input was booked: %v", entries)
	}
}

func TestMerchantKey(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for _, header := range []string{"", "Bearer wrong", "merchant-key", "Basic merchant-key"} {
		req, err := http.NewRequest(http.MethodGet, s.url+"/v1/transactions/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", header)
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // read no further
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: %d", header, resp.StatusCode)
		}
	}
}

func TestLedgerOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	id := s.post("/v1/payments", payment("L1", "10.10", "orderId", "order-7")).str("id")
	s.post("/v1/payments", payment("L2", "20", "capture", false))
	s.post("/v1/transactions/"+id+"/refund", object{"reference": "L3", "amount": "0.1"})
	lines := strings.Split(strings.TrimSpace(string(s.do(http.MethodGet, "/ledger?orderId=order-7", nil).raw)), "\n")
	want := []string{
		`{"seq":1,"at":"2030-03-14T09:26:53Z","type":"captured","kind":"sale","transactionId":"ID","reference":"L1","orderId":"order-7","amount":"10.1","currency":"EUR","method":"CARD","card":"400000******0408","responseCode":"00"}`,
		`{"seq":3,"at":"2030-03-14T09:26:53Z","type":"refunded","kind":"refund","transactionId":"ID","reference":"L3","orderId":"order-7","amount":"0.1","currency":"EUR","originalTransactionId":"ID","originalReference":"L1","method":"CARD","card":"400000******0408","responseCode":"00"}`,
	}
	for _, e := range s.sim.Ledger() {
		for i := range lines {
			lines[i] = strings.ReplaceAll(lines[i], e.TransactionID, "ID")
		}
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if got := strings.Count(string(s.do(http.MethodGet, "/ledger?after=2", nil).raw), "\n"); got != 1 {
		t.Errorf("after=2 gives %d lines", got)
	}
	if r := s.do(http.MethodGet, "/ledger?after=x", nil); r.status != 400 {
		t.Errorf("after=x: %d", r.status)
	}
	sums := s.do(http.MethodGet, "/ledger/summary?reference=L1", nil)
	if sums.str("captured") != "10.1" || sums.str("refunded") != "0.1" {
		t.Errorf("summary %s", sums.raw)
	}
	if r := s.do(http.MethodGet, "/healthz", nil); r.status != 200 || !strings.Contains(string(r.raw), `"ledgerEntries":3`) {
		t.Errorf("health %s", r.raw)
	}
}
