package yandexpay

import "net/http"

// Fail answers with an error.
func (y *YandexPay) Fail(w http.ResponseWriter, r *http.Request, err error) { y.fail(w, r, err) }

// Endpoint is what tests outside of the package may know of an endpoint.
type Endpoint struct{ Method, Path string }

// Endpoints lists what Mount serves, without what only refuses.
func Endpoints() []Endpoint {
	out := make([]Endpoint, len(endpoints))
	for i, e := range endpoints {
		out[i] = Endpoint{e.method, e.path}
	}
	return out
}

// ReasonCodes lists every reason code.
func ReasonCodes() []string {
	return []string{
		codeAuthentication, codeForbidden, codeAmountMismatch, codeCartData, codeInProgress, codeDuplicateName, codeOrderExists, codeNoOrder,
		codeNoOperation, codeNoSubscription, codeInvalidStatus, codeCaptureTooLarge, codeRefundTooLarge, codeBadRequest, codeMethodNotFound,
		codeMethodNotAllowed, codeTooMany, codeInternal, codeUnavailable,
	}
}
