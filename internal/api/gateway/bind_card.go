package gateway

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/payment"
)

const (
	fieldCardNumber = "card.cardNumber"
	// fewestDigits are those of the shortest card number.
	fewestDigits = 12
)

// cardIn returns the card number in a request, to be wiped, or none. Texts are kept and shown as they come, so a number
// that is repeated in one would be where no card number may be. Other numbers that look like those of cards are none of
// our business: one order number in ten has a right check digit.
func cardIn(doc *api.Value) payment.PAN {
	number, err := payment.ParsePAN(doc.Get("card").Get("cardNumber").Text())
	if err != nil {
		return payment.PAN{}
	}
	return number
}

// holder reads the name on a card, in which people now and then put its number.
func (b binder) holder() string {
	name := strings.Clone(b.text("cardholderName", 128))
	digits := 0
	for _, r := range name {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits >= fewestDigits {
		b.fault("cardholderName", pattern, "must not hold a card number")
		return ""
	}
	return name
}

// card reads card data. All of it is copied out of the request, so that nothing that lives on shares memory with the
// number or the security code.
func (b binder) card() *payment.Card {
	c, ok := b.child("card", true)
	if !ok {
		return nil
	}
	token, _ := c.string("cardToken")
	card := &payment.Card{Number: c.cardNumber(token != "")}
	c.cardToken(token)
	card.Holder = c.holder()
	card.SecurityCode = c.securityCode()
	card.ExpiryMonth = strings.Clone(c.expiry("expiryMonth", 2, "0[1-9]|1[0-2]", validMonth))
	card.ExpiryYear = strings.Clone(c.expiry("expiryYear", 4, "[0-9]{4}", allDigits))
	return card
}

func (b binder) cardNumber(tokened bool) payment.PAN {
	if tokened || b.missing("cardNumber") {
		return payment.PAN{}
	}
	text, ok := b.string("cardNumber")
	if !ok {
		return payment.PAN{}
	}
	if utf8.RuneCountInString(text) > 23 {
		b.fault("cardNumber", size, sizeText(0, 23))
		return payment.PAN{}
	}
	number, err := payment.ParsePAN(text)
	if err != nil {
		b.fault("cardNumber", cardForm, "invalid card number")
	}
	return number
}

// cardToken refuses every token: there are none to know yet.
func (b binder) cardToken(token string) {
	if utf8.RuneCountInString(token) > 32 {
		b.fault("cardToken", size, sizeText(0, 32))
	} else if token != "" {
		b.fault("cardToken", payment.CodeNotFound.Word(), "no such card token")
	}
}

func (b binder) securityCode() payment.SecurityCode {
	text, ok := b.string("cardSecurityCode")
	if !ok || text == "" {
		return payment.SecurityCode{}
	}
	if n := utf8.RuneCountInString(text); n < 3 || n > 4 {
		b.fault("cardSecurityCode", size, sizeText(3, 4))
		return payment.SecurityCode{}
	}
	code, err := payment.ParseSecurityCode(text)
	if err != nil {
		b.fault("cardSecurityCode", pattern, `must match "[0-9]{3,4}"`)
	}
	return code
}

// expiry reads month or year: so many digits, of which valid judges the sense.
func (b binder) expiry(name string, length int, form string, valid func(string) bool) string {
	if b.missing(name) {
		return ""
	}
	text, ok := b.string(name)
	switch {
	case !ok:
	case utf8.RuneCountInString(text) != length:
		b.fault(name, size, sizeText(length, length))
	case !valid(text):
		b.fault(name, pattern, `must match "`+form+`"`)
	}
	return text
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func validMonth(s string) bool { return allDigits(s) && s >= "01" && s <= "12" }
