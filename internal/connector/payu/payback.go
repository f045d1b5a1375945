package payu

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// refund is what the connector reads of one.
type refund struct {
	ID       string `json:"refundId"`
	Ext      string `json:"extRefundId"`
	Amount   string `json:"amount"`
	Currency string `json:"currencyCode"`
	State    string `json:"status"`
}

// Refund gives the amount back. PayU publishes that exactly the same request makes one refund, however often it comes.
func (p *PayU) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	amount, err := units.Number(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("payu refund: %w", err)
	}
	if !provider.Word(r.Key, 255) || amount == 0 || !provider.Word(r.Original.ProviderRef, 64) {
		return payment.Fact{}, fmt.Errorf("%w: a key, an amount and PayU's name of the order are needed", connector.ErrIncomplete)
	}
	inner := provider.NewObject(300).Text("description", r.Key).Text("amount", strconv.FormatUint(amount, 10)).Text("extRefundId", r.Key).Text("currencyCode", string(r.Currency))
	res, err := p.do(ctx, http.MethodPost, "/api/v2_1/orders/"+r.Original.ProviderRef+"/refunds", provider.NewObject(400).Nest("refund", inner).Bytes())
	if err != nil {
		return payment.Fact{}, fmt.Errorf("payu refund: %w", err)
	}
	if res.Status != http.StatusOK && res.Status != http.StatusCreated {
		f := readFailure(res.Body)
		if fact, is := f.rejected(res.Status, r.Method); is {
			return fact, nil
		}
		return payment.Fact{}, fmt.Errorf("payu refund: %w", f.unclear(res.Status))
	}
	var told struct {
		Order  string  `json:"orderId"`
		Refund *refund `json:"refund"`
	}
	if err := provider.Read(res.Body, &told); err != nil {
		return payment.Fact{}, fmt.Errorf("payu refund: %w", err)
	}
	if told.Order != r.Original.ProviderRef || told.Refund == nil {
		return payment.Fact{}, fmt.Errorf("payu refund: %w", errOther)
	}
	fact, err := told.Refund.fact(r.Key, told.Order)
	if err == nil && (fact.Echoed.Amount != r.Amount || fact.Echoed.Currency != r.Currency) {
		err = errOther
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("payu refund: %w", err)
	}
	return fact, nil
}

// fact is what the refund proves. Its name is that of its order and its own, since it is asked for by both.
func (r *refund) fact(key, order string) (payment.Fact, error) {
	if r.Ext != key || !provider.Word(r.ID, 32) {
		return payment.Fact{}, errOther
	}
	echoed, err := sum(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, err
	}
	f := payment.Fact{}
	switch r.State {
	case pending:
		f.Class = payment.ClassWaiting
	case "FINALIZED":
		f.Class = payment.ClassApproved
	case canceled:
		f = payment.Fact{Class: payment.ClassDeclinedHard, Code: payment.CodeAcquirer, RawCode: canceled}
	default:
		return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
	}
	f.ProviderRef, f.Echoed = order+"-"+r.ID, echoed
	return f, nil
}

// refunded asks about a refund, among those of its order.
func (p *PayU) refunded(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	of, _, _ := strings.Cut(ref.ProviderRef, "-")
	order := cmp.Or(of, ref.Of.ProviderRef)
	if !provider.Word(order, 64) {
		return payment.Fact{}, fmt.Errorf("%w: its order is not known to PayU's name", provider.ErrAnswer)
	}
	res, err := p.do(ctx, http.MethodGet, "/api/v2_1/orders/"+order+"/refunds", nil)
	if err != nil {
		return payment.Fact{}, err
	}
	if res.Status != http.StatusOK {
		return payment.Fact{}, readFailure(res.Body).unclear(res.Status)
	}
	body := bytes.TrimSpace(res.Body)
	if bytes.HasPrefix(body, []byte("[")) { // as the specification has it; the documentation has an object
		body = slices.Concat([]byte(`{"refunds":`), body, []byte("}"))
	}
	var told struct {
		Refunds []refund `json:"refunds"`
	}
	if err := provider.Read(body, &told); err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	if told.Refunds == nil {
		return payment.Fact{}, fmt.Errorf("%w: no list", provider.ErrAnswer)
	}
	for i := range told.Refunds {
		if told.Refunds[i].Ext == ref.Key {
			return told.Refunds[i].fact(ref.Key, order)
		}
	}
	return payment.Fact{}, errNoSuch
}
