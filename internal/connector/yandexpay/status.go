package yandexpay

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// errNoSuch is the provider's clear word that it does not know an order or operation.
var errNoSuch = errors.New("the provider does not know it")

// answer is the frame of all answers.
type answer struct {
	Status string         `json:"status"`
	Data   jsontext.Value `json:"data"`
	Reason string         `json:"reasonCode"`
}

// Status asks how the attempt stands: an order by its id, a capture, void or refund as an operation by ours. Both are our key.
func (y *YandexPay) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if !provider.Word(ref.Key, mostKey) {
		return payment.Fact{}, errors.New("yandexpay status: no key")
	}
	var f payment.Fact
	var err error
	switch ref.Kind {
	case payment.AttemptDeposit:
		var got orderAnswer
		if err = y.ask(ctx, "/v1/orders/"+url.PathEscape(ref.Key), &got); err == nil {
			f, err = got.fact(ref.Key, y.merchant)
		}
	case payment.AttemptCapture, payment.AttemptVoid, payment.AttemptRefund:
		var got operationAnswer
		if err = y.ask(ctx, "/v1/operations/"+url.PathEscape(ref.Key), &got); err == nil {
			f, err = got.Operation.fact(&ref)
		}
	default:
		err = errNoSuch // it has no payouts
	}
	switch {
	case errors.Is(err, errNoSuch):
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	case err != nil:
		return payment.Fact{}, fmt.Errorf("yandexpay status: %w", err)
	}
	return f, nil
}

func (y *YandexPay) ask(ctx context.Context, path string, into any) error {
	res, err := y.api.Get(ctx, path)
	if err != nil {
		return err //nolint:wrapcheck // by each caller
	}
	return read(res, into)
}
