package payu

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// Fence closes an order. One that PayU has, and that is not paid, is canceled there. Of one that is not known to have arrived the name is used up by
// an order that nobody can pay, because nobody learns its page: PayU takes a name once, so the original is refused should it still
// arrive, and where it had arrived before, this one is; then its notices tell how it ends. A refund cannot be closed.
func (p *PayU) Fence(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	var fact payment.Fact
	var err error
	switch {
	case ref.Kind != payment.AttemptDeposit:
		return p.Status(ctx, ref)
	case ref.ProviderRef == "":
		fact, err = p.useUp(ctx, ref)
	default:
		fact, err = p.cancel(ctx, ref)
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("payu fence: %w", err)
	}
	return fact, nil
}

// closed is the fact of a name under which nothing will be done any more.
func closed() payment.Fact {
	return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeCommunication}
}

// cancel ends an order that is not completed. Its answer is not what counts: the order is read once more.
func (p *PayU) cancel(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	o, err := p.find(ctx, ref.ProviderRef, ref.Key)
	if err != nil {
		return payment.Fact{}, err
	}
	if o.State == isNew || o.State == pending || o.State == waiting {
		if _, err := p.do(ctx, http.MethodDelete, "/api/v2_1/orders/"+o.ID, nil); err != nil {
			return payment.Fact{}, err
		}
		if o, err = p.find(ctx, ref.ProviderRef, ref.Key); err != nil {
			return payment.Fact{}, err
		}
	}
	f, err := o.fact()
	if err == nil && o.State == canceled {
		return closed(), nil
	}
	return f, err
}

// useUp takes the name of an order that may never have arrived.
func (p *PayU) useUp(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	amount, err := units.Number(ref.Amount, ref.Currency)
	if err != nil || !provider.Word(ref.Key, 255) {
		return unseen(), nil //nolint:nilerr // it never left
	}
	body := p.begin(ref.Key, strconv.FormatUint(amount, 10), string(ref.Currency), "closed", "127.0.0.1").Text("validityTime", "60").Bytes()
	res, err := p.do(ctx, http.MethodPost, "/api/v2_1/orders", body)
	if err != nil {
		return payment.Fact{}, err
	}
	f := readFailure(res.Body)
	if res.Status == http.StatusBadRequest && f.Status.Code == notUnique { // the original was here first; a notice will tell of it
		return payment.Fact{Class: payment.ClassUnknown}, nil
	}
	var m made
	if res.Status != http.StatusFound && res.Status != http.StatusCreated && res.Status != http.StatusOK {
		return payment.Fact{}, f.unclear(res.Status)
	}
	if err := provider.Read(res.Body, &m); err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	if m.Status.Code != "SUCCESS" || !provider.Word(m.Order, 64) || m.Ext != ref.Key {
		return payment.Fact{}, errOther
	}
	_, _ = p.do(ctx, http.MethodDelete, "/api/v2_1/orders/"+m.Order, nil) // else it is over within a minute
	return closed(), nil
}
