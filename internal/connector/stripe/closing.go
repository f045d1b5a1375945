package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// Fence closes a payment or a verification. One that waits for its customer is canceled at Stripe. Of one that Stripe does not show the key is
// used up by another request, which moves nothing: Stripe refuses every request whose key stands for another one, so the original, should it
// still arrive, is refused, and where it had arrived before, this one is. A capture, void or refund cannot be closed, and is only asked about.
func (s *Stripe) Fence(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	fact, err := s.status(ctx, ref)
	switch {
	case ref.Kind != payment.AttemptDeposit:
		return s.Status(ctx, ref)
	case errors.Is(err, errNoSuch) && ref.ProviderRef == "":
		fact, err = s.useUp(ctx, ref)
	case err == nil && fact.Class == payment.ClassWaiting:
		fact, err = s.cancel(ctx, ref, fact)
	case errors.Is(err, errNoSuch):
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe fence: %w", err)
	}
	return fact, nil
}

// cancel ends what waits. It needs no key: a second time it changes nothing. Where Stripe refuses, because the payment has gone on, its
// present state tells.
func (s *Stripe) cancel(ctx context.Context, ref connector.Ref, stands payment.Fact) (payment.Fact, error) {
	path := "/v1/payment_intents/"
	if ref.Amount.IsZero() {
		path = "/v1/setup_intents/"
	}
	form := provider.NewForm(64).Text("cancellation_reason", "abandoned")
	res, err := s.api.Post(ctx, path+stands.ProviderRef+"/cancel", form, nil)
	if err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	if e := readFailure(res.Body); res.Status != http.StatusOK && !e.notDone(res.Status) {
		return payment.Fact{}, e.unclear(res.Status)
	}
	ref.ProviderRef = stands.ProviderRef
	return s.status(ctx, ref)
}

// useUp makes something under the key of an attempt that never arrived. It is tried only while Stripe remembers keys: later the same key is a
// new one, and what is made under it proves nothing.
func (s *Stripe) useUp(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	unseen := payment.Fact{Class: payment.ClassUnknown, NotFound: true}
	if age := s.now().Sub(ref.Started); ref.Started.IsZero() || age >= keyLife {
		return unseen, nil
	}
	path, form := "/v1/setup_intents", provider.NewForm(300)
	if !ref.Amount.IsZero() {
		amount, err := units.Number(ref.Amount, ref.Currency)
		if err != nil {
			return unseen, nil //nolint:nilerr // it never left
		}
		path, form = "/v1/payment_intents", form.Number("amount", amount).Text("currency", strings.ToLower(string(ref.Currency)))
	}
	form = form.Text("payment_method_types[]", "card").Text("metadata["+metaKey+"]", ref.Key).Text("metadata["+metaFence+"]", "1")
	res, err := s.post(ctx, path, form, ref.Key)
	if err != nil {
		return payment.Fact{}, err
	}
	e := readFailure(res.Body)
	if res.Status == http.StatusBadRequest && e.Type == otherContent { // the original was here first; a search will show it
		return payment.Fact{Class: payment.ClassUnknown}, nil
	}
	if res.Status != http.StatusOK {
		return payment.Fact{}, e.unclear(res.Status)
	}
	var made struct {
		ID       string            `json:"id"`
		Status   string            `json:"status"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := provider.Read(res.Body, &made); err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	if made.Metadata[metaKey] != ref.Key || made.Metadata[metaFence] == "" || made.Status != "requires_payment_method" {
		return payment.Fact{}, errOther
	}
	return closed(), nil
}
