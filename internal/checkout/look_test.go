package checkout_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// ordered makes a payment of an order with lines, as the dialect that knows of them writes them down.
func ordered(titles ...string) func(*engine.Create) {
	type line struct {
		Product string `json:"productId"`
		Title   string `json:"title"`
		Count   int    `json:"count"`
		Total   int    `json:"total"`
	}
	var lines []line
	for i, title := range titles {
		lines = append(lines, line{fmt.Sprint(i), title, i + 1, 100 * (i + 1)})
	}
	document, err := json.Marshal(map[string]any{"cart": map[string]any{"items": lines, "amount": 1234.5, "off": 10, "external": 5}})
	if err != nil {
		panic(err)
	}
	return func(c *engine.Create) {
		c.Terms.Origin, c.Reference = "yandexpay", "A-1042"
		c.Order = &engine.Order{ID: "A-1042", Fingerprint: []byte("x"), Document: string(document)}
	}
}

// text is what a page says, without elements and in single blanks.
func (a answer) text() string {
	return strings.Join(strings.Fields(regexp.MustCompile(`(?s)<script>.*?</script>|<[^>]*>`).ReplaceAllString(a.body, " ")), " ")
}

// TestAnOrderShowsItsLines: with their number and sums, folded, in the place of the description; without lines that is shown.
func TestAnOrderShowsItsLines(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit(ordered("Lamp", "Two <b>bulbs</b>"))
	a := h.get(page)
	a.wants(t, `<details class="lines">`)
	a.lacks(t, "three paperbacks", "<b>bulbs")
	want := "Order details (2) Lamp €100.00 Two &lt;b&gt;bulbs&lt;/b&gt; × 2 €200.00 Discount \u2212€10.00 Paid otherwise \u2212€5.00 " +
		"To pay €1,234.50 Order A-1042"
	if !strings.Contains(a.text(), want) {
		t.Errorf("the page says %q, not %q", a.text(), want)
	}
	_, page = h.deposit()
	a = h.get(page)
	a.wants(t, "Order 1042: three paperbacks")
	a.lacks(t, "<details", "A-1042")
}

// TestALongOrderIsBounded: lines and titles.
func TestALongOrderIsBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	titles := make([]string, 300)
	for i := range titles {
		titles[i] = strings.Repeat("ü", 2000)
	}
	_, page := h.deposit(ordered(titles...))
	a := h.get(page)
	a.wants(t, "Order details", "(300)", "and more, see your order")
	if got := strings.Count(a.body, "…</bdi>"); got != 50 || len(a.body) > 60_000 {
		t.Errorf("%d lines, %d bytes", got, len(a.body))
	}
}

// TestAnOrderThatCannotBeReadHidesNoPage.
func TestAnOrderThatCannotBeReadHidesNoPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit(func(c *engine.Create) {
		c.Terms.Origin = "yandexpay"
		c.Order = &engine.Order{ID: "1", Fingerprint: []byte("x"), Document: `{"cart":{"items":[{"title":7}]}}`}
	})
	a := h.get(page)
	a.wants(t, "cc-number", "Order 1042: three paperbacks")
	if !strings.Contains(h.log.String(), "lines of the order") {
		t.Error("nothing in the log")
	}
}

// TestTheLikeliestComesFirst: above the card's form stands what is likelier, and never twice.
func TestTheLikeliestComesFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	for _, tc := range []struct {
		currency    money.Currency
		agent, want string
	}{
		{"EUR", mac, ""}, {"EUR", iphone, "APPLEPAY"}, {"EUR", android, "GOOGLEPAY"}, {"PLN", mac, "BLIK"}, {"BRL", iphone, "PIX"},
	} {
		_, page := h.deposit(func(c *engine.Create) { c.Method, c.Currency = "", tc.currency })
		a := h.by(tc.agent, page)
		first, rest, _ := strings.Cut(a.body, `<form method="post"`)
		if got := offers.FindStringSubmatch(first); tc.want == "" && got != nil || tc.want != "" && (got == nil || got[1] != tc.want) {
			t.Errorf("%s with %q: first %v, want %q", tc.currency, tc.agent, got, tc.want)
		}
		if tc.want != "" && strings.Contains(rest, "?method="+tc.want) {
			t.Errorf("%s is there twice", tc.want)
		}
		title := "<h1>Pay by card</h1>"
		if tc.want != "" {
			title = "<h1>How would you like to pay?</h1>"
		}
		a.wants(t, "cc-number", title)
	}
}

// TestAnOrderSpeaksItsLanguage, too, and its sums are kept apart where people write from right to left.
func TestAnOrderSpeaksItsLanguage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit(ordered("Lamp"), speaks(t, "ar"))
	h.get(page).wants(t, `dir="rtl"`, "تفاصيل الطلب", "<bdi>Lamp</bdi>", `<bdi class="sum">`, "الخصم")
}

// TestEveryMethodHasAMark: drawn, and its source told.
func TestEveryMethodHasAMark(t *testing.T) {
	t.Parallel()
	sources, err := os.ReadFile("templates/MARKS.md")
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, everywhere)
	drawn := map[string]string{}
	for _, currency := range []money.Currency{"PLN", "BRL"} {
		_, page := h.deposit(func(c *engine.Create) { c.Method, c.Currency = "", currency })
		found := regexp.MustCompile(`(?s)\?method=([A-Z_]+)"><span class="mark" aria-hidden="true"><svg[^>]*>(.*?)</svg>`).FindAllStringSubmatch(h.by(iphone, page).body, -1)
		for _, f := range found {
			drawn[f[1]] = f[2]
		}
	}
	for _, m := range payment.Methods() {
		if !strings.Contains(string(sources), "| "+string(m)) {
			t.Errorf("the source of the mark of %s is not told", m)
		}
		if m != payment.BasicCard && drawn[string(m)] == "" {
			t.Errorf("%s has no mark", m)
		}
	}
	if len(drawn) != len(payment.Methods())-1 {
		t.Errorf("drawn are %d", len(drawn))
	}
	seen := map[string]string{}
	for m, d := range drawn {
		if other := seen[d]; other != "" {
			t.Errorf("%s and %s look the same", m, other)
		}
		seen[d] = m
	}
}

// TestTheReceipt says what was paid, to whom, when and by what; a page of a payment that was not made says nothing of the kind.
func TestTheReceipt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit(func(c *engine.Create) { c.Reference = "A-1042" })
	h.do("POST", page, h.card(page, approved))
	a := h.get(page)
	p, err := h.engine.Get(t.Context(), h.shop.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	started := p.Standing().Started.UTC()
	a.wants(t, `<dl class="receipt"`, started.Format("2006-01-02 15:04")+" UTC", `datetime="`+started.Format(time.RFC3339)+`"`)
	want := "Amount €1,234.50 Paid to Northwind Books Date " + started.Format("2006-01-02 15:04") + " UTC Paid with Visa ending in 0408 Order A-1042 Payment reference " + string(id)
	if !strings.Contains(a.text(), want) {
		t.Errorf("the page says %q, not %q", a.text(), want)
	}
	for card, says := range map[string]string{refused: "Payment declined", unheard: "We are checking"} {
		_, page := h.deposit()
		h.do("POST", page, h.card(page, card))
		a := h.get(page)
		a.wants(t, says)
		a.lacks(t, "Paid with", "<dl")
	}
}

// TestAnEndWithoutPaymentSaysWhatToDo.
func TestAnEndWithoutPaymentSaysWhatToDo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(s *shop.Shop) { s.Settings.Brand.Email = "help@shop.example" })
	_, page := h.deposit()
	h.do("POST", page+"/cancel", h.fill(page))
	_, late := h.deposit()
	_, declined := h.deposit()
	h.do("POST", declined, h.card(declined, refused))
	h.clock.Advance(2 * time.Hour)
	for page, says := range map[string]string{
		page: "If you still want to pay, start again in the shop.", late: "If you still want to pay, start again in the shop.",
		declined: "Return to the shop to try another card",
	} {
		h.get(page).wants(t, says, "Return to Northwind Books", `href="mailto:help@shop.example"`)
	}
}

// TestAShopShowsItsBrand, and one that has set nothing looks as ever.
func TestAShopShowsItsBrand(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(s *shop.Shop) {
		s.Settings.Brand = shop.Brand{
			Name: "Northwind & Sons", Accent: "#ffc72c", Email: "help@shop.example", Phone: "+44 20 7224 3688", Help: "https://shop.example/help",
			Terms: "https://shop.example/terms", Privacy: "https://shop.example/privacy", Cards: []instrument.Brand{instrument.BrandVisa, instrument.BrandMastercard},
		}
	})
	_, page := h.deposit()
	a := h.get(page)
	a.wants(t, "Northwind &amp; Sons", `href="tel:&#43;442072243688"`, `href="mailto:help@shop.example"`, `href="https://shop.example/help"`,
		`href="https://shop.example/terms"`, `href="https://shop.example/privacy"`, "--accent:#ffc72c", "<li>Visa</li><li>Mastercard</li>")
	a.lacks(t, "Northwind Books", "ZgotmplZ")
	style := regexp.MustCompile(`<style>(.*?)</style>`).FindStringSubmatch(a.body)
	sum := sha256.Sum256([]byte(style[1]))
	if want := "style-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(a.header.Get("Content-Security-Policy"), want) {
		t.Errorf("policy %q lacks %s", a.header.Get("Content-Security-Policy"), want)
	}
	plain := newHouse(t)
	_, page = plain.deposit()
	a = plain.get(page)
	a.lacks(t, "<style", "<footer", `class="brands"`, "<img", "sluice-frame")
}

// TestFramesAreForTheShopsOwnSites: nobody's by default.
func TestFramesAreForTheShopsOwnSites(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(s *shop.Shop) {
		s.Settings.AllowedFrameOrigins = []string{"https://shop.example", "https://other.example:8443"}
	})
	id, page := h.deposit()
	a := h.get(page)
	csp := a.header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "frame-ancestors https://shop.example https://other.example:8443;") || a.header.Get("X-Frame-Options") != "" {
		t.Errorf("policy %q, X-Frame-Options %q", csp, a.header.Get("X-Frame-Options"))
	}
	told := regexp.MustCompile(`<meta name="sluice-frame" content="([^"]*)">`).FindStringSubmatch(a.body)
	if told == nil {
		t.Fatal("nothing is told")
	}
	want := `{"id":"` + string(id) + `","state":"CHECKOUT","shows":"form","origins":["https://shop.example","https://other.example:8443"]}`
	if diff := cmp.Diff(want, strings.ReplaceAll(told[1], "&#34;", `"`)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, missing := range []string{h.url + "/payment/x", h.url + "/payment"} {
		if a := h.get(missing); a.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s may be framed", missing)
		}
	}
}

// TestScriptsAreThoseOfTheInventory: of every kind of page, each script that a browser gets is a file of the repository, allowed by its
// hash; its policy allows no other one, and every file is in some page.
func TestScriptsAreThoseOfTheInventory(t *testing.T) {
	t.Parallel()
	built := map[string]string{} // names by hash
	found, err := filepath.Glob("static/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		name := filepath.Base(path)
		sum := sha256.Sum256([]byte(ourScript(t, name)))
		built["sha256-"+base64.StdEncoding.EncodeToString(sum[:])] = name
		if !slices.Contains(scriptNames, name) {
			t.Errorf("%s is not listed", name)
		}
	}
	h := newHouse(t, everywhere, func(s *shop.Shop) { s.Settings.AllowedFrameOrigins = []string{"https://shop.example"} })
	used := map[string]bool{}
	pages := h.everyPage()
	b := buttonShop(t)
	_, wallets := b.choosable()
	pages["Google's button"], pages["Apple's button"], pages["ways to wallets"] = b.get(wallets+"?method=GOOGLEPAY"), b.by(iphone, wallets+"?method=APPLEPAY"), b.get(wallets)
	for name, a := range pages {
		var elements, allowed []string
		if name == "Google's button" { // with the one script of somebody else
			a.wants(t, guestScript)
			a.body = strings.Replace(a.body, guestScript, "", 1)
		}
		for _, e := range regexp.MustCompile(`(?s)<script([^>]*)>(.*?)</script>`).FindAllStringSubmatch(a.body, -1) {
			sum := sha256.Sum256([]byte(e[2]))
			hash := "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
			if e[1] != "" || built[hash] == "" {
				t.Errorf("%s: a script that was not built: %.80s", name, e[0])
			}
			elements = append(elements, hash)
			used[built[hash]] = true
		}
		policy := regexp.MustCompile(`script-src ([^;]*);`).FindStringSubmatch(a.header.Get("Content-Security-Policy"))
		for source := range strings.FieldsSeq(policy[1]) {
			if source != "'none'" && (name != "Google's button" || strings.HasPrefix(source, "'sha256-")) {
				allowed = append(allowed, strings.Trim(source, "'"))
			}
		}
		if diff := cmp.Diff(allowed, elements); diff != "" {
			t.Errorf("%s: allowed and there (-allowed +there):\n%s", name, diff)
		}
		if regexp.MustCompile(`(?i)\son[a-z]+=|javascript:|<iframe|<object|<embed`).MatchString(unscripted(t, a.body)) {
			t.Errorf("%s has a script without an element", name)
		}
	}
	for _, name := range built {
		if !used[name] {
			t.Errorf("%s is in no page", name)
		}
	}
}

// guestScript is the one script of another site, as the page of its button has it.
const guestScript = `<script async src="https://pay.google.com/gp/p/js/pay.js"></script>`

// everyPage is one of each kind, by its name.
func (h *house) everyPage() map[string]answer {
	h.t.Helper()
	_, form := h.deposit()
	_, choice := h.deposit(func(c *engine.Create) { c.Method = "" })
	pages := map[string]answer{
		"form": h.get(form), "choice": h.get(choice), "method": h.get(choice + "?method=GOOGLEPAY"), "missing": h.get(h.url + "/payment/x"),
		"fault": h.do(http.MethodPost, form, h.fill(form, "number", "1")),
	}
	for name, card := range map[string]string{"success": approved, "declined": refused, "wait": unheard, "bank": challenge, "way to post": posting} {
		_, page := h.deposit()
		h.do(http.MethodPost, page, h.card(page, card))
		pages[name] = h.get(page)
		if card == challenge || card == posting {
			pages["leave "+name] = h.get(page + "/continue")
		}
	}
	h.bank.banks = []connector.Bank{{ID: "rhein", Name: "Rheinbank"}}
	for method, fields := range map[payment.Method][]string{payment.Blik: {"blik", "123456"}, payment.Pix: nil, payment.OpenBanking: {"bank", "rhein"}} {
		_, page := h.deposit(by(method))
		pages[string(method)+" form"] = h.get(page)
		h.do(http.MethodPost, page, h.fill(page, fields...))
		pages[string(method)+" step"] = h.get(page)
	}
	_, cart := h.deposit(ordered("Bookmark"))
	pages["lines of an order"] = h.get(cart)
	return pages
}

// by has a payment paid by a method, in the currency that banks have it in.
func by(m payment.Method) func(*engine.Create) {
	return func(c *engine.Create) {
		c.Method = m
		if only := m.Spec().Currency; only != "" {
			c.Currency = only
		}
	}
}

// TestThePageIsSmall: in bytes as they are sent, without any compression. The first view is the page, its style and its icon.
func TestThePageIsSmall(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	_, page := h.deposit(func(c *engine.Create) { c.Method, c.Currency = "", "PLN" })
	a := h.get(page)
	bytes := len(a.body)
	for _, path := range regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(a.body, -1) {
		bytes += len(h.get(h.url + path[1]).body)
	}
	const most = 32 << 10
	if bytes > most {
		t.Errorf("the first view is %d bytes, above %d", bytes, most)
	}
	t.Logf("%d bytes", bytes)
}

// TestTheTimeIsTold: now in a line, later by the texts that the page has with it.
func TestTheTimeIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	h.clock.Advance(48*time.Minute + 30*time.Second)
	a := h.get(page)
	a.wants(t, ">You have 12 minutes to pay.</p>", `role="status"`, `[10,&#34;You have 10 minutes to pay.&#34;]]"`, `[[1,&#34;You have one minute left to pay.&#34;]`)
	a.lacks(t, "[15,")
}
