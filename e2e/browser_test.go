package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// The tests in this file pay on the hosted page of the real binary with a real Chromium, as a customer does, through
// the sandbox provider's own pages. SLUICE_TEST_CHROMIUM names the browser; SLUICE_TEST_SCREENSHOTS, a folder, keeps
// pictures of every step. One browser and one server serve all of them; each test has a tab and a payment of its own.

// browserPatience is how long the browser may take for one thing before the test gives up.
const browserPatience = 60 * time.Second

// oneLook is how long one look at a page may take that may just be left.
const oneLook = 5 * time.Second

func TestBrowser(t *testing.T) {
	path := os.Getenv("SLUICE_TEST_CHROMIUM")
	if path == "" {
		setting.Missing(t, setting.Chromium, "pages in a browser: SLUICE_TEST_CHROMIUM is not set, see scripts/chromium.sh")
	}
	s := startBrowserSite(t)
	root := startChromium(t, path)
	for name, test := range map[string]func(*testing.T, *tab, *browserSite){
		"approved":              browserApproved,
		"approved, no return":   browserStays,
		"declined":              browserDeclined,
		"challenge":             browserChallenge,
		"challenge, no script":  browserChallengeWithoutScript,
		"challenge failed":      browserChallengeFailed,
		"fault":                 browserFault,
		"fault elsewhere":       browserFaultElsewhere,
		"spellings":             browserSpellings,
		"waiting":               browserWaiting,
		"double click":          browserDoubleClick,
		"back after paying":     browserBack,
		"two tabs":              browserTwoTabs,
		"cancel":                browserCancel,
		"amount by customer":    browserAmount,
		"texts of others":       browserTextsOfOthers,
		"narrow and wide":       browserWidths,
		"keyboard only":         browserKeyboard,
		"another way to pay":    browserOtherMethod,
		"BLIK":                  browserBlik,
		"bank":                  browserBank,
		"looks of methods":      browserMethodLooks,
		"edited return address": browserEditedReturn,
		"start page":            browserStartPage,
		"languages":             browserLanguages,
	} {
		t.Run(name, func(t *testing.T) { test(t, openTab(t, root), s) })
	}
}

func browserApproved(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, nil)
	b.open(p.RedirectURL)
	b.shot("form")
	b.fillCard("4000 0000 0000 0408")
	b.click("button.primary")
	b.heading("Welcome back") // the page goes on by itself
	if at := b.passed("Payment successful"); !strings.HasPrefix(at, p.RedirectURL) {
		t.Errorf("the result was shown at %q", at)
	}
	s.wantReturn(t, b, p, "COMPLETED")
}

// browserStays: without an address to return to, a result stays.
func browserStays(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, staying)
	b.open(p.RedirectURL)
	b.fillCard("4000 0000 0000 0408")
	b.click("button.primary")
	if at := b.heading("Payment successful"); !strings.HasPrefix(at, p.RedirectURL) {
		t.Errorf("the result is shown at %s", at)
	}
	b.shot("approved")
}

// staying makes a payment whose result can be looked at for any time.
var staying = map[string]any{"returnUrl": nil}

func browserDeclined(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, nil)
	b.open(p.RedirectURL)
	b.fillCard("4000 0000 0000 0416")
	b.click("button.primary")
	b.heading("Payment declined")
	b.shot("declined")
	b.click("a.primary")
	b.heading("Welcome back")
	s.wantReturn(t, b, p, "DECLINED")
}

func browserChallenge(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, nil)
	payThroughChallenge(b, p, "approve")
	s.wantReturn(t, b, p, "COMPLETED")
	// What was done comes in its order. How the outcome was learned is up to who was first: the customer comes back once,
	// the provider's notice at most once, before or after, and any answer that tells nothing new, or a query that came due
	// while the customer took her time, stands in the log as a check.
	const begin = "CREATE_PAYMENT CHECKOUT DETECT_FRAUD DEPOSIT REDIRECT "
	got := s.operations(t, p.ID)
	learned, found := strings.CutPrefix(got, begin)
	times, others := map[string]int{}, 0
	for o := range strings.FieldsSeq(learned) {
		times[o]++
		if o != "CONTINUE" && o != "HANDLE_WEBHOOK" && o != "CHECK_STATE" {
			others++
		}
	}
	if !found || times["CONTINUE"] != 1 || times["HANDLE_WEBHOOK"] > 1 || others != 0 {
		t.Errorf("operations %s, want %sand then CONTINUE, with HANDLE_WEBHOOK at most once and any CHECK_STATE", got, begin)
	}
}

func browserChallengeWithoutScript(t *testing.T, b *tab, s *browserSite) {
	b.do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	p := s.create(t, nil)
	payThroughChallenge(b, p, "approve")
	s.wantReturn(t, b, p, "COMPLETED")
}

func browserChallengeFailed(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, nil)
	payThroughChallenge(b, p, "decline")
	s.wantReturn(t, b, p, "DECLINED")
}

func payThroughChallenge(b *tab, p browserPayment, decision string) {
	b.t.Helper()
	b.open(p.RedirectURL)
	b.fillCard("4000 0000 0000 0002")
	b.click("button.primary")
	b.heading("Confirm your payment") // at the provider, without another click
	b.shot("challenge")
	b.click("button[value=" + decision + "]")
	b.heading("Welcome back")
}

// browserFault: one wrong digit has the number asked for again, and nothing else.
func browserFault(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, staying)
	b.open(p.RedirectURL)
	b.fillCard("4000 0000 0000 0409")
	b.click("button.primary")
	b.eventually("a fault at the number", `document.querySelector("#number-fault") !== null`)
	b.eventually("the number is in focus", `document.activeElement.id === "number"`) // a moment after the page is there
	b.shot("fault")
	for what, want := range map[string]string{
		`document.querySelector("#number").value`: "",
		`document.querySelector("#expiry").value`: "12/39", `document.querySelector("#holder").value`: "Ada Lovelace",
		`String(document.querySelector("#code"))`:                            "null",
		`document.querySelector("#number").getAttribute("aria-describedby")`: "number-fault",
		`document.querySelector("#number").getAttribute("aria-invalid")`:     "true",
		`document.querySelector(".kept span").textContent`:                   "Entered",
	} {
		if got := b.text(what); got != want {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
	}
	if !strings.HasPrefix(b.text(`document.title`), "Error: ") {
		t.Errorf("title %q", b.text(`document.title`))
	}
	b.fill("number", "4000 0000 0000 0408\r") // which presses the first button of the form
	b.heading("Payment successful")
}

// browserFaultElsewhere: a number that was right is shown by its last digits, and can be changed.
func browserFaultElsewhere(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, staying)
	b.open(p.RedirectURL)
	b.fillCard("4000 0000 0000 0416")
	b.fill("expiry", "13/39")
	b.click("button.primary")
	b.eventually("the expiry date is in focus", `document.activeElement.id === "expiry"`)
	b.shot("kept")
	if got := b.text(`document.querySelector(".kept span").textContent`); got != "Visa ending in 0416" {
		t.Errorf("shown is %q", got)
	}
	if got := b.text(`String(document.documentElement.outerHTML.includes("4000"))`); got != "false" {
		t.Error("the page has the number")
	}
	b.fill("expiry", "12/39")
	b.click("button[name=change][value=number]")
	b.eventually("the number is in focus", `document.activeElement.id === "number"`)
	b.shot("change")
	b.fill("number", "4000 0000 0000 0408")
	b.click("button.primary")
	b.heading("Payment successful")
}

// browserSpellings: the browser cuts and refuses nothing that the server reads.
func browserSpellings(t *testing.T, b *tab, s *browserSite) {
	for _, card := range [][3]string{
		{"  4000  0000  0000  0408  ", "2039-12", " 123 "}, {"4000–0000–0000–0408", "12 / 2039", "1 2 3"},
		{"4000\u00a00000\u202f0000\u00a00408", "1239", "１２３"}, {"٤٠٠٠ ٠٠٠٠ ٠٠٠٠ ٠٤٠٨", "١٢/٣٩", "١٢٣"},
	} {
		p := s.create(t, staying)
		b.open(p.RedirectURL)
		for i, id := range []string{"number", "expiry", "code"} {
			b.text(`(document.getElementById("` + id + `").focus(), String(document.execCommand("insertText", false, ` + strconv.Quote(card[i]) + `)))`) // as if pasted
			if got := b.text(`document.getElementById("` + id + `").value`); got != card[i] {
				t.Errorf("%+q became %+q", card[i], got)
			}
		}
		b.click("button.primary")
		b.heading("Payment successful")
	}
}

// browserWaiting: a page that waits is not loaded again before there is something else to show.
func browserWaiting(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, staying)
	b.open(p.RedirectURL)
	b.fillCard("4000 0000 0000 0002")
	b.click("button.primary")
	b.heading("Confirm your payment")
	bank := b.url()
	b.open(p.RedirectURL)
	b.heading("Waiting for your bank")
	b.shot("bank")
	b.text(`(window.stays = "yes")`)
	other := openTab(t, b.root)
	other.open(bank)
	b.eventually("the page has looked", `performance.getEntriesByType("resource").some(e => e.name.endsWith("/news"))`)
	if got := b.text(`window.stays`); got != "yes" {
		t.Errorf("the page was loaded again: %q", got)
	}
	other.click("button[value=approve]")
	b.heading("Payment successful")
}

func browserDoubleClick(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, staying)
	b.open(p.RedirectURL)
	b.fillCard("4000 0000 0000 0408")
	b.do(func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.DoubleClick(chromedp.CSS("button.primary")))
	})
	b.heading("Payment successful")
	if got := strings.Count(s.operations(t, p.ID), "DEPOSIT"); got != 1 {
		t.Errorf("%d deposits: %s", got, s.operations(t, p.ID))
	}
}

func browserBack(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, nil)
	b.open(p.RedirectURL)
	b.fillCard("4000 0000 0000 0416")
	b.click("button.primary")
	b.heading("Payment declined")
	b.click("a.primary")
	b.heading("Welcome back")
	b.text(`(history.back(), "")`)
	b.heading("Payment declined")
}

func browserTwoTabs(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, staying)
	b.open(p.RedirectURL)
	other := openTab(t, b.root)
	other.open(p.RedirectURL)
	b.fillCard("4000 0000 0000 0408")
	b.click("button.primary")
	b.heading("Payment successful")
	other.fillCard("4000 0000 0000 0408")
	other.click("button.primary")
	other.heading("Payment successful")
	if got := strings.Count(s.operations(t, p.ID), "DEPOSIT"); got != 1 {
		t.Errorf("%d deposits", got)
	}
}

func browserCancel(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, nil)
	b.open(p.RedirectURL)
	b.click("button.quiet")
	b.heading("Payment cancelled")
	b.shot("cancelled")
	b.click("a.primary")
	b.heading("Welcome back")
	s.wantReturn(t, b, p, "CANCELLED")
}

func browserAmount(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, map[string]any{"amount": nil, "returnUrl": nil})
	b.open(p.RedirectURL)
	b.shot("amount")
	b.fill("amount", "19.90")
	b.fillCard("4000 0000 0000 0408")
	b.click("button.primary")
	got := b.eventually(`the page "Payment successful"`, titled("Payment successful"), `document.querySelector(".figure").textContent`)
	if got != "€19.90" {
		t.Errorf("the page says %q", got)
	}
}

func browserTextsOfOthers(t *testing.T, b *tab, s *browserSite) {
	for _, text := range []string{
		`"><img src=x onerror=alert(1)>`, `</title></p><script>alert(1)</script>`, `<svg/onload=alert(1)>`,
		`' autofocus onfocus='alert(1)`, `javascript:alert(1)//"></style><iframe srcdoc="<script>alert(1)</script>">`,
	} {
		p := s.create(t, map[string]any{"description": text, "customer": map[string]any{
			"firstName": text, "lastName": text, "email": "a@example.com", "phone": "44 2072243688", "ip": "192.0.2.1",
		}})
		b.open(p.RedirectURL)
		if got := b.text(`document.querySelector(".description").textContent`); got != text {
			t.Errorf("%q became %q", text, got)
		}
		if got := b.text(ofOthers); got != "0" {
			t.Errorf("%q made %s elements", text, got)
		}
		b.fillCard("4000 0000 0000 0409")
		b.fill("holder", text)
		b.click("button.primary")
		b.eventually("a fault", `document.querySelector(".fault") !== null`)
		if got := b.text(ofOthers); got != "0" {
			t.Errorf("%q made %s elements in the form", text, got)
		}
	}
}

// ofOthers counts the elements of a form's page that are none of its own, which has one script.
const ofOthers = `String(document.querySelectorAll("script ~ script, iframe, img, [onerror], [onload], [onfocus]").length)`

// look makes the window so wide and gives it the colours of day or night.
func (b *tab) look(width int64, scheme string) {
	b.t.Helper()
	b.media("prefers-color-scheme", scheme)
	b.do(func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.EmulateViewport(width, 844)) })
}

// media gives a feature of the medium a value, and all others what they are by themselves.
func (b *tab) media(feature, value string) {
	b.t.Helper()
	b.do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
		})
		return err
	})
}

// browserStartPage looks at the page at / of a demo.
func browserStartPage(t *testing.T, b *tab, s *browserSite) {
	for _, width := range []int64{320, 390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.look(width, scheme)
			b.open(s.BaseURL + "/")
			b.heading("Sluice is running")
			b.shot(fmt.Sprintf("start-%d-%s", width, scheme))
			if got := b.text(`String(document.documentElement.scrollWidth > innerWidth)`); got != "false" {
				t.Errorf("at %d the page scrolls sideways", width)
			}
			if got := b.text(lowContrast); got != "" {
				t.Errorf("at %d in the %s hard to read: %s", width, scheme, got)
			}
		}
	}
	if got := b.text(`getComputedStyle(document.querySelector("section")).borderRadius`); got != "16px" {
		t.Errorf("the page has no style: %q", got)
	}
}

func browserWidths(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, map[string]any{"description": strings.Repeat("Unbreakable", 40)})
	for _, width := range []int64{320, 390, 768, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.look(width, scheme)
			b.open(p.RedirectURL)
			b.shot(fmt.Sprintf("form-%d-%s", width, scheme))
			if got := b.text(`String(document.documentElement.scrollWidth > innerWidth)`); got != "false" {
				t.Errorf("at %d the page scrolls sideways", width)
			}
			if got := b.text(lowContrast); got != "" {
				t.Errorf("at %d in the %s hard to read: %s", width, scheme, got)
			}
			if got := b.text(smallTargets); got != "" {
				t.Errorf("at %d too small to hit: %s", width, got)
			}
		}
	}
}

// lowContrast lists texts whose colour is less than 4.5 to 1 apart from the nearest ground behind them.
const lowContrast = `(() => {
	const rgb = c => c.match(/[\d.]+/g).map(Number);
	const lum = c => { const [r, g, b] = rgb(c).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
	const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; const p = rgb(c); if (p.length < 4 || p[3] > 0) return c; } return "rgb(255,255,255)"; };
	const bad = [];
	for (const e of document.querySelectorAll("p, aside, span, label, h1, h2, button, a, legend, bdi, select, textarea")) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
		const a = lum(getComputedStyle(e).color), b = lum(ground(e));
		const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (ratio < 4.5) bad.push(e.textContent.trim().slice(0, 30) + " " + ratio.toFixed(2));
	}
	return bad.join(", ");
})()`

// smallTargets lists visible controls that are less than 44 pixels high; a box to tick can be hit at its text, too.
const smallTargets = `[...document.querySelectorAll("button:not([hidden], .offscreen), input:not([type=hidden], [type=checkbox]), select, textarea, a.primary, a.secondary")]
	.filter(e => e.getBoundingClientRect().height < 43.5).map(e => e.id || e.textContent).join(", ")`

func browserKeyboard(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, staying)
	b.open(p.RedirectURL)
	keys := func(text string) {
		b.do(func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.KeyEvent(text)) })
	}
	keys("\t\r") // the skip link
	keys("\t4000000000000408\t1239\t123\t\r")
	b.heading("Payment successful")
	if got := s.state(t, p.ID); got != "COMPLETED" {
		t.Errorf("state %s", got)
	}
}

func browserOtherMethod(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, map[string]any{"paymentMethod": nil, "currency": "BRL"})
	b.open(p.RedirectURL)
	b.shot("methods")
	b.click("a[href$='method=GOOGLEPAY']")
	b.heading("Continue with Google Pay")
	b.click(".pay a.secondary") // all ways to pay
	b.heading("How would you like to pay?")
	b.click("a[href$='method=PIX']")
	b.heading("Continue with Pix")
	b.shot("method")
	b.click("button.primary")
	b.heading("Pay with Pix")
	b.shot("pix")
	b.eventually("the time counts", `document.querySelector("#left").textContent !== "" && document.querySelector("#copy").hidden === false`)
	appDecides(t, b.text(`document.querySelector("a.secondary").href`), "approve")
	b.heading("Welcome back")
	s.wantReturn(t, b, p, "COMPLETED")
}

// appDecides does what a customer does in the pretended app, on another device.
func appDecides(t *testing.T, address, decision string) {
	t.Helper()
	res, err := http.PostForm(address, url.Values{"decision": {decision}})
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != http.StatusOK {
		t.Fatalf("the app answers %d", res.StatusCode)
	}
}

// browserBlik: a code that is wrong, one that is right and is not confirmed in time by the bank, and another way to pay after all.
func browserBlik(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, map[string]any{"paymentMethod": "BLIK", "currency": "PLN"})
	b.open(p.RedirectURL)
	b.heading("Pay with BLIK")
	b.shot("blik")
	b.fill("blik", "12345")
	b.click("button.primary")
	b.eventually("a fault at the code", `document.querySelector("#blik-fault") !== null`)
	b.fill("blik", "500 500")
	b.click("button.primary")
	b.eventually("the code was wrong", `document.body.textContent.includes("wrong, used already, or too old")`)
	b.shot("blik again")
	b.fill("blik", "123 456")
	b.click("button.primary")
	b.heading("Confirm in your bank's app")
	b.shot("blik app")
	appDecides(t, b.text(`document.querySelector("a.secondary").href`), "approve")
	b.heading("Welcome back")
	s.wantReturn(t, b, p, "COMPLETED")
}

func browserBank(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, map[string]any{"paymentMethod": "OPEN_BANKING"})
	b.open(p.RedirectURL)
	b.heading("Continue with your bank")
	b.text(`document.querySelector("#bank").value = "rhein"`)
	b.shot("bank")
	b.click("button.primary")
	b.heading("Log in at Rheinbank")
	b.click("button[value=approve]")
	b.heading("Welcome back")
	s.wantReturn(t, b, p, "COMPLETED")
}

func browserEditedReturn(t *testing.T, b *tab, s *browserSite) {
	p := s.create(t, nil)
	b.open(p.RedirectURL)
	b.fillCard("4000 0000 0000 0002")
	b.click("button.primary")
	b.heading("Confirm your payment")
	b.open(p.RedirectURL + "/return?status=COMPLETED&transaction=1")
	b.heading("Waiting for your bank")
	b.shot("waiting")
	if got := s.state(t, p.ID); got != "PENDING" {
		t.Errorf("state %s", got)
	}
	b.clickUntil("button.primary", "Confirm your payment")
	b.click("button[value=approve]")
	b.heading("Welcome back")
	s.wantReturn(t, b, p, "COMPLETED")
}

// browserSite is the real server with its demo shop, and the shop's own site to which customers return.
type browserSite struct {
	BaseURL string `json:"baseUrl"`
	APIKey  string `json:"apiKey"`
	shop    string // address of the shop's site
}

type browserPayment struct {
	ID          string `json:"id"`
	State       string `json:"state"`
	RedirectURL string `json:"redirectUrl"`
}

func startBrowserSite(t *testing.T) *browserSite {
	t.Helper()
	dir := t.TempDir()
	ready, log := filepath.Join(dir, "ready.json"), filepath.Join(dir, "sluice.log")
	server := launch(t, log, "serve", "--demo", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"),
		"--ready-file", ready)
	s := &browserSite{}
	server.awaitReady(t, ready, log, s)
	t.Cleanup(func() {
		server.stop(t)
		if t.Failed() {
			t.Logf("%s", tail(log))
		}
	})
	s.shop = shopSite(t)
	return s
}

// shopSite is the shop's own site, to which customers return; it returns its address.
func shopSite(t *testing.T) string {
	t.Helper()
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Shop</title><h1>Welcome back</h1>"))
	}))
	t.Cleanup(shop.Close)
	return shop.URL
}

// create makes a card deposit of 1234.50 EUR; changes replace fields of the request, or remove them with nil.
func (s *browserSite) create(t *testing.T, changes map[string]any) browserPayment {
	t.Helper()
	request := map[string]any{
		"paymentType": "DEPOSIT", "paymentMethod": "BASIC_CARD", "amount": json.Number("1234.50"), "currency": "EUR",
		"description": "Order 1042: three paperbacks", "returnUrl": s.shop + "/back/{id}?state={state}",
		"customer": map[string]any{
			"firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com", "phone": "44 2072243688", "ip": "192.0.2.1",
		},
		"billingAddress": map[string]any{
			"countryCode": "GB", "city": "London", "addressLine1": "12 St James's Square", "postalCode": "SW1Y 4JH",
		},
	}
	for field, value := range changes {
		if request[field] = value; value == nil {
			delete(request, field)
		}
	}
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var p browserPayment
	s.call(t, "POST", "/api/v1/payments", string(body), &p)
	if p.RedirectURL == "" {
		t.Fatalf("no redirectUrl: %+v", p)
	}
	return p
}

func (s *browserSite) state(t *testing.T, id string) string {
	t.Helper()
	var p browserPayment
	s.call(t, "GET", "/api/v1/payments/"+id, "", &p)
	return p.State
}

// operations lists the payment's log, oldest first.
func (s *browserSite) operations(t *testing.T, id string) string {
	t.Helper()
	var log []struct {
		Operation string `json:"operation"`
	}
	s.call(t, "GET", "/api/v1/payments/"+id+"/operations", "", &log)
	var names []string
	for _, o := range slices.Backward(log) {
		names = append(names, o.Operation)
	}
	return strings.Join(names, " ")
}

func (s *browserSite) call(t *testing.T, method, path, body string, into any) {
	t.Helper()
	r, err := http.NewRequest(method, s.BaseURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.APIKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer := struct {
		Result json.RawMessage `json:"result"`
	}{}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d, %v, %s", method, path, res.StatusCode, err, answer.Result)
	}
	if err := json.Unmarshal(answer.Result, into); err != nil {
		t.Fatal(err)
	}
}

// wantReturn checks that the customer arrived at the shop with the state, and that the API agrees.
func (s *browserSite) wantReturn(t *testing.T, b *tab, p browserPayment, state string) {
	t.Helper()
	if got, want := b.url(), s.shop+"/back/"+p.ID+"?state="+state; got != want {
		t.Errorf("returned to %s, want %s", got, want)
	}
	if got := s.state(t, p.ID); got != state {
		t.Errorf("state %s, want %s", got, state)
	}
}
