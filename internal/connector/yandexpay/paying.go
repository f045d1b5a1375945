package yandexpay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	// maxInFlight is longer than any request can be under way: a call lasts 30 s at most.
	maxInFlight = time.Minute
	// visible is how long a query may not find what was made. Nothing is published about that; an installation of Sluice shows it at once.
	visible = 10 * time.Minute
)

// YandexPay is one merchant at Yandex Pay.
type YandexPay struct {
	api      provider.API
	timeout  time.Duration
	merchant string
	twoStage bool
	tax      int
	sluice   bool
	signers  *signers
	now      func() time.Time
}

var (
	_ connector.Connector = (*YandexPay)(nil)
	_ connector.Capturer  = (*YandexPay)(nil)
	_ connector.Voider    = (*YandexPay)(nil)
	_ connector.Refunder  = (*YandexPay)(nil)
	_ connector.Prober    = (*YandexPay)(nil)
	_ connector.Notifier  = (*YandexPay)(nil)
)

// Traits says that customers enter their cards at Yandex Pay, that the account holds money or does not, keeps cards, and finds everything by
// our keys.
func (y *YandexPay) Traits() connector.Traits {
	t := connector.Traits{
		Methods: []payment.Method{payment.BasicCard}, Timeout: y.timeout, PreAuth: y.twoStage, Recurring: true, WithoutCode: true,
		Wants: payer.Wants{NoCard: true}, MaxInFlight: maxInFlight, Visible: visible,
	}
	if y.sluice {
		t.Visible = 0
	}
	return t
}

// Start makes an order, which the customer pays on the provider's page, or charges a subscription.
func (y *YandexPay) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if err := expressible(&r); err != nil {
		return payment.Fact{}, err
	}
	if r.PreAuth != y.twoStage {
		return payment.Fact{}, fmt.Errorf("%w: whether money is held first is a matter of the account, and not of a payment", connector.ErrIncomplete)
	}
	if c, ok := r.Means.(*instrument.Credential); ok {
		return y.charge(ctx, &r, c)
	}
	path := "/v1/orders"
	if r.StartRecurring {
		path = "/v1/subscriptions"
	}
	res, err := y.api.Post(ctx, path, orderBody(&r, y.tax, y.now()), named(r.Key))
	if err != nil {
		return payment.Fact{}, fmt.Errorf("yandexpay order: %w", err)
	}
	var made struct {
		Page string `json:"paymentUrl"`
	}
	if no := read(res, &made); no != nil {
		return y.notMade(ctx, &r, no)
	}
	if !provider.Page(made.Page) {
		return payment.Fact{}, fmt.Errorf("yandexpay order: %w", provider.Unclear(res.Status, "no_page"))
	}
	return payment.Fact{Class: payment.ClassWaiting, ProviderRef: r.Key, Next: payment.GoTo(made.Page)}, nil
}

// notMade judges a refusal of an order. An orderId is unique, so one that is taken is ours.
func (y *YandexPay) notMade(ctx context.Context, r *connector.Request, no error) (payment.Fact, error) {
	if reasonOf(no) == "ORDER_ALREADY_EXISTS" {
		return y.Status(ctx, connector.Ref{Kind: payment.AttemptDeposit, Key: r.Key, Amount: r.Amount, Currency: r.Currency})
	}
	return refused("order", no)
}

// charge takes money by a subscription that the customer has begun before. The answer names an operation only, so that its order is read.
func (y *YandexPay) charge(ctx context.Context, r *connector.Request, c *instrument.Credential) (payment.Fact, error) {
	parent, ok := strings.CutPrefix(c.Handle, chain)
	if !ok || !provider.Word(parent, mostKey) {
		return payment.Fact{}, fmt.Errorf("%w: the credential is none of the provider's", connector.ErrIncomplete)
	}
	res, err := y.api.Post(ctx, "/v1/subscriptions/recur", recurBody(r, parent, y.tax), named(r.Key))
	if err != nil {
		return payment.Fact{}, fmt.Errorf("yandexpay charge: %w", err)
	}
	var made struct {
		ID string `json:"operationId"`
	}
	if no := read(res, &made); no != nil {
		return y.notMade(ctx, r, no)
	}
	if !provider.Word(made.ID, 64) {
		return payment.Fact{}, fmt.Errorf("yandexpay charge: %w", provider.Unclear(res.Status, "no_id"))
	}
	fact, err := y.Status(ctx, connector.Ref{Kind: payment.AttemptDeposit, Key: r.Key, Amount: r.Amount, Currency: r.Currency})
	if err != nil || fact.Class == payment.ClassUnknown {
		return payment.Fact{Class: payment.ClassWaiting, ProviderRef: r.Key}, nil //nolint:nilerr // it was accepted, and will be asked about
	}
	return fact, nil
}

// Capture takes the amount of the hold; the rest goes back.
func (y *YandexPay) Capture(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if err := expressible(&r); err != nil {
		return payment.Fact{}, err
	}
	return y.operate(ctx, &r, payment.AttemptCapture, captureBody(&r, y.tax))
}

// Void gives the hold back.
func (y *YandexPay) Void(ctx context.Context, r connector.Request) (payment.Fact, error) {
	body := provider.NewObject(200).Text("reason", "cancelled by the merchant").Text("externalOperationId", r.Key).Bytes()
	return y.operate(ctx, &r, payment.AttemptVoid, body)
}

// Refund gives the amount back to the customer of the order.
func (y *YandexPay) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if err := expressible(&r); err != nil {
		return payment.Fact{}, err
	}
	body := provider.NewObject(200).Text("refundAmount", amountText(&r)).Text("externalOperationId", r.Key).Bytes()
	return y.operate(ctx, &r, payment.AttemptRefund, body)
}

// verbs are where the kinds of operations are asked for: before an order's id and behind it.
var verbs = map[payment.AttemptKind][2]string{
	payment.AttemptCapture: {"/v1", "/capture"}, payment.AttemptVoid: {"/v1", "/cancel"}, payment.AttemptRefund: {"/v2", "/refund"},
}

func (y *YandexPay) operate(ctx context.Context, r *connector.Request, kind payment.AttemptKind, body []byte) (payment.Fact, error) {
	if !provider.Word(r.Key, mostKey) || !provider.Word(r.Original.Key, mostKey) {
		return payment.Fact{}, fmt.Errorf("%w: a key, and that of the order, are needed", connector.ErrIncomplete)
	}
	at := verbs[kind]
	res, err := y.api.Post(ctx, at[0]+"/orders/"+url.PathEscape(r.Original.Key)+at[1], body, named(r.Key))
	if err != nil {
		return payment.Fact{}, fmt.Errorf("yandexpay %s: %w", kind, err)
	}
	ref := connector.Ref{Kind: kind, Key: r.Key, Amount: r.Amount, Currency: r.Currency, Of: connector.Original{Key: r.Original.Key}}
	var got operationAnswer
	no := read(res, &got)
	switch {
	case no == nil:
		f, err := got.Operation.fact(&ref)
		if err != nil {
			return payment.Fact{}, fmt.Errorf("yandexpay %s: %w", kind, err)
		}
		return f, nil
	case reasonOf(no) == "DUPLICATE_EXTERNAL_OPERATION_ID": // it is done, or the id is another's
		return y.Status(ctx, ref)
	}
	return refused(string(kind), no)
}

// named is the provider's name for a request that is sent again, which ours never are, and how long an answer may take.
func named(key string) http.Header {
	return http.Header{"X-Request-Id": {key}, "X-Request-Attempt": {"0"}, "X-Request-Timeout": {"10000"}}
}

// Probe asks about an order that was never made: the provider knows none, and says so to its own merchants only.
func (y *YandexPay) Probe(ctx context.Context) error {
	res, err := y.api.Get(ctx, "/v1/orders/sluice-probe")
	if err != nil {
		return fmt.Errorf("yandexpay probe: %w", err)
	}
	var got orderAnswer
	if no := read(res, &got); no == nil || !errors.Is(no, errNoSuch) {
		return fmt.Errorf("yandexpay probe: %w", provider.Unclear(res.Status, reasonOf(no)))
	}
	return nil
}

// Format writes the address of the provider whatever the verb, and never the key.
func (y *YandexPay) Format(f fmt.State, _ rune) { writeName(f, y.api.Base) }
