package simulator_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/pix"
	"github.com/sluicepay/sluice/internal/simulator"
)

func blik(reference, amount, code string) object {
	return payment(reference, amount, "card", nil, "method", "BLIK", "currency", "PLN", "blikCode", code)
}

// TestBlikCodes: what the published codes and amounts do, and that the others wait in the app.
func TestBlikCodes(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for _, c := range []struct{ code, amount, decision, want string }{
		{"500500", "30", "", "C06"}, {"700701", "30", "", "C07"}, {"700702", "30", "", "C01"}, {"700703", "30", "", "C08"},
		{"123456", "30", "approve", "00"}, {"123456", "30", "cancel", "C01"}, {"123456", "30", "decline", "C03"},
		{"123456", "120.00", "approve", "51"}, {"123456", "96", "approve", "61"}, {"123456", "216", "approve", "59"}, {"123456", "9.99", "approve", "05"},
		{"123456", "264", "approve", "96"}, {"777123", "30", "-", "00"}, {"777123", "120", "-", "51"}, {"123456", "10000000", "", "61"},
	} {
		name := strings.ReplaceAll("b-"+c.code+"-"+c.amount+"-"+c.decision, ".", "_")
		r := s.post("/v1/payments", blik(name, c.amount, c.code))
		switch c.decision {
		case "":
		case "-":
			if r.str("status") != "pending" {
				t.Errorf("%s: %s", name, r.raw)
			}
			s.clock.advance(2 * time.Second)
		default:
			if r.str("actionKind") != "confirm" {
				t.Fatalf("%s: %s", name, r.raw)
			}
			if a := s.decide(r.str("actionUrl"), c.decision); a.status != 200 {
				t.Errorf("%s: the app leads to %d %q", name, a.status, a.header.Get("Location"))
			}
		}
		if got := s.byReference(name).str("responseCode"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	again := blik("b-500500-30-", "30", "500501")
	if r := s.post("/v1/payments", again); r.status != http.StatusConflict {
		t.Errorf("another code for the same reference: %s", r.raw)
	}
	s.scenario(object{"match": object{"method": "BLIK"}, "responseCode": "05", "times": 1})
	r := s.post("/v1/payments", blik("scenario", "30", "500500"))
	s.decide(r.str("actionUrl"), "approve")
	if got := s.byReference("scenario").str("responseCode"); got != "05" {
		t.Errorf("a scenario: %s", got)
	}
}

// TestBlikIsConfirmedInTwoMinutes, or a moment too late.
func TestBlikIsConfirmedInTwoMinutes(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	action := s.post("/v1/payments", blik("late", "30", "123456")).str("actionUrl")
	s.clock.advance(2 * time.Minute)
	if got := s.byReference("late").str("responseCode"); got != "C04" {
		t.Fatal(got)
	}
	s.decide(action, "approve")
	if got := s.byReference("late").str("status"); got != "declined" {
		t.Errorf("confirmed after the end: %s", got)
	}
	for range 2 {
		s.decide(action, "late")
	}
	if got := s.booked("late"); got != "action_required declined captured" {
		t.Error(got)
	}
	s.post("/v1/payments", blik("over", "30", "123456"))
	if r := s.post("/control/decide", object{"reference": "over", "responseCode": "timeout"}); r.str("responseCode") != "C04" {
		t.Errorf("the time was ended: %s", r.raw)
	}
	s.post("/v1/payments", blik("soon", "30", "777000"))
	if r := s.post("/control/decide", object{"reference": "soon", "responseCode": "timeout"}); r.status != 422 {
		t.Errorf("nobody is waited for: %s", r.raw)
	}
	action = s.post("/v1/payments", charge("left", "30")).str("actionUrl")
	s.post("/v1/transactions/by-reference/left/cancel", nil)
	if s.decide(action, "approve"); s.byReference("left").str("status") != "cancelled" {
		t.Errorf("paid after it was cancelled: %s", s.byReference("left").raw)
	}
	s.decide(action, "late")
	if got := s.booked("left"); got != "action_required cancelled captured" {
		t.Error(got)
	}
	if r := s.decide(s.post("/v1/payments", blik("early", "30", "123456")).str("actionUrl"), "late"); r.status != 200 || s.byReference("early").str("status") != "requires_action" {
		t.Errorf("late before the end: %s", r.raw)
	}
}

var waiting = regexp.MustCompile(`class="button" href="(/pay/[^"]+)">([^<]+)<`)

// TestTheAppShowsWhatWaits, newest first, and nothing that has ended.
func TestTheAppShowsWhatWaits(t *testing.T) {
	t.Parallel()
	path := ledgerFile(t)
	s := newSandbox(t, func(c *simulator.Config) { c.LedgerPath = path })
	body := blik("one", "30", "123456")
	body["orderId"] = "<script>alert(1)</script>"
	s.post("/v1/payments", body)
	two := s.post("/v1/payments", blik("two", "31", "123456"))
	list := waiting.FindAllStringSubmatch(string(s.do("GET", "/app", nil).raw), -1)
	if len(list) != 2 || list[0][2] != "31 PLN, order order-7" && list[0][2] != "31 PLN" || !strings.Contains(list[1][2], "&lt;script&gt;") {
		t.Fatalf("%q", list)
	}
	s.decide(two.str("actionUrl"), "approve")
	if err := s.sim.Close(); err != nil {
		t.Fatal(err)
	}
	again := newSandbox(t, func(c *simulator.Config) { c.LedgerPath = path })
	for _, from := range []*sandbox{s, again} {
		if list := waiting.FindAllStringSubmatch(string(from.do("GET", "/app", nil).raw), -1); len(list) != 1 {
			t.Errorf("%q", list)
		}
	}
}

func charge(reference, amount string) object {
	return payment(reference, amount, "card", nil, "method", "PIX", "currency", "BRL", "show", "code")
}

// TestCodesOfPixAreRight: another reader than the simulator's own finds in them what was asked for.
func TestCodesOfPixAreRight(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	seen := map[string]bool{}
	for i, amount := range []string{"30", "0.01", "1.5", "9999999.99"} {
		name := "p" + string(rune('a'+i))
		r := s.post("/v1/payments", charge(name, amount))
		code, err := pix.Parse(r.str("pixCode"))
		if err != nil || r.str("actionKind") != "code" || r.str("actionExpiresAt") == "" {
			t.Fatalf("%v: %s", err, r.raw)
		}
		if !code.OneUse || code.Amount != money.MustParse(amount) || code.URL == "" || seen[code.URL] {
			t.Errorf("%+v", code)
		}
		seen[code.URL] = true
		a := s.form("/app", url.Values{"code": {" " + r.str("pixCode") + "\n"}})
		if a.status != http.StatusSeeOther {
			t.Fatalf("scanned: %d", a.status)
		}
		s.decide(s.url+a.header.Get("Location"), "approve")
		if got := s.byReference(name); got.str("status") != "approved" || got.str("pixCode") != "" {
			t.Errorf("%s", got.raw)
		}
	}
	other := charge("pa", "30")
	delete(other, "show")
	if r := s.post("/v1/payments", other); r.status != http.StatusConflict {
		t.Errorf("the same reference without a code to show: %s", r.raw)
	}
	if a := s.form("/app", url.Values{"code": {"00020126<script>"}}); a.status != 422 || strings.Contains(string(a.raw), "<script") {
		t.Errorf("a code of nobody: %d", a.status)
	}
}

// TestBanksOfTheSandbox: those that are up can be paid from.
func TestBanksOfTheSandbox(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for method, want := range map[string]string{"OPEN_BANKING": `"rhein"`, "PAY_BY_LINK": `"mbank"`} {
		if r := s.do("GET", "/v1/banks?method="+method, nil); r.status != 200 || !strings.Contains(string(r.raw), want) {
			t.Errorf("%s: %s", method, r.raw)
		}
	}
	if r := s.do("GET", "/v1/banks?method=CARD", nil); r.status != 422 {
		t.Errorf("banks of cards: %d", r.status)
	}
	for bank, want := range map[string]string{"rhein": "", "asleep": "C09", "nobody": "C10"} {
		r := s.post("/v1/payments", payment("bank-"+bank, "10", "card", nil, "method", "OPEN_BANKING", "bank", bank))
		if r.str("responseCode") != want {
			t.Errorf("%s: %s", bank, r.raw)
		}
	}
}

func TestFieldsOfMethodsAreChecked(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for param, bodies := range map[string][]object{
		"blikCode":  {blik("x", "1", "12345"), blik("x", "1", "12345a"), payment("x", "1", "card", nil, "method", "PIX", "blikCode", "123456"), payment("x", "1", "blikCode", "123456")},
		"show":      {payment("x", "1", "card", nil, "method", "BLIK", "show", "code"), payment("x", "1", "card", nil, "method", "PIX", "currency", "BRL", "show", "all")},
		"currency":  {payment("x", "1", "card", nil, "method", "PIX", "show", "code"), payment("x", "1", "card", nil, "method", "BLIK", "blikCode", "123456")},
		"blikAlias": {byAlias("x", strings.Repeat("a", 65)), payment("x", "1", "blikAlias", "anna"), payment("x", "1", "card", nil, "method", "BLIK", "blikAlias", "anna")},
		"blikApp":   {byAlias("x", "anna", "blikApp", "mbank", "blikCode", "123456"), payment("x", "1", "card", nil, "method", "BLIK", "currency", "PLN", "blikApp", "mbank")},
		"bank":      {payment("x", "1", "bank", "rhein"), payment("x", "1", "card", nil, "method", "OPEN_BANKING", "bank", strings.Repeat("b", 65))},
	} {
		for _, body := range bodies {
			r := s.post("/v1/payments", body)
			fault, _ := r.body["error"].(object)
			if r.status != 422 || fault["param"] != param {
				t.Errorf("%s: %d %s", param, r.status, r.raw)
			}
		}
	}
}
