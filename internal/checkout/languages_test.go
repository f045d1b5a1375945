package checkout_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// texts reads those of a language as its file has them.
func texts(t *testing.T, language string) map[string]string {
	t.Helper()
	content, err := os.ReadFile("words/" + language + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for line := range strings.Lines(string(content)) {
		if name, text, found := strings.Cut(strings.TrimSpace(line), " = "); found && name[0] != '#' {
			all[name] = text
		}
	}
	return all
}

// readable is what people see and hear of a page: its texts, and what stands for texts in attributes.
func readable(body string) string {
	var b strings.Builder
	hidden := 0
	for at := html.NewTokenizer(strings.NewReader(body)); ; {
		switch at.Next() {
		case html.ErrorToken:
			return b.String()
		case html.StartTagToken:
			token := at.Token()
			if token.Data == "script" {
				hidden++
			}
			for _, attr := range token.Attr {
				if attr.Key == "aria-label" || attr.Key == "data-offline" {
					b.WriteString(attr.Val + "\n")
				}
			}
		case html.EndTagToken:
			if token := at.Token(); token.Data == "script" {
				hidden--
			}
		case html.TextToken:
			if hidden == 0 {
				b.WriteString(at.Token().Data + "\n")
			}
		}
	}
}

// speaks has the customer of a payment speak a language.
func speaks(t *testing.T, locale string) func(*engine.Create) {
	t.Helper()
	doc, err := payment.NewDocument(payment.Customer{Locale: locale})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *engine.Create) { c.Customer = doc }
}

// keeping has a card kept, and no money moved.
func keeping(c *engine.Create) {
	c.Terms.Verify, c.Amount = true, money.Amount{}
	c.PreAuth, c.StartRecurring = true, true
}

var voice = regexp.MustCompile(`^<!doctype html>\n<html lang="([a-zA-Z-]+)" dir="(ltr|rtl)">`)

// TestEveryPageSpeaksEveryLanguage: each state of a payment is shown in the language of its customer, whatever the browser asks for,
// with nothing left in English.
func TestEveryPageSpeaksEveryLanguage(t *testing.T) {
	t.Parallel()
	english := texts(t, "en")
	for _, language := range []string{"de", "es", "fr", "it", "pl", "pt-BR", "ru", "tr", "uk", "ar", "zh"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			own := texts(t, language)
			walk(t, language, func(name string, a answer, wants ...string) {
				m := voice.FindStringSubmatch(a.body)
				if m == nil || m[1] != language || (m[2] == "rtl") != (language == "ar") {
					t.Errorf("%s: %d begins with %q", name, a.status, m)
				}
				seen := readable(a.body)
				for _, want := range wants {
					text := own[want]
					if text == "" || !strings.Contains(seen, beginning(text)) {
						t.Errorf("%s: %s is not there: %q\n%s", name, want, text, seen)
					}
				}
				if strings.Contains(seen, "%!") || strings.Contains(seen, "%s") || strings.Contains(seen, "%d") {
					t.Errorf("%s: a value is missing\n%s", name, seen)
				}
				for key, text := range english {
					if part := beginning(text); own[key] != text && len(part) > 5 && !strings.HasPrefix(key, "Brands.") && strings.Contains(seen, part) && !strings.Contains(own[key], part) {
						t.Errorf("%s: %s is English: %q", name, key, part)
					}
				}
			})
		})
	}
}

// beginning is a text up to the first value in it, or after the one that it begins with.
func beginning(text string) string {
	parts := regexp.MustCompile(`%(\[\d\])?[sd]`).Split(text, -1)
	if strings.TrimSpace(parts[0]) == "" && len(parts) > 1 {
		return strings.TrimSpace(parts[1])
	}
	return strings.TrimSpace(parts[0])
}

// walk shows every page there is.
func walk(t *testing.T, language string, show func(name string, a answer, wants ...string)) {
	t.Helper()
	h := newHouse(t, everywhere, attempts(3), func(s *shop.Shop) { s.Settings.ReturnURL, s.Settings.CardTokens = "", true })
	ours := speaks(t, language)
	open := func(c *engine.Create) { c.Method = "" }
	staying := func(c *engine.Create) { c.ReturnURL = "" }

	_, page := h.deposit(ours)
	show("form", h.get(page), "FormTitleCard", "PayTo", "TestShop", "NumberLabel", "ExpiryHint", "CodeLabel", "HolderLabel", "Optional", "PayButton", "CancelButton", "SecureNote", "LastsMinutes."+h.form(t, language, 60))
	show("nothing entered", h.do("POST", page, h.fill(page, "number", "")), "FaultTitle", "FaultTab", "NumberMissing", "ExpiryMissing")
	show("a fault", h.do("POST", page, h.fill(page, "number", approved, "expiry", "13/39", "code", "1234", "holder", strings.Repeat("x", 200))), "ExpiryWrong", "CodeThree", "HolderLong."+h.form(t, language, 128), "HeldCard", "Change")
	_, page = h.deposit(ours, func(c *engine.Create) { c.Amount = money.Amount{} })
	show("amount", h.get(page), "AmountLabel", "AmountHint", "PayPlain")
	show("no amount", h.do("POST", page, h.card(page, approved)), "AmountMissing")
	form := h.card(page, approved)
	form.Set("amount", "1.005")
	show("too fine", h.do("POST", page, form), "AmountTooFine."+h.form(t, language, 2))
	_, page = h.deposit(ours, open)
	show("methods", h.get(page), "OtherMethods", "Methods.GOOGLEPAY.Name", "Methods.OPEN_BANKING.Name")
	show("method", h.get(page+"?method=GOOGLEPAY"), "Methods.GOOGLEPAY.Go", "MethodText", "AllMethods")
	show("no method", h.do("POST", page, h.fill(page, "method", "CASH")), "MethodMissing")
	_, page = h.deposit(ours, func(c *engine.Create) { c.Means = testCard(t, approved) })
	_, customers := h.deposit(func(c *engine.Create) {
		c.Customer = payment.Document(`{"referenceId":"anna","locale":"` + language + `"}`)
	})
	show("a card to be kept", h.get(customers), "SaveCard", "SaveHint")
	h.put("anna", "VISA", "400000***0408", true, h.clock.Now().AddDate(1, 0, 0))
	show("a kept card", h.get(customers), "SavedCards", "AnotherCard", "HeldCard", "HeldExpiry")
	show("card that came along", h.get(page), "HeldCard", "HeldExpiry")

	_, page = h.deposit(ours)
	h.do("POST", page, h.card(page, refused))
	show("again", h.get(page), "AgainFunds", "NumberLabel")
	for range 2 {
		h.do("POST", page, h.card(page, refused))
	}
	show("declined", h.get(page), "Declined.Title", "ReturnLink", "ReferenceLabel")
	_, page = h.deposit(ours)
	h.do("POST", page, h.card(page, unheard))
	show("wait", h.get(page), "WaitTitle", "WaitText", "WaitDetail", "WaitOffline", "LookAgain")
	h.clock.Advance(40 * time.Second)
	if says := h.news(page).Says; says != texts(t, language)["WaitLonger"] {
		t.Errorf("a page that waits is told %q", says)
	}
	_, page = h.deposit(ours, staying)
	h.do("POST", page, h.card(page, challenge))
	show("leave", h.get(page+"/continue"), "LeaveTitle", "LeaveText", "LeaveLink")
	show("bank", h.get(page), "BankWaitTitle", "BankWaitText", "BankButton")
	h.bank.settles(payment.ClassCancelled)
	h.clock.Advance(10 * time.Second)
	h.get(page + "/return")
	show("again", h.get(page), "AgainLeft")
	h.do("POST", page+"/cancel", h.fill(page))
	show("cancelled", h.get(page), "Cancelled.Title", "EndUnpaid")
	_, page = h.deposit(ours, staying)
	h.do("POST", page, h.card(page, approved))
	show("completed", h.get(page), "Completed.Title", "Completed.Text", "EndPaid")
	_, page = h.deposit(ours)
	h.do("POST", page, h.card(page, approved))
	show("completed, back", h.get(page), "ReturnSoon", "ReturnLink")
	_, page = h.deposit(ours, func(c *engine.Create) { c.PreAuth = true })
	h.do("POST", page, h.card(page, challenge))
	h.bank.settles(payment.ClassAuthorized)
	h.clock.Advance(10 * time.Second)
	h.get(page + "/return")
	show("authorized", h.get(page), "Authorized.Title")
	id, page := h.deposit(ours, staying)
	if _, err := h.engine.Abandon(t.Context(), engine.Target{Shop: h.shop, ID: id}); err != nil {
		t.Fatal(err)
	}
	show("closed", h.get(page), "Closed.Title", "EndClosed")
	_, page = h.deposit(ours, staying)
	show("bad form", h.do("POST", page, url.Values{"x": {strings.Repeat("x", 20<<10)}}), "BadForm.Title", "BadForm.Text", "Reopen", "RequestLabel")
	h.clock.Advance(48 * time.Hour)
	show("expired", h.get(page), "Expired.Title", "Expired.Text")

	_, page = h.deposit(ours, keeping, staying)
	show("binding", h.get(page), "Binding.PayTo", "Binding.FormTitleCard", "Binding.FormText", "Binding.PayPlain", "Binding.SecureNote", "Binding.LastsMinutes."+h.form(t, language, 60))
	h.do("POST", page, h.card(page, unheard))
	show("binding, wait", h.get(page), "Binding.WaitTitle", "Binding.WaitText")
	_, page = h.deposit(ours, keeping, staying)
	h.do("POST", page+"/cancel", h.fill(page))
	show("binding, cancelled", h.get(page), "Binding.Cancelled.Title", "Binding.EndUnpaid")

	walkMethods(h, ours, staying, show)

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/payment/nothing", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Language", "xx, "+language+";q=0.7, en;q=0.1")
	show("not found", h.send(r), "NotFound.Title", "NotFound.Text", "RequestLabel")
}

// walkMethods shows what customers enter, and do elsewhere, by methods that are no card.
func walkMethods(h *house, ours, staying func(*engine.Create), show func(name string, a answer, wants ...string)) {
	h.bank.banks = []connector.Bank{{ID: "rhein", Name: "Rheinbank"}}
	_, page := h.deposit(ours, staying, by(payment.Blik))
	show("BLIK", h.get(page), "Steps.BLIK.Form", "Fields.blik.Label", "Fields.blik.Hint")
	show("no code", h.do("POST", page, h.fill(page, "blik", "")), "Fields.blik.Missing")
	show("no such code", h.do("POST", page, h.fill(page, "blik", "12345")), "Fields.blik.Wrong")
	h.do("POST", page, h.fill(page, "blik", "500500"))
	show("a wrong code", h.get(page), "Fields.blik.Again", "Fields.blik.Label")
	h.do("POST", page, h.fill(page, "blik", "123456"))
	show("in the app", h.get(page), "Steps.BLIK.Title", "Steps.BLIK.Text", "TimeLeft", "OpenApp")

	_, page = h.deposit(ours, staying, by(payment.Pix))
	show("PIX", h.get(page), "Steps.PIX.Before", "Methods.PIX.Go")
	h.do("POST", page, h.fill(page))
	show("a code of PIX", h.get(page), "Steps.PIX.Title", "Steps.PIX.Text", "Steps.PIX.Label", "TimeLeft", "Copy", "OpenApp")

	_, page = h.deposit(ours, staying, by(payment.OpenBanking))
	show("banks", h.get(page), "Fields.bank.Label", "Fields.bank.Hint", "Choose", "Methods.OPEN_BANKING.Go")
	show("no bank", h.do("POST", page, h.fill(page, "bank", "")), "Fields.bank.Missing")
	show("no such bank", h.do("POST", page, h.fill(page, "bank", "nobody")), "Fields.bank.Wrong")
	h.do("POST", page, h.fill(page, "bank", "rhein"))
	show("the bank has it", h.get(page), "Done.Title", "Done.Text")
	_, page = h.deposit(ours, staying)
	h.do("POST", page, h.card(page, posting))
	show("a form to post", h.get(page+"/continue"), "LeaveTitle", "LeaveText", "LeaveLink")
}

// form is the name of the plural that goes with n, as far as the numbers above need it.
func (h *house) form(t *testing.T, language string, n int) string {
	t.Helper()
	forms := map[string]map[int]string{
		"pl": {60: "Many", 128: "Many", 2: "Few"}, "ru": {60: "Many", 128: "Many", 2: "Few"}, "uk": {60: "Many", 128: "Many", 2: "Few"},
		"ar": {60: "Many", 128: "Many", 2: "Two"},
	}
	if form := forms[language][n]; form != "" {
		return form
	}
	return "Other"
}

// TestTextsOfOthersStayInTheirPlace: on a page that is written from right to left, too, texts of merchants are inert, and what they
// turn around ends with them.
func TestTextsOfOthersStayInTheirPlace(t *testing.T) {
	t.Parallel()
	for i, text := range append([]string{"\u202eevil", "\u2067\u202eevil", "متجر الكتب", "שלום 5", "\u2069\u2069\u202e123"}, hostile...) {
		if i > 4 && i%6 > 0 {
			continue
		}
		h := newHouse(t, func(s *shop.Shop) { s.Name, s.Terminals[0].Methods = text, payment.Methods() })
		_, page := h.deposit(speaks(t, "ar"), func(c *engine.Create) { c.Method, c.Description, c.Reference = "", text, text })
		pages := []answer{h.get(page), h.do("POST", page, h.fill(page, "number", text, "expiry", text, "code", text, "holder", text, "method", "BASIC_CARD"))}
		h.do("POST", page+"/cancel", h.fill(page))
		for _, a := range append(pages, h.get(page)) {
			if faults := inert(t, a); len(faults) > 0 || !strings.Contains(a.body, `dir="rtl"`) {
				t.Errorf("%q: %d, %q", text, a.status, faults)
			}
			for _, element := range []string{`<bdi class="name">`, `<p class="description"><bdi>`} {
				if a.status == http.StatusOK && !strings.Contains(a.body, element) {
					t.Errorf("%q stands in no %s", text, element)
				}
			}
		}
	}
}

// TestAProblemSpeaksTheLanguageOfThePayment where it is known, and that of the browser where it is not.
func TestAProblemSpeaksTheLanguageOfThePayment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit(speaks(t, "pl_PL"))
	h.do("POST", page, url.Values{"x": {strings.Repeat("x", 20<<10)}}).wants(t, `<html lang="pl" dir="ltr">`, "Nie udało się")
	h.get(page+"/x").wants(t, `<html lang="en" dir="ltr">`, "Page not found")
}

// TestAmountsOfAPageAreThoseOfItsCountry: the texts are those of the language.
func TestAmountsOfAPageAreThoseOfItsCountry(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	for _, tc := range []struct {
		locale   string
		currency money.Currency
		figure   string
	}{
		{"en-IN", "INR", "₹12,34,567.50"}, {"ru-RU", "RUB", "1\u00a0234\u00a0567,50\u00a0₽"}, {"de-CH", "EUR", "€\u00a01’234’567.50"}, {"pt-BR", "BRL", "R$\u00a01.234.567,50"},
		{"ar-KW", "USD", "\u200f1,234,567.50\u00a0US$\u200e"},
	} {
		_, page := h.deposit(speaks(t, tc.locale), func(c *engine.Create) { c.Amount, c.Currency = money.MustParse("1234567.5"), tc.currency })
		h.get(page).wants(t, fmt.Sprintf(`<p class="amount"><bdi><span class="figure long">%s</span></bdi></p>`, tc.figure))
	}
}
