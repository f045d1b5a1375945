package stripe

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// method is a way to pay that was made known.
type method struct {
	id, kind    string
	brand, last string
	outcome     outcome
	customer    string
	spent       bool // used without a customer: it cannot be used again
}

// outcome is what becomes of a card.
type outcome struct {
	decline string // the code of the refusal
	code    string // the error's own code where it is not card_declined
	auth    bool   // its holder is asked first
}

// numbers are Stripe's published test cards (https://docs.stripe.com/testing). All other numbers are refused as no test cards.
var numbers = map[string]outcome{
	"4242424242424242": {}, "4000056655665556": {}, "5555555555554444": {}, "378282246310005": {}, "6011111111111117": {},
	"4000000000000002": {decline: "generic_decline"}, "4000000000009995": {decline: "insufficient_funds"},
	"4000000000009987": {decline: "lost_card"}, "4000000000009979": {decline: "stolen_card"},
	"4000000000000069": {code: "expired_card"}, "4000000000000127": {code: "incorrect_cvc"}, "4000000000000119": {code: "processing_error"},
	"4000000000003220": {auth: true}, "4000002760003184": {auth: true}, "4000008400001629": {auth: true, decline: "generic_decline"},
	"4000000000000259": {},
}

// testNames are Stripe's names for some of them.
var testNames = map[string]string{
	"pm_card_visa": "4242424242424242", "pm_card_visa_debit": "4000056655665556", "pm_card_mastercard": "5555555555554444",
	"pm_card_amex": "378282246310005", "pm_card_discover": "6011111111111117", "pm_card_visa_chargeDeclined": "4000000000000002",
	"pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995", "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
	"pm_card_visa_chargeDeclinedStolenCard": "4000000000009979", "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
	"pm_card_chargeDeclinedIncorrectCvc": "4000000000000127", "pm_card_chargeDeclinedProcessingError": "4000000000000119",
	"pm_card_threeDSecure2Required": "4000000000003220", "pm_card_authenticationRequired": "4000002760003184",
	"pm_card_createDispute": "4000000000000259",
}

func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		n := int(number[len(number)-1-i] - '0')
		if n < 0 || n > 9 {
			return false
		}
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return len(number) >= 12 && sum%10 == 0
}

func brandOf(number string) string {
	switch {
	case strings.HasPrefix(number, "4"):
		return "visa"
	case strings.HasPrefix(number, "34"), strings.HasPrefix(number, "37"):
		return "amex"
	case strings.HasPrefix(number, "5"):
		return "mastercard"
	}
	return "discover"
}

func cardFail(code, decline, message string) answer {
	a := failOf("card_error", http.StatusPaymentRequired, code, message)
	if decline != "" {
		inner := inside(a)
		inner["decline_code"] = decline
	}
	return a
}

// newMethod takes a card by its number and checks its form only.
func (d *Double) newMethod(c *call) answer {
	if c.form.Get("type") != "card" {
		return fail(http.StatusBadRequest, "parameter_missing", "a card is needed")
	}
	m, refusal := d.named(c, "card")
	if refusal != nil {
		return *refusal
	}
	return ok(m.view(c.now))
}

// named is the card whose number and expiry stand below a parameter. An account that may send numbers may name it with a payment as well,
// which Stripe publishes no more of than that (https://github.com/stripe/stripe-mock/issues/706).
func (d *Double) named(c *call, below string) (*method, *answer) {
	refuse := func(a answer) (*method, *answer) { return nil, &a }
	number := c.form.Get(below + "[number]")
	month, errMonth := strconv.Atoi(c.form.Get(below + "[exp_month]"))
	year, errYear := strconv.Atoi(c.form.Get(below + "[exp_year]"))
	switch {
	case number == "" || errMonth != nil || errYear != nil:
		return refuse(fail(http.StatusBadRequest, "parameter_missing", "a card with number, exp_month and exp_year is needed"))
	case !luhn(number):
		return refuse(cardFail("incorrect_number", "", "Your card number is incorrect."))
	case month < 1 || month > 12:
		return refuse(cardFail("invalid_expiry_month", "", "Your card's expiration month is invalid."))
	case time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC).Before(c.now):
		return refuse(cardFail("invalid_expiry_year", "", "Your card's expiration year is invalid."))
	}
	return d.cardMethod(number), nil
}

func (d *Double) cardMethod(number string) *method {
	what, known := numbers[number]
	if !known {
		what = outcome{decline: "testmode_decline"}
	}
	m := &method{id: d.name("pm"), kind: "card", brand: brandOf(number), last: number[len(number)-4:], outcome: what}
	d.methods[m.id] = m
	return m
}

// methodOf finds what a request pays with.
func (d *Double) methodOf(c *call) (*method, *answer) {
	refuse := func(a answer) (*method, *answer) { return nil, &a }
	id, customer := c.form.Get("payment_method"), c.form.Get("customer")
	if kind := c.form.Get("payment_method_data[type]"); kind == "card" {
		return d.named(c, "payment_method_data[card]")
	} else if kind != "" {
		if kind != "blik" {
			return refuse(fail(http.StatusBadRequest, "parameter_unknown", "no such type"))
		}
		if len(c.form.Get("payment_method_options[blik][code]")) != 6 {
			return refuse(fail(http.StatusBadRequest, "parameter_invalid", "a BLIK code has six digits"))
		}
		m := &method{id: d.name("pm"), kind: "blik"}
		d.methods[m.id] = m
		return m, nil
	}
	if number := testNames[id]; number != "" {
		return d.cardMethod(number), nil
	}
	m := d.methods[id]
	switch {
	case m == nil:
		return refuse(fail(http.StatusNotFound, "resource_missing", "No such PaymentMethod: '"+id+"'"))
	case m.customer != "" && m.customer != customer:
		return refuse(fail(http.StatusBadRequest, "payment_method_unexpected_state", "The PaymentMethod belongs to another customer"))
	case m.spent && m.customer == "":
		return refuse(fail(http.StatusBadRequest, "payment_method_unexpected_state", "The PaymentMethod was used before without a customer"))
	}
	return m, nil
}

func (m *method) view(now time.Time) object {
	v := object{"id": m.id, "object": "payment_method", "type": m.kind, "created": now.Unix(), "livemode": false, "metadata": object{},
		"billing_details": object{"address": nil, "email": nil, "name": nil, "phone": nil}, "customer": orNil(m.customer)}
	if m.kind == "card" {
		v["card"] = object{"brand": m.brand, "last4": m.last, "country": "US", "funding": "credit", "exp_month": 12, "exp_year": 2035}
	}
	return v
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (d *Double) newCustomer(c *call) answer {
	v := object{"id": d.name("cus"), "object": "customer", "created": c.now.Unix(), "livemode": false, "metadata": metadata(c),
		"email": orNil(c.form.Get("email")), "name": orNil(c.form.Get("name"))}
	id, _ := v["id"].(string)
	d.customers[id] = v
	return ok(v)
}

// metadata reads the parameters metadata[…].
func metadata(c *call) object {
	all := object{}
	for name := range c.form {
		if inner, found := strings.CutPrefix(name, "metadata["); found {
			all[strings.TrimSuffix(inner, "]")] = c.form.Get(name)
		}
	}
	return all
}
