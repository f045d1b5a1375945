package paypal

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	ordersPath         = "/v2/checkout/orders"
	authorizationsPath = "/v2/payments/authorizations/"
	capturesPath       = "/v2/payments/captures/"
	refundsPath        = "/v2/payments/refunds/"
)

// order is what the connector reads of an order.
type order struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Intent string `json:"intent"`
	Units  []unit `json:"purchase_units"`
	Source struct {
		Card *card     `json:"card"`
		Blik *struct{} `json:"blik"`
	} `json:"payment_source"`
	Links []struct {
		Href string `json:"href"`
		Rel  string `json:"rel"`
	} `json:"links"`
}

// unit is what is bought, and what that has led to.
type unit struct {
	Reference string `json:"reference_id"`
	Custom    string `json:"custom_id"`
	Amount    sum    `json:"amount"`
	Payments  struct {
		Authorizations []movement `json:"authorizations"`
		Captures       []movement `json:"captures"`
		Refunds        []movement `json:"refunds"`
	} `json:"payments"`
}

// movement is an authorization, a capture or a refund.
type movement struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Amount    sum    `json:"amount"`
	Custom    string `json:"custom_id"`
	Invoice   string `json:"invoice_id"`
	Processor struct {
		Code   string `json:"response_code"`
		Advice string `json:"payment_advice_code"`
	} `json:"processor_response"`
	Breakdown struct {
		Fee sum `json:"paypal_fee"`
		Net sum `json:"net_amount"`
	} `json:"seller_receivable_breakdown"`
	Related struct {
		IDs struct {
			Order string `json:"order_id"`
		} `json:"related_ids"`
	} `json:"supplementary_data"`
}

// errOther is an answer about something else than what was asked for.
var errOther = fmt.Errorf("%w: it is about something else", provider.ErrAnswer)

func unpublished(of string) error {
	return fmt.Errorf("%w: the status of the %s is none that was published", provider.ErrAnswer, of)
}

// judgeOrder reads the answer to a request that makes or completes the order of that key.
func judgeOrder(res *outbound.Response, key string) (payment.Fact, error) {
	if res.Status != http.StatusOK && res.Status != http.StatusCreated {
		return refused(res)
	}
	var o order
	if err := provider.Read(res.Body, &o); err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	if err := o.mine(key); err != nil {
		return payment.Fact{}, err
	}
	return o.fact()
}

// mine checks that the order is the one that our key made, or that was made or changed to close it.
func (o *order) mine(key string) error {
	if len(o.Units) != 1 || !provider.Word(o.ID, 36) || key != "" && strings.TrimSuffix(o.Units[0].Custom, closedMark) != key {
		return errOther
	}
	return nil
}

// closed reports that nothing can be taken for the order any more, because it was made or changed for that.
func (o *order) closed() bool {
	paid := &o.Units[0].Payments
	return strings.HasSuffix(o.Units[0].Custom, closedMark) && len(paid.Authorizations)+len(paid.Captures) == 0
}

// fact is what the order proves about its deposit. Its status says no more than how far it has come: what was taken or held does.
func (o *order) fact() (payment.Fact, error) {
	asked, err := o.Units[0].Amount.read()
	if err != nil {
		return payment.Fact{}, err
	}
	f := payment.Fact{Class: payment.ClassWaiting, Echoed: asked}
	paid := &o.Units[0].Payments
	switch {
	case o.closed():
		f = closed()
	case len(paid.Authorizations) > 0:
		f, err = o.held(&paid.Authorizations[len(paid.Authorizations)-1])
	case len(paid.Captures) > 0:
		f, err = best(paid.Captures).sold()
	case o.Status == "VOIDED":
		f = payment.Fact{Class: payment.ClassRejected, Code: payment.CodeAbandoned}
	case o.Status == "PAYER_ACTION_REQUIRED":
		f.Next = o.step()
	case o.Status == "CREATED", o.Status == "SAVED", o.Status == "APPROVED":
	case o.Status == "COMPLETED":
		err = fmt.Errorf("%w: completed, and nothing shows how", provider.ErrAnswer)
	default:
		err = unpublished("order")
	}
	if err == nil && !o.published() {
		err = unpublished("order")
	}
	if err != nil {
		return payment.Fact{}, err
	}
	f.ProviderRef = o.ID
	o.describe(&f)
	return f, nil
}

// published reports that the status is one of PayPal's.
func (o *order) published() bool {
	switch o.Status {
	case "CREATED", "SAVED", "APPROVED", "VOIDED", "COMPLETED", "PAYER_ACTION_REQUIRED":
		return true
	}
	return false
}

// open reports that an order waits for its payer, or for us.
func (o *order) open() bool {
	paid := &o.Units[0].Payments
	return len(paid.Authorizations)+len(paid.Captures) == 0 && o.Status != "VOIDED" && !o.closed()
}

// step is what the payer has to do: on the page that PayPal gives, or in the bank's app.
func (o *order) step() payment.Next {
	for _, l := range o.Links {
		if l.Rel == "payer-action" && provider.Page(l.Href) {
			return payment.GoTo(l.Href)
		}
	}
	if o.Source.Blik != nil {
		return payment.Next{Kind: payment.NextWait}
	}
	return payment.Next{}
}

// held is what an authorization proves, and what was taken of it.
func (o *order) held(m *movement) (payment.Fact, error) {
	sum, err := m.Amount.read()
	if err != nil {
		return payment.Fact{}, err
	}
	f := payment.Fact{Class: payment.ClassAuthorized, Echoed: sum}
	switch m.Status {
	case "CREATED", "CAPTURED", "PARTIALLY_CAPTURED":
		taken, some, err := o.taken()
		if err != nil {
			return payment.Fact{}, err
		}
		if some {
			f.Class, f.Echoed = payment.ClassApproved, taken
		}
	case "PENDING":
		f.Class = payment.ClassWaiting
	case "DENIED":
		f = m.declined()
		f.Echoed = sum
	case "VOIDED":
		f = payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeTimeout, Echoed: sum}
	default:
		return payment.Fact{}, unpublished("authorization")
	}
	return f, nil
}

// taken adds up what was taken of a hold.
func (o *order) taken() (all money.Sum, some bool, err error) {
	for i := range o.Units[0].Payments.Captures {
		m := &o.Units[0].Payments.Captures[i]
		f, err := m.sold()
		if err != nil {
			return money.Sum{}, false, err
		}
		if f.Class != payment.ClassApproved {
			continue
		}
		if all.Currency = f.Echoed.Currency; all.Amount.IsZero() {
			all.Amount, some = f.Echoed.Amount, true
			continue
		}
		if all.Amount, err = all.Amount.Add(f.Echoed.Amount); err != nil {
			return money.Sum{}, false, fmt.Errorf("%w: %w", provider.ErrAnswer, err)
		}
	}
	return all, some, nil
}

// best is the capture of a sale that tells how it stands: one that took the money before one that is pending, and both before refusals.
func best(all []movement) *movement {
	rank := func(m *movement) int {
		switch m.Status {
		case "COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED":
			return 2
		case "PENDING":
			return 1
		}
		return 0
	}
	found := &all[0]
	for i := range all {
		if rank(&all[i]) >= rank(found) {
			found = &all[i]
		}
	}
	return found
}

// sold is what a capture proves about what it is of.
func (m *movement) sold() (payment.Fact, error) {
	sum, err := m.Amount.read()
	if err != nil {
		return payment.Fact{}, err
	}
	f := payment.Fact{Class: payment.ClassApproved}
	switch m.Status {
	case "COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED":
		f.Fee, _ = m.Breakdown.Fee.read()
		f.Settled, _ = m.Breakdown.Net.read()
	case "PENDING":
		f.Class = payment.ClassWaiting
	case "DECLINED", "FAILED":
		f = m.declined()
	default:
		return payment.Fact{}, unpublished("capture")
	}
	f.ProviderRef, f.Echoed = m.ID, sum
	return f, nil
}

// closed is the fact of a key under which nothing will be done any more.
func closed() payment.Fact {
	return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeCommunication}
}
