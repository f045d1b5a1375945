package payer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/document"
	"github.com/sluicepay/sluice/internal/payment"
)

// Limits of the gateway contract, in characters; digits of a telephone number are those of E.164.
const (
	mostName               = 128
	mostEmail              = 256
	mostPhone              = 18
	mostLine               = 300
	mostCity               = 50
	mostPostalCode         = 12
	fewestPhone, mostDials = 7, 15
	// fewestCard are the digits of the shortest card number, which has no place in a name.
	fewestCard = 12
)

// Entered is what a customer has entered, by detail: texts in the digits of ASCII.
type Entered map[Detail]string

// Filled is what a payment is to keep of who pays.
type Filled struct{ Customer, Billing payment.Document }

// Into puts what was entered into what a payment has of who pays, as it is kept and sent, and lists what of it cannot be right: then
// nothing is of use. Of the details only those that the payment lacks are read.
func (e Entered) Into(p *payment.Payment, w *Wants) (f Filled, wrong []Detail, err error) {
	k, err := KnownOf(p)
	if err != nil {
		return f, nil, err
	}
	lacks := w.Lacks(&k)
	if !slices.Contains(lacks, DocumentType) && slices.Contains(lacks, DocumentNumber) {
		k.DocumentType = w.Documents[0]
	}
	if slices.Contains(lacks, CountryCode) { // which postal codes there are is its to say
		k.CountryCode = strings.TrimSpace(e[CountryCode])
	}
	for _, d := range lacks {
		value, ok := d.read(e[d], &k, w)
		if *d.in(&k) = value; !ok {
			wrong = append(wrong, d)
		}
	}
	if len(wrong) > 0 {
		return f, wrong, nil
	}
	if f.Customer, err = payment.NewDocument(&k.Customer); err == nil {
		f.Billing, err = payment.NewDocument(&k.BillingAddress)
	}
	return f, nil, err
}

// read reads one of them; c has those before it.
func (d Detail) read(text string, c *Known, w *Wants) (string, bool) {
	text = strings.TrimSpace(text)
	if d == PostalCode && text == "" && withoutPostalCodes(c.CountryCode) {
		return "", true
	}
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "", false
	}
	switch d {
	case FirstName, LastName:
		return text, utf8.RuneCountInString(text) <= mostName && digitsIn(text) < fewestCard
	case Email:
		return text, utf8.RuneCountInString(text) <= mostEmail && ValidEmail(text)
	case Phone:
		return phone(text)
	case AddressLine1:
		return text, utf8.RuneCountInString(text) <= mostLine && digitsIn(text) < fewestCard
	case City:
		return text, utf8.RuneCountInString(text) <= mostCity && digitsIn(text) < fewestCard
	case PostalCode:
		return text, utf8.RuneCountInString(text) <= mostPostalCode && digitsIn(text) < fewestCard && isPostalCode(text)
	case CountryCode:
		return text, slices.Contains(Countries(), text)
	case DocumentType:
		return text, slices.Contains(w.Documents, text)
	case DocumentNumber:
		if !slices.Contains(w.Documents, c.DocumentType) {
			return text, true // the type is what is wrong
		}
		r, err := document.Check(c.DocumentType, text)
		return r.Number, err == nil
	}
	return "", false
}

// isPostalCode tells letters and digits, with blanks and dashes between them.
func isPostalCode(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ' ' && r != '-' })
}

func digitsIn(text string) (n int) {
	for _, r := range text {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// betweenDigits reports what people write between the digits of a telephone number.
func betweenDigits(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || strings.ContainsRune("().·/\u2212（）．", r)
}

// phone writes a number as the contract has it: its digits without a plus, those after the first group together. 00 in the place of
// the plus is no part of it.
func phone(text string) (string, bool) {
	for _, plus := range []string{"+", "＋"} {
		text = strings.TrimPrefix(text, plus)
	}
	text = strings.TrimPrefix(strings.TrimSpace(text), "00")
	var groups []string
	for group := range strings.FieldsFuncSeq(text, betweenDigits) {
		if strings.Trim(group, "0123456789") != "" {
			return "", false
		}
		groups = append(groups, group)
	}
	if len(groups) == 0 {
		return "", false
	}
	code, rest := groups[0], strings.Join(groups[1:], "")
	if n := len(code) + len(rest); n < fewestPhone || n > mostDials {
		return "", false
	}
	number := code
	if rest != "" {
		number += " " + rest
	}
	return number, len(number) <= mostPhone
}

// ValidEmail accepts one @ with something before it and a host name after it. Whether mail arrives there is another
// question.
func ValidEmail(s string) bool {
	local, host, found := strings.Cut(s, "@")
	if !found || local == "" || host == "" || strings.ContainsAny(s, "\"(),:;<>[\\] \t\r\n") {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || strings.Contains(label, "@") {
			return false
		}
	}
	return true
}
