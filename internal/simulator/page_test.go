package simulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPage(t *testing.T) {
	t.Parallel()
	const visa3DS = "4000000000000002"
	cases := []struct{ name, decision, status, code, reason, auth string }{
		{"authenticated", "approve", "approved", "00", "", "Y"},
		{"failed", "decline", "declined", "T01", "authentication_failed", "N"},
		{"cancelled", "cancel", "declined", "C01", "customer_cancelled", ""},
	}
	s := newSandbox(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := s.post("/v1/payments", payment("3ds-"+c.decision, "11.12", "card", card(visa3DS)))
			action := r.str("actionUrl")
			page := s.do(http.MethodGet, strings.TrimPrefix(action, s.url), nil)
			if !strings.Contains(string(page.raw), "400000******0002") || strings.Contains(string(page.raw), visa3DS) {
				t.Errorf("the page: %s", page.raw)
			}
			back := s.decide(action, c.decision)
			want := "https://shop.example/back?o=1&transaction=" + r.str("id")
			if back.status != http.StatusSeeOther || back.header.Get("Location") != want {
				t.Errorf("back to %d %q", back.status, back.header.Get("Location"))
			}
			got := s.byReference("3ds-" + c.decision)
			if got.str("status") != c.status || got.str("responseCode") != c.code || got.str("declineReason") != c.reason {
				t.Errorf("got %s", got.raw)
			}
			auth, _ := got.body["threeDS"].(object)
			if have, _ := auth["status"].(string); have != c.auth {
				t.Errorf("threeDS %v, want %q", auth, c.auth)
			}
			if again := s.decide(action, "approve"); again.header.Get("Location") != want {
				t.Errorf("the second click: %d", again.status)
			}
			if after := s.byReference("3ds-" + c.decision); string(after.raw) != string(got.raw) {
				t.Errorf("the second click changed it: %s", after.raw)
			}
		})
	}
}

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	r := s.post("/v1/payments", payment("h", "1", "card", card("4000000000000002"), "orderId", "<script>alert(1)</script>"))
	page := s.do(http.MethodGet, strings.TrimPrefix(r.str("actionUrl"), s.url), nil)
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
	} {
		if !strings.HasPrefix(page.header.Get(name), want) {
			t.Errorf("%s: %q", name, page.header.Get(name))
		}
	}
	if strings.Contains(string(page.raw), "<script") {
		t.Error("the order id is markup on the page")
	}
	if r := s.do(http.MethodGet, "/pay/nobody", nil); r.status != 404 {
		t.Errorf("unknown page: %d", r.status)
	}
	if r := s.do(http.MethodGet, "/pay/style.css", nil); r.status != 200 || len(r.raw) == 0 {
		t.Errorf("style: %d", r.status)
	}
}

func TestPageExpires(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	action := s.post("/v1/payments", payment("exp", "1", "card", card("4000000000000002"))).str("actionUrl")
	blik := s.post("/v1/payments", payment("blik", "1", "card", nil, "method", "BLIK", "currency", "PLN")).str("actionUrl")
	s.clock.advance(15*time.Minute - time.Second)
	if got := s.byReference("exp").str("status"); got != "requires_action" {
		t.Errorf("a second before: %s", got)
	}
	s.clock.advance(time.Second)
	s.decide(action, "approve")
	s.decide(blik, "approve")
	if r := s.byReference("exp"); r.str("responseCode") != "T02" || r.str("declineReason") != "authentication_timeout" {
		t.Errorf("got %s", r.raw)
	}
	if r := s.byReference("blik"); r.str("responseCode") != "C04" || s.booked("blik") != "action_required declined" {
		t.Errorf("got %s", r.raw)
	}
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for _, method := range []string{"BLIK", "PIX", "OPEN_BANKING", "PAY_BY_LINK", "GOOGLEPAY", "APPLEPAY"} {
		open := func(ref string) string {
			r := s.post("/v1/payments", payment(method+ref, "10", "card", nil, "method", method))
			if r.str("status") != "requires_action" {
				t.Fatalf("%s: %s", method, r.raw)
			}
			return r.str("actionUrl")
		}
		s.decide(open("-yes"), "approve")
		s.decide(open("-no"), "decline")
		later := open("-later")
		s.decide(later, "pending")
		s.clock.advance(time.Hour)
		for ref, want := range map[string]string{"-yes": "00", "-no": "C03", "-later": ""} {
			if r := s.byReference(method + ref); r.str("responseCode") != want {
				t.Errorf("%s%s: %s", method, ref, r.raw)
			}
		}
		s.decide(later, "approve")
		if got := s.booked(method + "-later"); got != "action_required pending captured" {
			t.Errorf("%s left pending, then approved: %q", method, got)
		}
	}
}

func TestUnknownDecision(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	action := s.post("/v1/payments", payment("u", "1", "card", card("4000000000000002"), "returnUrl", nil)).str("actionUrl")
	for _, decision := range []string{"", "steal", "pending"} {
		if r := s.decide(action, decision); r.status != 422 {
			t.Errorf("%q: %d", decision, r.status)
		}
	}
	if r := s.decide(action, "approve"); r.status != 200 || !strings.Contains(string(r.raw), "Finished") {
		t.Errorf("without a return address: %d %s", r.status, r.raw)
	}
}
