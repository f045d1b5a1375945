package checkout

import (
	"errors"
	"net/url"
	"unicode"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

const (
	maxHolder = 128 // characters
	// manyDigits in the name mean that something else than a name was typed there, such as the card number, which
	// must not get to where names are kept.
	manyDigits = 7
	// maxEcho is how many characters of an expiry date or an amount are shown again.
	maxEcho = 40
)

// readCard checks the card fields and keeps the card if all is well with it. What the form does not ask for again, because it was
// right before, is that of the card on the shelf; what is right now stays there while something else is not.
func (e *entry) readCard(form url.Values, v *visit, kept *instrument.Card) {
	defer kept.Wipe()
	c := &instrument.Card{}
	e.readNumber(c, form.Get(fieldNumber), v.words, kept)
	e.readExpiry(c, form.Get(fieldExpiry), v)
	e.readCode(c, c.Number.Brand(), form.Get(fieldCode), v.words, kept)
	e.readHolder(c, form.Get(fieldHolder), v.words)
	if e.faulty() || e.change != "" {
		e.right = c
		return
	}
	e.means = c
}

// readCodeAlone checks the security code of the card that came with the payment, of which the payment knows the brand.
func (e *entry) readCodeAlone(form url.Values, v *visit) {
	c := &instrument.Card{}
	e.readCode(c, v.payment.Instrument.CardBrand, form.Get(fieldCode), v.words, nil)
	if e.faulty() {
		c.Wipe()
		return
	}
	e.means = c
}

func (e *entry) readNumber(c *instrument.Card, text string, w *words, kept *instrument.Card) {
	if nothing(text) {
		switch {
		case kept != nil && !kept.Number.IsZero():
			c.Number, kept.Number = kept.Number, instrument.PAN{}
		case e.lost:
			e.fault(fieldNumber, w.CardAgain)
		default:
			e.fault(fieldNumber, w.NumberMissing)
		}
		return
	}
	var err error
	if c.Number, err = readNumber(text); err == nil {
		return
	}
	switch {
	case errors.Is(err, errStray):
		e.fault(fieldNumber, w.NumberStray)
	case errors.Is(err, instrument.ErrPANLength):
		e.fault(fieldNumber, w.NumberLength)
	default:
		e.fault(fieldNumber, w.NumberWrong)
	}
}

func (e *entry) readExpiry(c *instrument.Card, text string, v *visit) {
	e.expiryText = echo(text, maxEcho)
	if nothing(text) {
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

func (e *entry) readCode(c *instrument.Card, brand instrument.Brand, text string, w *words, kept *instrument.Card) {
	var err error
	none := nothing(text)
	switch {
	case !none:
		if c.SecurityCode, err = readSecurityCode(text); err != nil {
			e.fault(fieldCode, w.CodeWrong)
			return
		}
	case kept != nil && !kept.SecurityCode.IsZero():
		c.SecurityCode, kept.SecurityCode, none = kept.SecurityCode, instrument.SecurityCode{}, false
	}
	if brand == "" && !none || brand != "" && brand.AcceptsSecurityCode(c.SecurityCode) {
		return
	}
	c.SecurityCode.Wipe()
	switch {
	case none:
		e.fault(fieldCode, w.CodeMissing)
	case brand == instrument.BrandAmex:
		e.fault(fieldCode, w.CodeFour)
	default:
		e.fault(fieldCode, w.CodeThree)
	}
}

func (e *entry) readHolder(c *instrument.Card, text string, w *words) {
	name := readName(text)
	switch {
	case !plainName(name), c.Number.In(name):
		e.fault(fieldHolder, w.HolderWrong)
	case utf8.RuneCountInString(name) > maxHolder:
		e.fault(fieldHolder, w.count(&w.HolderLong, maxHolder, maxHolder))
	default:
		c.Holder, e.holderText = name, name
	}
}

// plainName accepts a text without control or direction characters, and without a number in it.
func plainName(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	digits := 0
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
			return false
		}
		if instrument.Digit(r) != 0 {
			digits++
		}
	}
	return digits < manyDigits
}

// echo is text that may be shown in the form again: not longer than so many characters, and not if it could hold a card number
// that was typed into the wrong field.
func echo(text string, most int) string {
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > most {
		return ""
	}
	digits := 0
	for _, r := range text {
		if instrument.Digit(r) != 0 {
			digits++
		}
	}
	if digits >= fewestDigits {
		return ""
	}
	return text
}

// held shows the card that came with the payment, if it is still kept.
func held(c *engine.KeptCard, w *words) *heldCard {
	if c == nil {
		return nil
	}
	return &heldCard{
		Method: payment.BasicCard,
		Name:   fill(w.HeldCard, named(w.Brands, string(c.Brand)), c.Last4),
		Expiry: fill(w.HeldExpiry, c.ExpiryMonth+"/"+c.ExpiryYear),
	}
}
