package paypal

import (
	"net/http"
	"slices"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// failure is PayPal's error (https://developer.paypal.com/api/rest/responses/).
type failure struct {
	Name    string `json:"name"`
	OAuth   string `json:"error"` // of requests whose token is not accepted
	Details []struct {
		Issue string `json:"issue"`
	} `json:"details"`
}

// readFailure reads the error of an answer; it is empty where there is none.
func readFailure(body []byte) *failure {
	e := new(failure)
	if provider.Read(body, e) != nil {
		return &failure{}
	}
	return e
}

// issue is the first of the reasons.
func (e *failure) issue() string {
	if len(e.Details) > 0 {
		return e.Details[0].Issue
	}
	return ""
}

func (e *failure) unclear(status int) error {
	word := e.issue()
	if word == "" {
		word = e.Name
	}
	return provider.Unclear(status, word) //nolint:wrapcheck // by each caller
}

// names are those that PayPal gives to errors of a status by which it says that it has carried out nothing.
var names = map[int][]string{
	http.StatusBadRequest:          {"INVALID_REQUEST"},
	http.StatusUnauthorized:        {"AUTHENTICATION_FAILURE"},
	http.StatusForbidden:           {"NOT_AUTHORIZED"},
	http.StatusNotFound:            {"RESOURCE_NOT_FOUND"},
	http.StatusUnprocessableEntity: {"UNPROCESSABLE_ENTITY"},
	http.StatusTooManyRequests:     {"RATE_LIMIT_REACHED", "RATE_LIMIT_EXCEEDED"},
}

// doubtful are the issues of a refusal that say that the same, or something else, was done before: whether it was ours another answer tells.
var doubtful = map[string]bool{
	"DUPLICATE_INVOICE_ID": true, "ORDER_ALREADY_CAPTURED": true, "ORDER_ALREADY_AUTHORIZED": true, "ORDER_COMPLETED_OR_VOIDED": true,
	"ORDER_COMPLETION_IN_PROGRESS": true, "AUTHORIZATION_ALREADY_CAPTURED": true, "MAX_CAPTURE_COUNT_EXCEEDED": true, "PREVIOUSLY_CAPTURED": true,
	"PREVIOUSLY_VOIDED": true, "AUTHORIZATION_VOIDED": true, "CAPTURE_FULLY_REFUNDED": true, "PREVIOUS_REQUEST_IN_PROGRESS": true,
	"DUPLICATE_REQUEST_ID": true, "PAYMENT_ALREADY_APPROVED": true,
}

// notDone reports that PayPal says with the status that it has carried out nothing, now or before.
func (e *failure) notDone(status int) bool {
	if status == http.StatusUnauthorized && e.OAuth == "invalid_token" {
		return true
	}
	for _, d := range e.Details {
		if doubtful[d.Issue] {
			return false
		}
	}
	return slices.Contains(names[status], e.Name)
}

// refused judges an answer that is no success.
func refused(res *outbound.Response) (payment.Fact, error) {
	e := readFailure(res.Body)
	if !e.notDone(res.Status) {
		return payment.Fact{}, e.unclear(res.Status)
	}
	issue := e.issue()
	if row, known := issues[issue]; known && row.Class != "" {
		return issues.Fact(issue), nil
	}
	f := payment.Fact{Class: payment.ClassRejected, Code: payment.CodeAcquirerRequest}
	if row, known := issues[issue]; known {
		f.Code = row.Code
	} else if res.Status == http.StatusTooManyRequests {
		f.Code = "3.05"
	}
	if provider.Word(issue, 64) {
		f.RawCode = issue
	} else if provider.Word(e.Name, 64) {
		f.RawCode = e.Name
	}
	return f, nil
}
