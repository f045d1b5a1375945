package payu

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// errNoSuch is what is not known, or what PayU cannot be asked about.
var errNoSuch = errors.New("payu does not know it")

// errOther is an answer about something else than what was asked for.
var errOther = fmt.Errorf("%w: it is about something else", provider.ErrAnswer)

// Status asks how the attempt stands, by PayU's own name of it. Without one PayU cannot be asked, and nothing is found. What was paid and
// waits for its merchant's confirmation is confirmed then and there: nothing that is paid by BLIK or at a bank is held.
func (p *PayU) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	var fact payment.Fact
	var err error
	switch {
	case ref.Key == "":
		err = errors.New("no key")
	case ref.Kind == payment.AttemptDeposit && ref.ProviderRef != "":
		fact, err = p.deposit(ctx, ref)
	case ref.Kind == payment.AttemptRefund:
		fact, err = p.refunded(ctx, ref)
	default:
		err = errNoSuch
	}
	if errors.Is(err, errNoSuch) {
		return unseen(), nil
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("payu status: %w", err)
	}
	return fact, nil
}

func unseen() payment.Fact { return payment.Fact{Class: payment.ClassUnknown, NotFound: true} }

// The published states of an order.
const (
	isNew     = "NEW"
	pending   = "PENDING"
	waiting   = "WAITING_FOR_CONFIRMATION"
	completed = "COMPLETED"
	canceled  = "CANCELED"
)

// order is what the connector reads of one.
type order struct {
	ID       string `json:"orderId"`
	Ext      string `json:"extOrderId"`
	State    string `json:"status"`
	Amount   string `json:"totalAmount"`
	Currency string `json:"currencyCode"`
}

// find asks for an order of ours.
func (p *PayU) find(ctx context.Context, id, key string) (*order, error) {
	if !provider.Word(id, 64) {
		return nil, fmt.Errorf("%w: the id is none of PayU's", provider.ErrAnswer)
	}
	res, err := p.do(ctx, http.MethodGet, "/api/v2_1/orders/"+id, nil)
	if err != nil {
		return nil, err
	}
	if res.Status != http.StatusOK {
		return nil, readFailure(res.Body).unclear(res.Status)
	}
	var told struct {
		Orders []order `json:"orders"`
	}
	if err := provider.Read(res.Body, &told); err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if len(told.Orders) != 1 || told.Orders[0].ID != id || told.Orders[0].Ext != key {
		return nil, errOther
	}
	return &told.Orders[0], nil
}

// deposit asks about an order, and confirms one that waits for that, if it is about what was asked for.
func (p *PayU) deposit(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	o, err := p.find(ctx, ref.ProviderRef, ref.Key)
	if err != nil {
		return payment.Fact{}, err
	}
	if o.State == waiting {
		sum, err := o.sum()
		if err != nil || sum.Amount != ref.Amount || sum.Currency != ref.Currency {
			return payment.Fact{}, errOther
		}
		if err := p.confirm(ctx, o.ID); err != nil {
			return payment.Fact{}, fmt.Errorf("confirmation: %w", err)
		}
		if o, err = p.find(ctx, ref.ProviderRef, ref.Key); err != nil {
			return payment.Fact{}, err
		}
	}
	f, err := o.fact()
	if err == nil && o.State == canceled {
		return p.whyCanceled(ctx, f)
	}
	return f, err
}

// confirm takes what was paid. Its answer is not what counts: the order is read once more.
func (p *PayU) confirm(ctx context.Context, id string) error {
	_, err := p.do(ctx, http.MethodPut, "/api/v2_1/orders/"+id+"/status", provider.NewObject(120).Text("orderId", id).Text("orderStatus", completed).Bytes())
	return err
}

func (o *order) sum() (money.Sum, error) { return sum(o.Amount, o.Currency) }

// sum reads an amount.
func sum(amount, code string) (money.Sum, error) {
	currency, err := provider.Currency(code)
	if err != nil {
		return money.Sum{}, err //nolint:wrapcheck // by each caller
	}
	n, err := strconv.ParseUint(amount, 10, 63)
	if err != nil {
		return money.Sum{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	a, err := units.Amount(int64(n), currency)
	if err != nil || a.IsZero() {
		return money.Sum{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	return money.Sum{Amount: a, Currency: currency}, nil
}

// fact is what the order proves by itself. What waits to be confirmed is not ours yet.
func (o *order) fact() (payment.Fact, error) {
	echoed, err := o.sum()
	if err != nil {
		return payment.Fact{}, err
	}
	f := payment.Fact{ProviderRef: o.ID, Echoed: echoed}
	switch o.State {
	case isNew, pending, waiting:
		f.Class = payment.ClassWaiting
	case completed:
		f.Class = payment.ClassApproved
	case canceled:
		f.Class, f.Code = payment.ClassCancelled, payment.CodeTimeout
	default:
		return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
	}
	return f, nil
}

// whyCanceled asks for the reason of an order that was not paid, where there is one. Without it the order is over all the same.
func (p *PayU) whyCanceled(ctx context.Context, f payment.Fact) (payment.Fact, error) {
	res, err := p.do(ctx, http.MethodGet, "/api/v2_1/orders/"+f.ProviderRef+"/transactions", nil)
	if err != nil || res.Status != http.StatusOK {
		return f, nil //nolint:nilerr // it is no more than the reason
	}
	var told struct {
		Transactions []struct {
			Result string `json:"resultCode"`
		} `json:"transactions"`
	}
	if provider.Read(res.Body, &told) != nil {
		return f, nil //nolint:nilerr // likewise
	}
	for _, t := range told.Transactions {
		if t.Result != "" && t.Result != "SUCCESS" && t.Result != "000" {
			refused := declines.Fact(t.Result)
			refused.ProviderRef, refused.Echoed = f.ProviderRef, f.Echoed
			f = refused
		}
	}
	return f, nil
}
