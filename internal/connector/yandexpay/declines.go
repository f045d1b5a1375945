package yandexpay

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// reasons are what an order's reasonCode may say of a payment that failed. Yandex Pay publishes that there is one since January 2026, and no
// list; an installation of Sluice says the name of its error code. Of any other only the refusal is known.
var reasons = table()

func table() provider.Declines {
	all := provider.Declines{}
	for _, code := range payment.Codes() {
		row := provider.Decline{Code: code, Class: payment.ClassDeclinedHard}
		group, _, _ := strings.Cut(string(code), ".")
		switch {
		case group == "6" || code == "7.00":
			row.Code = "3.01"
		case group == "1" && code < payment.CodeTimeout, code == "7.01":
			row.Code, row.Class = payment.CodeAcquirerDown, payment.ClassDeclinedSoft
		case code == payment.CodeNoTerminal:
			row.Code, row.Class = "3.17", payment.ClassDeclinedSoft
		case code == payment.CodeAcquirerUnmapped:
			row.Code = payment.CodeAcquirer
		case code.Kind() != payment.Hard:
			row.Class = payment.ClassDeclinedSoft
		}
		if word := wordOf(code); all[word].Code == "" { // of two with one name the first
			all[word] = row
		}
	}
	return all
}

// wordOf is the name of a code in capitals and underscores.
func wordOf(code payment.ErrorCode) string {
	up := func(r rune) rune {
		if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return ' '
	}
	return strings.Join(strings.Fields(strings.Map(up, strings.ToUpper(code.Text()))), "_")
}

// failed is the fact of an order that failed. One whose time was over, or that its customer gave up, was closed without money.
func failed(reason string) payment.Fact {
	f := reasons.Fact(reason)
	if f.Code == payment.CodeTimeout || f.Code == payment.CodeByCustomer {
		f.Class = payment.ClassCancelled
	}
	return f
}

// failure is an answer that says so itself, in the published form.
type failure struct {
	status int
	reason string
}

// Error implements error.
func (f *failure) Error() string { return provider.Unclear(f.status, f.reason).Error() }

// Unwrap makes it an answer that proves nothing, unless it is looked into, and the word that something is unknown what it is.
func (f *failure) Unwrap() error {
	if f.status == http.StatusNotFound && (f.reason == "ORDER_NOT_FOUND" || f.reason == "OPERATION_NOT_FOUND") {
		return errNoSuch
	}
	return provider.ErrAnswer
}

// read reads the data of an answer. What is no success in the published form is an error, and *failure where it is one in its form.
func read(res *outbound.Response, into any) error {
	var a answer
	if err := provider.Read(res.Body, &a); err != nil {
		return provider.Unclear(res.Status, "") //nolint:wrapcheck // by each caller
	}
	switch {
	case res.Status == http.StatusOK && a.Status == "success" && a.Data.Kind() == '{':
		return provider.Read(a.Data, into) //nolint:wrapcheck // by each caller
	case res.Status != http.StatusOK && a.Status == "fail" && provider.Word(a.Reason, 64):
		return &failure{res.Status, a.Reason}
	}
	return provider.Unclear(res.Status, "") //nolint:wrapcheck // by each caller
}

func reasonOf(err error) string {
	if f := new(failure); errors.As(err, &f) {
		return f.reason
	}
	return ""
}

// refused judges an answer to a request that moves money, or begins to. What was refused in the published form with a status that blames the
// request was not carried out, but where it does not fit the order's status: the request itself may have changed that on its way.
func refused(what string, err error) (payment.Fact, error) {
	f := new(failure)
	if !errors.As(err, &f) || f.reason == "INVALID_PAYMENT_STATUS" {
		return payment.Fact{}, fmt.Errorf("yandexpay %s: %w", what, err)
	}
	fact := payment.Fact{Class: payment.ClassRejected, Code: payment.CodeAcquirerRequest, RawCode: f.reason}
	switch {
	case f.status == http.StatusTooManyRequests, f.reason == "ANOTHER_OPERATION_IN_PROGRESS":
		fact.Code = "3.05"
	case f.reason == "SUBSCRIPTION_NOT_FOUND":
		fact.Code = payment.CodeNoRecurring
	case f.reason == "CAPTURE_AMOUNT_TOO_LARGE", f.reason == "REFUND_AMOUNT_TOO_LARGE":
		fact.Code = payment.CodeInvalidAmount
	case f.status == http.StatusConflict, f.status < 400, f.status > 429, f.status == http.StatusRequestTimeout:
		return payment.Fact{}, fmt.Errorf("yandexpay %s: %w", what, err)
	}
	return fact, nil
}
