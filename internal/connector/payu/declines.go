package payu

import (
	"net/http"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	soft = payment.ClassDeclinedSoft
	hard = payment.ClassDeclinedHard
)

// units: PayU writes every currency in hundredths, "also currencies without subunits (e.g. 1000 is 10 HUF)". Others are none of its own.
var units = provider.Units{Of: map[money.Currency]provider.Unit{
	"PLN": {Digits: 2}, "EUR": {Digits: 2}, "HUF": {Digits: 2}, "CZK": {Digits: 2}, "RON": {Digits: 2}, "BGN": {Digits: 2}, "GBP": {Digits: 2}, "USD": {Digits: 2},
	"CHF": {Digits: 2}, "DKK": {Digits: 2}, "NOK": {Digits: 2}, "SEK": {Digits: 2},
}}

// declines are the results of BLIK transactions. What another code mends is 3.02.
var declines = provider.Declines{
	"REG_ERROR_AUTH_CODE_EXPIRED":   {Code: payment.CodeAcquirerRequest, Class: soft, Advice: provider.AdviceData},
	"REG_ERROR_AUTH_CODE_CANCELLED": {Code: payment.CodeAcquirerRequest, Class: soft, Advice: provider.AdviceData},
	"REG_ERROR_AUTH_CODE_USED":      {Code: payment.CodeAcquirerRequest, Class: soft, Advice: provider.AdviceData},
	"AUT_ERROR_INSUFFICIENT_FUNDS":  {Code: "4.01", Class: hard, Advice: provider.AdviceLater},
	"AUT_ERROR_LIMIT_EXCEEDED":      {Code: "4.05", Class: hard, Advice: provider.AdviceLater},
	"AUT_ERROR_MIT_NOT_ALLOWED":     {Code: "4.10", Class: hard},
	"AUT_ERROR_ISSUER_DECLINED":     {Code: "4.00", Class: hard},
	"AUT_ERROR_USER_DECLINED":       {Code: payment.CodeByCustomer, Class: hard},
}

// notUnique is the word for a name that was used before.
const notUnique = "ERROR_ORDER_NOT_UNIQUE"

// failure is PayU's error.
type failure struct {
	Status struct {
		Code    string `json:"statusCode"`
		Literal string `json:"codeLiteral"`
		Text    string `json:"statusDesc"`
	} `json:"status"`
}

// readFailure reads the error of an answer; it is empty where there is none.
func readFailure(body []byte) (f failure) {
	if provider.Read(body, &f) != nil {
		return failure{}
	}
	return f
}

// rejections are the published words by which PayU says that it has carried out nothing, by the status that they come with.
var rejections = map[int]map[string]payment.ErrorCode{
	http.StatusBadRequest: {
		"ERROR_SYNTAX": payment.CodeAcquirerRequest, "ERROR_VALUE_INVALID": payment.CodeAcquirerRequest, "ERROR_VALUE_MISSING": payment.CodeAcquirerRequest,
		"BUSINESS_ERROR": "3.01", "OPENPAYU_REFUND_STATUS_ERROR": payment.CodeWrongState,
	},
	http.StatusUnauthorized: {"UNAUTHORIZED": payment.CodeAcquirerRequest},
	http.StatusForbidden:    {"UNAUTHORIZED_REQUEST": "3.17", "ERROR_VALUE_INVALID": payment.CodeAcquirerRequest},
}

// rejected judges an answer by which PayU says that it carried out nothing. A name that was used before says nothing of who used it.
func (f failure) rejected(status int, by payment.Method) (payment.Fact, bool) {
	code, is := rejections[status][f.Status.Code]
	if !is {
		return payment.Fact{}, false
	}
	if code == by.Spec().Mistake && f.Status.Text != "INVALID_BLIK_CODE" {
		code = "3.08" // it was not the customer's mistake
	}
	return payment.Fact{Class: payment.ClassRejected, Code: code, RawCode: f.Status.Code}, true
}

func (f failure) unclear(status int) error {
	return provider.Unclear(status, f.Status.Code) //nolint:wrapcheck // by each caller
}
