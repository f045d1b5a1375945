package sandbox

import (
	"slices"

	"github.com/sluicepay/sluice/internal/payment"
)

// verdict is what a refusal's code means in our words.
type verdict struct {
	class payment.Class
	code  payment.ErrorCode
}

const (
	soft = payment.ClassDeclinedSoft
	hard = payment.ClassDeclinedHard
)

// Codes with a meaning of their own in this package.
const (
	codeLate          = "68" // the issuer's answer came too late for the provider
	codeLimit         = "61"
	codeCount         = "65"
	reasonLimit       = "provider_limit"
	reasonNeedsPerson = "authentication_required"
)

// issuerYes are the answer codes of ISO 8583 field 39 that approve.
var issuerYes = []string{"00", "08", "11", "16", "85"}

func approves(code string) bool { return slices.Contains(issuerYes, code) }

// revokes reports a stop order or a revoked authorisation: schemes fine whoever charges again.
func revokes(code string) bool { return code == "R0" || code == "R1" || code == "R3" }

// verdicts maps the answer codes of declined transactions: the issuer's, and the
// provider's own of three characters.
var verdicts = map[string]verdict{
	"01": {soft, "4.00"}, "02": {soft, "4.00"}, "03": {soft, "3.08"}, "04": {hard, "4.06"},
	"05": {soft, "4.00"}, // the published sandbox cards answer 05 and are documented as 4.00
	"06": {soft, "3.03"}, "07": {hard, "4.06"}, "10": {hard, "4.01"}, "12": {hard, "4.08"},
	"13": {soft, "3.02"}, "14": {hard, "4.13"}, "15": {hard, "3.07"}, "19": {soft, "4.15"},
	"30": {soft, "3.02"}, "41": {hard, "4.06"}, "43": {hard, "4.06"}, "46": {hard, "4.03"},
	"51": {hard, "4.01"}, "54": {hard, "4.04"}, "55": {hard, "4.00"}, "57": {hard, "4.10"},
	"58": {soft, "3.08"}, "59": {hard, "4.09"}, codeLimit: {hard, "4.05"}, "62": {hard, "4.08"},
	"63": {hard, "4.09"}, codeCount: {hard, "4.05"}, codeLate: {soft, "3.04"}, "75": {hard, "4.14"},
	"78": {hard, "4.03"}, "82": {hard, "4.07"}, "91": {soft, "3.03"}, "92": {soft, "3.03"},
	"93": {hard, "4.08"}, "96": {soft, "3.03"}, "N7": {hard, "4.07"}, "1A": {hard, "3.09"},
	"R0": {hard, "4.08"}, "R1": {hard, "4.08"}, "R3": {hard, "4.08"},

	"T01": {hard, "5.00"}, "T02": {hard, "5.01"}, "T03": {soft, "5.02"}, "T04": {hard, "5.00"},
	"C01": {payment.ClassCancelled, "2.00"},
	"C02": {payment.ClassRejected, "1.02"},
	"C03": {soft, "4.00"},
	"C04": {payment.ClassCancelled, "1.04"}, "C05": {payment.ClassCancelled, "1.04"},
	"C06": {soft, payment.CodeAcquirerRequest}, "C07": {soft, payment.CodeAcquirerRequest}, "C08": {soft, payment.CodeAcquirerRequest},
	"C11": {soft, "4.00"}, "C12": {soft, "4.00"},
	"C09": {soft, "3.31"}, "C10": {hard, "3.23"},
}

// declined is what a transaction with the status declined means. An unknown code is
// a decline all the same: the status is the provider's word, the code its reason.
func declined(kind payment.AttemptKind, code, reason string) verdict {
	v, known := verdicts[code]
	switch {
	case !known:
		v = verdict{soft, payment.CodeAcquirerUnmapped}
	case code == codeLimit && reason == reasonLimit:
		v = verdict{soft, "3.05"}
	case code == codeCount && reason == reasonNeedsPerson:
		v.code = "3.09"
	}
	if v.class == payment.ClassCancelled && kind != payment.AttemptDeposit {
		v.class = hard // a cancelled capture or void would mean that the hold is gone
	}
	return v
}

// rejections maps the provider's words for requests that it did not process.
var rejections = map[string]payment.ErrorCode{
	"rate_limited":              "3.05",
	"reference_cancelled":       payment.CodeCommunication,
	"credential_not_found":      payment.CodeNoRecurring,
	"transaction_not_found":     payment.CodeNotFound,
	"not_capturable":            payment.CodeWrongState,
	"not_voidable":              payment.CodeWrongState,
	"not_refundable":            payment.CodeWrongState,
	"operation_in_progress":     payment.CodeWrongState,
	"amount_exceeds_authorized": payment.CodeInvalidAmount,
	"amount_exceeds_refundable": payment.CodeInvalidAmount,
	"currency_mismatch":         payment.CodeInvalidCurrency,
}

func rejection(word string) payment.ErrorCode {
	if code, ok := rejections[word]; ok {
		return code
	}
	return payment.CodeAcquirerRequest
}
