package yandexpay

import (
	"cmp"
	"fmt"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// orderAnswer is what the connector reads of an order with its operations.
type orderAnswer struct {
	Order *struct {
		ID         string `json:"orderId"`
		Merchant   string `json:"merchantId"`
		Status     string `json:"paymentStatus"`
		Amount     string `json:"orderAmount"` // what is left after refunds
		Currency   string `json:"currencyCode"`
		Page       string `json:"paymentUrl"`
		ReasonCode string `json:"reasonCode"`
		Metadata   string `json:"metadata"`
		Method     *struct {
			Network string `json:"cardNetwork"`
		} `json:"paymentMethod"`
	} `json:"order"`
	Operations []operation `json:"operations"`
}

// operationAnswer is what it reads of an operation.
type operationAnswer struct {
	Operation operation `json:"operation"`
}

type operation struct {
	ID       string `json:"operationId"`
	Type     string `json:"operationType"`
	Order    string `json:"orderId"`
	Amount   string `json:"amount"`
	Status   string `json:"status"`
	External string `json:"externalOperationId"`
}

// errOther is an answer about something else than what was asked for.
var errOther = fmt.Errorf("%w: it is about something else", provider.ErrAnswer)

// errState is a word that was not published.
var errState = fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)

// fact is what an order proves about the deposit of that key, at that merchant where it is known.
func (a *orderAnswer) fact(key, merchant string) (payment.Fact, error) {
	o := a.Order
	if o == nil || o.ID != key || merchant != "" && o.Merchant != "" && o.Merchant != merchant {
		return payment.Fact{}, errOther
	}
	f := payment.Fact{ProviderRef: o.ID}
	won := false
	switch o.Status {
	case "PENDING":
		f.Class = payment.ClassWaiting
		if provider.Page(o.Page) {
			f.Next = payment.GoTo(o.Page)
		}
	case "AUTHORIZED":
		f.Class, won = payment.ClassAuthorized, true
	case "CAPTURED", "PARTIALLY_REFUNDED", "REFUNDED":
		f.Class, won = payment.ClassApproved, true
	case "VOIDED":
		f.Class, f.Code = payment.ClassCancelled, payment.CodeTimeout
	case "FAILED":
		f = failed(o.ReasonCode)
		f.ProviderRef = o.ID
	default: // CONFIRMED is of payments on delivery, of which there are none here
		return payment.Fact{}, errState
	}
	if !won {
		return f, nil
	}
	sum, err := a.sum()
	if err != nil {
		return payment.Fact{}, err
	}
	f.Echoed = sum
	if o.Metadata == recurring {
		f.Credential = chain + o.ID
	}
	if o.Method != nil {
		f.Instrument.CardBrand = networks[o.Method.Network]
	}
	return f, nil
}

// sum is what was held or taken. The order shows what is left of it, and its operations what was done.
func (a *orderAnswer) sum() (money.Sum, error) {
	currency, err := provider.Currency(a.Order.Currency)
	if err != nil {
		return money.Sum{}, err //nolint:wrapcheck // by each caller
	}
	amount, err := amountOf(a.Order.Amount)
	if err != nil {
		return money.Sum{}, err
	}
	for i := range a.Operations {
		op := &a.Operations[i]
		if op.Order != a.Order.ID {
			return money.Sum{}, errOther
		}
		if op.Type != "REFUND" || op.Status != "SUCCESS" {
			continue
		}
		back, err := amountOf(op.Amount)
		if err == nil {
			amount, err = amount.Add(back)
		}
		if err != nil {
			return money.Sum{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
		}
	}
	if amount.IsZero() {
		return money.Sum{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	return money.Sum{Amount: amount, Currency: currency}, nil
}

func amountOf(text string) (money.Amount, error) {
	amount, err := money.Parse(text)
	if err != nil {
		return money.Amount{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	return amount, nil
}

// networks are the provider's words for the schemes.
var networks = map[string]instrument.Brand{
	"AMEX": instrument.BrandAmex, "DISCOVER": instrument.BrandDiscover, "JCB": instrument.BrandJCB, "MASTERCARD": instrument.BrandMastercard,
	"MAESTRO": instrument.BrandMaestro, "VISAELECTRON": instrument.BrandVisa, "VISA": instrument.BrandVisa, "MIR": instrument.BrandMir,
	"UNIONPAY": instrument.BrandUnionPay, "HUMOCARD": instrument.BrandHumo,
}

// fact is what an operation proves about the capture, void or refund that is meant. It names no currency: an order has one.
func (o *operation) fact(ref *connector.Ref) (payment.Fact, error) {
	if !provider.Word(o.ID, 64) || o.External != ref.Key || o.Type != kinds[ref.Kind] || ref.Of.Key != "" && o.Order != ref.Of.Key {
		return payment.Fact{}, errOther
	}
	amount, err := amountOf(o.Amount)
	if err != nil || amount.IsZero() {
		return payment.Fact{}, cmp.Or(err, fmt.Errorf("%w: no usable amount", provider.ErrAnswer))
	}
	f := payment.Fact{ProviderRef: o.ID, Echoed: money.Sum{Amount: amount, Currency: ref.Currency}}
	switch o.Status {
	case "SUCCESS":
		f.Class = payment.ClassApproved
	case "PENDING":
		f.Class = payment.ClassWaiting
	case "FAIL":
		f.Class, f.Code = payment.ClassDeclinedHard, payment.CodeAcquirer
	default:
		return payment.Fact{}, errState
	}
	return f, nil
}
