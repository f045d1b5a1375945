package yandexpay

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Reason codes.
const (
	codeAuthentication    = "AUTHENTICATION_ERROR"
	codeForbidden         = "FORBIDDEN"
	codeAmountMismatch    = "ORDER_AMOUNT_MISMATCH"
	codeCartData          = "ORDER_CART_DATA_ERROR"
	codeInProgress        = "ANOTHER_OPERATION_IN_PROGRESS"
	codeDuplicateName     = "DUPLICATE_EXTERNAL_OPERATION_ID"
	codeOrderExists       = "ORDER_ALREADY_EXISTS"
	codeNoOrder           = "ORDER_NOT_FOUND"
	codeNoOperation       = "OPERATION_NOT_FOUND"
	codeNoSubscription    = "SUBSCRIPTION_NOT_FOUND"
	codeInvalidStatus     = "INVALID_PAYMENT_STATUS"
	codeCaptureTooLarge   = "CAPTURE_AMOUNT_TOO_LARGE"
	codeRefundTooLarge    = "REFUND_AMOUNT_TOO_LARGE"
	codeBadRequest        = "BAD_REQUEST"
	codeMethodNotFound    = "METHOD_NOT_FOUND"
	codeMethodNotAllowed  = "METHOD_NOT_ALLOWED"
	codeTooMany           = "TOO_MANY_REQUESTS"
	codeInternal          = "INTERNAL_ERROR"
	codeUnavailable       = "UNAVAILABLE"
	messageTooLong        = "The body has more than " // and how many bytes
	messageOtherOperation = "Another operation on the order is not finished yet"
)

// failure is an answer that is not a success.
type failure struct {
	status int
	code   string // reasonCode
	reason string // for the merchant's developers
	// details is a JSON object, or empty for none.
	details []byte
	allow   []string // methods that the path has, of a 405
	after   string   // seconds that a caller is asked to wait, of a 429 or 503; 1 where empty
}

// Error implements error.
func (f *failure) Error() string { return f.code + ": " + f.reason }

var (
	errMalformedKey   = &failure{status: http.StatusUnauthorized, code: codeAuthentication, reason: "Malformed API key"}
	errUnknownKey     = &failure{status: http.StatusUnauthorized, code: codeAuthentication, reason: "Unknown API key"}
	errForbidden      = &failure{status: http.StatusForbidden, code: codeForbidden, reason: "The merchant is inactive or not allowed to do this"}
	errNoMethod       = &failure{status: http.StatusNotFound, code: codeMethodNotFound, reason: "No such method"}
	errNoOrder        = &failure{status: http.StatusNotFound, code: codeNoOrder, reason: "Order not found"}
	errNoOperation    = &failure{status: http.StatusNotFound, code: codeNoOperation, reason: "Operation not found"}
	errNoSubscription = &failure{status: http.StatusNotFound, code: codeNoSubscription, reason: "Subscription not found"}
	errOrderExists    = &failure{status: http.StatusConflict, code: codeOrderExists,
		reason: "There is an order with this orderId already, with other content or not to be paid any more"}
	errInProgress    = &failure{status: http.StatusConflict, code: codeInProgress, reason: "Another operation on the order is not finished yet"}
	errDuplicateName = &failure{status: http.StatusConflict, code: codeDuplicateName,
		reason: "The externalOperationId was used for an operation that is finished, or with other arguments"}
	errTooMany     = &failure{status: http.StatusTooManyRequests, code: codeTooMany, reason: "Too many requests at a time"}
	errInternal    = &failure{status: http.StatusInternalServerError, code: codeInternal, reason: "The request could not be processed"}
	errUnavailable = &failure{status: http.StatusServiceUnavailable, code: codeUnavailable, reason: "Temporarily unavailable"}
)

func notAllowed(methods []string) *failure {
	return &failure{status: http.StatusMethodNotAllowed, code: codeMethodNotAllowed,
		reason: "The method is called by " + strings.Join(methods, " or "), allow: methods}
}

// wrongStatus refuses what the order's status forbids.
func wrongStatus(what string, now paymentStatus) *failure {
	return &failure{status: http.StatusBadRequest, code: codeInvalidStatus,
		reason: "An order in status " + string(now) + " cannot be " + what}
}

// rolledBack refuses what the order's status allows, though not while its money goes back.
func rolledBack(what string) *failure {
	return &failure{status: http.StatusBadRequest, code: codeInvalidStatus,
		reason: "An order that is being rolled back cannot be " + what}
}

// fault is what is wrong with one field of a request. It never holds what was sent.
type fault struct{ field, message string }

// badRequest lists all that is wrong with the fields of a request.
func badRequest(faults []fault) *failure {
	f := &failure{status: http.StatusBadRequest, code: codeBadRequest, reason: "Malformed request"}
	if len(faults) > 0 {
		f.reason = faults[0].field + " " + faults[0].message
		if more := len(faults) - 1; more > 0 {
			f.reason += ", and " + strconv.Itoa(more) + " more"
		}
	}
	f.details = appendFaults(nil, faults, f.reason)
	return f
}

// malformed is badRequest for a request that cannot be met for a reason that is in no field of it.
func malformed(reason string) *failure {
	f := badRequest(nil)
	f.reason = reason
	f.details = appendFaults(nil, nil, reason)
	return f
}

func appendFaults(dst []byte, faults []fault, reason string) []byte {
	dst = append(dst, `{"errors":[`...)
	for i, f := range faults {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = api.AppendString(append(dst, `{"field":`...), f.field)
		dst = append(api.AppendString(append(dst, `,"message":`...), f.message), '}')
	}
	return append(api.AppendString(append(dst, `],"description":`...), reason), '}')
}

// answers are those to errors of other packages.
var answers = []struct {
	err    error
	answer *failure
}{
	{api.ErrUnauthorized, errUnknownKey},
	{api.ErrBusy, errTooMany},
	{engine.ErrForbidden, errForbidden},
	{payment.ErrNotFound, errNoOrder},
	{payment.ErrBusy, errInProgress},
	{engine.ErrChanged, errInProgress},
	{api.ErrTooLarge, malformed("The body has more than " + strconv.Itoa(api.MaxBody) + " bytes")},
	{api.ErrEncoding, malformed("The body must not have a Content-Encoding")},
	{api.ErrMediaType, malformed("The body must be application/json in UTF-8")},
	{api.ErrIncomplete, malformed("The body is incomplete")},
	{engine.ErrUnavailable, errUnavailable},
	{context.Canceled, errUnavailable},
	{context.DeadlineExceeded, errUnavailable},
}

// answerTo turns an error into an answer. It is the only place that does; no text of an inner error leaves through it.
func answerTo(err error) *failure {
	var (
		own       *failure
		limited   *api.Limited
		syntax    *api.SyntaxError
		taken     *engine.OrderTaken
		duplicate *engine.DuplicateReference
		named     *engine.NameTaken
		missing   *payment.Missing
		refusal   *payment.Refusal
		repeated  *engine.CardText
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &limited):
		return &failure{status: http.StatusTooManyRequests, code: codeTooMany, reason: "Too many requests in too short a time", after: api.RetryAfter(err)}
	case errors.As(err, &syntax):
		return malformed("Malformed JSON: " + syntax.Error())
	case errors.As(err, &taken), errors.As(err, &duplicate):
		return errOrderExists
	case errors.As(err, &named):
		return errDuplicateName
	case errors.As(err, &repeated):
		return malformed("No text of the request may hold the card number")
	case errors.As(err, &missing):
		return badRequest([]fault{{missing.Field, mustBeGiven}})
	case errors.As(err, &refusal):
		return &failure{status: http.StatusBadRequest, code: codeInvalidStatus, reason: refusal.Code.Text()}
	}
	for i := range answers {
		if errors.Is(err, answers[i].err) {
			return answers[i].answer
		}
	}
	return errInternal
}

func (y *YandexPay) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := answerTo(err)
	if f == errInternal {
		api.LogFailure(y.log, r, err)
	}
	answerFailure(w, f)
}

// short keeps what a caller makes up from filling the log.
func short(s string) string { return s[:min(len(s), 8)] }

// caller returns the shop that the request's API key belongs to. Test shops may use their merchant id as a key.
func (y *YandexPay) caller(r *http.Request) (*shop.Shop, error) {
	text, ok := api.Credentials(r.Header, "Api-Key")
	if !ok {
		return nil, errMalformedKey
	}
	if _, ok := id.Read(text); ok {
		return y.auth.ByMerchantID(r.Context(), text)
	}
	if _, err := id.ParseAPIKey(text); err != nil {
		return nil, errMalformedKey
	}
	return y.auth.ByKey(r.Context(), text)
}
