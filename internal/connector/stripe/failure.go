package stripe

import (
	"net/http"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// failure is Stripe's error object (https://docs.stripe.com/api/errors), which also stands in an intent that was refused.
type failure struct {
	Type          string  `json:"type"`
	Code          string  `json:"code"`
	DeclineCode   string  `json:"decline_code"`
	Param         string  `json:"param"`
	Advice        string  `json:"advice_code"`
	NetworkAdvice string  `json:"network_advice_code"`
	Intent        *intent `json:"payment_intent"`
	Setup         *setup  `json:"setup_intent"`
}

// The types of errors that the connector tells apart. Of all others nothing is known.
const (
	cardError    = "card_error"
	invalid      = "invalid_request_error"
	rateLimited  = "rate_limit_error" // before it became a code
	otherContent = "idempotency_error"
)

// readFailure reads the error of an answer; it is empty where there is none.
func readFailure(body []byte) *failure {
	var told struct {
		Error failure `json:"error"`
	}
	if provider.Read(body, &told) != nil {
		return &failure{}
	}
	return &told.Error
}

func (e *failure) unclear(status int) error {
	word := e.Code
	if word == "" {
		word = e.Type
	}
	return provider.Unclear(status, word) //nolint:wrapcheck // by each caller
}

// notDone reports that Stripe says with the status that it has carried out nothing: the request was wrong, or Stripe took none. A key that
// stands for another request, a request that still runs, and all that Stripe blames on itself tell nothing.
func (e *failure) notDone(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return e.Type == invalid
	case http.StatusTooManyRequests:
		return e.Type == invalid || e.Type == rateLimited
	}
	return false
}

// refused judges an answer to a sale or a verification that is no success. With no key it is about what was made before one.
func refused(res *outbound.Response, key string) (payment.Fact, error) {
	e := readFailure(res.Body)
	switch {
	case e.Intent != nil:
		return e.Intent.refusal(key, res.Status, e)
	case e.Setup != nil:
		return e.Setup.refusal(key, res.Status, e)
	case res.Status == http.StatusPaymentRequired && e.Type == cardError && key == "":
		return e.declined(), nil
	case e.notDone(res.Status):
		return payment.Fact{Class: payment.ClassRejected, Code: e.rejection(), RawCode: rawCode(e.Code)}, nil
	}
	return payment.Fact{}, e.unclear(res.Status)
}

// refusal judges an error that came with the intent that was made all the same: the intent tells how it ended, and only where it ended as a
// refusal is it one.
func (in *intent) refusal(key string, status int, e *failure) (payment.Fact, error) {
	f, err := in.fact(key)
	if err != nil {
		return payment.Fact{}, err
	}
	if !f.Class.Refused() && f.Class != payment.ClassCancelled {
		return payment.Fact{}, e.unclear(status)
	}
	return f, nil
}

func (in *setup) refusal(key string, status int, e *failure) (payment.Fact, error) {
	f, err := in.fact(key)
	if err != nil {
		return payment.Fact{}, err
	}
	if !f.Class.Refused() {
		return payment.Fact{}, e.unclear(status)
	}
	return f, nil
}

// rawCode is the provider's word where it is one.
func rawCode(word string) string {
	if provider.Word(word, 64) {
		return word
	}
	return ""
}
