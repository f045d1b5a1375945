package checkout_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

var ticketOf = regexp.MustCompile(`<input type="hidden" name="kept" value="([^"]+)">`)

// again fills the form that was answered with, as a browser does that shows it: with its hidden fields and no others.
func (h *house) again(a answer, fields ...string) url.Values {
	h.t.Helper()
	form := url.Values{}
	for name, m := range map[string][]string{"nonce": hidden.FindStringSubmatch(a.body), "kept": ticketOf.FindStringSubmatch(a.body)} {
		if m != nil {
			form.Set(name, m[1])
		}
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return form
}

// asked lists the fields of the card that a page asks for.
func (a answer) asked() (fields []string) {
	for _, name := range []string{"number", "expiry", "code", "holder"} {
		if strings.Contains(a.body, `<input id="`+name+`"`) {
			fields = append(fields, name)
		}
	}
	return fields
}

func TestWhatWasRightIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	const wrong, amex = "4000000000000409", "378282246310005"
	for _, tc := range []struct {
		name   string
		first  []string
		asked  []string // after it
		wants  []string
		second []string
		number string // that the provider gets
		code   string
	}{
		{"wrong expiry date", []string{"number", approved, "expiry", "13/39", "code", "739"}, []string{"expiry", "holder"},
			[]string{"Visa ending in 0408", "Entered", `value="13/39"`}, []string{"expiry", "12/39"}, digits(approved), "739"},
		{"wrong code", []string{"number", approved, "expiry", "12/39", "code", "73"}, []string{"expiry", "code", "holder"},
			[]string{"Visa ending in 0408", `value="12/39"`}, []string{"expiry", "12/39", "code", "739"}, digits(approved), "739"},
		{"wrong number", []string{"number", wrong, "expiry", "12/39", "code", "739"}, []string{"number", "expiry", "holder"},
			[]string{"Entered", `value="12/39"`}, []string{"number", approved, "expiry", "12/39"}, digits(approved), "739"},
		{"wrong name", []string{"number", approved, "expiry", "12/39", "code", "739", "holder", "1234567"}, []string{"expiry", "holder"},
			[]string{"Visa ending in 0408", "Entered", `aria-invalid="true" autofocus`}, []string{"expiry", "12/39", "holder", "Ada"}, digits(approved), "739"},
		{"nothing but the number", []string{"number", amex}, []string{"expiry", "code", "holder"},
			[]string{"American Express ending in 0005"}, []string{"expiry", "12/39", "code", "7391"}, amex, "7391"},
		{"another number after all", []string{"number", approved, "expiry", "13/39", "code", "739"}, []string{"expiry", "holder"},
			nil, []string{"number", challenge, "expiry", "12/39"}, digits(challenge), "739"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			id, page := h.deposit()
			a := h.do("POST", page, h.fill(page, tc.first...))
			if a.status != http.StatusUnprocessableEntity || h.state(id) != payment.Checkout {
				t.Fatalf("status %d, %s", a.status, h.state(id))
			}
			if diff := cmp.Diff(tc.asked, a.asked()); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
			a.wants(t, tc.wants...)
			a.lacks(t, digits(approved), approved, wrong, amex, "739")
			h.do("POST", page, h.again(a, tc.second...))
			calls := h.bank.calls()
			if len(calls) != 1 || h.state(id) == payment.Checkout {
				t.Fatalf("%d calls, %s", len(calls), h.state(id))
			}
			if h.bank.numbers[0] != tc.number || h.bank.codes[0] != tc.code {
				t.Errorf("the provider got %s with %s, want %s with %s", h.bank.numbers[0], h.bank.codes[0], tc.number, tc.code)
			}
		})
	}
}

// TestAKeptCodeIsThatOfTheCard: a code in the length of another brand is asked for again with the number.
func TestAKeptCodeIsThatOfTheCard(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit()
	a := h.do("POST", page, h.fill(page, "number", "4000000000000409", "expiry", "12/39", "code", "739"))
	a = h.do("POST", page, h.again(a, "number", "378282246310005", "expiry", "12/39"))
	a.wants(t, "has 4 digits", "American Express ending in 0005")
	if got := a.asked(); !slices.Contains(got, "code") || slices.Contains(got, "number") || h.state(id) != payment.Checkout {
		t.Errorf("asked for %v, %s", got, h.state(id))
	}
}

func TestWhatIsKeptCanBeChanged(t *testing.T) {
	t.Parallel()
	for _, method := range []payment.Method{payment.BasicCard, ""} {
		h := newHouse(t)
		id, page := h.deposit(func(c *engine.Create) { c.Method = method })
		a := h.do("POST", page, h.fill(page, "number", refused, "expiry", "13/39", "code", "739", "method", "BASIC_CARD"))
		a = h.do("POST", page, h.again(a, "expiry", "12/39", "holder", "Ada Lovelace", "change", "number"))
		a.wants(t, `value="12/39"`, `value="Ada Lovelace"`, "Entered", `id="number" name="number" type="text" dir="ltr" autocomplete="cc-number" inputmode="numeric" aria-required="true" autofocus`)
		a.lacks(t, "0416", `class="fault"`, "Error: ")
		if a.status != http.StatusOK || h.state(id) != payment.Checkout {
			t.Errorf("status %d, %s", a.status, h.state(id))
		}
		a = h.do("POST", page, h.again(a, "expiry", "12/39", "number", approved, "change", "code"))
		a.wants(t, "Visa ending in 0408", `id="code"`)
		a.lacks(t, "Entered")
		a = h.do("POST", page, h.again(a, "expiry", "12/39", "code", "321", "method", "BASIC_CARD"))
		if h.state(id) != payment.Completed || h.bank.numbers[0] != digits(approved) || h.bank.codes[0] != "321" {
			t.Errorf("%q: %s, %v, %v, status %d", method, h.state(id), h.bank.numbers, h.bank.codes, a.status)
		}
	}
}

// TestWhatIsKeptIsForItsFormAlone: whoever has the address of the page and no more finds an empty form.
func TestWhatIsKeptIsForItsFormAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit()
	_, other := h.deposit()
	a := h.do("POST", page, h.fill(page, "number", approved, "expiry", "13/39", "code", "739"))
	h.get(page).lacks(t, "0408", `name="kept"`)
	good := h.again(a, "expiry", "12/39")
	for name, form := range map[string]url.Values{
		"no ticket":             {"nonce": good["nonce"], "expiry": {"12/39"}, "number": {""}},
		"a forged one":          {"nonce": good["nonce"], "expiry": {"12/39"}, "kept": {"AAAAAAAAAAAAAAAAAAAAAAAAAA"}},
		"that of another page":  {"nonce": h.fill(other)["nonce"], "expiry": {"12/39"}, "kept": good["kept"]},
		"for a different field": {"nonce": good["nonce"], "expiry": {"12/39"}, "change": {"number"}, "kept": {"x"}},
	} {
		to := page
		if strings.HasPrefix(name, "that") {
			to = other
		}
		got := h.do("POST", to, form)
		got.lacks(t, "ending in 0408")
		if h.state(id) != payment.Checkout || len(h.bank.calls()) != 0 {
			t.Fatalf("%s: %s", name, h.state(id))
		}
	}
	h.clock.Advance(payment.MeansHold)
	a = h.do("POST", page, good)
	a.wants(t, "enter your card details once more", `id="number"`, `id="code"`)
	if h.state(id) != payment.Checkout {
		t.Errorf("paid with what is forgotten: %s", h.state(id))
	}
}

// TestWhatIsKeptIsGone with the payment: it neither pays again nor stays.
func TestWhatIsKeptIsGone(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(h *house, page string, form url.Values){
		"paid":      func(h *house, page string, form url.Values) { h.do("POST", page, form) },
		"cancelled": func(h *house, page string, form url.Values) { h.do("POST", page+"/cancel", form) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			id, page := h.deposit()
			form := h.again(h.do("POST", page, h.fill(page, "number", approved, "expiry", "13/39", "code", "739")), "expiry", "12/39")
			end(h, page, form)
			state, calls := h.state(id), len(h.bank.calls())
			if a := h.do("POST", page, form); a.status != http.StatusSeeOther || h.state(id) != state || len(h.bank.calls()) != calls {
				t.Errorf("once more: %d, %s", a.status, h.state(id))
			}
		})
	}
}

// TestAFormWithAKeptNumberIsSentTwice: each click is led to the payment, and none to a form that asks for the card again.
func TestAFormWithAKeptNumberIsSentTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit()
	first := h.fill(page, "number", approved, "expiry", "13/39", "code", "739")
	h.do("POST", page, first)
	form := h.again(h.do("POST", page, first), "expiry", "12/39")
	var clicks sync.WaitGroup
	for range 4 {
		clicks.Go(func() {
			if a := h.do("POST", page, form); a.status != http.StatusSeeOther {
				t.Errorf("status %d:\n%s", a.status, a.body)
			}
		})
	}
	clicks.Wait()
	if len(h.bank.calls()) != 1 || h.state(id) != payment.Completed {
		t.Errorf("%d calls, %s", len(h.bank.calls()), h.state(id))
	}
}

func TestAKeptNumberIsNowhereElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.seal()
	id, page := h.deposit(func(c *engine.Create) { c.Amount = money.Amount{} })
	a := h.do("POST", page, h.fill(page, "amount", "five", "number", approved, "expiry", "12/39", "code", "739", "holder", "1234 Ada"))
	a.wants(t, "Enter an amount in digits", "Visa ending in 0408", "Entered", `id="amount"`)
	a.lacks(t, digits(approved), `"739"`)
	if got := a.header.Values("Set-Cookie"); len(got) != 0 {
		t.Errorf("cookies %v", got)
	}
	p, err := h.engine.Get(context.Background(), h.shop.ID, id)
	if err != nil || p.Means != "" || p.Instrument.CustomerAccountNumber != "" {
		t.Errorf("stored %q, %q, %v", p.Means, p.Instrument.CustomerAccountNumber, err)
	}
	if log := h.log.String(); strings.Contains(log, digits(approved)) || strings.Contains(log, "739 ") {
		t.Error("the log has the card")
	}
	h.do("POST", page, h.again(a, "amount", "5", "expiry", "12/39"))
	if h.state(id) != payment.Completed {
		t.Error(h.state(id))
	}
}

// TestWhatIsWrittenReachesTheProvider as it was meant, or nothing does; and the browser is told neither to cut nor to refuse it.
func TestWhatIsWrittenReachesTheProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	h.get(page).lacks(t, "maxlength", "pattern=")
	for _, card := range [][3]string{
		{"  4000  0000  0000  0408  ", "2039-12", " 123 "}, {"4000\u00a00000\u202f0000\u30000408", "12 / 2039", "1 2 3"},
		{"4000–0000—0000‐0408", "12–39", "１２３"}, {"４０００ ٠٠٠٠ ०००० 0408", "١٢/٣٩", "١٢٣"}, {"\u200e4000.0000.0000.0408", "1239", "\u2066123\u2069"},
	} {
		id, page := h.deposit()
		h.do("POST", page, h.fill(page, "number", card[0], "expiry", card[1], "code", card[2], "holder", "\u2068Ada\u00a0Lovelace\u2069"))
		calls := h.bank.calls()
		if h.state(id) != payment.Completed {
			t.Errorf("%+q: %s", card, h.state(id))
			continue
		}
		last := len(calls) - 1
		got := instrument.CardOf(calls[last].Means)
		if h.bank.numbers[last] != digits(approved) || h.bank.codes[last] != "123" || got.ExpiryMonth+got.ExpiryYear != "122039" || got.Holder != "Ada Lovelace" {
			t.Errorf("%+q became %s, %s, %s/%s, %q", card, h.bank.numbers[last], h.bank.codes[last], got.ExpiryMonth, got.ExpiryYear, got.Holder)
		}
	}
	sent := len(h.bank.calls())
	for _, number := range []string{"4000O00000000408", "4000 0000 0000 0408 5", "40000000000004 08 x", "4000000000000408²"} {
		id, page := h.deposit()
		if a := h.do("POST", page, h.card(page, number)); a.status != http.StatusUnprocessableEntity || h.state(id) != payment.Checkout || len(h.bank.calls()) != sent {
			t.Errorf("%q: status %d, %s", number, a.status, h.state(id))
		}
	}
}
