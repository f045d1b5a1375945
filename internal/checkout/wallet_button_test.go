package checkout_test

import (
	"crypto/rand"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/testkit/purse"
)

// buttons is a house whose shop has accounts at the wallets themselves, and the purse of its customers.
type buttons struct {
	*house
	*purse.Purse

	asked chan map[string]string // what the gateway of sessions was asked
}

// session is what the gateway answers.
const session = `{"merchantSessionIdentifier":"SSH1","nonce":"n1"}`

func buttonShop(t *testing.T, edit ...func(*shop.Shop)) buttons {
	t.Helper()
	b := buttons{asked: make(chan map[string]string, 10)}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked map[string]string
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		asked["path"] = r.URL.Path
		b.asked <- asked
		if asked["displayName"] == "Refused" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		_, _ = io.WriteString(w, session)
	}))
	t.Cleanup(gateway.Close)
	makers := purse.NewMakers(t, time.Now().Add(-time.Hour))
	b.Purse = purse.New(t, makers, "1", time.Now)
	b.house = newHouse(t, append([]func(*shop.Shop){everywhere, func(s *shop.Shop) {
		b.Open(t, s)
		w := &s.Settings.Wallets
		w.Apple.Country, w.Apple.Gateway, w.Google.Country = "DE", gateway.URL, "DE"
	}}, edit...)...)
	return b
}

var toldToScript = regexp.MustCompile(`data-told="([^"]*)"`)

// told is what the script of a wallet's button is told.
func told(t *testing.T, a answer) (m map[string]any) {
	t.Helper()
	found := toldToScript.FindStringSubmatch(a.body)
	if found == nil {
		t.Fatalf("no button: %d %s", a.status, a.body)
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(found[1])), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// choosable makes a payment of 30.00 for which the customer chooses.
func (b *buttons) choosable(edit ...func(*engine.Create)) (payment.ID, string) {
	b.t.Helper()
	return b.deposit(append([]func(*engine.Create){func(e *engine.Create) { e.Method, e.Currency, e.Amount = "", "EUR", money.MustParse("30") }}, edit...)...)
}

// TestGooglesScriptIsOnThePageOfItsButtonAlone: no card is entered there, and no other page lets it in.
func TestGooglesScriptIsOnThePageOfItsButtonAlone(t *testing.T) {
	t.Parallel()
	b := buttonShop(t)
	_, page := b.choosable()
	a := b.get(page + "?method=GOOGLEPAY")
	a.wants(t, guestScript, `name="wallet" value=""`, `name="method" value="GOOGLEPAY"`,
		"<noscript>", "Google Pay does not work in this browser.", "Choose another way to pay")
	a.lacks(t, "cc-number", "cc-csc")
	told := told(t, a)
	nonce, _ := told["nonce"].(string)
	policy := a.header.Get("Content-Security-Policy")
	for _, want := range []string{
		" https://pay.google.com 'nonce-" + nonce + "'; frame-ancestors", "frame-src https://pay.google.com;", "img-src 'self' https://www.gstatic.com;",
		"connect-src 'self' https://pay.google.com https://google.com https://www.google.com;", "style-src 'self' 'nonce-" + nonce + "';",
	} {
		if len(nonce) < 22 || !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	if h := a.header; h.Get("Cross-Origin-Opener-Policy") != "same-origin-allow-popups" || h.Get("Referrer-Policy") != "strict-origin" ||
		!strings.Contains(h.Get("Permissions-Policy"), `payment=(self "https://pay.google.com")`) {
		t.Errorf("%v", h)
	}
	if again := b.get(page + "?method=GOOGLEPAY").header.Get("Content-Security-Policy"); again == policy {
		t.Error("the nonce is the same again")
	}
	for _, other := range []string{page, page + "?method=APPLEPAY", page + "?method=BASIC_CARD"} {
		a := b.by(iphone, other)
		policy := a.header.Get("Content-Security-Policy")
		if strings.Contains(policy, "google") || strings.Contains(policy, "gstatic") || strings.Contains(policy, "nonce") || !strings.Contains(policy, "require-trusted-types-for 'script'") {
			t.Errorf("%s: %s", other, policy)
		}
		a.lacks(t, "pay.google.com", "<script async")
		if a.header.Get("Cross-Origin-Opener-Policy") != "same-origin" || a.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", other, a.header)
		}
	}
}

// TestWalletsAreShownToBrowsersThatHaveThem: by a script, so without one a card is what there is.
func TestWalletsAreShownToBrowsersThatHaveThem(t *testing.T) {
	t.Parallel()
	b := buttonShop(t)
	_, page := b.choosable()
	b.by(iphone, page).wants(t, `<p class="first" data-needs="apple" hidden>`, `<p class="legend" data-needs="apple" hidden>`, `<li data-needs="google" hidden>`)
	b.by(android, page).wants(t, `<p class="first" data-needs="google" hidden>`)
	_, alone := b.choosable(func(e *engine.Create) { e.Method = payment.GooglePay })
	a := b.get(alone)
	a.wants(t, "pay.js", `data-told="`)
	a.lacks(t, "Choose another way", `name="method"`)
}

// TestTheSheetIsAskedForTheShop: what the scripts are told.
func TestTheSheetIsAskedForTheShop(t *testing.T) {
	t.Parallel()
	b := buttonShop(t, func(s *shop.Shop) { s.Settings.Brand.Name = "Northwind & Sons" })
	_, page := b.choosable(speaks(t, "pt-BR"))
	google, _ := json.Marshal(told(t, b.get(page+"?method=GOOGLEPAY"))["request"])
	key := b.shop.Settings.Wallets.Google.PublicKey
	want := `{"allowedPaymentMethods":[{"parameters":{"allowedAuthMethods":["PAN_ONLY","CRYPTOGRAM_3DS"],"allowedCardNetworks":["MASTERCARD","VISA"]},` +
		`"tokenizationSpecification":{"parameters":{"protocolVersion":"ECv2","publicKey":"` + key + `"},"type":"DIRECT"},"type":"CARD"}],"apiVersion":2,"apiVersionMinor":0,` +
		`"merchantInfo":{"merchantId":"1","merchantName":"Northwind \u0026 Sons"},` +
		`"transactionInfo":{"checkoutOption":"COMPLETE_IMMEDIATE_PURCHASE","countryCode":"DE","currencyCode":"EUR","totalPrice":"30","totalPriceStatus":"FINAL"}}`
	if string(google) != want {
		t.Errorf("Google is asked for\n%s, not\n%s", google, want)
	}
	told := told(t, b.by(iphone, page+"?method=APPLEPAY"))
	apple, _ := json.Marshal(told["request"])
	want = `{"countryCode":"DE","currencyCode":"EUR","merchantCapabilities":["supports3DS"],"supportedNetworks":["masterCard","visa"],` +
		`"total":{"amount":"30","label":"Northwind \u0026 Sons","type":"final"}}`
	if string(apple) != want {
		t.Errorf("Apple is asked for\n%s, not\n%s", apple, want)
	}
}

// sendBy posts a form as the browser of a device does.
func (b *buttons) sendBy(agent, page string, form url.Values) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, page, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r)
}

// TestTokensOfButtonsPay, and one that is not taken says so.
func TestTokensOfButtonsPay(t *testing.T) {
	t.Parallel()
	for _, m := range []payment.Method{payment.GooglePay, payment.ApplePay} {
		b := buttonShop(t)
		id, page := b.choosable()
		form := b.fill(page, "method", string(m), "wallet", "{}")
		a := b.sendBy(iphone, page, form)
		a.wants(t, "Your wallet could not be used for this payment. Nothing was charged.", `data-told="`)
		if a.status != http.StatusUnprocessableEntity || b.state(id) != payment.Checkout {
			t.Errorf("%s: %d, %s", m, a.status, b.state(id))
		}
		form.Set("wallet", string(b.Token(t, m, purse.Card(digits(approved), true), 3000)))
		if a := b.do("POST", page, form); a.status != http.StatusSeeOther || b.state(id) != payment.Completed {
			t.Errorf("%s: %d, %s", m, a.status, b.state(id))
		}
		var news struct{ Good bool }
		if err := json.Unmarshal([]byte(b.get(page+"/news").body), &news); err != nil || !news.Good {
			t.Errorf("%s: %v, %+v", m, err, news)
		}
	}
}

// TestASessionIsBegunForThePage: by whoever has the page as it is now, for the host that the installation has, and for nobody else.
func TestASessionIsBegunForThePage(t *testing.T) {
	t.Parallel()
	b := buttonShop(t)
	id, page := b.choosable()
	form := b.fill(page+"?method=APPLEPAY", "validationUrl", "https://apple-pay-gateway.apple.com/paymentservices/startSession")
	a := b.do("POST", page+"/session", form)
	if a.status != http.StatusOK || a.body != session || a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %q %v", a.status, a.body, a.header)
	}
	asked := <-b.asked
	if asked["path"] != "/paymentservices/paymentSession" || asked["merchantIdentifier"] != "merchant.test.1" || asked["displayName"] != "Northwind Books" ||
		asked["initiative"] != "web" || asked["initiativeContext"] != "127.0.0.1" {
		t.Errorf("%v", asked)
	}
	refused := func(what string, want int, form url.Values) {
		t.Helper()
		if a := b.do("POST", page+"/session", form); a.status != want || strings.Contains(a.body, "SSH1") {
			t.Errorf("%s: %d %q", what, a.status, a.body)
		}
	}
	refused("another page's nonce", http.StatusConflict, url.Values{"nonce": {"x"}, "validationUrl": form["validationUrl"]})
	refused("no nonce", http.StatusConflict, url.Values{"validationUrl": form["validationUrl"]})
	b.shop.Settings.Brand.Name = "Refused"
	b.renew()
	refused("what Apple does not give", http.StatusBadGateway, form)
	<-b.asked
	b.shop.Settings.Wallets.Apple.Gateway, b.shop.Settings.Wallets.Apple.Sessions = "", true
	b.renew()
	for _, address := range []string{"", "https://attacker.example/", "http://169.254.169.254/", "https://apple-pay-gateway.apple.com:8443/", "https://apple-pay-gateway.apple.com.attacker.example/"} {
		refused(address, http.StatusBadGateway, url.Values{"nonce": form["nonce"], "validationUrl": {address}})
	}
	b.shop.Settings.Wallets.Apple.Domains = []string{"pay.example"}
	b.renew()
	refused("a host that Apple does not know", http.StatusConflict, form)
	b.shop.Settings.Wallets.Apple.Domains = nil
	b.renew()
	b.do("POST", page+"/cancel", form)
	if refused("a payment that has ended", http.StatusConflict, form); b.state(id) != payment.Cancelled {
		t.Error(b.state(id))
	}
	if a := b.get(page + "/session"); a.status != http.StatusMethodNotAllowed && a.status != http.StatusNotFound {
		t.Errorf("by GET: %d", a.status)
	}
	if len(b.asked) != 0 {
		t.Errorf("the gateway was asked %d times more", len(b.asked))
	}
}

// renew has the shop's settings be in force.
func (b *buttons) renew() {
	b.t.Helper()
	if err := b.update(b.shop); err != nil {
		b.t.Fatal(err)
	}
	b.clock.Advance(2 * time.Second)
}

// TestAppleFindsItsFile: that of the host that it asks.
func TestAppleFindsItsFile(t *testing.T) {
	t.Parallel()
	b := buttonShop(t)
	ask := func(host, path string) answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/.well-known/"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		return b.send(r)
	}
	const file = "apple-developer-merchantid-domain-association"
	if a := ask("pay.example", file); a.status != http.StatusNotFound {
		t.Errorf("no shop has a file: %d %q", a.status, a.body)
	}
	b.shop.Settings.Wallets.Apple.Domains, b.shop.Settings.Wallets.Apple.Association = []string{"pay.example"}, "one\n"
	b.renew()
	b.clock.Advance(time.Minute)
	for _, host := range []string{"pay.example", "PAY.example:8443", "127.0.0.1"} { // there is no other one
		for _, name := range []string{file, file + ".txt"} {
			if a := ask(host, name); a.status != http.StatusOK || a.body != "one\n" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
				t.Errorf("%s: %d %q", host, a.status, a.body)
			}
		}
	}
	b.newShop(b.db, id.NewSource(b.clock.Now, rand.Reader), []func(*shop.Shop){func(s *shop.Shop) {
		b.Open(t, s)
		s.Name, s.Settings.Wallets.Apple.Domains, s.Settings.Wallets.Apple.Association = "Other Books", []string{"other.example"}, "two\n"
	}})
	b.clock.Advance(time.Minute)
	for host, want := range map[string]string{"pay.example": "one\n", "other.example": "two\n"} {
		if a := ask(host, file); a.body != want {
			t.Errorf("%s: %d %q", host, a.status, a.body)
		}
	}
	if a := ask("third.example", file); a.status != http.StatusNotFound {
		t.Errorf("nobody's host: %d %q", a.status, a.body)
	}
}
