package paypal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	// keyLife is how long PayPal remembers the request ids of orders, "6 hours", of which one is left for clocks that differ.
	keyLife = 5 * time.Hour
	// maxInFlight is longer than any request can be under way: a call lasts 30 s at most.
	maxInFlight = time.Minute
	// visible is how long an order may not show a capture or refund of it. PayPal names no time.
	visible = 15 * time.Minute
)

// PayPal is one account at PayPal.
type PayPal struct {
	api          provider.API
	grant        *provider.Grant
	certificates *certificates
	timeout      time.Duration
	webhookID    string
	alwaysAsk    bool
	now          func() time.Time
}

var (
	_ connector.Connector = (*PayPal)(nil)
	_ connector.Capturer  = (*PayPal)(nil)
	_ connector.Voider    = (*PayPal)(nil)
	_ connector.Refunder  = (*PayPal)(nil)
	_ connector.Resumer   = (*PayPal)(nil)
	_ connector.Fencer    = (*PayPal)(nil)
	_ connector.Prober    = (*PayPal)(nil)
	_ connector.Notifier  = (*PayPal)(nil)
)

// Traits says that PayPal takes cards, also without their security codes, and BLIK, holds money, keeps cards for later charges, leaves it to us
// to take what the holder of a card has approved, and finds captures, voids and refunds through their order only.
func (p *PayPal) Traits() connector.Traits {
	return connector.Traits{
		Methods: []payment.Method{payment.BasicCard, payment.Blik}, Timeout: p.timeout, PreAuth: true, Recurring: true, WithoutCode: true,
		ByOriginal: true, Completes: true, MaxInFlight: maxInFlight, Visible: visible, Resend: connector.Resend{Within: keyLife},
	}
}

// Start makes an order that is paid at once: by card, by a card that was kept, or by BLIK. Where PreAuth is set the money is held.
func (p *PayPal) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if !keyed(r.Key) || r.Amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: a key and an amount are needed", connector.ErrIncomplete)
	}
	body, err := p.orderBody(&r)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal order: %w", err)
	}
	res, err := p.send(ctx, http.MethodPost, ordersPath, body, r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal order: %w", err)
	}
	fact, err := judgeOrder(res, r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal order: %w", err)
	}
	if !r.StartRecurring {
		fact.Credential = ""
	}
	return fact, nil
}

// Capture takes the amount of the hold, as the last that is taken of it; PayPal releases the rest. The fact is CANCELLED when nothing is held
// any more.
func (p *PayPal) Capture(ctx context.Context, r connector.Request) (payment.Fact, error) {
	amount, err := written(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal capture: %w", err)
	}
	body := provider.NewObject(300).Nest("amount", amount).Text("invoice_id", r.Key).Bool("final_capture", true).Bytes()
	return p.follow(ctx, r, payment.AttemptCapture, body)
}

// Void gives the hold back. The fact is APPROVED as well when it was gone already.
func (p *PayPal) Void(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return p.follow(ctx, r, payment.AttemptVoid, provider.NewObject(8).Bytes())
}

// Refund gives the amount back to the customer of the original.
func (p *PayPal) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	amount, err := written(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal refund: %w", err)
	}
	body := provider.NewObject(300).Nest("amount", amount).Text("custom_id", r.Key+refundMark).Text("invoice_id", r.Key).Bytes()
	return p.follow(ctx, r, payment.AttemptRefund, body)
}

// follow captures, voids or refunds what an order has led to. What it is called at PayPal is asked for first.
func (p *PayPal) follow(ctx context.Context, r connector.Request, kind payment.AttemptKind, body []byte) (payment.Fact, error) {
	if !keyed(r.Key) || r.Original.ProviderRef == "" {
		return payment.Fact{}, fmt.Errorf("%w: a key and PayPal's id of the order are needed", connector.ErrIncomplete)
	}
	o, err := p.order(ctx, r.Original.ProviderRef)
	if err == nil {
		err = o.mine(r.Original.Key)
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal %s: %w", kind, provider.Before(err))
	}
	of := o.followed(kind)
	if of == nil {
		return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeWrongState}, nil
	}
	w := follower{kind: kind, key: r.Key, of: r.Original.Key, id: of.ID}
	res, err := p.send(ctx, http.MethodPost, w.path(), body, r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal %s: %w", kind, err)
	}
	fact, err := w.judge(res)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal %s: %w", kind, err)
	}
	return fact, nil
}

// Probe asks for an order that nobody has made, which takes the rights that all other calls need as well and moves nothing.
func (p *PayPal) Probe(ctx context.Context) error {
	if _, err := p.order(ctx, "0AA00000AA000000A"); !errors.Is(err, errNoSuch) {
		if err == nil {
			err = errOther
		}
		return fmt.Errorf("paypal probe: %w", err)
	}
	return nil
}

// Format writes the address of the provider whatever the verb, and never the secret.
func (p *PayPal) Format(f fmt.State, _ rune) { writeName(f, p.api.Base) }

// keyed reports whether the key can be PayPal's request id, custom_id and invoice_id, with what is added to it.
func keyed(key string) bool { return provider.Word(key, 100) }

// requestID is the header with the key under which PayPal carries a request out once.
const requestID = "Paypal-Request-Id"

// send makes a call with an access token: a POST under a request id where one is given. Without a token nothing has left.
func (p *PayPal) send(ctx context.Context, method, path string, body []byte, key string) (*outbound.Response, error) {
	header, err := p.grant.Bearer(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if method == http.MethodPost {
		header.Set("Prefer", "return=representation")
	}
	var res *outbound.Response
	if key != "" {
		header.Set(requestID, key)
		res, err = p.api.PostOnce(ctx, path, body, requestID, header)
	} else {
		res, err = p.api.Do(ctx, method, path, body, header)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if res.Status == http.StatusUnauthorized {
		p.grant.Forget()
	}
	return res, nil
}
