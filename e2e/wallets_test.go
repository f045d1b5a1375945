package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/sluicepay/sluice/internal/testkit/purse"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// inWallet is the card on a customer's device.
type inWallet struct {
	number string
	device bool // a number of the device, with its proof
	apple  bool
}

// Cards in wallets: one on file that its bank asks about, and one of a device whose payment is decided later.
var (
	onFile     = inWallet{number: "4000000000000002"}
	slowDevice = inWallet{number: slowCard, device: true, apple: true}
)

// slowCard is one that the provider takes its time for.
const slowCard = "4111111111111111"

// answerCodes are what a provider answers, by what was decided.
type answerCodes map[string]string

// laterOn is what is answered for a card, by nobody's leave but the bank's.
var laterOn = answerCodes{"approve": "00", "decline": "51", "timeout": "68"}

// walletAccounts makes accounts at the wallets, for whom purses make tokens, and returns the commands that give them to a shop.
func walletAccounts(t *testing.T, dir string) (*purse.Purse, [][]string) {
	t.Helper()
	p := purse.New(t, purse.NewMakers(t, time.Now().Add(-time.Hour)), "northwind", time.Now)
	google, certificate, apple := p.Files(t)
	files := map[string]string{
		"google.pem": google, "google.json": string(p.Makers.Google.Roots()), "processing.pem": certificate, "processing.key": apple, "apple.pem": p.Makers.Apple.Root(),
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range files {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ MerchantIdentifier, InitiativeContext string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.MerchantIdentifier != p.MerchantID() || asked.InitiativeContext != "127.0.0.1" {
			t.Errorf("the gateway is asked for a session of %+v: %v", asked, err)
		}
		_, _ = w.Write([]byte(`{"merchantSessionIdentifier":"SSH1"}`))
	}))
	t.Cleanup(gateway.Close)
	return p, [][]string{
		{"google", "--recipient", p.Recipient(), "--country", "DE", "--roots", at("google.json"), at("google.pem")},
		{"apple", "--merchant-id", p.MerchantID(), "--country", "DE", "--session-gateway", gateway.URL, "--roots", at("apple.pem"), at("processing.pem"), at("processing.key")},
	}
}

// giveWallets gives a shop the accounts.
func (s *server) giveWallets(t *testing.T, shop string, commands [][]string) {
	t.Helper()
	for _, c := range commands {
		var shown struct{ ShopID string }
		s.admin(t, &shown, slices.Concat([]string{"shop", "wallet", "set", "--shop", shop}, c)...)
	}
}

// What customers do at a sheet beside paying.
const (
	leavesSheet = "" // it is closed
	failsSheet  = "x"
)

// wallets are those of one tab: what they were asked for, and what their customer does.
type wallets struct {
	mu     sync.Mutex
	asked  []string
	tokens []string // made for it, each once; leavesSheet and failsSheet are none
	made   func(asked string) string
}

// then has the customer do so at the next sheets, before anything is paid.
func (w *wallets) then(does ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens = append(w.tokens, does...)
}

// sheet is what the page's script gets from the wallet.
func (w *wallets) sheet(_ context.Context, asked []string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, strings.Join(asked, " "))
	if len(w.tokens) > 0 {
		next := w.tokens[0]
		w.tokens = w.tokens[1:]
		return next, nil
	}
	if len(asked) < 2 {
		return "", nil
	}
	return w.made(asked[1]), nil
}

// heard is what the wallet was asked and told since the last time.
func (w *wallets) heard() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.asked
	w.asked = nil
	return all
}

// carry puts a card into the wallet of the tab's device: Google's script, which comes from a stand-in, or Apple's part of the browser.
func (b *tab) carry(p *purse.Purse, c *inWallet) *wallets {
	b.t.Helper()
	if c == nil {
		return nil
	}
	w := &wallets{made: func(asked string) string { return string(c.token(b.t, p, asked)) }}
	b.do(func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.ExposeFunc("sluiceTestSheet", w.sheet))
	})
	if c.apple {
		b.do(func(ctx context.Context) error {
			_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: safari})
			if err == nil {
				_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: applesPart})
			}
			return err
		})
		return w
	}
	b.answerFor(googlesScript)
	return w
}

// answerFor answers in Google's place.
func (b *tab) answerFor(script string) {
	b.t.Helper()
	err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*fetch.EventRequestPaused); ok {
			go func() {
				_, _ = chromedp.Call(b.ctx, fetch.FulfillRequest, fetch.FulfillRequestParams{ // the tab may be gone
					RequestID: e.RequestID, ResponseCode: http.StatusOK, Body: []byte(script),
					ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: "text/javascript"}},
				})
			}()
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: "https://pay.google.com/gp/p/js/pay.js"}}})
		return err
	})
}

// token is one for what the sheet was asked for.
func (c *inWallet) token(t *testing.T, p *purse.Purse, asked string) []byte {
	if !c.apple {
		return p.FromGoogle(t, purse.Card(c.number, c.device), nil)
	}
	var to struct {
		Request struct{ Total struct{ Amount string } }
	}
	if err := json.Unmarshal([]byte(asked), &to); err != nil {
		t.Error(err)
	}
	whole, part, _ := strings.Cut(to.Request.Total.Amount, ".")
	minor, err := strconv.ParseUint(whole+(part + "00")[:2], 10, 64)
	if err != nil {
		t.Error(err)
	}
	return p.FromApple(t, purse.Card(c.number, c.device), minor, nil)
}

// safari is what the browser of a Mac says that it is.
const safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"

// googlesScript stands in for the one that Google publishes: what the page uses of its interface.
const googlesScript = `window.google = { payments: { api: { PaymentsClient: class {
	constructor(options) { this.options = options; }
	async isReadyToPay(asked) { return { result: asked.apiVersion === 2 && asked.allowedPaymentMethods.length === 1 }; }
	createButton(options) {
		const style = document.createElement("style");
		style.nonce = this.options.nonce;
		style.textContent = ".gpay-button { width: 100%; height: 100%; border: 0; border-radius: " + options.buttonRadius + "px; background: " + options.buttonColor + "; color: " + (options.buttonColor === "black" ? "white" : "black") + "; }";
		document.head.append(style);
		const around = document.createElement("div"), button = document.createElement("button");
		button.type = "button";
		button.className = "gpay-button";
		button.textContent = "Google Pay (stand-in)";
		button.addEventListener("click", options.onClick);
		around.append(button);
		return around;
	}
	async loadPaymentData(asked) {
		const token = await sluiceTestSheet("google", JSON.stringify(asked), this.options.environment);
		if (token.length < 2) throw { statusCode: token === "" ? "CANCELED" : "DEVELOPER_ERROR" };
		return { apiVersion: 2, paymentMethodData: { type: "CARD", tokenizationData: { type: "DIRECT", token } } };
	}
} } } };`

// applesPart stands in for what Apple's browsers have.
const applesPart = `window.ApplePaySession = class {
	static STATUS_SUCCESS = 0;
	static STATUS_FAILURE = 1;
	static canMakePayments() { return true; }
	static supportsVersion(version) { return version <= 6; }
	constructor(version, request) {
		if (!navigator.userActivation.isActive || version !== 6) throw new Error("no gesture, or a version that is not there");
		this.request = request;
	}
	begin() { this.onvalidatemerchant({ validationURL: "https://apple-pay-gateway.apple.com/paymentservices/startSession" }); }
	async completeMerchantValidation(session) {
		const token = await sluiceTestSheet("apple", JSON.stringify({ request: this.request, session }));
		if (token.length < 2) { if (this.oncancel) this.oncancel({}); return; }
		this.onpaymentauthorized({ payment: { token: { paymentData: JSON.parse(token) } } });
	}
	completePayment(result) { sluiceTestSheet("ended " + result.status); }
	abort() { sluiceTestSheet("aborted"); }
};`

// TestBrowserWallets pays on the page by the wallets' own buttons, with what the wallets bring stood in for, and real tokens.
func TestBrowserWallets(t *testing.T) {
	path := os.Getenv("SLUICE_TEST_CHROMIUM")
	if path == "" {
		setting.Missing(t, setting.Chromium, "wallets in a browser: SLUICE_TEST_CHROMIUM is not set, see scripts/chromium.sh")
	}
	m := openMall(t, "")
	root := startChromium(t, path)
	for name, c := range map[string]struct {
		card inWallet
		walk func(*testing.T, *tab, *wallets, *mall, inWallet)
	}{
		"Google, approved":      {inWallet{"4000000000000408", true, false}, walletPays},
		"Apple, approved":       {inWallet{"4000000000000408", true, true}, walletPays},
		"Google, declined":      {inWallet{"4000000000000416", true, false}, walletDeclined},
		"Apple, declined":       {inWallet{"4000000000000416", true, true}, walletDeclined},
		"Google, left":          {inWallet{"4000000000000408", true, false}, walletLeft},
		"Apple, left":           {inWallet{"4000000000000408", true, true}, walletLeft},
		"Google, not taken":     {inWallet{"4000000000000408", true, false}, walletNotTaken},
		"Apple, not taken":      {inWallet{"4000000000000408", true, true}, walletNotTaken},
		"Apple, another amount": {inWallet{"4000000000000408", true, true}, walletChanged},
	} {
		t.Run(name, func(t *testing.T) {
			b := openTab(t, root)
			c.walk(t, b, b.carry(m.purse, &c.card), m, c.card)
		})
	}
	t.Run("Google, blocked", func(t *testing.T) { walletBlocked(t, openTab(t, root), m) })
	t.Run("no script", func(t *testing.T) { walletsWithoutScript(t, openTab(t, root), m) })
	m.judge(t)
}

func (c *inWallet) method() string {
	if c.apple {
		return "APPLEPAY"
	}
	return "GOOGLEPAY"
}

// anyButton is the wallet's on its page.
const anyButton = "button.apple, button.gpay-button"

// toButton makes a payment that its customer pays by the wallet, and goes to its button.
func (b *tab) toButton(s *mallShop, c *inWallet) browserPayment {
	b.t.Helper()
	p := s.create(b.t, choosing)
	b.open(p.RedirectURL)
	if strings.Contains(b.text(`document.documentElement.outerHTML`), "pay.google.com") {
		b.t.Error("the page on which cards are entered names Google")
	}
	b.shot("methods")
	b.click("a[href$='method=" + c.method() + "']")
	b.eventually("the wallet's button", `document.querySelector("`+anyButton+`") !== null && !document.querySelector("`+anyButton+`").hidden`)
	b.shot("button")
	return p
}

func walletPays(t *testing.T, b *tab, w *wallets, m *mall, c inWallet) {
	p := b.toButton(m.strict, &c)
	b.click(anyButton)
	b.heading("Payment successful")
	b.shot("paid")
	if got := m.strict.state(t, p.ID); got != "COMPLETED" {
		t.Errorf("state %s", got)
	}
	told := strings.Join(w.heard(), "\n")
	want := []string{`"totalPrice":"1234.50"`, `"countryCode":"DE"`, `"merchantId":"northwind"`, `"protocolVersion":"ECv2"`, " TEST"}
	if c.apple {
		want = []string{`"amount":"1234.5"`, `"countryCode":"DE"`, `"merchantSessionIdentifier":"SSH1"`, "\nended 0"}
	}
	for _, part := range want {
		if !strings.Contains(told, part) {
			t.Errorf("the sheet was not told %s: %s", part, told)
		}
	}
}

func walletDeclined(t *testing.T, b *tab, w *wallets, m *mall, c inWallet) {
	b.look(390, "dark")
	p := b.toButton(m.strict, &c)
	b.click(anyButton)
	b.heading("Payment declined")
	if got := m.strict.state(t, p.ID); got != "DECLINED" {
		t.Errorf("state %s", got)
	}
	if told := w.heard(); c.apple && !slices.Contains(told, "ended 1") {
		t.Errorf("the sheet is told of a success: %q", told)
	}
}

// walletLeft: whoever closes the sheet is where they were, and pays in another way.
func walletLeft(t *testing.T, b *tab, w *wallets, m *mall, c inWallet) {
	w.then(leavesSheet)
	p := b.toButton(m.strict, &c)
	b.click(anyButton)
	await(t, "the sheet", browserPatience, func() bool { return len(w.heard()) > 0 })
	if says := b.text(`document.getElementById("wallet-says").textContent`); says != "" {
		t.Errorf("the page says %q", says)
	}
	if got := m.strict.state(t, p.ID); got != "CHECKOUT" {
		t.Errorf("state %s", got)
	}
	b.click("a.secondary")
	b.eventually("the card's form", `document.getElementById("number") !== null`)
	b.fillCard(plainCard)
	b.click("button.primary")
	b.heading("Payment successful")
}

// walletNotTaken: a sheet that fails, and a token that is not taken, are told, and the button is there for another try.
func walletNotTaken(t *testing.T, b *tab, w *wallets, m *mall, c inWallet) {
	says := func() {
		b.eventually("what went wrong", `document.body.innerText.includes("Your wallet could not be used for this payment. Nothing was charged.")`)
	}
	p := b.toButton(m.strict, &c)
	if !c.apple {
		w.then(failsSheet)
		b.click(anyButton)
		says()
	}
	w.then("{}")
	b.click(anyButton)
	says()
	b.shot("not taken")
	if got := m.strict.state(t, p.ID); got != "CHECKOUT" {
		t.Errorf("state %s", got)
	}
	b.eventually("the button again", `document.querySelector("`+anyButton+`") !== null && !document.querySelector("`+anyButton+`").hidden`)
	b.click(anyButton)
	b.heading("Payment successful")
}

// walletChanged: what the sheet is asked for is the page's to say, and what is paid is the payment's.
func walletChanged(t *testing.T, b *tab, w *wallets, m *mall, c inWallet) {
	made := w.made
	w.made = func(asked string) string { return made(strings.Replace(asked, `"1234.5"`, `"1.00"`, 1)) }
	p := b.toButton(m.strict, &c)
	b.click(anyButton)
	b.eventually("what went wrong", `document.body.innerText.includes("Your wallet could not be used for this payment.")`)
	if got := m.strict.state(t, p.ID); got != "CHECKOUT" {
		t.Errorf("state %s", got)
	}
	b.click("form.cancel button.quiet")
	b.heading("Payment cancelled")
}

// walletBlocked: where Google's script does not come, or finds no wallet, the page says so.
func walletBlocked(t *testing.T, b *tab, m *mall) {
	p := m.strict.create(t, choosing)
	b.answerFor("/* nothing */")
	b.open(p.RedirectURL + "?method=GOOGLEPAY")
	b.eventually("that there is no such wallet", `document.getElementById("wallet-says").textContent.includes("Google Pay does not work in this browser.")`)
	b.shot("blocked")
	b.click("a.secondary")
	b.eventually("the card's form", `document.getElementById("number") !== null`)
	b.click("form.cancel button.quiet")
	b.heading("Payment cancelled")
}

// walletsWithoutScript are not offered.
func walletsWithoutScript(t *testing.T, b *tab, m *mall) {
	p := m.strict.create(t, choosing)
	b.open(p.RedirectURL)
	if b.text(`String(getComputedStyle(document.querySelector("[data-needs=google]")).display)`) == "none" {
		t.Error("with script the way to Google Pay is not shown")
	}
	b.do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	b.open(p.RedirectURL)
	if b.text(`String(getComputedStyle(document.querySelector("[data-needs=google]")).display)`) != "none" {
		t.Error("without script the way to Google Pay is shown")
	}
	b.shot("methods")
	b.open(p.RedirectURL + "?method=GOOGLEPAY")
	if says := b.text(`document.body.innerText`); !strings.Contains(says, "Google Pay does not work in this browser.") {
		t.Errorf("the page says %q", says)
	}
	b.open(p.RedirectURL)
	b.click("form.cancel button.quiet")
	b.heading("Payment cancelled")
}
