package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
)

// Errors that only this dialect has.
var (
	errNoPath = errors.New("no such path")
	errQuery  = errors.New("malformed query string")
)

// methodError is returned for a known path with a method that it does not have.
type methodError struct{ allow string }

// Error implements error.
func (e *methodError) Error() string { return "method not allowed" }

// Fixed texts of answers.
const (
	messageUnauthorized = "Invalid token"
	messageNoPayment    = "Payment not found"
	messageInternal     = "The request could not be processed"
	messageNoPath       = "No such path"
	messageNoMethod     = "The path does not have this method"
	messageLimited      = "Too many requests in too short a time"
)

// plain are the errors with a fixed status and text, in the frame without entries.
var plain = []struct {
	err     error
	status  int
	message string
}{
	{api.ErrUnauthorized, http.StatusUnauthorized, messageUnauthorized},
	{engine.ErrNoCards, http.StatusForbidden, "The shop may not charge cards without the payment page"},
	{engine.ErrForbidden, http.StatusForbidden, "The shop is inactive or not allowed to do this"},
	{payment.ErrNotFound, http.StatusNotFound, messageNoPayment},
	{engine.ErrNoCard, http.StatusNotFound, "Card token not found"},
	{errNoPath, http.StatusNotFound, messageNoPath},
	{api.ErrTooLarge, http.StatusRequestEntityTooLarge, "The request body has more than " + strconv.Itoa(api.MaxBody) + " bytes"},
	{api.ErrEncoding, http.StatusUnsupportedMediaType, "The request body must not have a Content-Encoding"},
	{api.ErrMediaType, http.StatusUnsupportedMediaType, "The request body must be application/json in UTF-8"},
	{engine.ErrMismatch, http.StatusUnprocessableEntity, "The Idempotency-Key was used with another request"},
	{api.ErrBusy, http.StatusTooManyRequests, "Too many requests at a time"},
	{engine.ErrUnavailable, http.StatusServiceUnavailable, "Temporarily unavailable"},
	{context.Canceled, http.StatusServiceUnavailable, "Temporarily unavailable"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "Temporarily unavailable"},
}

// fail answers a request that did not succeed. It is the only place that turns errors into answers; no text of an
// inner error leaves through it.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, object string, err error) {
	if bad, ok := badRequest(object, err); ok {
		bad.frame = g.frame(r, http.StatusBadRequest, bad.message)
		g.answer(w, http.StatusBadRequest, bad.append)
		return
	}
	status, message := http.StatusInternalServerError, messageInternal
	if method := new(methodError); errors.As(err, &method) {
		status, message = http.StatusMethodNotAllowed, messageNoMethod
		w.Header().Set("Allow", method.allow)
	}
	if limited := new(api.Limited); errors.As(err, &limited) {
		status, message = http.StatusTooManyRequests, messageLimited
	}
	if slowed := new(engine.Slowed); errors.As(err, &slowed) {
		status, message = http.StatusTooManyRequests, "Too many declined card payments"
	}
	for i := range plain {
		if errors.Is(err, plain[i].err) {
			status, message = plain[i].status, plain[i].message
			break
		}
	}
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", api.RetryAfter(err))
	case http.StatusInternalServerError:
		api.LogFailure(g.log, r, err)
	}
	f := g.frame(r, status, message)
	g.answer(w, status, func(dst []byte) []byte { return appendFrame(dst, f) })
}

// badRequest returns the answer to an error that is the caller's.
func badRequest(object string, err error) (badFrame, bool) {
	var (
		syntax    *api.SyntaxError
		faulty    *invalid
		refusal   *payment.Refusal
		missing   *payment.Missing
		duplicate *engine.DuplicateReference
		repeated  *engine.CardText
		token     *engine.TokenRefused
	)
	switch {
	case errors.As(err, &syntax):
		return badFrame{message: "Malformed JSON: " + syntax.Error()}, true
	case errors.Is(err, api.ErrIdempotencyKey):
		return badFrame{message: api.ErrIdempotencyKey.Error()}, true
	case errors.As(err, &repeated) && repeated.Key:
		return badFrame{message: "The Idempotency-Key must not hold the card number"}, true
	case errors.As(err, &repeated):
		return badFrame{message: "No text of the request may hold the card number"}, true
	case errors.Is(err, api.ErrIncomplete):
		return badFrame{message: "The request body is incomplete"}, true
	case errors.Is(err, errQuery):
		return badFrame{message: "Malformed query string"}, true
	case errors.As(err, &faulty):
		return validation(object, faulty.faults), true
	case errors.As(err, &missing):
		return validation(object, []fault{newFault(missing.Field, notNull, textNotNull)}), true
	case errors.As(err, &token):
		return validation(object, []fault{tokenFault(token)}), true
	case errors.As(err, &duplicate):
		return validation(object, []fault{newFault("referenceId", unique, "must be unique")}), true
	case errors.Is(err, payment.ErrBusy):
		refusal = &payment.Refusal{Code: payment.CodeWrongState}
	case !errors.As(err, &refusal):
		return badFrame{}, false
	}
	bad := badFrame{object: object, listed: true, message: string(refusal.Code) + " " + refusal.Code.Text()}
	if refusal.Field != "" {
		bad.faults = []fault{newFault(refusal.Field, refusal.Code.Word(), refusal.Detail)}
	}
	return bad, true
}

func validation(object string, faults []fault) badFrame {
	return badFrame{object: object, listed: true, faults: faults,
		message: "Validation failed for object='" + object + "'. Error count: " + strconv.Itoa(len(faults))}
}
