package gateway

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// The published states. AWAITING_APPROVAL is of the sister version.
const (
	stateCheckout   = "CHECKOUT"
	statePending    = "PENDING"
	stateAuthorized = "AUTHORIZED"
	stateCompleted  = "COMPLETED"
	stateDeclined   = "DECLINED"
	stateCancelled  = "CANCELLED"
	stateApproval   = "AWAITING_APPROVAL"
)

// wirePayment is what the connector reads of a payment.
type wirePayment struct {
	ID            string         `json:"id"`
	Reference     string         `json:"referenceId"`
	Type          string         `json:"paymentType"`
	State         string         `json:"state"`
	Parent        string         `json:"parentPaymentId"`
	Amount        jsontext.Value `json:"amount"`
	Currency      string         `json:"currency"`
	Asked         jsontext.Value `json:"customerAmount"` // what was asked for, where the provider converted it
	AskedCurrency string         `json:"customerCurrency"`
	Redirect      string         `json:"redirectUrl"`
	ErrorCode     string         `json:"errorCode"`
	RawCode       string         `json:"externalResultCode"`
	PreAuth       bool           `json:"preAuth"`
	Begins        bool           `json:"startRecurring"`
	Token         string         `json:"recurringToken"`
	Fee           jsontext.Value `json:"externalFeeAmount"`
	FeeCurrency   string         `json:"externalFeeCurrency"`
	Details       *struct {
		Brand   string `json:"cardBrand"`
		Country string `json:"cardIssuingCountryCode"`
	} `json:"paymentMethodDetails"`
}

// readOne reads an answer that shows one payment.
func readOne(body []byte) (*wirePayment, error) {
	var e struct {
		Status int          `json:"status"`
		Result *wirePayment `json:"result"`
	}
	if err := provider.Read(body, &e); err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if e.Status != http.StatusOK || e.Result == nil {
		return nil, fmt.Errorf("%w: it shows no payment", provider.ErrAnswer)
	}
	return e.Result, nil
}

// about is what an answer has to be about.
type about struct {
	kind     payment.AttemptKind
	key      string
	of       string // the key of the hold, of a capture or void; empty where it is not known
	id       string // of the payment that the answer shows, where it is known; of a capture or void that of the hold
	parent   string // of a refund, where it is known
	verifies bool   // no money is to be moved
	asked    bool   // by a query: a customer may still have the page
}

// errOther is an answer about something else than what was asked for.
var errOther = fmt.Errorf("%w: it is about something else", provider.ErrAnswer)

// check makes sure that the payment is the one that is meant.
func (a *about) check(p *wirePayment) error {
	kind, reference := "DEPOSIT", a.key
	switch a.kind {
	case payment.AttemptRefund:
		kind = "REFUND"
	case payment.AttemptWithdrawal:
		kind = "WITHDRAWAL"
	case payment.AttemptCapture, payment.AttemptVoid:
		reference = a.of
	case payment.AttemptDeposit:
	}
	if !provider.Word(p.ID, mostID) || p.Type != kind || reference != "" && p.Reference != reference || a.id != "" && p.ID != a.id ||
		a.parent != "" && p.Parent != a.parent {
		return errOther
	}
	return nil
}

// judge reads the answer to a request that moves money.
func (a *about) judge(res *outbound.Response) (payment.Fact, error) {
	if res.Status != http.StatusOK {
		return refused(res)
	}
	p, err := readOne(res.Body)
	if err != nil {
		return payment.Fact{}, err
	}
	return a.fact(p)
}

// fact is what the payment proves about the attempt.
func (a *about) fact(p *wirePayment) (payment.Fact, error) {
	if err := a.check(p); err != nil {
		return payment.Fact{}, err
	}
	if a.kind == payment.AttemptCapture || a.kind == payment.AttemptVoid {
		return a.followed(p)
	}
	f := payment.Fact{ProviderRef: p.ID}
	if err := p.money(&f, a.verifies); err != nil {
		return payment.Fact{}, err
	}
	switch p.State {
	case stateCheckout:
		if !a.asked || a.kind != payment.AttemptDeposit {
			return payment.Fact{}, fmt.Errorf("%w: it was not gone ahead with", provider.ErrAnswer)
		}
		// What was only made has moved nothing, and where its customer was not sent to the page, nobody can pay it but by the request that is
		// asked about.
		if a.id == "" {
			return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
		}
		f.Class, f.Next = payment.ClassWaiting, p.next()
	case statePending, stateApproval:
		f.Class = payment.ClassWaiting
		if a.kind == payment.AttemptDeposit {
			f.Next = p.next()
		}
	case stateAuthorized:
		if a.kind != payment.AttemptDeposit {
			return payment.Fact{}, errState
		}
		f.Class = payment.ClassAuthorized
		if a.verifies {
			f.Class = payment.ClassApproved
		}
	case stateCompleted:
		f.Class = payment.ClassApproved
	case stateDeclined:
		p.refusal(&f)
	case stateCancelled:
		f.Class, f.Code = payment.ClassCancelled, cancelled(p.ErrorCode)
		if a.kind != payment.AttemptDeposit {
			f.Class, f.Code = payment.ClassRejected, payment.CodeAcquirer
		}
	default:
		return payment.Fact{}, errState
	}
	p.describe(&f)
	return f, nil
}

var errState = fmt.Errorf("%w: its state is none that was published for it", provider.ErrAnswer)

// followed is what the deposit proves about its capture or void. Neither leaves a name: what is taken, or given back, has been that whoever
// did it. Where the hold stands a query has not found it; the answer to the request itself says why.
func (a *about) followed(p *wirePayment) (payment.Fact, error) {
	f := payment.Fact{ProviderRef: p.ID}
	if !p.PreAuth {
		return payment.Fact{}, errOther
	}
	if err := p.money(&f, false); err != nil {
		return payment.Fact{}, err
	}
	taken, given := a.kind == payment.AttemptCapture && p.State == stateCompleted, a.kind == payment.AttemptVoid && p.State == stateCancelled
	switch {
	case taken || given:
		f.Class = payment.ClassApproved
		if taken {
			p.describe(&f)
			f.Credential = ""
		}
	case p.State == statePending:
		f.Class = payment.ClassWaiting
	case !a.asked && p.State == stateAuthorized && p.ErrorCode != "":
		p.refusal(&f)
	case !a.asked && p.State == stateCancelled:
		f.Class, f.Code = payment.ClassCancelled, cancelled(p.ErrorCode)
	case a.asked && (p.State == stateAuthorized || p.State == stateCompleted || p.State == stateCancelled):
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	default:
		return payment.Fact{}, errState
	}
	return f, nil
}

// money sets the echoed amount: what was asked for where that was converted.
func (p *wirePayment) money(f *payment.Fact, verifies bool) (err error) {
	value, code := p.Amount, p.Currency
	if p.AskedCurrency != "" {
		value, code = p.Asked, p.AskedCurrency
	}
	if verifies && (len(value) == 0 || isZero(value)) {
		return nil
	}
	f.Echoed, err = sumOf(value, code)
	if err == nil && (verifies || f.Echoed.IsZero()) {
		err = fmt.Errorf("%w: it is of another amount", provider.ErrAnswer)
	}
	return err
}

func isZero(v jsontext.Value) bool {
	a, err := money.ParseJSONNumber(string(v))
	return err == nil && a.IsZero()
}

func sumOf(value jsontext.Value, code string) (money.Sum, error) {
	amount, err := money.ParseJSONNumber(string(value))
	if err != nil {
		return money.Sum{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	currency, err := provider.Currency(code)
	if err != nil {
		return money.Sum{}, err //nolint:wrapcheck // by each caller
	}
	return money.Sum{Amount: amount, Currency: currency}, nil
}

// next is the page where the customer goes on.
func (p *wirePayment) next() payment.Next {
	if !provider.Page(p.Redirect) {
		return payment.Next{}
	}
	return payment.GoTo(p.Redirect)
}

// describe adds what the provider tells besides: the card, what can be charged later, the fee.
func (p *wirePayment) describe(f *payment.Fact) {
	won := f.Class == payment.ClassApproved || f.Class == payment.ClassAuthorized
	if won && p.Begins && provider.Word(p.Token, 128) {
		f.Credential = p.ID + "/" + p.Token
	}
	if d := p.Details; d != nil {
		if b := instrument.Brand(d.Brand); b != instrument.BrandUnknown && b.Valid() {
			f.Instrument.CardBrand = b
		}
		if c := d.Country; len(c) == 2 && 'A' <= c[0] && c[0] <= 'Z' && 'A' <= c[1] && c[1] <= 'Z' {
			f.Instrument.CardIssuingCountry = c
		}
	}
	if fee, err := sumOf(p.Fee, p.FeeCurrency); err == nil && won {
		f.Fee = fee
	}
}
