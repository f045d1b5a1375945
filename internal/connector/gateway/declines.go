package gateway

import (
	"cmp"
	"maps"
	"net/http"
	"strings"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	soft = payment.ClassDeclinedSoft
	hard = payment.ClassDeclinedHard
)

// declines are the published codes of the family. They are our own, but what is said there of the provider and its merchant is said here of
// an acquirer: its screening is 3.01, its settings 3.17, its own trouble 3.03. A few of which it is not known whose they are stay what they are.
var declines = table()

// translated are the codes that are other ones here.
var translated = provider.Declines{
	"1.00": {Code: "3.03", Class: soft}, "1.01": {Code: "3.03", Class: soft}, "1.02": {Code: "3.03", Class: soft}, "1.03": {Code: "3.03", Class: soft},
	"1.05": {Code: "3.17", Class: soft, Advice: provider.AdviceSettings}, "1.06": {Code: "1.06", Class: hard},
	"1.07": {Code: "3.11", Class: hard}, "1.11": {Code: "3.05", Class: soft},
	"3.02": {Code: "3.02", Class: hard, Advice: provider.AdviceSettings}, "3.10": {Code: "3.00", Class: hard}, "3.16": {Code: "3.16", Class: hard},
	"3.09": {Code: "3.09", Class: hard, Advice: provider.AdviceAuthenticate}, "4.01": {Code: "4.01", Class: hard, Advice: provider.AdviceLater},
	"4.03": {Code: "4.03", Class: hard, Advice: provider.AdviceData}, "4.04": {Code: "4.04", Class: hard, Advice: provider.AdviceData},
	"4.06": {Code: "4.06", Class: hard, Advice: provider.AdviceNever}, "4.07": {Code: "4.07", Class: hard, Advice: provider.AdviceData},
	"4.13": {Code: "4.13", Class: hard, Advice: provider.AdviceData}, "7.00": {Code: "3.01", Class: hard}, "7.01": {Code: "3.03", Class: soft},
	"8.00": {Code: "8.00", Class: hard},
}

func table() provider.Declines {
	all := provider.Declines{}
	for _, code := range payment.Codes() {
		row := provider.Decline{Code: code, Class: hard}
		switch {
		case strings.HasPrefix(string(code), "6."):
			row.Code = "3.01"
		case code.Kind() != payment.Hard:
			row.Class = soft
		}
		all[string(code)] = row
	}
	maps.Copy(all, translated)
	return all
}

// refusal is the fact of a payment that was declined.
func (p *wirePayment) refusal(f *payment.Fact) {
	told := declines.Fact(p.ErrorCode)
	f.Class, f.Code, f.RawCode = told.Class, told.Code, p.ErrorCode
	if !published(p.ErrorCode) {
		f.RawCode = ""
		if provider.Word(p.RawCode, 64) {
			f.RawCode = p.RawCode
		}
	}
}

// published reports the form of a code: two digits behind a point.
func published(code string) bool {
	if len(code) != 4 || code[1] != '.' {
		return false
	}
	for _, at := range []int{0, 2, 3} {
		if code[at] < '0' || code[at] > '9' {
			return false
		}
	}
	return true
}

// cancelled is why something was closed without money.
func cancelled(code string) payment.ErrorCode {
	if c := payment.ErrorCode(code); c == payment.CodeByCustomer {
		return c
	}
	return payment.CodeTimeout
}

// refused judges an answer that shows no payment. A request that was refused in the published frame was not carried out, but one that did not
// fit the payment's state: it may not fit because it was carried out already, by the way there. All else tells nothing.
func refused(res *outbound.Response) (payment.Fact, error) {
	var frame struct {
		Status  int    `json:"status"`
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	framed := provider.Read(res.Body, &frame) == nil && frame.Status == res.Status && frame.Error != ""
	code, _, _ := strings.Cut(frame.Message, " ")
	if !published(code) {
		code = ""
	}
	if !framed || code == string(payment.CodeWrongState) {
		return payment.Fact{}, provider.Unclear(res.Status, strings.ReplaceAll(code, ".", "_")) //nolint:wrapcheck // by each caller
	}
	switch res.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusTooManyRequests:
		f := payment.Fact{Class: payment.ClassRejected, Code: payment.CodeAcquirerRequest, RawCode: code}
		if row, ok := declines[code]; ok {
			f.Code = cmp.Or(row.Code, f.Code)
		}
		if res.Status == http.StatusTooManyRequests {
			f.Code = "3.05"
		}
		return f, nil
	}
	return payment.Fact{}, provider.Unclear(res.Status, "") //nolint:wrapcheck // by each caller
}
