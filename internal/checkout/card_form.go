package checkout

import (
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/instrument"
)

const (
	maxHolder = 128 // characters
	// manyDigits in the name mean that something else than a name was typed there, such as the card number, which
	// must not get to where names are kept.
	manyDigits = 7
)

// errExpiry: the text is not a month and a year.
var errExpiry = errors.New("not an expiry date")

// readCard checks the card fields and keeps the card if all is well with it.
func (e *entry) readCard(form url.Values, v *visit) {
	c := &instrument.Card{}
	e.readNumber(c, form.Get(fieldNumber), v.words)
	e.readExpiry(c, form.Get(fieldExpiry), v)
	e.readCode(c, c.Number.Brand(), form.Get(fieldCode), v.words)
	e.readHolder(c, form.Get(fieldHolder), v.words)
	if e.faulty() {
		c.Wipe()
		return
	}
	e.means = c
}

// readCodeAlone checks the security code of the card that came with the payment, of which the payment knows the brand.
func (e *entry) readCodeAlone(form url.Values, v *visit) {
	c := &instrument.Card{}
	e.readCode(c, v.payment.Instrument.CardBrand, form.Get(fieldCode), v.words)
	if e.faulty() {
		c.Wipe()
		return
	}
	e.means = c
}

func (e *entry) readNumber(c *instrument.Card, text string, w *words) {
	if strings.TrimSpace(text) == "" {
		e.fault(fieldNumber, w.NumberMissing)
		return
	}
	var err error
	if c.Number, err = instrument.ParsePAN(text); err == nil {
		return
	}
	switch {
	case errors.Is(err, instrument.ErrPANLength):
		e.fault(fieldNumber, w.NumberLength)
	default:
		e.fault(fieldNumber, w.NumberWrong)
	}
}

func (e *entry) readExpiry(c *instrument.Card, text string, v *visit) {
	e.expiryText = echo(text, 9)
	if strings.TrimSpace(text) == "" {
		e.fault(fieldExpiry, v.words.ExpiryMissing)
		return
	}
	month, year, err := parseExpiry(text)
	if err != nil {
		e.fault(fieldExpiry, v.words.ExpiryWrong)
		return
	}
	c.ExpiryMonth, c.ExpiryYear = month, year
	if c.Expired(v.now) {
		e.fault(fieldExpiry, v.words.ExpiryPast)
	}
}

func (e *entry) readCode(c *instrument.Card, brand instrument.Brand, text string, w *words) {
	var err error
	if text = strings.TrimSpace(text); text != "" {
		if c.SecurityCode, err = instrument.ParseSecurityCode(text); err != nil {
			e.fault(fieldCode, w.CodeWrong)
			return
		}
	}
	switch {
	case brand == "" && text != "", brand != "" && brand.AcceptsSecurityCode(c.SecurityCode):
	case text == "":
		e.fault(fieldCode, w.CodeMissing)
	case brand == instrument.BrandAmex:
		e.fault(fieldCode, w.CodeFour)
	default:
		e.fault(fieldCode, w.CodeThree)
	}
}

func (e *entry) readHolder(c *instrument.Card, text string, w *words) {
	name := strings.Join(strings.Fields(text), " ")
	if !plainName(name) || c.Number.In(name) {
		e.fault(fieldHolder, w.HolderWrong)
		return
	}
	c.Holder, e.holderText = name, name
}

// plainName accepts up to 128 characters without control or direction characters, and without a number in it.
func plainName(s string) bool {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxHolder {
		return false
	}
	digits := 0
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
			return false
		}
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits < manyDigits
}

// parseExpiry reads a month and a year as people type them: 01/30, 1/30, 01 / 2030, 01-30, 0130, 012030. It returns
// two and four digits.
func parseExpiry(text string) (month, year string, err error) {
	text = strings.Join(strings.Fields(text), " ")
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" /-.", r) })
	switch {
	case len(parts) == 2:
		month, year = parts[0], parts[1]
	case len(parts) == 1 && (len(text) == 4 || len(text) == 6):
		month, year = text[:2], text[2:]
	default:
		return "", "", errExpiry
	}
	if len(month) == 1 {
		month = "0" + month
	}
	if len(year) == 2 {
		year = "20" + year
	}
	if _, err := time.Parse("01 2006", month+" "+year); err != nil || len(month) != 2 || len(year) != 4 {
		return "", "", errExpiry
	}
	return month, year, nil
}

// echo is text that may be shown in the form again: not longer than the field takes, and not if it could hold a card
// number that was typed into the wrong field.
func echo(text string, most int) string {
	if len(text) > most || !utf8.ValidString(text) {
		return ""
	}
	digits := 0
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			digits++
		}
	}
	if digits >= 12 {
		return ""
	}
	return text
}
