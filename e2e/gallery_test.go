package e2e

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// tongues are the languages of the payment page.
var tongues = []string{"en", "de", "es", "fr", "it", "pl", "pt-BR", "ru", "tr", "uk", "ar", "zh"}

// gallery is a mall with a shop that has set all that can be seen of it. Its payments name no language: pages are in that of the
// browser, so that each can be looked at in all of them.
type gallery struct {
	*mall

	dressed *mallShop
	curious *mallShop // its provider wants to know who pays
	orders  *merchant
	n       int
}

func openGallery(t *testing.T) *gallery {
	t.Helper()
	g := &gallery{mall: openMall(t, "")}
	g.dressed = g.newShop(t, object{"cardTokens": true, "checkoutAttempts": 9, "brand": object{
		"name": "Northwind Books", "email": "help@shop.example", "phone": "+44 20 7946 0018", "helpUrl": "https://shop.example/help",
		"termsUrl": "https://shop.example/terms", "privacyUrl": "https://shop.example/privacy",
		"cards": []string{"VISA", "MASTERCARD", "AMEX", "MAESTRO", "UNIONPAY", "JCB"},
	}})
	g.curious = g.newCuriousShop(t)
	g.orders = g.server.newMerchant(t, g.sim, "https://shop.example", false)
	return g
}

// newCuriousShop is one whose provider wants to know all that can be asked for of who pays.
func (g *gallery) newCuriousShop(t *testing.T) *mallShop {
	t.Helper()
	var made struct{ ShopID, APIKey, TerminalID string }
	g.server.admin(t, &made, "shop", "create", "--name", "Livraria Curiosa", "--settings", "{}")
	g.server.admin(t, &made, "terminal", "create", "--shop", made.ShopID, "--name", "sandbox", "--connector", "sandbox", "--settings", text(t, object{
		"url": g.sim.URL, "apiKey": g.sim.APIKey, "customerDetails": []string{"firstName", "lastName", "email", "phone", "addressLine1", "postalCode", "city", "countryCode"}, "documentTypes": []string{"BR_CPF", "BR_CNPJ"},
	}))
	c := newClient(g.server.base, made.APIKey)
	return &mallShop{c, &browserSite{BaseURL: c.base, APIKey: c.key, shop: g.site}}
}

// nameless is a payment of which nobody has said who pays.
var nameless = object{"customer": nil, "billingAddress": nil}

// statusOf opens an address without a browser.
func statusOf(t *testing.T, address string) int {
	t.Helper()
	a, err := http.Get(address)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = a.Body.Close() // nothing of it is wanted
	return a.StatusCode
}

// post sends a form without a browser.
func post(t *testing.T, address string, form url.Values) {
	t.Helper()
	a, err := http.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close() // nothing of it is wanted
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d", address, a.StatusCode)
	}
}

// hold keeps the browser from getting to any page of a site: it stays on the one from which it wants to go there.
func (b *tab) hold(site string) {
	b.t.Helper()
	err := chromedp.Listen(b.ctx, func(event any) {
		if paused, ok := event.(*fetch.EventRequestPaused); ok {
			go func() { // the tab may be closed by then
				_, _ = chromedp.Call(b.ctx, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: paused.RequestID, ResponseCode: http.StatusNoContent})
			}()
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: site + "/*"}}})
		return err
	})
}

// page makes a payment of the shop and returns the address of its page.
func (g *gallery) page(t *testing.T, s *mallShop, changes ...object) string {
	t.Helper()
	g.n++
	request := object{"returnUrl": nil, "referenceId": "1042-" + strconv.Itoa(g.n)}
	for _, c := range changes {
		maps.Copy(request, c)
	}
	return s.create(t, request).RedirectURL
}

// order makes one of the Yandex Pay API with a cart.
func (g *gallery) order(t *testing.T) (id, page string) {
	t.Helper()
	g.n++
	id = "2077-" + strconv.Itoa(g.n)
	a, err := g.orders.call(t.Context(), payCall{method: "POST", path: "/v1/orders", body: object{
		"orderId": id, "currencyCode": "RUB", "redirectUrls": object{"onSuccess": "https://shop.example/ok", "onError": "https://shop.example/no"},
		"cart": object{"total": object{"amount": "1180.00"}, "items": []object{
			{"productId": "a", "title": "The Count of Monte Cristo, illustrated, in two volumes", "quantity": object{"count": "1"}, "total": "980.00"},
			{"productId": "b", "title": "Bookmark", "quantity": object{"count": "4"}, "total": "200.00"},
		}},
	}})
	if err != nil || a.data.PaymentURL == "" {
		t.Fatalf("order: %v %v", a, err)
	}
	return id, a.data.PaymentURL
}

// by is a payment by one method, in its currency.
func by(method, currency string) object { return object{"paymentMethod": method, "currency": currency} }

// knownAs is a payment of a customer whom the shop knows.
func knownAs(customer string) object {
	person := with(speaking(""), "referenceId", customer)
	delete(person, "locale")
	return object{"customer": person}
}

// sends fills the page's form in, sends it and goes on to a headline.
func (b *tab) sends(page, headline string, fill func(*tab)) string {
	b.t.Helper()
	b.open(page)
	fill(b)
	b.click("button.primary")
	b.heading(headline)
	return page
}

func nothing(*tab) {}

// sees is a state of a page that customers see.
type sees struct {
	name string
	make func(t *testing.T, g *gallery, b *tab) string // returns the address of a page that is in it; b is there to get it there
	act  func(b *tab)                                  // where no address leads to it: what leads to it from there
	way  string                                        // a condition that tells that it has come
}

// states are all kinds of pages and what they can show, but the form that is posted to a bank by itself, and the page of a fault of ours.
var states = []sees{
	{"form", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.dressed, choosing) }, nil, `document.querySelector("#number") !== null`},
	{"form, Pix first", func(t *testing.T, g *gallery, _ *tab) string {
		return g.page(t, g.dressed, choosing, object{"currency": "BRL"})
	}, nil, `document.querySelector(".first") !== null`},
	{"form, plain shop", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.strict) }, nil, `document.querySelector("#number") !== null`},
	{"form, amount", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.dressed, object{"amount": nil}) }, nil, `document.querySelector("#amount") !== null`},
	{"form, order lines", func(t *testing.T, g *gallery, _ *tab) string { _, page := g.order(t); return page }, nil, `document.querySelector(".lines") !== null`},
	{"form, card to keep", func(t *testing.T, g *gallery, _ *tab) string {
		return g.page(t, g.strict, object{"amount": 0, "preAuth": true})
	}, nil, `document.querySelector("#number") !== null`},
	{"form, known customer", func(t *testing.T, g *gallery, _ *tab) string {
		return g.page(t, g.dressed, choosing, knownAs("berta"))
	}, nil, `document.querySelector("#save") !== null`},
	{"form, who pays", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.curious, choosing, nameless) }, nil,
		`document.querySelector("#documentNumber") !== null`},
	{"faults, who pays", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.curious, choosing, nameless) }, func(b *tab) {
		b.fill("email", "ana")
		b.fill("documentNumber", "1")
		b.choose("documentType", "BR_CPF")
		b.click("button.primary")
	}, `document.querySelector("#documentNumber-fault") !== null`},
	{"one fault", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.strict) }, func(b *tab) {
		b.fillCard("4000 0000 0000 0409")
		b.click("button.primary")
	}, `document.querySelector("#number-fault") !== null`},
	{"many faults", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.dressed, object{"amount": nil}) }, func(b *tab) {
		b.fill("holder", "4")
		b.click("button.primary")
	}, `document.querySelectorAll(".fault").length > 3`},
	{"fault, number kept", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.strict) }, func(b *tab) {
		b.fillCard(plainCard)
		b.fill("expiry", "13/39")
		b.click("button.primary")
	}, `document.querySelector(".kept") !== null`},
	{"method, GOOGLEPAY", func(t *testing.T, g *gallery, _ *tab) string {
		return g.page(t, g.dressed, choosing) + "?method=GOOGLEPAY"
	}, nil, `document.querySelector("a.secondary") !== null`},
	{"method, APPLEPAY", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.strict, by("APPLEPAY", "EUR")) }, nil, `document.querySelector("button.primary, #wallet-says") !== null`},
	{"method, BLIK", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.dressed, by("BLIK", "PLN")) }, nil, `document.querySelector("#blik") !== null`},
	{"method, PIX", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.dressed, by("PIX", "BRL")) }, nil, `document.querySelector("button.primary") !== null`},
	{"method, OPEN_BANKING", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.dressed, by("OPEN_BANKING", "EUR")) }, nil, `document.querySelector("#bank") !== null`},
	{"method, PAY_BY_LINK", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.dressed, by("PAY_BY_LINK", "PLN")) }, nil, `document.querySelector("#bank") !== null`},
	{"fault, BLIK", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.dressed, by("BLIK", "PLN")) }, func(b *tab) {
		b.fill("blik", "12345")
		b.click("button.primary")
	}, `document.querySelector("#blik-fault") !== null`},
	{"fault, bank", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.dressed, by("PAY_BY_LINK", "PLN")) }, func(b *tab) { b.click("button.primary") },
		`document.querySelector("#bank-fault") !== null`},
	{"no method", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.dressed, by("BLIK", "EUR")) }, nil, `document.querySelector("form.cancel") !== null`},
	{"BLIK, wrong code", func(t *testing.T, g *gallery, b *tab) string {
		return b.sends(g.page(t, g.dressed, by("BLIK", "PLN")), "Pay with BLIK", func(b *tab) { b.fill("blik", "500500") })
	}, nil, `document.querySelector("#blik") !== null`},
	{"BLIK, in the app", func(t *testing.T, g *gallery, b *tab) string {
		return b.sends(g.page(t, g.dressed, choosing, object{"currency": "PLN"})+"?method=BLIK", "Confirm in your bank's app", func(b *tab) { b.fill("blik", "123456") })
	}, nil, `document.querySelector("#left") !== null`},
	{"BLIK, apps that know the customer", func(t *testing.T, g *gallery, b *tab) string {
		paying := []object{by("BLIK", "PLN"), knownAs("carla")}
		for _, app := range []string{"mbank", "pko"} {
			page := b.sends(g.page(t, g.dressed, paying...)+"?app=new", "Confirm in your bank's app", func(b *tab) {
				b.fill("blik", "123456")
				b.click("#save")
			})
			post(t, b.text(`document.querySelector("a.secondary").href`), url.Values{"decision": {"remember-" + app}})
			b.open(page)
			b.heading("Payment successful")
		}
		return g.page(t, g.dressed, choosing, object{"currency": "PLN"}, knownAs("carla")) + "?method=BLIK"
	}, nil, `document.querySelector("[name=app]") !== null && document.querySelectorAll(".ways li").length === 2`},
	{"BLIK, code of a known customer", func(t *testing.T, g *gallery, _ *tab) string {
		return g.page(t, g.dressed, by("BLIK", "PLN"), knownAs("dora"))
	}, nil, `document.querySelector("#save") !== null`},
	{"PIX, code", func(t *testing.T, g *gallery, b *tab) string {
		return b.sends(g.page(t, g.dressed, choosing, object{"currency": "BRL"})+"?method=PIX", "Pay with Pix", nothing)
	}, nil, `document.querySelector("#copied") !== null`},
	{"bank, on the way", func(t *testing.T, g *gallery, b *tab) string {
		b.hold(g.sim.URL)
		return g.page(t, g.dressed, by("OPEN_BANKING", "EUR"))
	}, func(b *tab) {
		if b.has("#bank") {
			b.choose("bank", "rhein")
		}
		b.text(`(document.querySelector("button.primary").click(), "")`)
	}, titled("Taking you to your bank") + ` || document.querySelector("a.primary[rel=noreferrer]") !== null`},
	{"bank, waiting", func(t *testing.T, g *gallery, b *tab) string {
		return b.sends(g.page(t, g.dressed, choosing)+"?method=OPEN_BANKING", "Log in at Rheinbank", func(b *tab) { b.choose("bank", "rhein") })
	}, nil, `document.querySelector("#news") !== null`},
	{"bank, days", func(t *testing.T, g *gallery, b *tab) string {
		page := b.sends(g.page(t, g.dressed, by("OPEN_BANKING", "EUR")), "Log in at Rheinbank", func(b *tab) { b.choose("bank", "rhein") })
		b.click("button[value=pending]")
		b.heading("Your bank has your order")
		return page
	}, nil, `document.querySelector("#news") !== null`},
	{"waiting", func(t *testing.T, g *gallery, b *tab) string {
		return b.sends(g.page(t, g.dressed), "We are checking your payment", func(b *tab) { b.fillCard("4000 0066 0023 0006") })
	}, nil, `document.querySelector("#news") !== null`},
	{"declined, another try", func(t *testing.T, g *gallery, b *tab) string {
		page := g.page(t, g.dressed, choosing)
		b.open(page)
		b.fillCard("4000 0000 0000 9995")
		b.click("button.primary")
		b.eventually("the reason", `document.body.innerText.includes("not enough money")`)
		return page
	}, nil, `document.querySelector("#number") !== null`},
	{"kept cards", func(t *testing.T, g *gallery, b *tab) string {
		for _, number := range []string{plainCard, "5555 0000 0000 0107"} {
			b.open(g.page(t, g.dressed, choosing, knownAs("anna")))
			if b.has("#code") && !b.has("#number") {
				b.click(".others .way[href*='card=new']")
				b.eventually("the form of another card", `document.querySelector("#number") !== null`)
			}
			b.fillCard(number)
			b.click("#save")
			b.click("button.primary")
			b.heading("Payment successful")
		}
		return g.page(t, g.dressed, choosing, knownAs("anna"))
	}, nil, `document.querySelector(".held") !== null`},
	{"paid", func(t *testing.T, g *gallery, b *tab) string {
		return b.sends(g.page(t, g.dressed), "Payment successful", func(b *tab) { b.fillCard(plainCard) })
	}, nil, `document.querySelector(".success") !== null`},
	{"paid, order lines", func(t *testing.T, g *gallery, b *tab) string {
		_, page := g.order(t)
		b.open(page)
		b.fillCard(plainCard)
		b.click("button.primary")
		b.passed("Payment successful")
		return page
	}, nil, `document.querySelector(".success") !== null`},
	{"approved", func(t *testing.T, g *gallery, b *tab) string {
		return b.sends(g.page(t, g.dressed, object{"preAuth": true}), "Payment approved", func(b *tab) { b.fillCard(plainCard) })
	}, nil, `document.querySelector(".success") !== null`},
	{"card kept", func(t *testing.T, g *gallery, b *tab) string {
		return b.sends(g.page(t, g.strict, object{"amount": 0, "preAuth": true}), "Card added", func(b *tab) { b.fillCard(plainCard) })
	}, nil, `document.querySelector(".success") !== null`},
	{"declined", func(t *testing.T, g *gallery, b *tab) string {
		return b.sends(g.page(t, g.strict, object{"returnUrl": "https://shop.example/back"}), "Payment declined", func(b *tab) { b.fillCard("4000 0000 0000 0416") })
	}, nil, `document.querySelector(".failure") !== null`},
	{"cancelled", func(t *testing.T, g *gallery, b *tab) string {
		page := g.page(t, g.dressed)
		b.open(page)
		b.click("button.quiet")
		b.heading("Payment cancelled")
		return page
	}, nil, `document.querySelector(".result") !== null`},
	{"time over", func(t *testing.T, g *gallery, b *tab) string {
		page := b.sends(g.page(t, g.strict, by("PIX", "BRL")), "Pay with Pix", nothing)
		g.sim.control(t, "/control/decide", object{"reference": g.latest(t), "responseCode": "timeout"})
		b.text(lookAgain)
		b.heading("Time ran out")
		return page
	}, nil, `document.querySelector(".result") !== null`},
	{"closed by the shop", func(t *testing.T, g *gallery, _ *tab) string {
		id, page := g.order(t)
		if a, err := g.orders.call(t.Context(), payCall{method: "POST", path: ordersPath(id) + "/rollback"}); err != nil || a.status != 200 {
			t.Fatalf("rollback: %v %v", a, err)
		}
		return page
	}, nil, `document.querySelector(".result") !== null`},
	{"problem, no payment", func(_ *testing.T, g *gallery, _ *tab) string { return g.server.base + "/payment/nothing" }, nil, `document.querySelector(".alone") !== null`},
	{"problem, paused shop", func(t *testing.T, g *gallery, b *tab) string {
		s := g.server.newHookShop(t, g.sim, object{})
		page := g.page(t, &mallShop{s.client, &browserSite{BaseURL: s.base, APIKey: s.key, shop: g.site}})
		g.server.admin(t, &object{}, "shop", "update", "--shop", s.id, "--no-active")
		await(t, "that the shop is paused", browserPatience, func() bool { return statusOf(t, page) == http.StatusForbidden })
		return page
	}, nil, `document.querySelector(".alone") !== null`},
	{"problem, too many at once", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.strict) }, func(b *tab) {
		page, over, ended := b.url(), make(chan struct{}), make(chan struct{})
		await(b.t, "that there were too many", browserPatience, func() bool { return statusOf(b.t, page) == http.StatusTooManyRequests })
		go func() { // until the browser has its page nothing is left for it
			defer close(ended)
			for {
				select {
				case <-over:
					return
				default:
					statusOf(b.t, page)
				}
			}
		}()
		b.open(page)
		close(over)
		<-ended
	}, `document.querySelector(".alone") !== null`},
	{"problem, bad form", func(t *testing.T, g *gallery, _ *tab) string { return g.page(t, g.strict) }, func(b *tab) {
		b.text(`(document.querySelector("form.pay").enctype = "text/plain", "")`)
		b.click("button.primary")
	}, `document.querySelector(".alone") !== null`},
}

// latest is the reference of the provider's latest entry.
func (g *gallery) latest(t *testing.T) string {
	t.Helper()
	ledger := g.sim.readLedger(t)
	return ledger[len(ledger)-1].Reference
}

// speak gives the browser a language.
func (b *tab) speak(language string) {
	b.t.Helper()
	agent := b.text(`navigator.userAgent`)
	b.do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language})
		return err
	})
}

// visit shows the state's page.
func (b *tab) visit(s *sees, page string) {
	b.t.Helper()
	b.open(page)
	if s.act != nil {
		s.act(b)
	}
	b.eventually(s.name, s.way)
}
