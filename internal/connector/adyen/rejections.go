package adyen

import (
	"net/http"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// failure is Adyen's error object.
type failure struct {
	Code string `json:"errorCode"`
	Type string `json:"errorType"`
	Ref  string `json:"pspReference"`

	transient bool // Adyen says that the same may be sent again: the first may be under way
}

// readFailure reads the error of an answer; it is empty where there is none.
func readFailure(res *outbound.Response) *failure {
	var e failure
	if provider.Read(res.Body, &e) != nil {
		e = failure{}
	}
	e.transient = res.Header.Get("Transient-Error") == "true"
	return &e
}

func (e *failure) unclear(status int) error {
	return provider.Unclear(status, e.Code) //nolint:wrapcheck // by each caller
}

// inUse is the code of a key whose request is under way.
const inUse = "704"

// notDone reports that Adyen says with the status that it has carried out nothing: it did not accept the request, or whoever sent it. A key
// that is in use, and all that Adyen blames on itself or on the account's set-up, tells nothing. Nor does a fault that is not known here
// of something that was given a reference: it may have gone further than its form.
func (e *failure) notDone(status int) bool {
	if e.transient || e.Code == inUse {
		return false
	}
	switch status {
	case http.StatusBadRequest:
		return e.Type == "validation"
	case http.StatusUnauthorized, http.StatusForbidden:
		return e.Type == "security"
	case http.StatusUnprocessableEntity:
		_, known := rejections[e.Code]
		return e.Type == "validation" && (known || e.Ref == "")
	}
	return false
}

// refused judges an answer that is no success.
func (e *failure) refused(status int) (payment.Fact, error) {
	if !e.notDone(status) {
		return payment.Fact{}, e.unclear(status)
	}
	f := payment.Fact{Class: payment.ClassRejected, Code: payment.CodeAcquirerRequest}
	if provider.Word(e.Code, 64) {
		f.RawCode = e.Code
	}
	if row, known := rejections[e.Code]; known {
		f.Code = row.Code
		if row.Class != "" {
			f.Class = row.Class
		}
	}
	return f, nil
}

// rejections are codes of requests that Adyen did not carry out (https://docs.adyen.com/development-resources/error-codes). What the customer
// entered wrong is a refusal of the card.
var rejections = map[string]provider.Decline{
	"100": {Code: payment.CodeInvalidAmount}, "137": {Code: payment.CodeInvalidAmount}, "107": {Code: "3.28"},
	"106": {Code: payment.CodeInvalidCurrency}, "138": {Code: payment.CodeInvalidCurrency},
	"101": {Code: "4.13", Class: hard}, "102": {Code: "4.13", Class: hard}, "103": {Code: "4.07", Class: hard},
	"129": {Code: "4.04", Class: hard}, "140": {Code: "4.04", Class: hard}, "141": {Code: "4.04", Class: hard},
	"104": {Code: payment.CodeAcquirerRequest}, "117": {Code: payment.CodeAcquirerRequest}, "130": {Code: payment.CodeAcquirerRequest}, "132": {Code: payment.CodeAcquirerRequest},
	"133": {Code: payment.CodeAcquirerRequest}, "134": {Code: payment.CodeAcquirerRequest}, "135": {Code: payment.CodeAcquirerRequest},
	"14_030": {Code: payment.CodeAcquirerRequest}, "161": {Code: payment.CodeAcquirerRequest}, "167": {Code: payment.CodeNotFound}, "168": {Code: payment.CodeAcquirerRequest},
	"182": {Code: payment.CodeAcquirerRequest}, "702": {Code: payment.CodeAcquirerRequest}, "703": {Code: payment.CodeAcquirerRequest},
	"800": {Code: payment.CodeNoRecurring}, "803": {Code: payment.CodeNoRecurring},
	"901": {Code: payment.CodeAcquirerRequest}, "010": {Code: payment.CodeAcquirerRequest}, "000": {Code: payment.CodeAcquirerRequest},
}
