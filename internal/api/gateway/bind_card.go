package gateway

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/instrument"
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
func cardIn(doc *api.Value) instrument.PAN {
	number, err := instrument.ParsePAN(doc.Get("card").Get("cardNumber").Text())
	if err != nil {
		return instrument.PAN{}
	}
	return number
}

// wipeCard overwrites number, security code and codes of banks in the document. Nothing else shares their memory.
func wipeCard(doc *api.Value) {
	card := doc.Get("card")
	card.Get("cardNumber").Wipe()
	card.Get("cardSecurityCode").Wipe()
	wipeParams(doc)
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

// card reads card data: those of a card, or the token of one that the shop keeps, with what came with it. All of it is copied out of the
// request, so that nothing that lives on shares memory with the number or the security code.
func (b binder) card(keeps bool) instrument.Means {
	c, ok := b.child("card", true)
	if !ok {
		return nil
	}
	token, _ := c.said("cardToken")
	if keeps && token != "" {
		c.strict = false // the shop knows the rest
	}
	card := &instrument.Card{Number: c.cardNumber(token != "")}
	c.cardToken(token, keeps)
	card.Holder = c.holder()
	card.SecurityCode = c.securityCode(card.Number.Brand())
	card.ExpiryMonth = strings.Clone(c.expiry("expiryMonth", 2, "0[1-9]|1[0-2]", validMonth))
	card.ExpiryYear = strings.Clone(c.expiry("expiryYear", 4, "[0-9]{4}", allDigits))
	if token == "" {
		return card
	}
	if (card.ExpiryMonth == "") != (card.ExpiryYear == "") {
		c.fault("expiryMonth", pattern, "month and year of the expiry must be given together")
	}
	return &instrument.SavedCard{Token: strings.Clone(token), With: card}
}

func (b binder) cardNumber(tokened bool) instrument.PAN {
	if tokened || b.missing("cardNumber") {
		return instrument.PAN{}
	}
	text, ok := b.said("cardNumber")
	if !ok {
		return instrument.PAN{}
	}
	if utf8.RuneCountInString(text) > 23 {
		b.fault("cardNumber", size, sizeText(0, 23))
		return instrument.PAN{}
	}
	number, err := instrument.ParsePAN(text)
	if err != nil {
		b.fault("cardNumber", cardForm, "invalid card number")
	}
	return number
}

// cardToken refuses what can be no token: all of them, where the shop has none. Whether there is one by that name is found out later.
func (b binder) cardToken(token string, keeps bool) {
	if utf8.RuneCountInString(token) > 32 {
		b.fault("cardToken", size, sizeText(0, 32))
	} else if token != "" && !keeps {
		b.fault("cardToken", payment.CodeNotFound.Word(), "no such card token")
	}
	if keeps && token != "" && !b.from.Get("cardNumber").Blank() {
		b.fault("cardNumber", pattern, "must not be given beside cardToken")
	}
}

// securityCode reads the code. As a number it has lost its leading zeros, which are put back to the length that the
// brand's codes have.
func (b binder) securityCode(brand instrument.Brand) instrument.SecurityCode {
	length := 3
	if brand == instrument.BrandAmex {
		length = 4
	}
	text, ok := b.padded("cardSecurityCode", length)
	if !ok {
		return instrument.SecurityCode{}
	}
	if n := utf8.RuneCountInString(text); n < 3 || n > 4 {
		b.fault("cardSecurityCode", size, sizeText(3, 4))
		return instrument.SecurityCode{}
	}
	code, err := instrument.ParseSecurityCode(text)
	if err != nil {
		b.fault("cardSecurityCode", pattern, `must match "[0-9]{3,4}"`)
	}
	return code
}

// padded is said for a text of digits: zeros go before a number that has fewer.
func (b binder) padded(name string, length int) (string, bool) {
	text, ok := b.said(name)
	if ok && b.from.Get(name).Kind() == api.Number && allDigits(text) && len(text) < length {
		text = strings.Repeat("0", length-len(text)) + text
	}
	return text, ok
}

// expiry reads month or year: so many digits, of which valid judges the sense. A month may be a number without its
// leading zero; a year in two digits is no year, in whatever type.
func (b binder) expiry(name string, length int, form string, valid func(string) bool) string {
	if b.missing(name) {
		return ""
	}
	width := 0
	if length == 2 {
		width = length
	}
	text, ok := b.padded(name, width)
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
