package simulator

// codeApproved is the answer code of every success. Other two-character codes
// are the issuer's (ISO 8583 field 39); the three-character ones below are the
// sandbox provider's own and never come from an issuer.
const (
	codeApproved          = "00"
	codeAmountLimit       = "61"
	codeExpiredCard       = "54"
	codeAuthFailed        = "T01"
	codeAuthTimeout       = "T02"
	codeAuthUnavailable   = "T03"
	codeAuthRejected      = "T04"
	codeCustomerCancelled = "C01"
	codeReferenceFenced   = "C02"
	codeCustomerDeclined  = "C03"
	codeCustomerTimeout   = "C04"
	codeHoldExpired       = "C05"
	codeBlikWrong         = "C06"
	codeBlikExpired       = "C07"
	codeBlikUsed          = "C08"
	codeBankDown          = "C09"
	codeBankUnknown       = "C10"
	codeAliasUnknown      = "C11"
	codeAliasSeveral      = "C12"
)

// messages is what the issuer or the provider says for each code.
var messages = map[string]string{
	codeApproved: "Approved", "01": "Refer to issuer", "03": "Invalid merchant", "04": "Pick up card",
	"05": "Do not honour", "12": "Invalid transaction", "13": "Invalid amount", "14": "No such card",
	"19": "Enter transaction again", "41": "Lost card", "43": "Stolen card", "46": "Closed account",
	"51": "Insufficient funds", "54": "Expired card", "57": "Not permitted to cardholder",
	"58": "Not permitted to terminal", "59": "Suspected fraud", "61": "Exceeds amount limit",
	"62": "Restricted card", "63": "Security violation", "65": "Authentication required",
	"68": "Response received too late", "75": "PIN tries exceeded", "78": "No such account",
	"82": "Wrong security code", "91": "Issuer unreachable", "92": "Cannot be routed", "93": "Violation of law",
	"96": "System malfunction", "N7": "Wrong security code", "1A": "Authentication required",
	"R0": "Stop payment order", "R1": "Authorisation revoked", "R3": "All authorisations revoked",
	codeAuthFailed: "Authentication failed", codeAuthTimeout: "Authentication timed out",
	codeAuthUnavailable: "Authentication unavailable", codeAuthRejected: "Authentication rejected by the issuer",
	codeCustomerCancelled: "Cancelled by the customer",
	codeReferenceFenced:   "Cancelled by reference", codeCustomerDeclined: "Declined by the customer's bank",
	codeCustomerTimeout: "The customer did not act in time", codeHoldExpired: "The hold ran out",
	codeBlikWrong: "No such BLIK code", codeBlikExpired: "The BLIK code has expired", codeBlikUsed: "The BLIK code was used already",
	codeBankDown: "The bank is out of order", codeBankUnknown: "No such bank",
	codeAliasUnknown: "No app knows the alias", codeAliasSeveral: "Several apps know the alias",
}

// reasons maps codes to the word a program branches on. Codes that are absent
// mean issuer_declined.
var reasons = map[string]string{
	codeApproved: "", "51": "insufficient_funds", "54": "expired_card", "41": "lost_card", "43": "stolen_card",
	"59": "suspected_fraud", "63": "suspected_fraud", "82": "wrong_security_code", "N7": "wrong_security_code",
	"61": "issuer_limit", "65": "authentication_required", "1A": "authentication_required",
	"91": "issuer_unavailable", "92": "issuer_unavailable", "96": "issuer_unavailable",
	"R0": "revoked", "R1": "revoked", "R3": "revoked",
	codeAuthFailed: "authentication_failed", codeAuthTimeout: "authentication_timeout",
	codeAuthUnavailable: "authentication_unavailable", codeAuthRejected: "authentication_rejected",
	codeCustomerCancelled: "customer_cancelled",
	codeReferenceFenced:   "cancelled_by_reference", codeCustomerDeclined: "bank_declined",
	codeCustomerTimeout: "customer_timeout", codeHoldExpired: "hold_expired",
	codeBlikWrong: "code_invalid", codeBlikExpired: "code_expired", codeBlikUsed: "code_used", codeBankDown: "bank_unavailable", codeBankUnknown: "bank_unknown",
	codeAliasUnknown: "alias_unknown", codeAliasSeveral: "alias_of_several_apps",
}

// reasonProviderLimit tells the sandbox's own amount rule from an issuer's 61.
const reasonProviderLimit = "provider_limit"

// outcome is a verdict: the code and the word for it.
type outcome struct {
	Code   string `json:"code"`
	Reason string `json:"reason,omitempty"`
}

func verdict(code string) outcome {
	reason, known := reasons[code]
	if !known {
		reason = "issuer_declined"
	}
	return outcome{Code: code, Reason: reason}
}

func (o outcome) approved() bool { return o.Code == codeApproved }

func (o outcome) message() string {
	if m, ok := messages[o.Code]; ok {
		return m
	}
	return "Declined by the issuer"
}
