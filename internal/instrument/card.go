package instrument

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"
	"unicode/utf8"
)

// Errors of ParsePAN and ParseSecurityCode. None holds any part of the text that was read.
var (
	// ErrPANSyntax: more than 23 characters, no digit among them, or one of another script than ASCII's.
	ErrPANSyntax = errors.New("not a card number")
	// ErrPANLength: fewer than 12 or more than 19 digits, or a length that the brand does not issue.
	ErrPANLength = errors.New("card number of a wrong length")
	// ErrPANLuhn: the check digit is wrong.
	ErrPANLuhn = errors.New("card number with a wrong check digit")
	// ErrSecurityCode: not three or four digits.
	ErrSecurityCode = errors.New("not a card security code")
)

// MostDigits is how many a card number has at most.
const MostDigits = panMaxDigits

const (
	panMaxText   = 23 // characters, separators included
	panMinDigits = 12
	panMaxDigits = 19
	panFewDigits = 13 // up to here, Mask leaves three digits or fewer to guess
)

// PAN is the number of a card: a secret. However it is printed, logged or encoded, only a mask shows; Reveal
// alone gives the digits. Copies share the digits, so that Wipe on one empties all. The zero value is no number.
// It has no decoder on purpose: numbers come in through ParsePAN.
type PAN struct {
	secret hidden[panSecret]
}

type panSecret struct {
	digits [panMaxDigits]byte
	length int
	brand  Brand
}

// ParsePAN reads a card number of at most 23 characters. All characters but digits are dropped, as the gateway
// contract has it, and digits of other scripts are refused: without them another number would remain. 12 to 19 digits
// must be there, in a length of their brand, with a right check digit.
// UnionPay, RuPay and the Maestro range 501080 to 501082 do without the check digit. Errors are ErrPANSyntax,
// ErrPANLength and ErrPANLuhn, in this order.
func ParsePAN(s string) (PAN, error) {
	secret := &panSecret{}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			continue
		}
		if secret.length < panMaxDigits {
			secret.digits[secret.length] = s[i]
		}
		secret.length++
	}
	if err := secret.check(s); err != nil {
		*secret = panSecret{}
		return PAN{}, err
	}
	return PAN{hide(secret)}, nil
}

// check judges the digits taken from text, and sets the brand.
func (s *panSecret) check(text string) error {
	if s.length == 0 || utf8.RuneCountInString(text) > panMaxText || foreignDigit(text) {
		return ErrPANSyntax
	}
	if s.length < panMinDigits || s.length > panMaxDigits {
		return ErrPANLength
	}
	rule := findBrand(s.bytes())
	s.brand = rule.brand
	if !rule.lengths.has(s.length) {
		return ErrPANLength
	}
	if !luhn(s.bytes()) && !s.withoutLuhn() {
		return ErrPANLuhn
	}
	return nil
}

// withoutLuhn reports whether the number is of a range issued without a check digit.
func (s *panSecret) withoutLuhn() bool {
	switch string(s.digits[:6]) {
	case "501080", "501081", "501082":
		return true
	}
	return s.brand == BrandUnionPay || s.brand == BrandRuPay
}

func (s *panSecret) bytes() []byte { return s.digits[:s.length] }

// Reveal is all digits. It is for the provider's request and for encryption, and for nothing else.
func (p PAN) Reveal() string {
	if p.IsZero() {
		return ""
	}
	return string(p.secret.value().bytes())
}

// AppendTo appends all digits to bytes that the caller overwrites when they have served. Like Reveal, it is for the
// provider's request, and for keyed hashes.
func (p PAN) AppendTo(dst []byte) []byte { return append(dst, p.secret.value().bytes()...) }

// Mask is the form of the gateway contract, whatever the length: the first six digits, three asterisks, the last
// four. Of 12 or 13 digits that hides so few that it must not be logged; String hides more.
func (p PAN) Mask() string {
	if p.IsZero() {
		return ""
	}
	return p.First6() + "***" + p.Last4()
}

// First6 is the first six digits.
func (p PAN) First6() string {
	if p.IsZero() {
		return ""
	}
	return string(p.secret.value().digits[:6])
}

// BIN is the first eight digits, by which issuers are told apart.
func (p PAN) BIN() string {
	if p.IsZero() {
		return ""
	}
	return string(p.secret.value().digits[:8])
}

// Leading is the number's first digits, of which there are n at most: 11, by which whole tables of ranges tell issuers apart.
func (p PAN) Leading(n int) (prefix uint64) {
	if p.IsZero() {
		return 0
	}
	for _, d := range p.secret.value().digits[:min(n, 11)] {
		prefix = prefix*10 + uint64(d-'0')
	}
	return prefix
}

// Sum is what hash makes of all digits, which it must not keep: a keyed hash stands for a number without telling it.
func (p PAN) Sum(hash func([]byte) []byte) []byte { return hash(p.secret.value().bytes()) }

// Last4 is the last four digits.
func (p PAN) Last4() string {
	if p.IsZero() {
		return ""
	}
	digits := p.secret.value().bytes()
	return string(digits[len(digits)-4:])
}

// Brand is the brand of the number by its first digits, and empty for the zero value.
func (p PAN) Brand() Brand {
	if p.IsZero() {
		return ""
	}
	return p.secret.value().brand
}

// IsZero reports whether there is no number, or whether it was wiped.
func (p PAN) IsZero() bool { return p.secret.value().length == 0 }

// Wipe overwrites the digits, here and in all copies. It must not run while another goroutine uses one.
func (p *PAN) Wipe() { p.secret.wipe() }

// String is Mask, and for numbers of 12 or 13 digits only three asterisks and the last four.
func (p PAN) String() string {
	if !p.IsZero() && p.secret.value().length <= panFewDigits {
		return "***" + p.Last4()
	}
	return p.Mask()
}

// GoString is String.
func (p PAN) GoString() string { return p.String() }

// Format writes String whatever the verb and its flags.
func (p PAN) Format(f fmt.State, _ rune) { writeMasked(f, p.String()) }

// LogValue is String.
func (p PAN) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText is String, for every encoder but JSON, and for keys of maps.
func (p PAN) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// MarshalJSON is String as a JSON string.
func (p PAN) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, p.String()), nil }

// SecurityCode is the three or four digits printed on a card to show that the payer holds it: a secret that is
// never stored. However it is printed, three asterisks show. Copies share the digits, as those of PAN do.
type SecurityCode struct {
	secret hidden[codeSecret]
}

type codeSecret struct {
	digits [4]byte
	length int
}

// ParseSecurityCode reads three or four digits, and returns ErrSecurityCode for anything else, "" included.
// Whether the length suits the card is for Brand.AcceptsSecurityCode.
func ParseSecurityCode(s string) (SecurityCode, error) {
	if len(s) != 3 && len(s) != 4 {
		return SecurityCode{}, ErrSecurityCode
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return SecurityCode{}, ErrSecurityCode
		}
	}
	secret := &codeSecret{length: len(s)}
	copy(secret.digits[:], s)
	return SecurityCode{hide(secret)}, nil
}

// Reveal is the digits. It is for the provider's request, and for nothing else.
func (c SecurityCode) Reveal() string {
	secret := c.secret.value()
	return string(secret.digits[:secret.length])
}

// AppendTo appends the digits to bytes that the caller overwrites when they have served.
func (c SecurityCode) AppendTo(dst []byte) []byte {
	secret := c.secret.value()
	return append(dst, secret.digits[:secret.length]...)
}

// IsZero reports whether there is no code, or whether it was wiped.
func (c SecurityCode) IsZero() bool { return c.secret.value().length == 0 }

// Wipe overwrites the digits, here and in all copies. It must not run while another goroutine uses one.
func (c *SecurityCode) Wipe() { c.secret.wipe() }

// String is three asterisks, or empty if there is no code.
func (c SecurityCode) String() string {
	if c.IsZero() {
		return ""
	}
	return "***"
}

// GoString is String.
func (c SecurityCode) GoString() string { return c.String() }

// Format writes String whatever the verb and its flags.
func (c SecurityCode) Format(f fmt.State, _ rune) { writeMasked(f, c.String()) }

// LogValue is String.
func (c SecurityCode) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText is String, for every encoder but JSON, and for keys of maps.
func (c SecurityCode) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// MarshalJSON is String as a JSON string.
func (c SecurityCode) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, c.String()), nil }

// hidden keeps a secret out of the reach of printing. Methods that mask do not suffice: fmt does not call those
// of values in unexported fields, and prints their parts instead, following one pointer for some verbs. It never
// follows two, and shows the address.
type hidden[T any] struct{ at **T }

func hide[T any](v *T) hidden[T] { return hidden[T]{&v} }

// value is the secret, or a zero one; it must not be changed.
func (h hidden[T]) value() *T {
	if h.at == nil {
		return new(T)
	}
	return *h.at
}

// wipe overwrites the secret wherever it is shared.
func (h *hidden[T]) wipe() {
	if h.at != nil {
		var zero T
		**h.at = zero
		h.at = nil
	}
}

func writeMasked(f fmt.State, text string) {
	_, _ = io.WriteString(f, text) // fmt keeps the error of its writer and returns it itself
}

// Card is what a customer types in to pay by card. It lives in memory only: what may be shown of it is its
// Masked; its Number may be kept sealed while a payment needs it.
type Card struct {
	Number       PAN
	SecurityCode SecurityCode // zero where the customer was not asked, or the card has none
	Holder       string
	ExpiryMonth  string // two digits, 01 to 12
	ExpiryYear   string // four digits
}

// Expired reports whether the card's last month is over everywhere on Earth: it is good until the month ends
// in UTC-12, at noon UTC of the first day after. A month or year not in its form counts as expired.
func (c Card) Expired(now time.Time) bool {
	month, monthErr := strconv.ParseUint(c.ExpiryMonth, 10, 8)
	year, yearErr := strconv.ParseUint(c.ExpiryYear, 10, 16)
	if monthErr != nil || yearErr != nil || len(c.ExpiryMonth) != 2 || len(c.ExpiryYear) != 4 || month < 1 || month > 12 {
		return true
	}
	end := time.Date(int(year), time.Month(month)+1, 1, 12, 0, 0, 0, time.UTC)
	return !now.Before(end)
}

// Wipe overwrites the number and the security code, here and in all copies of the card. Wiping nil does nothing.
func (c *Card) Wipe() {
	if c == nil {
		return
	}
	c.Number.Wipe()
	c.SecurityCode.Wipe()
}

// Format writes the masked number and the brand whatever the verb: the holder's name stays out too.
func (c Card) Format(f fmt.State, _ rune) { writeMasked(f, c.masked()) }

// LogValue is the masked number and the brand.
func (c Card) LogValue() slog.Value { return slog.StringValue(c.masked()) }

func (c Card) masked() string { return c.Number.String() + " " + string(c.Number.Brand()) }

// Masked is what may be shown and stored of the card.
func (c Card) Masked() Masked {
	return Masked{
		CustomerAccountNumber: c.Number.Mask(),
		CardholderName:        c.Holder,
		CardExpiryMonth:       c.ExpiryMonth,
		CardExpiryYear:        c.ExpiryYear,
		CardBrand:             c.Number.Brand(),
	}
}
