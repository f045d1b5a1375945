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
	fewestPhone, mostDials = 7, 15
	// fewestCard are the digits of the shortest card number, which has no place in a name.
	fewestCard = 12
)

// Entered is what a customer has entered, by detail: texts in the digits of ASCII.
type Entered map[Detail]string

// Into puts what was entered into the customer of a payment, as it is kept and sent, and lists what of it cannot be right: then nothing
// is of use. Of the details only those that the payment lacks are read.
func (e Entered) Into(p *payment.Payment, w *Wants) (payment.Document, []Detail, error) {
	var c payment.Customer
	if err := p.Customer.Into(&c); err != nil {
		return "", nil, err
	}
	lacks := w.Lacks(&c)
	if !slices.Contains(lacks, DocumentType) && slices.Contains(lacks, DocumentNumber) {
		c.DocumentType = w.Documents[0]
	}
	var wrong []Detail
	for _, d := range lacks {
		value, ok := d.read(e[d], &c, w)
		if *d.in(&c) = value; !ok {
			wrong = append(wrong, d)
		}
	}
	if len(wrong) > 0 {
		return "", wrong, nil
	}
	doc, err := payment.NewDocument(&c)
	return doc, nil, err
}

// read reads one of them; c has those before it.
func (d Detail) read(text string, c *payment.Customer, w *Wants) (string, bool) {
	text = strings.TrimSpace(text)
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

func digitsIn(text string) (n int) {
	for _, r := range text {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// phone writes a number as the contract has it: its digits without a plus, those after the first group together. 00 in the place of
// the plus is no part of it.
func phone(text string) (string, bool) {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "+"), "00")
	var groups []string
	for group := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" \u00a0-–().", r) }) {
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
