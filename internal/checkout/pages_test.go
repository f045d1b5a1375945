package checkout_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

func allMethods(s *shop.Shop) { s.Terminals[0].Methods = payment.Methods() }

// wants fails unless the page holds every text.
func (a answer) wants(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the page (status %d) lacks %q", a.status, text)
		}
	}
	if t.Failed() {
		t.Log(a.body)
	}
}

func (a answer) lacks(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			t.Errorf("the page holds %q:\n%s", text, a.body)
		}
	}
}

func TestFormShowsWhatIsPaidAndAsksForACard(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	a := h.get(page)
	if a.status != http.StatusOK {
		t.Fatalf("status %d", a.status)
	}
	a.wants(t, "Northwind Books", "€1,234.50</span>", "Order 1042: three paperbacks", "Pay €1,234.50", "Cancel payment",
		`autocomplete="cc-number"`, `autocomplete="cc-exp"`, `autocomplete="cc-csc"`, `autocomplete="cc-name"`,
		`inputmode="numeric"`, `<label for="number">`, `aria-describedby="code-hint"`, "Test payment", `<html lang="en" dir="ltr">`, "novalidate")
	a.lacks(t, "autofocus", " required", "Or pay another way", `name="amount"`, " style=", "onclick")
}

func TestFormIsMadeForThePayment(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name         string
		edit         func(*engine.Create)
		wants, lacks []string
	}{
		{"no amount", func(c *engine.Create) { c.Amount = money.Amount{} },
			[]string{`name="amount"`, `inputmode="decimal"`, "Pay now"}, []string{"0.00", "€0"}},
		{"another method", func(c *engine.Create) { c.Method = payment.OpenBanking },
			[]string{"Continue with your bank"}, []string{"cc-number", `name="method"`}},
		{"open method", func(c *engine.Create) { c.Method = "" },
			[]string{"cc-number", `name="method" value="BASIC_CARD"`, "Or pay another way", "<span>Google Pay</span>"}, nil},
		{"open method without a terminal", func(c *engine.Create) { c.Method, c.Currency = "", "USD" },
			[]string{"cannot take a payment in USD", "Cancel payment"}, []string{"cc-number", "Pay 1,234"}},
		{"card came with the payment", func(c *engine.Create) { c.Means = testCard(t, approved) },
			[]string{"Visa ending in 0408", "Expires 12/2039", "Pay €1,234.50"}, []string{"cc-number", "400000"}},
		{"no decimals", func(c *engine.Create) { c.Amount, c.Currency = money.MustParse("1000000"), "JPY" },
			[]string{"JP¥1,000,000</span>"}, []string{"1,000,000."}},
		{"three decimals", func(c *engine.Create) { c.Amount, c.Currency = money.MustParse("12.5"), "KWD" },
			[]string{`<span class="currency">KWD</span> <span class="figure">12.500</span>`}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, allMethods)
			_, page := h.deposit(tc.edit)
			a := h.get(page)
			a.wants(t, tc.wants...)
			a.lacks(t, tc.lacks...)
		})
	}
}

func testCard(t *testing.T, number string) *instrument.Card {
	t.Helper()
	pan, err := instrument.ParsePAN(number)
	if err != nil {
		t.Fatal(err)
	}
	code, err := instrument.ParseSecurityCode("123")
	if err != nil {
		t.Fatal(err)
	}
	return &instrument.Card{Number: pan, SecurityCode: code, ExpiryMonth: "12", ExpiryYear: "2039"}
}

func TestPaying(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, card string
		state      payment.State
		wants      []string
		refresh    string
	}{
		{"approved", approved, payment.Completed, []string{"Payment successful", "Return to Northwind Books"}, "6; url=https://shop.example/back/"},
		{"declined", refused, payment.Declined, []string{"Payment declined", "Return to Northwind Books"}, ""},
		{"nobody knows", unheard, payment.Pending, []string{"We are checking your payment", `<noscript><meta http-equiv="refresh" content="3"></noscript>`}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			id, page := h.deposit()
			a := h.do("POST", page, h.card(page, tc.card))
			if a.status != http.StatusSeeOther || !strings.HasSuffix(page, a.location()) {
				t.Fatalf("answered %d to %q", a.status, a.location())
			}
			if got := h.state(id); got != tc.state {
				t.Errorf("state %s, want %s", got, tc.state)
			}
			a = h.get(page)
			a.wants(t, tc.wants...)
			a.lacks(t, "4.01", "cc-number")
			if got := a.header.Get("Refresh"); !strings.HasPrefix(got, tc.refresh) || (got == "") != (tc.refresh == "") {
				t.Errorf("Refresh %q, want %q", got, tc.refresh)
			}
		})
	}
}

func TestBrowserAndCardReachTheProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	h.do("POST", page, h.card(page, approved))
	calls := h.bank.calls()
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	want := payment.Browser{IP: "127.0.0.1", UserAgent: "Test Browser/1.0", Language: "en-GB"}
	if diff := cmp.Diff(want, calls[0].Browser); diff != "" {
		t.Errorf("browser (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"123"}, h.bank.codes); diff != "" {
		t.Errorf("security code (-want +got):\n%s", diff)
	}
	if !instrument.CardOf(calls[0].Means).Number.IsZero() {
		t.Error("the card was not wiped after the call")
	}
}

func TestCardThatCameWithThePaymentIsPaidByOneButton(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit(func(c *engine.Create) { c.Means = testCard(t, approved) })
	form := h.fill(page)
	h.do("POST", page, form)
	if got := h.state(id); got != payment.Completed {
		t.Errorf("state %s", got)
	}

	id, page = h.deposit(func(c *engine.Create) { c.Means = testCard(t, approved) })
	form = h.fill(page)
	h.cards.Drop(id) // as after a restart
	a := h.do("POST", page, form)
	a.wants(t, "enter your card details once more", "cc-number")
	if got := h.state(id); got != payment.Checkout || a.status != http.StatusUnprocessableEntity {
		t.Errorf("without the card: state %s, status %d", got, a.status)
	}
}

func TestTheWayToTheBankAndBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit()
	a := h.do("POST", page, h.card(page, challenge))
	if a.status != http.StatusSeeOther || !strings.HasSuffix(a.location(), "/continue") {
		t.Fatalf("answered %d to %q", a.status, a.location())
	}
	a = h.get(page + "/continue")
	if got := a.header.Get("Refresh"); a.status != http.StatusOK || got != "0; url="+h.bank.page {
		t.Errorf("left with %d, Refresh %q", a.status, got)
	}
	a.wants(t, `href="https://bank.example/confirm?tx=1"`)
	a = h.get(page)
	a.wants(t, "Waiting for your bank", "/continue", "Continue to your bank")
	a.wants(t, `<noscript><meta http-equiv="refresh" content="10"></noscript>`)
	if a = h.do("POST", page+"/continue", nil); a.status != http.StatusSeeOther || !strings.HasSuffix(a.location(), "/continue") {
		t.Errorf("continuing answered %d to %q", a.status, a.location())
	}

	a = h.do("POST", page+"/return", url.Values{"state": {"COMPLETED"}, "PaRes": {"forged"}})
	if got := h.state(id); got != payment.Pending || !strings.HasSuffix(page, a.location()) {
		t.Errorf("an early return: state %s, sent to %q", got, a.location())
	}
	h.bank.settles(payment.ClassApproved)
	h.clock.Advance(10 * time.Second) // the next check of a payment whose customer is back comes soon
	a = h.get(page + "/return?status=declined")
	want := "https://shop.example/back/" + string(id) + "?state=COMPLETED"
	if a.status != http.StatusSeeOther || a.location() != want {
		t.Errorf("returned with %d to %q, want %q", a.status, a.location(), want)
	}
	if got := h.state(id); got != payment.Completed {
		t.Errorf("state %s", got)
	}
	var kinds []string
	log, err := h.engine.Operations(context.Background(), h.shop.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range log {
		kinds = append(kinds, string(o.Kind))
	}
	story := "CREATE_PAYMENT CHECKOUT DETECT_FRAUD DEPOSIT REDIRECT CONTINUE CHECK_STATE"
	if got := strings.Join(kinds, " "); got != story {
		t.Errorf("operations %s, want %s", got, story)
	}
	if a = h.get(page + "/continue"); a.location() == "" {
		t.Errorf("the way to the bank is still open: %d", a.status)
	}
}

func TestAMethodWithoutAFormGoesToTheProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t, allMethods)
	for _, tc := range []struct {
		method payment.Method
		form   []string
	}{{payment.OpenBanking, nil}, {"", []string{"method", "GOOGLEPAY", "number", "", "expiry", ""}}} {
		id, page := h.deposit(func(c *engine.Create) { c.Method = tc.method })
		a := h.do("POST", page, h.fill(page, tc.form...))
		if a.status != http.StatusSeeOther || !strings.HasSuffix(a.location(), "/continue") || h.state(id) != payment.Pending {
			t.Errorf("%q: %d to %q, state %s", tc.method, a.status, a.location(), h.state(id))
		}
	}
}

func TestFaultsAreShownAtTheirFieldsAndSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	h := newHouse(t, allMethods)
	for _, tc := range []struct {
		name  string
		edit  func(*engine.Create)
		form  []string
		wants []string
	}{
		{"nothing entered", nil, []string{"number", "", "expiry", "", "code", ""},
			[]string{"Enter your card number.", "Enter the expiry date of your card.", "Enter the security code of your card.", `href="#number"`}},
		{"check digit", nil, []string{"number", "4000000000000409", "expiry", "12/39", "code", "987"},
			[]string{"This card number is not valid.", `id="number" name="number" type="text" dir="ltr"`, `aria-invalid="true" autofocus`, `value="12/39"`}},
		{"too short", nil, []string{"number", "4000 0000 00", "expiry", "12/39", "code", "987"}, []string{"too short or too long"}},
		{"month 13", nil, []string{"number", approved, "expiry", "13/39", "code", "987"}, []string{"Enter month and year", `value="13/39"`}},
		{"expired", nil, []string{"number", approved, "expiry", "01/20", "code", "987"}, []string{"This card has expired."}},
		{"four digits for Visa", nil, []string{"number", approved, "expiry", "12/39", "code", "9876"}, []string{"has 3 digits"}},
		{"three digits for Amex", nil, []string{"number", "378282246310005", "expiry", "12/39", "code", "987"}, []string{"has 4 digits"}},
		{"letters for a code", nil, []string{"number", approved, "expiry", "12/39", "code", "98a"}, []string{"3 or 4 digits"}},
		{"number in the name", nil, []string{"number", approved, "expiry", "12/39", "code", "987", "holder", "4000 0000 0000 0408"},
			[]string{"without numbers"}},
		{"number in the expiry date", nil, []string{"number", approved, "expiry", "4000000000000408", "code", "987"}, []string{"Enter month and year"}},
		{"no amount", func(c *engine.Create) { c.Amount = money.Amount{} },
			[]string{"amount", "0", "number", approved, "expiry", "12/39", "code", "987"}, []string{"Enter the amount", `inputmode="decimal" aria-required="true"`}},
		{"amount too fine", func(c *engine.Create) { c.Amount = money.Amount{} },
			[]string{"amount", "1.005", "number", approved, "expiry", "12/39", "code", "987"}, []string{"Amounts in EUR have at most 2 decimals.", `value="1.005"`}},
		{"amount too large", func(c *engine.Create) { c.Amount = money.Amount{} },
			[]string{"amount", "1000000001", "number", approved, "expiry", "12/39", "code", "987"}, []string{"Enter an amount in digits"}},
		{"no method", func(c *engine.Create) { c.Method = "" },
			[]string{"number", approved, "expiry", "12/39", "code", "987"}, []string{"Choose how you would like to pay."}},
		{"a method that nobody offers", func(c *engine.Create) { c.Method = "" }, []string{"method", "CASH"}, []string{"Choose how you would like to pay."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			edit := tc.edit
			if edit == nil {
				edit = func(*engine.Create) {}
			}
			id, page := h.deposit(edit)
			a := h.do("POST", page, h.fill(page, tc.form...))
			if a.status != http.StatusUnprocessableEntity {
				t.Errorf("status %d to %q", a.status, a.location())
			}
			a.wants(t, append(tc.wants, "<title>Error: ")...)
			a.lacks(t, "4000000000000409", digits(approved), approved, `"987"`, `"9876"`, "378282246310005", `"98a"`)
			if got := h.state(id); got != payment.Checkout {
				t.Errorf("state %s", got)
			}
		})
	}
}

func TestAnAmountIsEnteredByTheCustomer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit(func(c *engine.Create) { c.Amount = money.Amount{} })
	form := h.card(page, approved)
	form.Set("amount", "1 250,5")
	h.do("POST", page, form)
	p, err := h.engine.Get(context.Background(), h.shop.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	if p.Asked.Amount != money.MustParse("1250.5") || p.State() != payment.Completed {
		t.Errorf("%s, %s", p.Asked.Amount, p.State())
	}
	id, page = h.deposit()
	form = h.card(page, approved)
	form.Set("amount", "1") // the payment has its amount: what the form says does not count
	h.do("POST", page, form)
	if p, err = h.engine.Get(context.Background(), h.shop.ID, id); err != nil || p.Asked.Amount != money.MustParse("1234.5") {
		t.Errorf("%s, %v", p.Asked.Amount, err)
	}
}

func TestOnlyOneSubmitCounts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit()
	form := h.card(page, approved)
	var clicks sync.WaitGroup
	for range 8 {
		clicks.Go(func() {
			if a := h.do("POST", page, form); a.status != http.StatusSeeOther {
				t.Errorf("status %d", a.status)
			}
		})
	}
	clicks.Wait()
	if got := len(h.bank.calls()); got != 1 || h.state(id) != payment.Completed {
		t.Errorf("%d calls, state %s", got, h.state(id))
	}
	if a := h.do("POST", page, form); a.status != http.StatusSeeOther || len(h.bank.calls()) != 1 {
		t.Errorf("an old form: %d", a.status)
	}
}

func TestAFormNeedsItsNonce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit()
	_, other := h.deposit()
	good := h.card(page, approved)
	for name, nonce := range map[string]string{"none": "", "forged": "AAAAAAAAAAAAAAAAAAAAAA", "of another payment": h.fill(other).Get("nonce")} {
		form := maps.Clone(good)
		form.Set("nonce", nonce)
		for _, to := range []string{page, page + "/cancel"} {
			if a := h.do("POST", to, form); a.status != http.StatusSeeOther || h.state(id) != payment.Checkout {
				t.Errorf("%s: %d, state %s", name, a.status, h.state(id))
			}
		}
	}
}

func TestCancelling(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit()
	form := h.fill(page)
	if a := h.do("POST", page+"/cancel", form); a.status != http.StatusSeeOther || h.state(id) != payment.Cancelled {
		t.Fatalf("%d, state %s", a.status, h.state(id))
	}
	h.get(page).wants(t, "Payment cancelled", "Return to Northwind Books")
	form.Set("number", approved)
	if h.do("POST", page, form); h.state(id) != payment.Cancelled || len(h.bank.calls()) != 0 {
		t.Errorf("paid after the cancellation: %s", h.state(id))
	}
	id, page = h.deposit()
	form = h.card(page, approved)
	h.do("POST", page, form)
	if a := h.do("POST", page+"/cancel", form); a.status != http.StatusSeeOther || h.state(id) != payment.Completed {
		t.Errorf("cancelled after paying: %d, %s", a.status, h.state(id))
	}
}

func TestTimeRunsOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit()
	form := h.card(page, approved)
	h.clock.Advance(61 * time.Minute)
	h.get(page).wants(t, "Time ran out")
	if h.do("POST", page, form); len(h.bank.calls()) != 0 || h.state(id) == payment.Completed {
		t.Errorf("paid after the end: %s", h.state(id))
	}
}

func TestAnInactiveShopTakesNoPayments(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	h.shop.Active = false
	if err := h.update(h.shop); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(2 * time.Second)
	if a := h.get(page); a.status != http.StatusForbidden {
		t.Errorf("status %d", a.status)
	}
}

func TestWhereTheCustomerReturnsTo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, own, shops, want string }{
		{"the payment's own", "https://shop.example/{state}", "https://other.example/", "https://shop.example/COMPLETED"},
		{"the shop's", "", "https://other.example/{type}?a=b;c", "https://other.example/DEPOSIT?a=b%3Bc"},
		{"none", "", "", ""},
		{"an app's", "myapp://{state}/{referenceId}?a=b", "", "myapp://COMPLETED/?a=b"},
		{"the shop's in letters beyond ASCII", "", "https://магазин.рф/{state}", "https://xn--80aairftm.xn--p1ai/COMPLETED"},
		{"the shop's for one that runs in a browser", "javascript:alert(1)", "https://other.example/", "https://other.example/"},
		{"none for one that a browser runs", "javascript://shop.example/%0aalert(1)", "data:text/html,x", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(s *shop.Shop) { s.Settings.ReturnURL = tc.shops })
			_, page := h.deposit(func(c *engine.Create) { c.ReturnURL = tc.own })
			h.do("POST", page, h.card(page, approved))
			a := h.get(page)
			if tc.want == "" {
				a.lacks(t, "Return to")
				if got := a.header.Get("Refresh"); got != "" {
					t.Errorf("Refresh %q", got)
				}
				return
			}
			a.wants(t, `href="`+tc.want+`"`)
			if got := a.header.Get("Refresh"); got != "6; url="+tc.want {
				t.Errorf("Refresh %q", got)
			}
		})
	}
}

// TestAnAppIsOpenedFromOurPage: a customer who comes back from the bank is not redirected to an app.
func TestAnAppIsOpenedFromOurPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit(func(c *engine.Create) { c.ReturnURL = "myapp://back/{state}" })
	h.do("POST", page, h.card(page, challenge))
	h.do("POST", page+"/continue", nil)
	h.bank.settles(payment.ClassApproved)
	a := h.get(page + "/return")
	if a.status != http.StatusSeeOther || !strings.HasSuffix(page, a.location()) {
		t.Errorf("returned with %d to %q", a.status, a.location())
	}
	a = h.get(page)
	a.wants(t, `href="myapp://back/COMPLETED"`)
	if got := a.header.Get("Refresh"); got != "6; url=myapp://back/COMPLETED" {
		t.Errorf("Refresh %q", got)
	}
}

func TestUnknownAddressesAreAllAlike(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	token := page[strings.LastIndex(page, "/")+1:]
	flipped := "A" + token[1:]
	if token[0] == 'A' {
		flipped = "B" + token[1:]
	}
	o, err := h.engine.Create(context.Background(), engine.Create{
		Shop: h.shop, Type: payment.Withdrawal, Method: payment.BasicCard, Amount: money.MustParse("1"), Currency: "EUR",
		Means: testCard(t, approved),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := h.get(h.url + "/payment/nothing")
	if want.status != http.StatusNotFound {
		t.Fatalf("status %d", want.status)
	}
	want.wants(t, "Page not found", "request-1")
	for _, address := range []string{
		h.url + "/payment/" + flipped, h.url + "/payment/" + token[:len(token)-1], page + "=",
		page[:len(page)-9] + "%0A" + page[len(page)-9:], page + "%0D%0A", page + "/", h.url + "/payment/",
		h.url + "/payment", h.url + "/payment?number=4000000000000408",
		h.url + "/payment/" + flipped + "/return", h.url + "/payment/" + strings.Repeat("A", 64),
		h.engine.CheckoutURL(h.shop.ID, "00000000000000000000000000000000"),
		h.engine.CheckoutURL(h.shop.ID, o.Payment.ID),
	} {
		if got := h.get(address); got.status != want.status || got.body != want.body {
			t.Errorf("%s is answered %d:\n%s", address, got.status, got.body)
		}
	}
}

func TestFormsOfAnotherShapeAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	for _, tc := range []struct {
		name, kind, body string
		want             int
	}{
		{"JSON", "application/json", `{"number":"4000000000000408"}`, http.StatusBadRequest},
		{"no type", "", "number=1", http.StatusBadRequest},
		{"broken encoding", "application/x-www-form-urlencoded", "number=%zz4000000000000408", http.StatusBadRequest},
		{"too large", "application/x-www-form-urlencoded", "number=" + strings.Repeat("4", 16<<10), http.StatusRequestEntityTooLarge},
	} {
		for _, to := range []string{page, page + "/cancel"} {
			r, err := http.NewRequest("POST", to, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", tc.kind)
			a := h.send(r)
			if a.status != tc.want {
				t.Errorf("%s: status %d", tc.name, a.status)
			}
			a.wants(t, "Nothing was charged", "Open the payment again", "request-1")
		}
	}
	if strings.Contains(h.log.String(), "4000000000000408") {
		t.Error("card data in the log")
	}
}

func TestEveryAnswerIsClosed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	form := h.card(page, challenge)
	hash := func(name string) string {
		sum := sha256.Sum256([]byte(ourScript(t, name)))
		return "script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
	}
	for name, a := range map[string]answer{
		"form": h.get(page), "fault": h.do("POST", page, url.Values{"nonce": form["nonce"], "number": {"1"}}),
		"submit": h.do("POST", page, form), "leave": h.get(page + "/continue"), "bank": h.get(page),
		"missing": h.get(h.url + "/payment/x"), "return": h.get(page + "/return"),
	} {
		csp := a.header.Get("Content-Security-Policy")
		script := "script-src 'none';"
		switch name {
		case "bank": // which looks for news
			script = hash("news.js")
		case "form", "fault":
			script = hash("form.js")
		}
		for _, want := range []string{
			"default-src 'none'", script, "style-src 'self'", "form-action 'self';", "base-uri 'none'", "frame-ancestors 'none'",
		} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %s", name, csp, want)
			}
		}
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY", "Set-Cookie": "",
		} {
			if got := a.header.Get(header); got != want {
				t.Errorf("%s: %s %q, want %q", name, header, got, want)
			}
		}
		if a.header.Get("Permissions-Policy") == "" {
			t.Errorf("%s: no Permissions-Policy", name)
		}
	}
}

// scriptNames are the scripts that pages may hold.
var scriptNames = []string{"apple.js", "form.js", "frame.js", "google.js", "lines.js", "news.js", "post.js", "receipt.js"}

// ourScript is a script as it stands in the repository.
func ourScript(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("static/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// unscripted is a page without our own scripts.
func unscripted(t *testing.T, body string) string {
	t.Helper()
	for _, name := range scriptNames {
		body = strings.Replace(body, "<script>"+ourScript(t, name)+"</script>", "", 1)
	}
	return body
}

func TestStyleIsServedForEver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	path := regexp.MustCompile(`/static/checkout/checkout\.[0-9a-f]{16}\.css`).FindString(h.get(page).body)
	a := h.get(h.url + path)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/css; charset=utf-8" ||
		a.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
		t.Errorf("%q: %d %v", path, a.status, a.header)
	}
	for _, other := range []string{"checkout.css", "checkout.0000000000000000.css", "..%2f..%2fpages.go"} {
		if a := h.get(h.url + "/static/checkout/" + other); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", other, a.status)
		}
	}
}

// polyglots are texts that run as script in a careless page.
var polyglots = []string{
	`jaVasCript:/*-/*` + "`" + `/*\` + "`" + `/*'/*"/**/(/* */oNcliCk=alert() )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>\x3csVg/<sVg/oNloAd=alert()//>\x3e`,
	`"><img src=x onerror=alert(1)>`, `</title><script>alert(1)</script>`, `{{.}}<svg/onload=alert(1)>`,
	`' autofocus onfocus='alert(1)`, `<a href="javascript:alert(1)">x</a>`, `<!--<script>alert(1)`,
}

func TestTextsOfOthersStayText(t *testing.T) {
	t.Parallel()
	tag := regexp.MustCompile(`(?i)<(script|img|svg/|a href="javascript)`)
	quoted := regexp.MustCompile(`"[^"]*"`)
	handler := regexp.MustCompile(`(?i)<[a-z][^>]*\son[a-z]+\s*=`)
	for _, text := range polyglots {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(s *shop.Shop) { s.Name = text })
			_, page := h.deposit(func(c *engine.Create) {
				c.Description, c.Reference, c.Amount = text, text, money.Amount{}
				c.ReturnURL = "https://shop.example/" + url.PathEscape(text) + "?r={referenceId}"
			})
			h.bank.page = "https://bank.example/?" + text
			form := h.fill(page, "number", text, "expiry", text, "code", text, "holder", text, "amount", text, "method", text)
			pages := []answer{h.get(page), h.do("POST", page, form)}
			form = h.card(page, challenge)
			form.Set("amount", "1")
			h.do("POST", page, form)
			pages = append(pages, h.get(page), h.get(page+"/continue"))
			h.bank.settles(payment.ClassApproved)
			pages = append(pages, h.get(page+"/return"), h.get(page))
			for _, a := range pages {
				a.body = unscripted(t, a.body)
				if tag.MatchString(a.body) || handler.MatchString(quoted.ReplaceAllString(a.body, "")) {
					t.Errorf("%d is alive:\n%s", a.status, a.body)
				}
				for _, header := range []string{"Location", "Refresh"} {
					if strings.ContainsAny(a.header.Get(header), "<>\"'\r\n") {
						t.Errorf("%s %q", header, a.header.Get(header))
					}
				}
			}
		})
	}
}

func TestNoCardDataInLogsOrStore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, number := range []string{approved, refused, challenge, unheard} {
		id, page := h.deposit()
		form := h.card(page, number)
		form.Set("code", "739")
		h.do("POST", page, form)
		p, err := h.engine.Get(context.Background(), h.shop.ID, id)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		for place, text := range map[string]string{"payment": string(stored), "log": h.log.String(), "page": h.get(page).body} {
			if strings.Contains(text, digits(number)) || strings.Contains(text, `"739"`) {
				t.Errorf("card data in the %s:\n%s", place, text)
			}
		}
	}
}
