package stripe

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// follower is a capture or void of a payment: its kind, its key and that of the payment, which is empty where it is not known.
type follower struct {
	kind    payment.AttemptKind
	key, of string
}

// judge reads the answer to it.
func (w follower) judge(res *outbound.Response) (payment.Fact, error) {
	var in intent
	if res.Status == http.StatusOK {
		if err := provider.Read(res.Body, &in); err != nil {
			return payment.Fact{}, err //nolint:wrapcheck // by the caller
		}
		f, err := w.fact(&in)
		if err == nil && f.Class == payment.ClassUnknown {
			err = errOther
		}
		return f, err
	}
	e := readFailure(res.Body)
	switch {
	case e.Intent != nil && e.Intent.mine(w.of) != nil:
		return payment.Fact{}, errOther
	case e.Intent != nil && e.Intent.Status == "canceled" && e.notDone(res.Status):
		if w.kind == payment.AttemptVoid {
			return w.fact(e.Intent)
		}
		return payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeTimeout, RawCode: rawCode(e.Code)}, nil
	case res.Status == http.StatusPaymentRequired && e.Type == cardError && e.Intent != nil && e.Intent.Status != "succeeded":
		return e.declined(), nil
	case e.notDone(res.Status):
		return payment.Fact{Class: payment.ClassRejected, Code: e.rejection(), RawCode: rawCode(e.Code)}, nil
	}
	return payment.Fact{}, e.unclear(res.Status)
}

// fact is what the intent proves about the capture or void. A capture shows by its key that it was ours; a void leaves no key, and a payment
// that is canceled has been given back whoever did it. Where nothing of it is to be seen it was not found.
func (w follower) fact(in *intent) (payment.Fact, error) {
	if err := in.mine(w.of); err != nil {
		return payment.Fact{}, err
	}
	n := in.Amount
	if w.kind == payment.AttemptCapture {
		n = in.Received
	}
	f := payment.Fact{Class: payment.ClassApproved, ProviderRef: in.ID}
	switch {
	case w.kind == payment.AttemptCapture && in.Status == "succeeded" && in.Metadata[metaCapture] == w.key:
	case w.kind == payment.AttemptVoid && in.Status == "canceled":
	case w.kind == payment.AttemptCapture && in.Status == "processing" && in.Metadata[metaCapture] == w.key:
		return payment.Fact{Class: payment.ClassWaiting, ProviderRef: in.ID}, nil
	case in.Status == "succeeded" && w.kind == payment.AttemptCapture && in.Metadata[metaCapture] != "":
		return payment.Fact{}, errOther
	default:
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	}
	sum, err := in.sum(n)
	if err != nil {
		return payment.Fact{}, err
	}
	f.Echoed = sum
	if w.kind == payment.AttemptCapture {
		in.describe(&f)
		f.Credential = ""
	}
	return f, nil
}

// refund is what the connector reads of a Refund.
type refund struct {
	Object   string            `json:"object"`
	ID       string            `json:"id"`
	Status   string            `json:"status"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Intent   expandable        `json:"payment_intent"`
	Reason   string            `json:"failure_reason"`
	Metadata map[string]string `json:"metadata"`
}

// judgeRefund reads the answer to a refund of the intent with that id.
func judgeRefund(res *outbound.Response, key, intent string) (payment.Fact, error) {
	if res.Status == http.StatusOK {
		var r refund
		if err := provider.Read(res.Body, &r); err != nil {
			return payment.Fact{}, err //nolint:wrapcheck // by the caller
		}
		if r.Intent.id() != intent {
			return payment.Fact{}, errOther
		}
		return r.fact(key)
	}
	e := readFailure(res.Body)
	if e.notDone(res.Status) {
		return payment.Fact{Class: payment.ClassRejected, Code: e.rejection(), RawCode: rawCode(e.Code)}, nil
	}
	return payment.Fact{}, e.unclear(res.Status)
}

// failures are the published reasons of refunds that failed (https://docs.stripe.com/refunds#failed-refunds). None is worth another try of the
// same: the money is back with the merchant.
var failures = provider.Declines{
	"charge_for_pending_refund_disputed": {Code: "3.29", Class: hard},
	"declined":                           {Code: "4.00", Class: hard},
	"expired_or_canceled_card":           {Code: "4.04", Class: hard},
	"insufficient_funds":                 {Code: "1.10", Class: hard},
	"lost_or_stolen_card":                {Code: "4.06", Class: hard},
	"merchant_request":                   {Code: "8.00", Class: hard},
	"refund_bank_account_invalid":        {Code: "4.03", Class: hard},
	"unknown":                            {Code: "3.00", Class: hard},
}

// fact is what the refund proves about the attempt of that key.
func (r *refund) fact(key string) (payment.Fact, error) {
	if r.Object != "refund" || !provider.Word(r.ID, 64) || key != "" && r.Metadata[metaKey] != key {
		return payment.Fact{}, errOther
	}
	currency, err := provider.Currency(strings.ToUpper(r.Currency))
	if err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	amount, err := units.Amount(r.Amount, currency)
	if err != nil || amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	f := payment.Fact{}
	switch r.Status {
	case "succeeded":
		f.Class = payment.ClassApproved
	case "pending", "requires_action":
		f.Class = payment.ClassWaiting
	case "failed":
		f = failures.Fact(r.Reason)
	case "canceled":
		f.Class, f.Code = payment.ClassRejected, payment.CodeAcquirer
	default:
		return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
	}
	f.ProviderRef, f.Echoed = r.ID, money.Sum{Amount: amount, Currency: currency}
	return f, nil
}
