package payment

import (
	"errors"
	"fmt"
	"strings"
)

// ErrorCode is the code of a refusal as merchants see it, such as 4.01. The digit
// before the point is the group: 1 general, 2 customer, 3 acquirer, 4 issuer,
// 5 3-D Secure, 6 own anti-fraud, 7 external anti-fraud, 8 merchant.
type ErrorCode string

// The codes that the engine itself gives. Connectors may give any code of the table.
const (
	CodeWrongState       ErrorCode = "1.00"
	CodeNotFound         ErrorCode = "1.01"
	CodeCommunication    ErrorCode = "1.02"
	CodeInternal         ErrorCode = "1.03"
	CodeTimeout          ErrorCode = "1.04"
	CodeNoTerminal       ErrorCode = "1.05"
	CodeNoRecurring      ErrorCode = "1.06"
	CodeInvalidAmount    ErrorCode = "1.08"
	CodeInvalidCurrency  ErrorCode = "1.09"
	CodeByCustomer       ErrorCode = "2.00"
	CodeAcquirer         ErrorCode = "3.00"
	CodeAcquirerRequest  ErrorCode = "3.02"
	CodeAcquirerDown     ErrorCode = "3.03"
	CodeAcquirerLate     ErrorCode = "3.04"
	CodeRetryAsked       ErrorCode = "4.15"
	CodeAcquirerUnmapped ErrorCode = "3.10"
	CodeDuplicate        ErrorCode = "3.16"
	CodeAbandoned        ErrorCode = "3.18"
	CodeCardExpired      ErrorCode = "4.04"
	CodeLateAtBank       ErrorCode = "5.01"
	CodeAntiFraud        ErrorCode = "6.00"
)

// CodeKind groups codes by what may be done after them.
type CodeKind uint8

// The kinds of codes.
const (
	Hard      CodeKind = iota // another try cannot help
	Soft                      // another terminal may succeed
	Technical                 // nobody refused: something did not work
)

type codeRow struct {
	code ErrorCode
	text string
	kind CodeKind
}

// Codes lists every known code in order.
func Codes() []ErrorCode {
	all := make([]ErrorCode, len(codes))
	for i, r := range codes {
		all[i] = r.code
	}
	return all
}

func (c ErrorCode) row() (codeRow, bool) {
	for _, r := range codes {
		if r.code == c {
			return r, true
		}
	}
	return codeRow{}, false
}

// Valid reports whether the code is in the table.
func (c ErrorCode) Valid() bool {
	_, ok := c.row()
	return ok
}

// Text is the published text of the code, or empty for an unknown one.
func (c ErrorCode) Text() string {
	r, _ := c.row()
	return r.text
}

// Kind says what may be done after the code; Hard for an unknown one.
func (c ErrorCode) Kind() CodeKind {
	r, _ := c.row()
	return r.kind
}

// Word is the text in one word, such as InvalidAmount: the name of the violated rule.
func (c ErrorCode) Word() string {
	var b strings.Builder
	for f := range strings.FieldsSeq(c.Text()) {
		f = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, f)
		if f != "" {
			b.WriteString(strings.ToUpper(f[:1]) + f[1:])
		}
	}
	return b.String()
}

// ErrNotFound is returned for a payment that does not exist in the shop.
var ErrNotFound = errors.New("payment not found")

// Refusal is a business refusal of a request: nothing was stored or changed. It
// is an error of the caller, unlike a payment that ends DECLINED.
type Refusal struct {
	Code   ErrorCode
	Field  string // the request field at fault; empty when it is the payment's state
	Detail string // one line for the caller
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return fmt.Sprintf("%s %s", r.Code, r.Code.Text())
	}
	return fmt.Sprintf("%s %s: %s", r.Code, r.Code.Text(), r.Detail)
}

// Missing is returned when data that the method needs was not supplied.
type Missing struct {
	Field string // card, amount or paymentMethod
}

// Error implements error.
func (m *Missing) Error() string { return m.Field + " is missing" }

func refuse(code ErrorCode, field, format string, args ...any) error {
	return &Refusal{Code: code, Field: field, Detail: fmt.Sprintf(format, args...)}
}
