package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/shop"
)

func TestTranscriptCreate(t *testing.T) {
	record(t, "create", nil, func(t *testing.T, s *transcript) {
		s.post(t, "the sample of the contract: the customer enters the amount", "", with(t, deposit, "amount", ""), 200)
		s.post(t, "deposit with everything", "", with(t, deposit, "referenceId", `"ORDER-12345"`, "description", `"Two <tickets> & \"more\""`,
			"paymentMethod", `"BASIC_CARD"`, "amount", `"10.00"`, "returnUrl", `"https://shop.example/{id}/{referenceId}/{state}/{type}"`,
			"webhookUrl", `"https://shop.example/hook"`, "preAuth", "true", "startRecurring", "true", "customer.kycStatus", "false"), 200)
		s.post(t, "deposit with card data", "", with(t, deposit, "card", card), 200)
		s.post(t, "amount finer than the currency", "", with(t, deposit, "amount", "0.001"), 200)
		s.post(t, "withdrawal", "", with(t, deposit, "paymentType", `"WITHDRAWAL"`, "card", card), 200)
		s.post(t, "withdrawal of more than the provider allows", "", with(t, deposit, "paymentType", `"WITHDRAWAL"`, "card", card, "amount", "10000.01"), 200)
		s.post(t, "unknown fields, and fields that only answers have, do nothing", "", with(t, deposit, "state", `"COMPLETED"`, "terminalName", `"mine"`, "AMOUNT", "1"), 200)

		parent := s.paid(t)
		s.post(t, "refund of a part", "", `{"paymentType":"REFUND","currency":"EUR","amount":1.12,"parentPaymentId":"`+parent+`","referenceId":"R-1"}`, 200)
		s.post(t, "refund of all that is left", "", `{"paymentType":"REFUND","currency":"EUR","parentPaymentId":"`+parent+`"}`, 200)

		s.post(t, "currency missing", "", with(t, deposit, "currency", ""), 400)
		s.post(t, "several faults", "", with(t, deposit, "paymentType", `"LOAN"`, "amount", "-1", "currency", `"EURO"`, "customer.email", `"john"`,
			"customer.dateOfBirth", `"2001-02-30"`, "billingAddress.countryCode", `"gbr"`, "startRecurring", `"yes"`), 400)
		s.post(t, "card number with a wrong check digit", "", with(t, deposit, "card", with(t, card, "cardNumber", `"4000000000000409"`)), 400)
		s.errorsOfBodies(t, payments)
		s.step(t, "idempotency key of a wrong form", 400, keyed(request{method: http.MethodPost, path: payments, body: deposit}, `""`))
		s.step(t, "no key", 401, noKey(request{method: http.MethodPost, path: payments, body: deposit}))
	})
}

// errorsOfBodies shows what happens to bodies that are no request.
func (s *transcript) errorsOfBodies(t *testing.T, path string) {
	t.Helper()
	post := func(title, body string, status int, contentType string) {
		t.Helper()
		q := request{method: http.MethodPost, path: path, body: body}
		if contentType != "" {
			q.header = map[string]string{"Content-Type": contentType}
		}
		s.step(t, title, status, q)
	}
	post("no body", "", 400, "")
	post("broken JSON", `{"paymentType":"DEPOSIT"`, 400, "")
	post("a name twice", `{"amount":1,"amount":2}`, 400, "")
	post("data after the document", `{} {}`, 400, "")
	post("not an object", `[]`, 400, "")
	post("not a number", `{"amount":NaN}`, 400, "")
	post("33 levels", strings.Repeat(`{"a":`, 32)+"{}"+strings.Repeat("}", 32), 400, "")
	post("lone surrogate", `{"referenceId":"\ud83d"}`, 400, "")
	post("NUL", `{"referenceId":"\u0000"}`, 400, "")
	post("invalid UTF-8", "{\"referenceId\":\"\xff\"}", 400, "")
	post("a byte more than 64 KiB", deposit+strings.Repeat(" ", 65537-len(deposit)), 413, "")
	post("not JSON by its type", deposit, 415, "text/plain")
	post("not UTF-8 by its type", deposit, 415, "application/json; charset=latin1")
}

func TestTranscriptCreateIdempotency(t *testing.T) {
	record(t, "create_idempotency", nil, func(t *testing.T, s *transcript) {
		q := request{method: http.MethodPost, path: payments, body: with(t, deposit, "card", card)}
		s.step(t, "first", 200, keyed(q, "order-1"))
		s.step(t, "the same again, quoted", 200, keyed(q, `"order-1"`))
		q.body = with(t, q.body, "amount", `"11.120"`, "card.cardSecurityCode", `"321"`)
		s.step(t, "the same in other words, with another security code", 200, keyed(q, "order-1"))
		other := q
		other.body = with(t, q.body, "amount", "11.13")
		s.step(t, "another request", 422, keyed(other, "order-1"))
		other.body = with(t, q.body, "card.cardNumber", `"4000000000000416"`)
		s.step(t, "another card", 422, keyed(other, "order-1"))
		other.body = with(t, q.body, "currency", `"EURO"`)
		s.step(t, "a faulty request is not remembered", 400, keyed(other, "order-2"))
		other.body = with(t, q.body, "currency", `"USD"`)
		s.step(t, "nor does it stand in the way", 200, keyed(other, "order-2"))
	})
}

func TestTranscriptCreateReferences(t *testing.T) {
	record(t, "create_references", nil, func(t *testing.T, s *transcript) {
		body := with(t, deposit, "referenceId", `"ORDER-1"`)
		s.by(s.other(t, func(h *shop.Shop) { h.Settings.ReferenceMode = shop.ReferenceWarn }), func(s *transcript) {
			s.post(t, "warn: first", "", body, 200)
			s.post(t, "warn: second", "", body, 200)
		})
		s.by(s.other(t, func(h *shop.Shop) { h.Settings.ReferenceMode = shop.ReferenceStrict }), func(s *transcript) {
			s.post(t, "strict: first", "", body, 200)
			s.post(t, "strict: the same request", "", body, 200)
			s.post(t, "strict: another request", "", with(t, body, "amount", "12"), 400)
		})
	})
}

func TestTranscriptTwinRefunds(t *testing.T) {
	record(t, "create_twins", nil, func(t *testing.T, s *transcript) {
		twice := func(s *transcript, status int) {
			body := `{"paymentType":"REFUND","currency":"EUR","amount":1,"parentPaymentId":"` + s.paid(t) + `"}`
			s.post(t, "a refund", "", body, 200)
			s.post(t, "the same within a minute", "", body, status)
			s.step(t, "the same with a key", 200, request{method: http.MethodPost, path: payments, body: body,
				header: map[string]string{"Idempotency-Key": "refund-3"}})
		}
		twice(s, 200)
		s.by(s.other(t, func(h *shop.Shop) { h.Settings.RefuseTwinRefunds = true }), func(s *transcript) { twice(s, 400) })
	})
}

func TestTranscriptCreateRefused(t *testing.T) {
	record(t, "create_refused", nil, func(t *testing.T, s *transcript) {
		refund := func(parent string, pairs ...string) string {
			return with(t, `{"paymentType":"REFUND","currency":"EUR","parentPaymentId":"`+parent+`"}`, pairs...)
		}
		open := s.prepare(t, http.MethodPost, "", deposit)
		paid := s.paid(t)
		var theirs string
		s.by(s.other(t, nil), func(s *transcript) { theirs = s.paid(t) })
		s.post(t, "refund of an unknown payment", "", refund(unknownID), 400)
		s.post(t, "refund of what is no id", "", refund("order-1"), 400)
		s.post(t, "refund of another shop's payment", "", refund(theirs), 400)
		s.post(t, "refund of an open deposit", "", refund(open), 400)
		s.post(t, "refund of too much", "", refund(paid, "amount", "11.13"), 400)
		s.post(t, "refund in another currency", "", refund(paid, "currency", `"USD"`), 400)
		s.post(t, "refund by another method", "", refund(paid, "paymentMethod", `"PIX"`), 400)
		s.prepare(t, http.MethodPost, "", refund(paid))
		s.post(t, "refund of nothing that is left", "", refund(paid), 400)
		s.post(t, "unknown recurring token", "", `{"paymentType":"DEPOSIT","currency":"EUR","amount":1,"recurringToken":"unknown"}`, 400)
		s.post(t, "unknown parent of a deposit", "", with(t, deposit, "parentPaymentId", `"`+unknownID+`"`), 400)
	})
}

func TestTranscriptRecurring(t *testing.T) {
	record(t, "create_recurring", nil, func(t *testing.T, s *transcript) {
		first := s.paid(t, "startRecurring", "true")
		a := s.get(t, "the first payment of the chain", "/"+first, 200)
		body := `{"paymentType":"DEPOSIT","currency":"EUR","amount":3,"recurringToken":"` + a.field(t, "recurringToken") + `"}`
		s.post(t, "the next one", "", body, 200)
		s.post(t, "the next one, naming the first", "", with(t, body, "parentPaymentId", `"`+first+`"`), 200)
		s.post(t, "in another currency than the chain began in", "", with(t, body, "currency", `"USD"`), 200)
		stranger := s.prepare(t, http.MethodPost, "", deposit)
		s.post(t, "naming a payment that did not start the chain", "", with(t, body, "parentPaymentId", `"`+stranger+`"`), 400)
	})
}

func TestTranscriptGet(t *testing.T) {
	record(t, "get", nil, func(t *testing.T, s *transcript) {
		id := s.prepare(t, http.MethodPost, "", deposit)
		paid := s.paid(t)
		declined := s.paid(t, "card.cardNumber", `"4000000000000416"`)
		var theirs string
		s.by(s.other(t, nil), func(s *transcript) { theirs = s.prepare(t, http.MethodPost, "", deposit) })
		s.get(t, "in its checkout", "/"+id, 200)
		s.get(t, "completed", "/"+paid, 200)
		s.get(t, "declined", "/"+declined, 200)
		s.get(t, "unknown id", "/"+unknownID, 404)
		s.get(t, "another shop's payment", "/"+theirs, 404)
		s.get(t, "not an id", "/1", 404)
		s.get(t, "an id in upper case", "/"+strings.ToUpper(unknownID), 404)
		s.get(t, "an id with a slash in it", "/"+unknownID[:31]+"%2F", 404)
		s.step(t, "no key", 401, noKey(request{method: http.MethodGet, path: payments + "/" + id}))
	})
}

func TestTranscriptList(t *testing.T) {
	record(t, "list", nil, func(t *testing.T, s *transcript) {
		s.get(t, "no payments", "", 200)
		for i := range 3 {
			s.prepare(t, http.MethodPost, "", with(t, deposit, "referenceId", fmt.Sprintf(`"ORDER-%d"`, i)))
		}
		s.by(s.other(t, nil), func(s *transcript) { s.prepare(t, http.MethodPost, "", deposit) })
		s.get(t, "the newest two", "?limit=2", 200)
		s.get(t, "the rest", "?limit=2&offset=2", 200)
		s.get(t, "beyond the end", "?offset=1000000&limit=1000", 200)
		s.get(t, "by reference", "?referenceId.eq=ORDER-1", 200)
		s.get(t, "by times, unknown and empty parameters", "?created.gte=2021-10-13T10:26:18&updated.gte=2021-10-13T10:26:18.5%2B02:00&created.lt=2199-01-01T00:00:00Z&updated.lt=&sort=x&referenceId.eq=ORDER-2", 200)
		s.get(t, "before there was anything", "?created.lt=2021-10-13T10:26:18%2002:00", 200)
		s.get(t, "out of range", "?offset=-1&limit=1001", 400)
		s.get(t, "every parameter at fault", "?offset=x&limit=0&created.gte=2021-10-13&created.lt=yesterday&updated.gte=2021-13-13T10:26:18&updated.lt=2021-10-13T10:26&referenceId.eq=%ff", 400)
		s.get(t, "a parameter twice", "?limit=1&limit=1", 400)
		s.get(t, "a query that cannot be read", "?limit=%zz", 400)
		s.step(t, "no key", 401, noKey(request{method: http.MethodGet, path: payments}))
	})
}

func TestTranscriptExecute(t *testing.T) {
	record(t, "execute", nil, func(t *testing.T, s *transcript) {
		create := func(pairs ...string) string {
			return s.prepare(t, http.MethodPost, "", with(t, with(t, deposit, "card", card), pairs...))
		}
		id := create()
		s.patch(t, "approved", id, `{"customerIp":"152.13.130.125","ipCountryCode":"GB","customerUserAgent":"Mozilla/5.0","browserWindowWidth":1280,`+
			`"browserWindowHeight":720,"browserScreenWidth":1920,"browserScreenHeight":1080,"browserScreenColorDepth":24,`+
			`"browserLanguage":"en-GB","browserJavaEnabled":false,"browserTimezoneOffset":-60}`, 200)
		s.patch(t, "already executed", id, browser, 400)
		s.patch(t, "declined", create("card.cardNumber", `"4000000000000416"`), browser, 200)
		s.patch(t, "the customer has to be sent to redirectUrl", create("card.cardNumber", `"4000000000000002"`), browser, 200)
		s.patch(t, "money held", create("preAuth", "true"), browser, 200)

		s.patch(t, "no address of the customer", create(), `{}`, 400)
		s.patch(t, "faults in every field", create(), `{"customerIp":"1.2.3","ipCountryCode":"GBR","customerUserAgent":1,"browserWindowWidth":"1",`+
			`"browserWindowHeight":1.5,"browserScreenWidth":true,"browserScreenHeight":[],"browserScreenColorDepth":{},`+
			`"browserLanguage":2,"browserJavaEnabled":"no","browserTimezoneOffset":1e2}`, 400)
		s.patch(t, "longer than a field may be", create(), `{"customerIp":"`+strings.Repeat("1", 40)+`","browserLanguage":"`+strings.Repeat("l", 33)+`"}`, 400)
		s.patch(t, "no card", s.prepare(t, http.MethodPost, "", with(t, deposit, "paymentMethod", `"BASIC_CARD"`)), browser, 400)
		s.patch(t, "no method", s.prepare(t, http.MethodPost, "", deposit), browser, 400)
		s.patch(t, "no amount", create("amount", ""), browser, 400)
		s.patch(t, "no body", create(), "", 400)
		s.patch(t, "unknown id", unknownID, browser, 404)
		s.patch(t, "unknown id and broken JSON", unknownID, "{", 404)
		s.patch(t, "not an id", "order-1", browser, 404)
		s.step(t, "no key", 401, noKey(request{method: http.MethodPatch, path: payments + "/" + id, body: browser}))

		q := request{method: http.MethodPatch, path: payments + "/" + create(), body: browser}
		s.step(t, "with an idempotency key", 200, keyed(q, "go"))
		s.step(t, "the same again", 200, keyed(q, "go"))
		q.body = `{"customerIp":"152.13.130.126"}`
		s.step(t, "another request", 422, keyed(q, "go"))
		q.path = payments + "/" + create()
		s.step(t, "another payment", 422, keyed(q, "go"))
	})
}

// TestTranscriptExecuteMethods are orders to go ahead by methods that are no card.
func TestTranscriptExecuteMethods(t *testing.T) {
	record(t, "execute_methods", relaxed, func(t *testing.T, s *transcript) {
		create := func(method, currency, more string) string {
			return s.prepare(t, http.MethodPost, "", `{"paymentType":"DEPOSIT","amount":30,"currency":"`+currency+`"`+method+more+`}`)
		}
		const blik, link, pix, banking = `,"paymentMethod":"BLIK"`, `,"paymentMethod":"PAY_BY_LINK"`, `,"paymentMethod":"PIX"`, `,"paymentMethod":"OPEN_BANKING"`
		with := func(more string) string { return strings.TrimSuffix(browser, "}") + more + "}" }
		id := create(blik, "PLN", "")
		s.patch(t, "a code of BLIK", id, with(`,"additionalParameters":{"blikCode":"123456"}`), 200)
		s.patch(t, "another one while the first is open", id, with(`,"additionalParameters":{"blikCode":"654321"}`), 400)
		s.patch(t, "a wrong code", create(blik, "PLN", ""), with(`,"additionalParameters":{"blikCode":"500500"}`), 200)
		s.patch(t, "refused in the app", create(blik, "PLN", ""), with(`,"additionalParameters":{"blikCode":"700702"}`), 200)
		s.patch(t, "no code", create(blik, "PLN", ""), with(`,"additionalParameters":{"blikCode":"12345"}`), 400)
		s.patch(t, "no code: it is entered at the provider", create(blik, "PLN", ""), browser, 200)
		s.post(t, "a code that comes with the payment", "", `{"paymentType":"DEPOSIT","amount":30,"currency":"PLN","paymentMethod":"BLIK","additionalParameters":{"blikCode":"123456","basket":"7"}}`, 200)
		id = create(pix, "BRL", "")
		s.patch(t, "PIX", id, browser, 200)
		s.get(t, "its code is shown as long as it can be paid", "/"+id, 200)
		s.patch(t, "a bank", create(link, "PLN", ""), with(`,"additionalParameters":{"bankCode":"mbank"}`), 200)
		s.patch(t, "a bank that does not answer", create(banking, "EUR", ""), with(`,"additionalParameters":{"bankCode":"asleep"}`), 200)
		s.patch(t, "a bank that nobody knows", create(banking, "EUR", ""), with(`,"additionalParameters":{"bankCode":"nobody"}`), 200)
		s.patch(t, "the method with it", create("", "EUR", ""), with(`,"paymentMethod":"OPEN_BANKING"`), 200)
		s.patch(t, "another method", create(pix, "BRL", ""), with(`,"paymentMethod":"OPEN_BANKING"`), 400)
		s.patch(t, "a code for another method", create(pix, "BRL", ""), with(`,"additionalParameters":{"blikCode":"123456"}`), 400)
		s.patch(t, "no method for the bank", create("", "EUR", ""), with(`,"additionalParameters":{"bankCode":"rhein"}`), 400)
	})
}

func TestTranscriptCapture(t *testing.T) {
	record(t, "capture", nil, func(t *testing.T, s *transcript) {
		hold := func() string { return s.paid(t, "preAuth", "true") }
		id := hold()
		s.post(t, "above the authorised amount", "/"+id+"/capture", `{"amount":11.13}`, 400)
		s.post(t, "out of bounds", "/"+id+"/capture", `{"amount":0}`, 400)
		s.post(t, "not an amount", "/"+id+"/capture", `{"amount":"all"}`, 400)
		s.post(t, "broken JSON", "/"+id+"/capture", `{`, 400)
		s.post(t, "a part", "/"+id+"/capture", `{"amount":5.5}`, 200)
		s.post(t, "only once", "/"+id+"/capture", `{"amount":1}`, 400)
		s.post(t, "all, without a body", "/"+hold()+"/capture", "", 200)
		s.post(t, "all, with an empty object", "/"+hold()+"/capture", "{}", 200)
		s.post(t, "unknown id", "/"+unknownID+"/capture", "", 404)
		s.post(t, "unknown id and a faulty amount", "/"+unknownID+"/capture", `{"amount":0}`, 404)
		s.step(t, "not JSON by its type", 415, request{method: http.MethodPost, path: payments + "/" + id + "/capture", body: "amount=1",
			header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
		s.step(t, "no key", 401, noKey(request{method: http.MethodPost, path: payments + "/" + id + "/capture"}))
		q := request{method: http.MethodPost, path: payments + "/" + hold() + "/capture", body: `{"amount":2}`}
		s.step(t, "with an idempotency key", 200, keyed(q, "take"))
		q.body = `{"amount":2.0}`
		s.step(t, "the same again", 200, keyed(q, "take"))
		q.body = `{"amount":3}`
		s.step(t, "another request", 422, keyed(q, "take"))
	})
}

func TestTranscriptVoid(t *testing.T) {
	record(t, "void", nil, func(t *testing.T, s *transcript) {
		id := s.paid(t, "preAuth", "true")
		q := request{method: http.MethodPost, path: payments + "/" + id + "/void"}
		s.step(t, "void", 200, keyed(q, "give back"))
		s.step(t, "the same again", 200, keyed(q, "give back"))
		s.post(t, "only once", "/"+id+"/void", "", 400)
		s.post(t, "no longer to be captured", "/"+id+"/capture", "", 400)
		s.post(t, "a body is ignored", "/"+s.paid(t, "preAuth", "true")+"/void", "{", 200)
		s.post(t, "not authorised", "/"+s.paid(t)+"/void", "", 400)
		s.post(t, "unknown id", "/"+unknownID+"/void", "", 404)
		s.step(t, "no key", 401, noKey(q))
		q.path = payments + "/" + s.paid(t, "preAuth", "true") + "/void"
		s.step(t, "the key of another void", 422, keyed(q, "give back"))
	})
}

func TestTranscriptOperations(t *testing.T) {
	record(t, "operations", nil, func(t *testing.T, s *transcript) {
		id := s.paid(t, "preAuth", "true")
		s.prepare(t, http.MethodPost, "/"+id+"/capture", `{"amount":5}`)
		s.get(t, "held and captured", "/"+id+"/operations", 200)
		s.get(t, "in its checkout", "/"+s.prepare(t, http.MethodPost, "", deposit)+"/operations", 200)
		s.get(t, "unknown id", "/"+unknownID+"/operations", 404)
		var theirs string
		s.by(s.other(t, nil), func(s *transcript) { theirs = s.prepare(t, http.MethodPost, "", deposit) })
		s.get(t, "another shop's payment", "/"+theirs+"/operations", 404)
		s.step(t, "no key", 401, noKey(request{method: http.MethodGet, path: payments + "/" + id + "/operations"}))
	})
}

func TestTranscriptAccess(t *testing.T) {
	record(t, "access", nil, func(t *testing.T, s *transcript) {
		get := func(title string, status int, path string, header map[string]string) {
			s.step(t, title, status, request{method: http.MethodGet, path: path, header: header})
		}
		get("a key", 200, payments, nil)
		get("no key", 401, payments, map[string]string{"Authorization": ""})
		get("another scheme", 401, payments, map[string]string{"Authorization": "Basic c2s6"})
		get("not a key", 401, payments, map[string]string{"Authorization": "Bearer key"})
		get("key in another header", 401, payments, map[string]string{"Authorization": "", "X-Api-Key": "sk_test_0"})
		get("unknown path without a key", 401, "/api/v1/refunds", map[string]string{"Authorization": ""})
		get("unknown path", 404, "/api/v1/refunds", nil)
		get("base path", 404, "/api/v1", nil)
		get("slash at the end", 200, payments+"/", nil)
		get("unknown path below a payment", 404, payments+"/"+unknownID+"/refund", nil)
		for _, k := range []struct{ method, path string }{
			{http.MethodDelete, payments}, {http.MethodPut, payments + "/" + unknownID}, {http.MethodGet, payments + "/" + unknownID + "/capture"},
			{http.MethodPatch, payments + "/" + unknownID + "/void"}, {http.MethodPost, payments + "/" + unknownID + "/operations"},
		} {
			s.step(t, "unknown method", 405, request{method: k.method, path: k.path})
		}
		s.by(s.other(t, func(h *shop.Shop) { h.Active = false }), func(s *transcript) {
			s.get(t, "inactive shop", "", 403)
			s.post(t, "inactive shop", "", deposit, 403)
		})
		s.by(s.other(t, func(h *shop.Shop) { h.Settings.HostToHost = false }), func(s *transcript) {
			id := s.prepare(t, http.MethodPost, "", deposit)
			s.patch(t, "shop that may not execute deposits itself", id, browser, 403)
			s.patch(t, "the same with a card", id, with(t, browser, "card", card), 403)
			s.post(t, "card in a request of such a shop", "", with(t, deposit, "card", card), 403)
			s.post(t, "card of a chain that begins", "", with(t, deposit, "card", card, "startRecurring", "true"), 403)
			s.post(t, "card to be verified", "", with(t, deposit, "card", card, "amount", "0", "preAuth", "true"), 403)
			if n := s.stored(t); n != 1 {
				t.Errorf("%d payments are kept, want 1", n)
			}
			s.post(t, "card to pay to", "", with(t, deposit, "card", card, "paymentType", `"WITHDRAWAL"`), 200)
		})
	})
}
