package openbanking

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// resource is what the connector reads of a consent, or of a payment.
type resource struct {
	Data struct {
		ConsentID  string `json:"ConsentId"`
		PaymentID  string `json:"DomesticPaymentId"`
		Status     string `json:"Status"`
		Initiation struct {
			Key    string `json:"InstructionIdentification"`
			Amount struct {
				Amount   string `json:"Amount"`
				Currency string `json:"Currency"`
			} `json:"InstructedAmount"`
		} `json:"Initiation"`
		Reasons []struct {
			Code string `json:"StatusReasonCode"`
		} `json:"StatusReason"`
	} `json:"Data"`
}

// errOther is an answer about something else than what was asked for.
var errOther = fmt.Errorf("%w: it is about something else", provider.ErrAnswer)

// read reads the answer about an order. An empty consent is any.
func (p order) read(res *outbound.Response, consent string) (*resource, error) {
	r := new(resource)
	if err := provider.Read(res.Body, r); err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	d := &r.Data
	if !provider.Word(d.ConsentID, 128) || consent != "" && d.ConsentID != consent || d.Initiation.Key != p.key {
		return nil, errOther
	}
	sum, err := r.sum()
	if err != nil {
		return nil, err
	}
	if mine, err := money.Parse(p.amount); err != nil || sum.Amount != mine || sum.Currency != "GBP" {
		return nil, fmt.Errorf("%w: it is over another amount", provider.ErrAnswer)
	}
	return r, nil
}

func (r *resource) sum() (money.Sum, error) {
	told := r.Data.Initiation.Amount
	currency, err := provider.Currency(told.Currency)
	if err != nil {
		return money.Sum{}, err //nolint:wrapcheck // by each caller
	}
	amount, err := money.Parse(told.Amount)
	if err != nil || amount.IsZero() {
		return money.Sum{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	return money.Sum{Amount: amount, Currency: currency}, nil
}

// refusal is the refusal that the reasons tell.
func (r *resource) refusal() payment.Fact {
	for _, reason := range r.Data.Reasons {
		if reason.Code != "" {
			return reasons.Fact(reason.Code)
		}
	}
	return payment.Fact{Class: hard, Code: payment.CodeAcquirer}
}

// payment is what a payment at that bank proves. Only settled money is money: accepted is not. Two banks may give the same id, so the bank's
// stands before it.
func (r *resource) payment(b *bank) (payment.Fact, error) {
	d := &r.Data
	sum, err := r.sum()
	if err != nil {
		return payment.Fact{}, err
	}
	if !provider.Word(d.PaymentID, 40) {
		return payment.Fact{}, fmt.Errorf("%w: it has no id", provider.ErrAnswer)
	}
	var f payment.Fact
	switch d.Status {
	case "ACSC", "ACCC":
		f.Class = payment.ClassApproved
	case "RCVD", "PDNG", "ACTC", "PATC", "ACCP", "ACFC", "ACSP", "ACWC", "ACWP", "BLCK":
		f.Class, f.Next = payment.ClassWaiting, payment.Next{Kind: payment.NextDone}
	case "RJCT":
		f = r.refusal()
	default:
		return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
	}
	f.ProviderRef, f.Echoed = b.ID+"."+d.PaymentID, sum
	return f, nil
}
