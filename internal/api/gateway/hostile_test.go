package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

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

// TestTheCardNumberStaysInItsField: texts are kept and shown as they come, so none may repeat the number of the card in
// the same request. What only looks like a card number is left alone: order numbers do.
func TestTheCardNumberStaysInItsField(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, "sqlite"), nil)
	withCard := with(t, deposit, "card", card)
	const digits = "4000000000000408" // those of card
	spellings := []string{
		digits, "paid with " + digits + ".", strings.Join(strings.Split(digits, ""), " "), digits[:4] + "-" + digits[4:8] + "-" + digits[8:12] + "-" + digits[12:],
		"9" + digits + "1", strings.Map(func(r rune) rune { return r - '0' + '０' }, digits), digits[:6] + "\u200b" + digits[6:],
		"NDAwMDAwMDAwMDAwMDQwOA==", "34303030303030303030303030343038",
	}
	for _, field := range []string{"referenceId", "description", "customer.accountNumber", "customer.referenceId", "customer.documentNumber", "card.cardholderName"} {
		for _, text := range spellings {
			if utf8.RuneCountInString(text) > 64 {
				continue
			}
			a := c.post(t, "", with(t, withCard, field, jsonOf(t, text)), http.StatusBadRequest)
			if diff := cmp.Diff([]string{"Pattern " + field}, faultsOf(t, a)); diff != "" {
				t.Errorf("%s %q (-want +got):\n%s", field, text, diff)
			}
		}
	}
	for _, field := range []string{"returnUrl", "webhookUrl"} {
		a := c.post(t, "", with(t, withCard, field, `"https://shop.example/?card=`+digits+`"`), http.StatusBadRequest)
		if diff := cmp.Diff([]string{"Pattern " + field}, faultsOf(t, a)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", field, diff)
		}
	}
	a := c.post(t, "", with(t, withCard, "card.cardholderName", `"4539 1488 0343 6467"`), http.StatusBadRequest)
	if diff := cmp.Diff([]string{"Pattern card.cardholderName"}, faultsOf(t, a)); diff != "" {
		t.Errorf("another card's number as a name (-want +got):\n%s", diff)
	}
	if n := c.stored(t); n != 0 {
		t.Fatalf("%d payments stored", n)
	}
	for _, text := range []string{"4539148803436467", digits[:len(digits)-1] + "x", digits[:8] + "x" + digits[8:], digits[1:]} {
		a := c.post(t, "", with(t, withCard, "referenceId", jsonOf(t, text)), http.StatusOK)
		if got := a.field(t, "referenceId"); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	}
	c.post(t, "", with(t, deposit, "referenceId", `"`+digits+`"`), http.StatusOK)
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
