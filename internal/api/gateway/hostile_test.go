package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/store/storetest"
)

// hostile are texts that have broken somebody's database, log, page or parser.
var hostile = []string{
	"'; DROP TABLE payment; --", "$1", "%s%n", "\x01\x1f\x7f", "line\r\nX-Injected: 1", "\u202eevil", "\ufeff\ufffe\uffff", "\U0010ffff",
	"Z̸̡̢̛a̷l̴g̵o", "<script>alert(1)</script>", "{{7*7}}${7*7}", "=cmd|' /C calc'!A0", "../../etc/passwd", "\u2028\u2029", "\\", `"`, "👩‍👩‍👧‍👦", "null", " ",
}

func TestHostileTextIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		for _, text := range hostile {
			quotedText, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			short, err := json.Marshal(string([]rune(text)[:1]))
			if err != nil {
				t.Fatal(err)
			}
			a := c.post(t, "", with(t, deposit, "referenceId", string(quotedText), "description", string(quotedText),
				"customer.firstName", string(quotedText), "billingAddress.postalCode", string(short)), http.StatusOK)
			got := c.get(t, "/"+a.field(t, "id"), http.StatusOK)
			var body struct {
				Result struct {
					Reference   string `json:"referenceId"`
					Description string `json:"description"`
					Customer    struct {
						FirstName string `json:"firstName"`
					} `json:"customer"`
				} `json:"result"`
			}
			decode(t, got.body, &body)
			if r := body.Result; r.Reference != text || r.Description != text || r.Customer.FirstName != text {
				t.Errorf("%q came back as %q, %q, %q", text, r.Reference, r.Description, r.Customer.FirstName)
			}
		}
	})
}

func TestHostileTextNeverFails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		fields := []string{
			"paymentType", "paymentMethod", "amount", "currency", "parentPaymentId", "returnUrl", "webhookUrl", "recurringToken", "customer.ip",
			"customer.email", "customer.phone", "customer.dateOfBirth", "customer.documentType", "billingAddress.countryCode",
			"card.cardNumber", "card.cardToken", "card.cardSecurityCode", "card.expiryMonth", "card.expiryYear",
		}
		for _, text := range hostile {
			quotedText, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range fields {
				a := c.do(t, request{method: http.MethodPost, path: payments, body: with(t, deposit, field, string(quotedText))})
				if a.status != http.StatusOK && a.status != http.StatusBadRequest {
					t.Errorf("%s %q: %d %s", field, text, a.status, a.body)
				}
			}
		}
	})
}

// TestCardDataIsNotEchoed sends a card with faults everywhere around it: no answer may show more of it than a mask.
func TestCardDataIsNotEchoed(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, "sqlite"), nil)
	const number, code = "4000000000000408", "7391"
	secret := with(t, deposit, "card", with(t, card, "cardNumber", `"`+number+`"`, "cardSecurityCode", `"`+code+`"`))
	bodies := []string{
		secret, secret[:len(secret)-1], secret + "x", strings.Replace(secret, `"cardNumber"`, `"`+number+`"`, 1),
		with(t, secret, "card.expiryMonth", `"`+number+`"`), with(t, secret, "card.cardToken", `"`+number+`"`),
		with(t, secret, "amount", `"`+number+`"`), with(t, secret, "currency", `"`+number+`"`), with(t, secret, "paymentType", `"`+number+`"`),
		with(t, secret, "card.cardSecurityCode", `"`+code+code+`"`), with(t, secret, "card.cardNumber", `"`+number+`9"`),
		`{"` + number + `":1,"` + number + `":1}`,
	}
	for _, body := range bodies {
		a := c.do(t, request{method: http.MethodPost, path: payments, body: body})
		if text := string(a.body); strings.Contains(text, number) || strings.Contains(text, code) {
			t.Errorf("%d %s", a.status, text)
		}
	}
}

func TestSameKeyAtOnceMakesOnePayment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		const callers = 16
		ids := make([]string, callers)
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				a := c.do(t, keyed(request{method: http.MethodPost, path: payments, body: with(t, deposit, "paymentType", `"WITHDRAWAL"`, "card", card)}, "once"))
				if a.status != http.StatusOK {
					t.Errorf("%d %s", a.status, a.body)
					return
				}
				ids[i] = a.field(t, "id")
			})
		}
		all.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("ids %q and %q", ids[0], id)
			}
		}
		if n := c.stored(t); n != 1 {
			t.Errorf("%d payments stored", n)
		}
	})
}
