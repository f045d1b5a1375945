package checkout_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

const (
	safari  = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15"
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/123.0 Mobile/15E148 Safari/604.1"
	android = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/123.0.0.0 Mobile Safari/537.36"
	mac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/123.0.0.0 Safari/537.36"
)

// by opens a page with another browser.
func (h *house) by(agent, address string) answer {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("User-Agent", agent)
	return h.send(r)
}

// everywhere has the terminal take all methods in all currencies.
func everywhere(s *shop.Shop) {
	s.Terminals[0].Methods, s.Terminals[0].Currencies = payment.Methods(), nil
}

var offers = regexp.MustCompile(`\?method=([A-Z_]+)"`)

// TestMethodsAreOfferedThatCanPay: banks take some in one currency only, and some devices have nothing for others.
func TestMethodsAreOfferedThatCanPay(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	for _, tc := range []struct {
		currency money.Currency
		agent    string
		want     string
	}{
		{"EUR", android, "GOOGLEPAY OPEN_BANKING"},
		{"EUR", mac, "GOOGLEPAY OPEN_BANKING"},
		{"EUR", "", "GOOGLEPAY OPEN_BANKING"},
		{"EUR", safari, "APPLEPAY GOOGLEPAY OPEN_BANKING"},
		{"EUR", iphone, "APPLEPAY GOOGLEPAY OPEN_BANKING"},
		{"PLN", android, "BLIK PAY_BY_LINK GOOGLEPAY OPEN_BANKING"},
		{"BRL", iphone, "PIX APPLEPAY GOOGLEPAY OPEN_BANKING"},
	} {
		_, page := h.deposit(func(c *engine.Create) { c.Method, c.Currency = "", tc.currency })
		var got []string
		for _, m := range offers.FindAllStringSubmatch(h.by(tc.agent, page).body, -1) {
			got = append(got, m[1])
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s with %q (-want +got):\n%s", tc.currency, tc.agent, diff)
		}
	}
}

// TestTheOnlyMethodIsOfferedOnAnyDevice: what a browser says that it is may be wrong, and there is nothing else.
func TestTheOnlyMethodIsOfferedOnAnyDevice(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere, func(s *shop.Shop) { s.Terminals[0].Methods = []payment.Method{payment.ApplePay} })
	for _, method := range []payment.Method{"", payment.ApplePay} {
		_, page := h.deposit(func(c *engine.Create) { c.Method = method })
		a := h.by(android, page)
		a.wants(t, `<span>Continue with Apple Pay</span>`)
		a.lacks(t, "Choose another way to pay")
	}
}

// TestLookingAtAMethodSettlesNothing: from its page the customer comes back to all, and the payment was not touched.
func TestLookingAtAMethodSettlesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	id, page := h.deposit(func(c *engine.Create) { c.Method = "" })
	a := h.get(page + "?method=GOOGLEPAY")
	a.wants(t, "<h1>Continue with Google Pay</h1>", `name="method" value="GOOGLEPAY"`, "Choose another way to pay", "Cancel payment")
	a.lacks(t, "cc-number", "Or pay another way")
	if h.state(id) != payment.Checkout || len(h.bank.calls()) != 0 {
		t.Fatalf("%s", h.state(id))
	}
	for _, other := range []string{page, page + "?method=BASIC_CARD", page + "?method=PIX", page + "?method=CASH", page + "?method=%22%3E%3Cscript%3E"} {
		h.get(other).wants(t, "cc-number", "<span>Google Pay</span>")
	}
	if a = h.do("POST", page, h.fill(page+"?method=GOOGLEPAY", "method", "GOOGLEPAY")); a.status != http.StatusSeeOther || h.state(id) != payment.Pending {
		t.Errorf("%d, %s", a.status, h.state(id))
	}
	id, page = h.deposit(func(c *engine.Create) { c.Method = "" })
	if a = h.do("POST", page, h.fill(page, "method", "BLIK")); a.status != http.StatusUnprocessableEntity || h.state(id) != payment.Checkout {
		t.Errorf("a method of another currency: %d, %s", a.status, h.state(id))
	}
}

// TestAMethodAndAnAmount: what is wrong with one is said on the page of the other.
func TestAMethodAndAnAmount(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	id, page := h.deposit(func(c *engine.Create) { c.Method, c.Amount = "", money.Amount{} })
	form := h.fill(page+"?method=GOOGLEPAY", "method", "GOOGLEPAY", "amount", "12 50")
	a := h.do("POST", page, form)
	a.wants(t, "Enter an amount in digits", `value="12 50"`, `name="method" value="GOOGLEPAY"`, "Choose another way to pay")
	form.Set("amount", "12,50")
	if h.do("POST", page, form); h.state(id) != payment.Pending {
		t.Error(h.state(id))
	}
}

// TestWithoutCardsTheCustomerChoosesFirst.
func TestWithoutCardsTheCustomerChoosesFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere, func(s *shop.Shop) {
		s.Terminals[0].Methods = []payment.Method{payment.GooglePay, payment.OpenBanking}
	})
	_, page := h.deposit(func(c *engine.Create) { c.Method = "" })
	a := h.get(page)
	a.wants(t, "How would you like to pay?", `?method=GOOGLEPAY"`, `?method=OPEN_BANKING"`)
	a.lacks(t, `class="primary"`, "Or pay another way")
}

// TestWhoLeavesAMethodChoosesAgain: cancelled there, the payment can be paid in every way, as often as the shop lets its customers try.
func TestWhoLeavesAMethodChoosesAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere, attempts(3))
	id, page := h.deposit(func(c *engine.Create) { c.Method = "" })
	h.do("POST", page, h.fill(page+"?method=GOOGLEPAY", "method", "GOOGLEPAY"))
	h.do("POST", page+"/continue", nil)
	h.bank.settles(payment.ClassCancelled)
	h.clock.Advance(10 * time.Second)
	h.get(page + "/return")
	a := h.get(page)
	a.wants(t, "The payment was not completed, and nothing was charged.", "cc-number", `name="method" value="BASIC_CARD"`, `?method=GOOGLEPAY"`, `?method=OPEN_BANKING"`)
	h.get(page+"?method=OPEN_BANKING").wants(t, `name="method" value="OPEN_BANKING"`, "Choose another way to pay")
	if h.state(id) != payment.Pending {
		t.Fatal(h.state(id))
	}
	form := h.card(page, approved)
	form.Set("expiry", "13/39")
	form.Set("method", "BASIC_CARD")
	a = h.do("POST", page, form)
	a.wants(t, "Visa ending in 0408", "Entered")
	if h.do("POST", page, h.again(a, "method", "BASIC_CARD", "expiry", "12/39")); h.state(id) != payment.Completed {
		t.Error(h.state(id))
	}
}
