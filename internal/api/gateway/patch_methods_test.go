package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/pix"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// made creates a deposit without a customer.
func (c *client) made(t testing.TB, method, currency, more string) string {
	t.Helper()
	body := `{"paymentType":"DEPOSIT","amount":30,"currency":"` + currency + `"`
	if method != "" {
		body += `,"paymentMethod":"` + method + `"`
	}
	a := c.post(t, "", body+more+`}`, http.StatusOK)
	return "/" + a.field(t, "id")
}

// run executes a payment, with more than the customer's address.
func (c *client) run(t testing.TB, path, more string, status int) answer {
	t.Helper()
	return c.want(t, request{method: http.MethodPatch, path: payments + path, body: `{"customerIp":"192.0.2.1","customerUserAgent":"Mozilla/5.0",` +
		`"browserLanguage":"pl-PL","browserTimezoneOffset":-60` + more + `}`}, status)
}

// refs are what an answer says of what the customer has to do.
func (a *answer) refs(t testing.TB) map[string]string {
	t.Helper()
	var envelope struct {
		Result struct {
			Refs map[string]string `json:"externalRefs"`
		} `json:"result"`
	}
	decode(t, a.body, &envelope)
	return envelope.Result.Refs
}

// inApp decides in the pretended app of a bank.
func (c *client) inApp(t testing.TB, address, decision string) {
	t.Helper()
	if !strings.HasPrefix(address, c.app.SimulatorURL+"/pay/") {
		t.Fatalf("the app is at %q", address)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(url.Values{"decision": {decision}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a := c.read(t, r); a.status >= 400 {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

func (c *client) ends(t testing.TB, path, state, code string) {
	t.Helper()
	c.app.Clock.Advance(time.Minute)
	if a := c.get(t, path, 200); a.field(t, "state") != state || a.field(t, "errorCode") != code || a.refs(t) != nil {
		t.Errorf("%s, want %s %s", a.body, state, code)
	}
}

// TestPatchWithACodeOfBlik: the code goes to the provider once, the answer says how long there is to confirm it.
func TestPatchWithACodeOfBlik(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, relaxed)
		for decision, want := range map[string][2]string{"approve": {"COMPLETED", ""}, "cancel": {"CANCELLED", "2.00"}} {
			path := c.made(t, "BLIK", "PLN", "")
			a := c.run(t, path, `,"additionalParameters":{"blikCode":"123456"}`, 200)
			refs := a.refs(t)
			if a.field(t, "state") != "PENDING" || a.field(t, "redirectUrl") == "" || refs["expires"] == "" || refs["qrCode"] != "" {
				t.Errorf("%s", a.body)
			}
			again := c.run(t, path, `,"additionalParameters":{"blikCode":"654321"}`, 400)
			if !strings.Contains(string(again.body), "1.00 Illegal Workflow State") {
				t.Errorf("a second one while one is open: %s", again.body)
			}
			c.inApp(t, refs["appUrl"], decision)
			c.ends(t, path, want[0], want[1])
			log := string(c.get(t, path+"/operations", 200).body)
			if strings.Contains(log, "123456") || !strings.Contains(log, "blikCode") {
				t.Errorf("%s", log)
			}
		}
		path := c.made(t, "BLIK", "PLN", "")
		c.run(t, path, `,"additionalParameters":{"blikCode":777123}`, 200)
		c.ends(t, path, "COMPLETED", "")
	})
}

// TestPatchWithACodeThatIsNotTaken: by API a decline is one, whatever the page would let the customer do.
func TestPatchWithACodeThatIsNotTaken(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, func(s *shop.Shop) { relaxed(s); s.Settings.CheckoutAttempts = 5 })
		for code, want := range map[string][2]string{
			"500500": {"DECLINED", "3.02"}, "700701": {"DECLINED", "3.02"}, "700703": {"DECLINED", "3.02"}, "700702": {"CANCELLED", "2.00"},
		} {
			path := c.made(t, "BLIK", "PLN", "")
			a := c.run(t, path, `,"additionalParameters":{"blikCode":"`+code+`"}`, 200)
			if a.field(t, "state") != want[0] || a.field(t, "errorCode") != want[1] || a.field(t, "redirectUrl") != "" {
				t.Errorf("%s: %s, want %v", code, a.body, want)
			}
			c.run(t, path, `,"additionalParameters":{"blikCode":"777123"}`, 400)
		}
		path := c.made(t, "BLIK", "PLN", "")
		a := c.run(t, path, `,"additionalParameters":{"blikCode":"123456"}`, 200)
		if a.field(t, "state") != "PENDING" {
			t.Fatalf("%s", a.body)
		}
		c.app.Clock.Advance(4 * time.Minute) // nobody confirms
		c.ends(t, path, "DECLINED", "3.18")
	})
}

// TestPatchOfPixGivesTheCode to show, and the charge is paid by it.
func TestPatchOfPixGivesTheCode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, relaxed)
		path := c.made(t, "PIX", "BRL", "")
		if a := c.get(t, path, 200); a.refs(t) != nil {
			t.Errorf("before: %s", a.body)
		}
		for _, a := range []answer{c.run(t, path, "", 200), c.get(t, path, 200)} {
			refs := a.refs(t)
			code, err := pix.Parse(refs["qrCode"])
			if err != nil || code.Amount.String() != "30" || a.field(t, "state") != "PENDING" || a.field(t, "redirectUrl") == "" || refs["expires"] == "" {
				t.Errorf("%v: %s", err, a.body)
			}
		}
		if a := c.do(t, request{method: http.MethodGet, path: payments}); strings.Contains(string(a.body), "externalRefs") {
			t.Errorf("a list: %s", a.body)
		}
		got := c.get(t, path, 200)
		c.inApp(t, got.refs(t)["appUrl"], "approve")
		c.ends(t, path, "COMPLETED", "")
	})
}

// TestPatchNamesTheBank: in the order to go ahead, or before, in either place for it.
func TestPatchNamesTheBank(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, relaxed)
		c.partial = true
		const bank = `,"additionalParameters":{"bankCode":"alior"}`
		for name, tc := range map[string]struct{ method, currency, made, run, want string }{
			"of a payment":          {"PAY_BY_LINK", "PLN", bank, "", `bank\\\":\\\"alior`},
			"of its customer":       {"PAY_BY_LINK", "PLN", `,"customer":{"bankCode":"alior"}`, "", `bank\\\":\\\"alior`},
			"now":                   {"PAY_BY_LINK", "PLN", "", bank, `bank\\\":\\\"alior`},
			"now and another one":   {"PAY_BY_LINK", "PLN", bank, `,"additionalParameters":{"bankCode":"mbank"}`, `bank\\\":\\\"mbank`},
			"elsewhere":             {"OPEN_BANKING", "EUR", "", `,"additionalParameters":{"bankCode":"rhein"}`, `bank\\\":\\\"rhein`},
			"none":                  {"OPEN_BANKING", "EUR", "", "", `method\\\":\\\"OPEN_BANKING`},
			"with the method":       {"", "PLN", "", `,"paymentMethod":"PAY_BY_LINK"` + bank, `bank\\\":\\\"alior`},
			"with the same method":  {"PAY_BY_LINK", "PLN", "", `,"paymentMethod":"PAY_BY_LINK"` + bank, `bank\\\":\\\"alior`},
			"with other parameters": {"PAY_BY_LINK", "PLN", "", `,"additionalParameters":{"bankCode":"alior","x":1,"y":null}`, `bank\\\":\\\"alior`},
		} {
			path := c.made(t, tc.method, tc.currency, tc.made)
			a := c.run(t, path, tc.run, 200)
			page := a.field(t, "redirectUrl")
			if a.field(t, "state") != "PENDING" || page == "" || a.refs(t) != nil {
				t.Errorf("%s: %s", name, a.body)
			}
			if log := string(c.get(t, path+"/operations", 200).body); !strings.Contains(log, tc.want) {
				t.Errorf("%s: no %s in %s", name, tc.want, log)
			}
			on := c.follow(t, page)
			if !strings.HasPrefix(on, c.app.SimulatorURL+"/pay/") {
				t.Fatalf("%s: %s leads to %s", name, page, on)
			}
			c.inApp(t, on, "approve")
			c.ends(t, path, "COMPLETED", "")
		}
		for bank, code := range map[string]string{"asleep": "3.31", "nobody": "3.23"} {
			path := c.made(t, "PAY_BY_LINK", "PLN", "")
			if a := c.run(t, path, `,"additionalParameters":{"bankCode":"`+bank+`"}`, 200); a.field(t, "state") != "DECLINED" || a.field(t, "errorCode") != code {
				t.Errorf("%s: %s", bank, a.body)
			}
		}
	})
}

// follow is where the customer's browser is led by the page, away from us.
func (c *client) follow(t testing.TB, page string) string {
	t.Helper()
	var a answer
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		r, err := http.NewRequestWithContext(t.Context(), method, page+"/continue", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		a = c.read(t, r)
	}
	_, to, _ := strings.Cut(a.header.Get("Refresh"), "url=")
	return to
}

// TestACodeThatComesWithThePayment waits in memory for the order to go ahead, and is nowhere else.
func TestACodeThatComesWithThePayment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, relaxed)
		for _, method := range []string{"BLIK", ""} {
			path := c.made(t, method, "PLN", `,"additionalParameters":{"blikCode":"777123","x":"1"}`)
			a := c.get(t, path, 200)
			if got := a.field(t, "additionalParameters"); got != "map[x:1]" || a.field(t, "paymentMethod") != "BLIK" || strings.Contains(string(a.body), "777123") {
				t.Errorf("%s", a.body)
			}
			c.run(t, path, "", 200)
			c.ends(t, path, "COMPLETED", "")
		}
		lost := c.made(t, "BLIK", "PLN", `,"additionalParameters":{"blikCode":"777123"}`)
		c.app.Cards.Drop(payment.ID(lost[1:])) // as at another node
		a := c.run(t, lost, "", 200)
		if on := c.follow(t, a.field(t, "redirectUrl")); a.field(t, "state") != "PENDING" || !strings.HasPrefix(on, c.app.SimulatorURL) {
			t.Errorf("it is entered at the provider: %s", a.body)
		}
		key := keyed(request{method: http.MethodPost, path: payments,
			body: `{"paymentType":"DEPOSIT","amount":30,"currency":"PLN","paymentMethod":"BLIK","additionalParameters":{"blikCode":"777123"}}`}, "once")
		first := c.want(t, key, 200)
		key.body = strings.Replace(key.body, "777123", "777124", 1)
		if again := c.want(t, key, 200); again.field(t, "id") != first.field(t, "id") || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("a code is no part of what is compared: %s", again.body)
		}
		c = c.other(t, func(s *shop.Shop) { relaxed(s); s.Settings.HostToHost = false })
		c.post(t, "", key.body, 403)
	})
}

// TestPatchRefusesWhatIsOfNoUse, field by field, and changes nothing.
func TestPatchRefusesWhatIsOfNoUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, relaxed)
		const code = `,"additionalParameters":{"blikCode":`
		for _, tc := range []struct{ method, currency, body, want string }{
			{"BLIK", "PLN", code + `"12345"}`, "Pattern.depositPatchRequest.additionalParameters.blikCode"},
			{"BLIK", "PLN", code + `"1234567"}`, "Pattern.depositPatchRequest.additionalParameters.blikCode"},
			{"BLIK", "PLN", code + `"12345x"}`, "Pattern.depositPatchRequest.additionalParameters.blikCode"},
			{"BLIK", "PLN", code + `"１２３４５６"}`, "Pattern.depositPatchRequest.additionalParameters.blikCode"},
			{"BLIK", "PLN", code + `1234567}`, "Pattern.depositPatchRequest.additionalParameters.blikCode"},
			{"BLIK", "PLN", code + `-12345}`, "Pattern.depositPatchRequest.additionalParameters.blikCode"},
			{"BLIK", "PLN", code + `true}`, "typeMismatch.depositPatchRequest.additionalParameters.blikCode"},
			{"BLIK", "PLN", code + `["123456"]}`, "typeMismatch.depositPatchRequest.additionalParameters.blikCode"},
			{"BLIK", "PLN", `,"additionalParameters":"123456"`, "typeMismatch.depositPatchRequest.additionalParameters"},
			{"BLIK", "PLN", `,"additionalParameters":[]`, "typeMismatch.depositPatchRequest.additionalParameters"},
			{"BLIK", "PLN", `,"additionalParameters":{"bankCode":"mbank"}`, "Pattern.depositPatchRequest.additionalParameters.bankCode"},
			{"PIX", "BRL", code + `"123456"}`, "Pattern.depositPatchRequest.additionalParameters.blikCode"},
			{"BASIC_CARD", "PLN", code + `"123456"}`, "Pattern.depositPatchRequest.additionalParameters.blikCode"},
			{"", "PLN", `,"paymentMethod":"PIX","additionalParameters":{"blikCode":"123456"}`, "Pattern.depositPatchRequest.additionalParameters.blikCode"},
			{"PAY_BY_LINK", "PLN", `,"additionalParameters":{"bankCode":` + quoted(65) + `}`, "Size.depositPatchRequest.additionalParameters.bankCode"},
			{"", "PLN", `,"additionalParameters":{"bankCode":"mbank"}`, "NotNull.depositPatchRequest.paymentMethod"},
			{"", "PLN", ``, "NotNull.depositPatchRequest.paymentMethod"},
			{"BLIK", "PLN", `,"paymentMethod":"PIX"`, "Pattern.depositPatchRequest.paymentMethod"},
			{"BLIK", "PLN", `,"paymentMethod":"CASH"`, "typeMismatch.depositPatchRequest.paymentMethod"},
			{"BLIK", "PLN", `,"paymentMethod":7`, "typeMismatch.depositPatchRequest.paymentMethod"},
			{"", "EUR", `,"paymentMethod":"BASIC_CARD"`, "NotNull.depositPatchRequest.card"},
		} {
			path := c.made(t, tc.method, tc.currency, "")
			a := c.run(t, path, tc.body, 400)
			if !strings.Contains(string(a.body), `"`+tc.want+`"`) || strings.Contains(string(a.body), "123456") || !json.Valid(a.body) {
				t.Errorf("%s %s: want %s in %s", tc.method, tc.body, tc.want, a.body)
			}
			if a = c.get(t, path, 200); a.field(t, "state") != "CHECKOUT" || a.field(t, "paymentMethod") != tc.method {
				t.Errorf("%s %s: %s", tc.method, tc.body, a.body)
			}
		}
		for body, want := range map[string]string{
			`{"paymentType":"DEPOSIT","amount":30,"currency":"PLN","paymentMethod":"BLIK","additionalParameters":{"blikCode":"12"}}`:      "Pattern.paymentRequest.additionalParameters.blikCode",
			`{"paymentType":"DEPOSIT","amount":30,"currency":"BRL","paymentMethod":"PIX","additionalParameters":{"blikCode":"123456"}}`:   "Pattern.paymentRequest.additionalParameters.blikCode",
			`{"paymentType":"WITHDRAWAL","amount":30,"currency":"PLN","paymentMethod":"BLIK","additionalParameters":{"blikCode":123456}}`: "Pattern.paymentRequest.additionalParameters",
		} {
			if a := c.post(t, "", body, 400); !strings.Contains(string(a.body), `"`+want+`"`) || strings.Contains(string(a.body), "123456") {
				t.Errorf("%s: want %s in %s", body, want, a.body)
			}
		}
		c.run(t, "/"+unknownID, code+`"123456"}`, 404)
	})
}

// TestTheSamePatchTwice under one key is answered like the first, whatever the code; another bank is another request.
func TestTheSamePatchTwice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, relaxed)
		path := c.made(t, "BLIK", "PLN", "")
		q := keyed(request{method: http.MethodPatch, path: payments + path, body: `{"customerIp":"192.0.2.1","additionalParameters":{"blikCode":"123456"}}`}, "go")
		first := c.want(t, q, 200)
		again := c.want(t, q, 200)
		if again.header.Get("Idempotency-Replayed") != "true" || again.refs(t)["appUrl"] != first.refs(t)["appUrl"] {
			t.Errorf("%s", again.body)
		}
		c.inApp(t, first.refs(t)["appUrl"], "approve")
		c.app.Clock.Advance(time.Minute)
		if again = c.want(t, q, 200); again.field(t, "state") != "COMPLETED" {
			t.Errorf("%s", again.body)
		}
		path = c.made(t, "PAY_BY_LINK", "PLN", "")
		q = keyed(request{method: http.MethodPatch, path: payments + path, body: `{"customerIp":"192.0.2.1","additionalParameters":{"bankCode":"mbank"}}`}, "bank")
		c.want(t, q, 200)
		c.want(t, q, 200)
		q.body = strings.Replace(q.body, "mbank", "alior", 1)
		c.want(t, q, 422)
	})
}

// TestPatchDemandsWhatTheTerminalWantsToKnow of who pays: it goes with the create, or the page asks for it.
func TestPatchDemandsWhatTheTerminalWantsToKnow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, func(s *shop.Shop) {
			relaxed(s)
			s.Terminals[0].Config = []byte(strings.TrimSuffix(string(s.Terminals[0].Config), "}") + `,"customerDetails":["firstName"],"documentTypes":["BR_CPF","BR_CNPJ"]}`)
		})
		c.partial = true
		const ana = `,"customer":{"firstName":"Ana","documentType":"BR_CPF","documentNumber":`
		for customer, want := range map[string]string{
			``:                                "NotNull.depositPatchRequest.customer.firstName",
			`,"customer":{"firstName":"Ana"}`: "NotNull.depositPatchRequest.customer.documentType",
			`,"customer":{"firstName":"Ana","documentType":"BR_CPF"}`: "NotNull.depositPatchRequest.customer.documentType",
			`,"customer":{"lastName":"Silva"}`:                        "NotNull.depositPatchRequest.customer.firstName",
			`,"customer":{"documentNumber":"1"}`:                      "NotNull.depositPatchRequest.customer.firstName",
		} {
			path := c.made(t, "PIX", "BRL", customer)
			if a := c.run(t, path, "", 400); !strings.Contains(string(a.body), `"`+want+`"`) {
				t.Errorf("%s: want %s in %s", customer, want, a.body)
			}
			if a := c.get(t, path, 200); a.field(t, "state") != "CHECKOUT" {
				t.Errorf("%s", a.body)
			}
		}
		path := c.made(t, "PIX", "BRL", ana+`"529.982.247-25"}`)
		if a := c.run(t, path, "", 200); a.field(t, "state") != "PENDING" || a.refs(t)["qrCode"] == "" {
			t.Errorf("%s", a.body)
		}
		if a := c.run(t, c.made(t, "PIX", "BRL", ana+`"529.982.247-24"}`), "", 200); a.field(t, "state") != "PENDING" {
			t.Errorf("published is its length only, unless the shop asks for more: %s", a.body)
		}
		log := string(c.get(t, path+"/operations", 200).body)
		if !strings.Contains(log, "documentNumber") || strings.Contains(log, "247-25") || strings.Contains(log, "Ana") {
			t.Errorf("what the provider is told is masked: %s", log)
		}
	})
}
