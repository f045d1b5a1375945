package gateway_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// Requests as real clients send them, which a reader that takes the contract to the letter would refuse.

// TestTranscriptAddresses shows which addresses are taken and why others are not.
func TestTranscriptAddresses(t *testing.T) {
	record(t, "create_addresses", nil, func(t *testing.T, s *transcript) {
		for _, back := range []string{"www.shop.example", "https://магазин.рф/{id}", "myapp://back", "com.shop.app:/paid?{state}"} {
			s.post(t, "returnUrl "+back, "", with(t, deposit, "returnUrl", `"`+back+`"`), 200)
		}
		for _, back := range []string{"javascript:alert(1)", "data:text/html,x", "https://user@shop.example/", "myapp://user@back", "https://shop.example:65536/", "https://shop.example/a b", "thanks"} {
			s.post(t, "returnUrl "+back, "", with(t, deposit, "returnUrl", `"`+back+`"`), 400)
		}
		s.post(t, "webhookUrl", "", with(t, deposit, "webhookUrl", `"магазин.рф/hook"`), 200)
		for _, hook := range []string{"myapp://back", "https://shop.example/#hook", "https://shop.example/a?b=c d", "https://shop.example:0/"} {
			s.post(t, "webhookUrl "+hook, "", with(t, deposit, "webhookUrl", `"`+hook+`"`), 400)
		}
	})
}

// TestTheCustomerReturnsToWhatWasMeant follows an address from the request to the page that leads there.
func TestTheCustomerReturnsToWhatWasMeant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		for given, want := range map[string]string{
			"www.shop.example/{state}": "https://www.shop.example/COMPLETED", "https://магазин.рф/x": "https://xn--80aairftm.xn--p1ai/x",
			"myapp://back/{referenceId}": "myapp://back/A%3BB", "https://shop.example/?a=b c": "https://shop.example/?a=b%20c",
		} {
			a := c.post(t, "", with(t, deposit, "card", card, "returnUrl", `"`+given+`"`, "referenceId", `"A;B"`), http.StatusOK)
			c.want(t, request{method: http.MethodPatch, path: payments + "/" + a.field(t, "id"), body: browser}, http.StatusOK)
			page := c.page(t, a.field(t, "redirectUrl"))
			if got := page.header.Get("Refresh"); got != "6; url="+want {
				t.Errorf("%s: Refresh %q", given, got)
			}
			if !strings.Contains(string(page.body), `href="`+want+`"`) {
				t.Errorf("%s: no link to %s", given, want)
			}
		}
	})
}

// TestOneMeaningOneFingerprint: what says the same in other words is the same request.
func TestSpellingsOfAnAddressAreOneRequest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, func(s *shop.Shop) { s.Settings.ReferenceMode = shop.ReferenceStrict })
		body := with(t, deposit, "referenceId", `"A-1"`)
		first := c.post(t, "", with(t, body, "returnUrl", `"https://xn--80aairftm.xn--p1ai/x"`), http.StatusOK)
		again := c.post(t, "", with(t, body, "returnUrl", `"магазин.рф/x"`), http.StatusOK)
		if again.field(t, "id") != first.field(t, "id") {
			t.Error("another payment")
		}
	})
}

// page opens an address of the hosted page.
func (c *client) page(t *testing.T, address string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.read(t, r)
}

// TestTranscriptOfNothing shows objects that say nothing, as shop systems send for what they do not know.
func TestTranscriptOfNothing(t *testing.T) {
	record(t, "create_nothing", relaxed, func(t *testing.T, s *transcript) {
		s.partial = true
		const bare = `{"paymentType":"DEPOSIT","currency":"EUR","amount":11.12}`
		nulls := `{"cardNumber":null,"cardholderName":null,"cardSecurityCode":null,"expiryMonth":null,"expiryYear":null}`
		s.post(t, "a card of five nulls", "", with(t, bare, "card", nulls), 200)
		s.post(t, "a card of empty strings", "", with(t, bare, "card", strings.ReplaceAll(nulls, "null", `""`)), 200)
		s.post(t, "a card without members, at another method", "", with(t, bare, "card", "{}", "paymentMethod", `"PIX"`), 200)
		s.post(t, "a customer and an address that say nothing", "", with(t, bare, "customer", `{"email":"","ip":null}`, "billingAddress", `{"city":""}`), 200)
		s.post(t, "members that say nothing beside others", "", with(t, bare, "customer",
			`{"firstName":"John","locale":"","dateOfBirth":"","documentType":"","accountType":"","email":"","kycStatus":"","depositsCnt":""}`,
			"paymentMethod", `""`, "parentPaymentId", `""`, "preAuth", `""`, "billingAddress", `{"countryCode":"","city":"London"}`), 200)
		s.post(t, "parameters that say nothing", "", with(t, bare, "additionalParameters", `{"a":null}`), 200)
		s.post(t, "empty strings for objects", "", with(t, bare, "card", `""`, "customer", `""`, "billingAddress", `""`, "additionalParameters", `""`), 200)
		s.post(t, "a card with something in it", "", with(t, bare, "card", `{"cardholderName":"John Doe"}`), 400)
		s.post(t, "lists are no objects", "", with(t, bare, "card", "[]", "customer", "[]"), 400)
		s.post(t, "an amount of nothing is no amount", "", with(t, bare, "amount", `""`), 400)
		s.by(s.other(t, nil), func(s *transcript) {
			s.post(t, "a shop that demands them", "", with(t, deposit, "customer", `{"email":""}`, "billingAddress", "{}"), 400)
		})
	})
}

// TestTranscriptScalars shows numbers where texts are published, and texts where others are.
func TestTranscriptScalars(t *testing.T) {
	record(t, "create_scalars", nil, func(t *testing.T, s *transcript) {
		s.post(t, "numbers for texts", "", with(t, deposit, "referenceId", "10000000000000000000001", "description", "12.50", "customer.phone", "442072243688",
			"customer.documentNumber", "-7", "customer.referenceId", "1.0", "billingAddress.postalCode", "10115"), 200)
		s.post(t, "truths and whole numbers as texts", "", with(t, deposit, "preAuth", `"true"`, "startRecurring", `"False"`, "customer.kycStatus", `"true"`,
			"customer.depositsCnt", `"12"`, "customer.withdrawalsCnt", "3.0"), 200)
		s.post(t, "a card of numbers", "", with(t, deposit, "card", `{"cardNumber":4000000000000408,"cardSecurityCode":7,"expiryMonth":1,"expiryYear":2090}`), 200)
		s.post(t, "no texts, however they are meant", "", with(t, deposit, "referenceId", "1e3", "description", "true", "customer.phone", "[44]", "preAuth", "1",
			"currency", "978", "paymentMethod", "1", "customer.accountType", "0", "customer.depositsCnt", `"many"`, "customer.email", "1", "returnUrl", "1"), 400)
		s.post(t, "a card number is kept out of other fields as a number, too", "", with(t, deposit, "card", card, "referenceId", "4000000000000408"), 400)
		id := s.prepare(t, http.MethodPost, "", with(t, deposit, "card", card))
		s.patch(t, "a browser in texts", id, `{"customerIp":"152.13.130.125","browserWindowWidth":"1280","browserWindowHeight":720.0,`+
			`"browserJavaEnabled":"false","browserTimezoneOffset":"-60","customerUserAgent":5}`, 200)
	})
}

// TestTranscriptNoise shows amounts that a program has reckoned with doubles.
func TestTranscriptNoise(t *testing.T) {
	record(t, "create_noise", nil, func(t *testing.T, s *transcript) {
		s.post(t, "0.1+0.2 EUR", "", with(t, deposit, "amount", "0.30000000000000004"), 200)
		s.post(t, "1.1*3 EUR", "", with(t, deposit, "amount", "3.3000000000000003"), 200)
		s.post(t, "3*0.001 KWD, with more decimals than an amount may have", "", with(t, deposit, "amount", "0.0030000000000000001", "currency", `"KWD"`), 200)
		s.post(t, "100.00000000000001 JPY", "", with(t, deposit, "amount", "100.00000000000001", "currency", `"JPY"`), 200)
		s.post(t, "what was meant", "", with(t, deposit, "amount", "10.005"), 200)
		s.post(t, "a text says what it means", "", with(t, deposit, "amount", `"0.30000000000000004"`), 200)
		s.post(t, "a cryptocurrency has such amounts", "", with(t, deposit, "amount", "0.30000000000000004", "currency", `"ETH"`), 200)
		q := request{method: http.MethodPost, path: payments, body: with(t, deposit, "amount", "0.30000000000000004")}
		s.step(t, "with a key", 200, keyed(q, "noise"))
		q.body = with(t, deposit, "amount", "0.3")
		s.step(t, "without the noise it is the same request", 200, keyed(q, "noise"))
		q.body = with(t, deposit, "amount", `"0.30"`)
		s.step(t, "so it is as a text", 200, keyed(q, "noise"))
		held := s.paid(t, "preAuth", "true")
		s.post(t, "a capture", "/"+held+"/capture", `{"amount":3.3000000000000003}`, 200)
		s.post(t, "a refund without a currency", "", `{"paymentType":"REFUND","amount":0.30000000000000004,"parentPaymentId":"`+held+`"}`, 200)
		s.post(t, "a refund of what was meant", "", `{"paymentType":"REFUND","amount":0.301,"parentPaymentId":"`+held+`"}`, 400)
	})
}

// TestTranscriptLater shows what later versions of the contract know.
func TestTranscriptLater(t *testing.T) {
	record(t, "create_later", nil, func(t *testing.T, s *transcript) {
		s.post(t, "parameters of the merchant's own", "", with(t, deposit, "additionalParameters", `{"basket":"7","a \"b\"":"é","none":"","count":12,"gift":true,"null":null}`), 200)
		s.post(t, "which are strings", "", with(t, deposit, "additionalParameters", `{"basket":{"id":7}}`), 400)
		s.post(t, "and do not hold the card number", "", with(t, deposit, "card", card, "additionalParameters", `{"pan":"4000-0000-0000-0408"}`), 400)
		s.post(t, "documents", "", with(t, deposit, "customer.documentType", `"UK_PP"`), 200)
		paid := s.paid(t)
		s.post(t, "a refund without a currency has its deposit's", "", `{"paymentType":"REFUND","amount":1,"parentPaymentId":"`+paid+`"}`, 200)
		s.post(t, "one of all that is left", "", `{"paymentType":"REFUND","currency":"","parentPaymentId":"`+paid+`"}`, 200)
		s.post(t, "of an unknown deposit", "", `{"paymentType":"REFUND","parentPaymentId":"`+unknownID+`"}`, 400)
		q := request{method: http.MethodPost, path: payments, body: with(t, deposit, "additionalParameters", `{"b":"2","a":"1"}`)}
		s.step(t, "with a key", 200, keyed(q, "own"))
		q.body = with(t, deposit, "additionalParameters", `{"a":"1","b":2}`)
		s.step(t, "the same in other words", 200, keyed(q, "own"))
		q.body = with(t, deposit, "additionalParameters", `{"a":"1","b":"3"}`)
		s.step(t, "another request", 422, keyed(q, "own"))
	})
}

// TestTranscriptVerify shows the verification of a card: a deposit of nothing that is to be held.
func TestTranscriptVerify(t *testing.T) {
	record(t, "create_verify", nil, func(t *testing.T, s *transcript) {
		verify := with(t, deposit, "amount", "0", "preAuth", "true")
		s.post(t, "for the page: it asks for no amount", "", verify, 200)
		carded := with(t, verify, "card", card, "startRecurring", "true")
		made := s.post(t, "with a card", "", carded, 200)
		id := made.field(t, "id")
		s.patch(t, "verified", id, browser, 200)
		s.post(t, "there is nothing to capture", "/"+id+"/capture", "", 400)
		s.post(t, "nor a part of it", "/"+id+"/capture", `{"amount":1}`, 400)
		token := s.get(t, "waiting to be closed", "/"+id, 200)
		body := `{"paymentType":"DEPOSIT","currency":"EUR","amount":3,"recurringToken":"` + token.field(t, "recurringToken") + `"}`
		s.post(t, "the card can be charged", "", body, 200)
		s.post(t, "nor to refund", "", `{"paymentType":"REFUND","parentPaymentId":"`+id+`"}`, 400)
		s.post(t, "closed", "/"+id+"/void", "", 200)
		s.get(t, "its log", "/"+id+"/operations", 200)
		s.post(t, "only once", "/"+id+"/void", "", 400)
		declined := s.prepare(t, http.MethodPost, "", with(t, carded, "card.cardNumber", `"4000000000000416"`))
		s.patch(t, "refused by the issuer", declined, browser, 200)
		plain := func(h *shop.Shop) { h.Terminals[0].Connector = testkit.PlainConnector }
		s.by(s.other(t, plain), func(s *transcript) {
			id := s.prepare(t, http.MethodPost, "", carded)
			s.patch(t, "at a provider that cannot verify cards", id, browser, 200)
		})
		noHolds := func(h *shop.Shop) { h.Terminals[0].PreAuth = false }
		s.by(s.other(t, noHolds), func(s *transcript) {
			id := s.prepare(t, http.MethodPost, "", carded)
			s.patch(t, "at a terminal that cannot hold money, which is not asked to", id, browser, 200)
		})
		s.post(t, "without preAuth it is no amount", "", with(t, verify, "preAuth", "false"), 400)
		s.post(t, "of a card only", "", with(t, verify, "paymentMethod", `"PIX"`), 400)
		s.post(t, "of a deposit only", "", with(t, verify, "paymentType", `"WITHDRAWAL"`, "card", card), 400)
		s.post(t, "of a card that is not kept yet", "", with(t, body, "amount", "0", "preAuth", "true"), 400)
		q := request{method: http.MethodPost, path: payments, body: verify}
		s.step(t, "with a key", 200, keyed(q, "verify"))
		q.body = with(t, verify, "amount", `"0.00"`, "preAuth", `"true"`)
		s.step(t, "the same again", 200, keyed(q, "verify"))
		q.body = with(t, verify, "amount", "")
		s.step(t, "an open amount is another request", 422, keyed(q, "verify"))
	})
}

// TestTranscriptPaths shows how paths may be spelled, and what is answered where there is nothing.
func TestTranscriptPaths(t *testing.T) {
	record(t, "paths", nil, func(t *testing.T, s *transcript) {
		q := request{method: http.MethodPost, path: payments + "/", body: with(t, deposit, "card", card, "preAuth", "true")}
		a := s.step(t, "a slash at the end", 200, keyed(q, "slash"))
		id := a.field(t, "id")
		q.path = payments
		s.step(t, "the same without it", 200, keyed(q, "slash"))
		s.get(t, "one payment", "/"+id+"/", 200)
		s.step(t, "executed", 200, request{method: http.MethodPatch, path: payments + "/" + id + "/", body: browser})
		s.post(t, "captured", "/"+id+"/capture/", `{"amount":5}`, 200)
		s.get(t, "its log", "/"+id+"/operations/?limit=1", 200)
		s.step(t, "a method that there is not", 405, request{method: http.MethodDelete, path: payments + "/"})
		s.step(t, "two slashes", 404, request{method: http.MethodGet, path: payments + "//"})
		for _, path := range []string{"//api/v1/payments", "/nope", "/merchant-api/v1/x", "/", "/api/v2/payments"} {
			s.step(t, "nothing at "+path, 404, noKey(request{method: http.MethodPost, path: path, body: deposit}))
		}
		s.step(t, "nothing behind a detour", 404, request{method: http.MethodPost, path: "/api/v1/../v1/payments", body: deposit})
		s.step(t, "nor by that method", 405, noKey(request{method: http.MethodPost, path: "/openapi.json", body: "{}"}))
		s.step(t, "for a caller who takes anything", 404, request{method: http.MethodGet, path: "/nope",
			header: map[string]string{"Authorization": "", "Accept": "application/json, text/plain, */*"}})
	})
}

// TestBrowsersAreShownAPage where there is nothing.
func TestBrowsersAreShownAPage(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, "sqlite"), nil)
	for _, path := range []string{"/", "/nope", "//api/v1/payments"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.app.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
		a := c.read(t, r)
		if a.status != http.StatusNotFound || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(string(a.body), "Page not found") {
			t.Errorf("%s: %d %s\n%s", path, a.status, a.header.Get("Content-Type"), a.body)
		}
	}
}

// TestTranscriptBodies shows what may be around a document.
func TestTranscriptBodies(t *testing.T) {
	record(t, "bodies", nil, func(t *testing.T, s *transcript) {
		s.post(t, "a mark of the byte order", "", "\ufeff"+deposit, 200)
		s.post(t, "only one of them", "", "\ufeff\ufeff"+deposit, 400)
		q := request{method: http.MethodPost, path: payments, body: deposit}
		for _, coding := range []string{"identity", "gzip", "identity, br"} {
			q.header = map[string]string{"Content-Encoding": coding}
			status := 415
			if coding == "identity" {
				status = 200
			}
			s.step(t, "Content-Encoding "+coding, status, q)
		}
	})
}

// TestAChainIsChargedInCurrenciesOfItsTerminal: which currency it began in does not matter.
func TestAChainIsChargedInCurrenciesOfItsTerminal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, func(s *shop.Shop) { s.Terminals[0].Currencies = []money.Currency{"EUR", "USD"} })
		first := c.post(t, "", with(t, deposit, "card", card, "startRecurring", "true"), http.StatusOK)
		began := c.want(t, request{method: http.MethodPatch, path: payments + "/" + first.field(t, "id"), body: browser}, http.StatusOK)
		for currency, want := range map[string]string{"EUR": "COMPLETED ", "USD": "COMPLETED ", "PLN": "DECLINED 1.09"} {
			a := c.post(t, "", `{"paymentType":"DEPOSIT","currency":"`+currency+`","amount":3,"recurringToken":"`+began.field(t, "recurringToken")+`"}`, http.StatusOK)
			if got := a.field(t, "state") + " " + a.field(t, "errorCode"); got != want {
				t.Errorf("%s: %s, want %s", currency, got, want)
			}
		}
	})
}

// TestANewShopDemandsLittle: the type and the currency, whatever kind of shop it is; one that was told to demands more.
func TestANewShopDemandsLittle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		for _, live := range []bool{false, true} {
			fresh := &client{app: c.app, contract: c.contract, partial: true, shop: c.app.NewShop(t, func(s *shop.Shop) {
				s.Live, s.Settings = live, shop.Defaults(live)
			})}
			fresh.post(t, "", `{"paymentType":"DEPOSIT","currency":"EUR"}`, http.StatusOK)
			fresh.post(t, "", `{"paymentType":"DEPOSIT"}`, http.StatusBadRequest)
		}
		c.post(t, "", `{"paymentType":"DEPOSIT","currency":"EUR"}`, http.StatusBadRequest)
	})
}

var nonce = regexp.MustCompile(`name="nonce" value="([^"]+)"`)

// TestTheCustomersAddressBehindAProxy: whatever form a proxy gives it.
func TestTheCustomersAddressBehindAProxy(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		for header, want := range map[string]string{
			"203.0.113.7": "203.0.113.7", `"[2001:db8::7]:4711"`: "2001:db8::7", "[2001:db8::7]": "2001:db8::7",
			"1.1.1.1,,203.0.113.7:443,": "203.0.113.7",
		} {
			made := c.post(t, "", deposit, http.StatusOK)
			address := made.field(t, "redirectUrl")
			form := c.page(t, address)
			found := nonce.FindSubmatch(form.body)
			if found == nil {
				t.Fatalf("no form: %s", form.body)
			}
			fields := url.Values{"nonce": {string(found[1])}, "method": {"BASIC_CARD"}, "number": {"4000000000000408"}, "expiry": {"01/90"}, "code": {"123"}}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(fields.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Forwarded-For", header)
			r.Header.Set("Forwarded", "for=198.51.100.9")
			if a := c.read(t, r); a.status != http.StatusSeeOther {
				t.Fatalf("%d: %s", a.status, a.body)
			}
			p, err := c.app.Engine.Get(t.Context(), c.shop.ID, payment.ID(made.field(t, "id")))
			var b payment.Browser
			if err != nil || p.Browser.Into(&b) != nil || b.IP != want {
				t.Errorf("%s: %q, %v", header, b.IP, err)
			}
		}
	})
}
