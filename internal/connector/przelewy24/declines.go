package przelewy24

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	soft = payment.ClassDeclinedSoft
	hard = payment.ClassDeclinedHard
)

// codeUsed is that of a BLIK code that was used already, perhaps for this very payment.
const codeUsed = "35"

// declines are the reasons for which BLIK payments are refused. Przelewy24's documentation has no list of them; these are the codes that its own
// module for shops tells apart. What the customer can mend, by another code, is 3.02.
var declines = provider.Declines{
	"4":      {Code: "3.03", Class: soft},
	"20":     {Code: "4.00", Class: hard}, // the alias is not known
	"24":     {Code: "3.03", Class: soft},
	"26":     {Code: "3.03", Class: soft},
	"28":     {Code: payment.CodeAcquirerRequest, Class: soft, Advice: provider.AdviceData},
	"29":     {Code: payment.CodeAcquirerRequest, Class: soft, Advice: provider.AdviceData},
	"30":     {Code: payment.CodeAcquirerRequest, Class: soft, Advice: provider.AdviceData}, // too old
	"33":     {Code: payment.CodeAcquirerRequest, Class: soft, Advice: provider.AdviceData},
	codeUsed: {Code: payment.CodeAcquirerRequest, Class: soft, Advice: provider.AdviceData},
	"39":     {Code: "3.03", Class: soft},
	"49":     {Code: "4.00", Class: hard}, // the alias is refused
	"52":     {Code: "4.00", Class: hard},
	"60":     {Code: "4.05", Class: hard, Advice: provider.AdviceLater},
	"61":     {Code: "4.01", Class: hard, Advice: provider.AdviceLater},
	"62":     {Code: "4.00", Class: hard},
	"63":     {Code: "4.00", Class: hard},
	"64":     {Code: "4.00", Class: hard},
	"65":     {Code: payment.CodeAcquirerRequest, Class: soft, Advice: provider.AdviceData},
	"66":     {Code: "4.09", Class: hard}, // a wrong PIN in the app
	"67":     {Code: "3.03", Class: soft},
	"68":     {Code: "4.00", Class: hard}, // the alias is too old
	"69":     {Code: "3.04", Class: soft},
	"70":     {Code: "3.18", Class: hard}, // nobody confirmed
	"71":     {Code: payment.CodeAcquirer, Class: soft},
	"72":     {Code: "3.04", Class: soft},
}

// refusals are the published reasons for which a refund is not made, in small letters.
var refusals = provider.Declines{
	"transaction-not-found":                                             {Code: payment.CodeNotFound, Class: hard},
	"transaction-in-wrong-status-cannot-refund":                         {Code: payment.CodeWrongState, Class: hard},
	"insufficient-funds-available":                                      {Code: "1.10", Class: hard, Advice: provider.AdviceLater},
	"the-amount-of-refund-exceeds-available-amount-for-the-transaction": {Code: payment.CodeInvalidAmount, Class: hard},
	"rejected": {Code: payment.CodeAcquirer, Class: hard},
}

// failure is what Przelewy24 answers where something is wrong.
type failure struct {
	Error string
	Code  int64
}

// readFailure reads the error of an answer; it is empty where there is none. The code is a number, or a number as text.
func readFailure(body []byte) (f failure) {
	var told struct {
		Error jsontext.Value `json:"error"`
		Code  jsontext.Value `json:"code"`
	}
	if provider.Read(body, &told) != nil {
		return f
	}
	if told.Error.Kind() == '"' {
		text, _ := jsontext.AppendUnquote(nil, told.Error)
		f.Error = string(text)
	}
	code := string(told.Code)
	if told.Code.Kind() == '"' {
		text, _ := jsontext.AppendUnquote(nil, told.Code)
		code = string(text)
	}
	f.Code, _ = strconv.ParseInt(code, 10, 32)
	return f
}

// rejected judges an answer by which Przelewy24 has published that it carried out nothing: the request was wrong, or the account may not make it.
func (f failure) rejected(status int, by payment.Method) (payment.Fact, bool) {
	code := payment.CodeAcquirerRequest
	if by.Spec().Mistake == code {
		code = "3.08" // it was not the customer's mistake
	}
	switch {
	case status == http.StatusUnauthorized && f.Code == http.StatusUnauthorized:
		code = "3.17" // which is what BLIK by code is answered, too, where the account does not have it
	case status != http.StatusBadRequest || f.Code != http.StatusBadRequest:
		return payment.Fact{}, false
	}
	return payment.Fact{Class: payment.ClassRejected, Code: code, RawCode: strconv.FormatInt(f.Code, 10)}, true
}

func (f failure) unclear(status int) error {
	word := ""
	if f.Code > 0 {
		word = strconv.FormatInt(f.Code, 10)
	}
	return provider.Unclear(status, word) //nolint:wrapcheck // by each caller
}
