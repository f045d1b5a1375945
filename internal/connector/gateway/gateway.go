package gateway

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	// maxInFlight is longer than any request can be under way: a call lasts 30 s at most.
	maxInFlight = time.Minute
	// visible is how long the list may not show what was made. Nothing is published about that; an installation of Sluice shows it at once.
	visible = 10 * time.Minute
)

// Gateway is one shop at one provider of the family.
type Gateway struct {
	api        provider.API
	timeout    time.Duration
	signingKey string
	onPage     bool // cards are entered at the provider
	asksPayer  bool
	sluice     bool
}

var (
	_ connector.Connector = (*Gateway)(nil)
	_ connector.Verifier  = (*Gateway)(nil)
	_ connector.Capturer  = (*Gateway)(nil)
	_ connector.Voider    = (*Gateway)(nil)
	_ connector.Refunder  = (*Gateway)(nil)
	_ connector.Payer     = (*Gateway)(nil)
	_ connector.Prober    = (*Gateway)(nil)
	_ connector.Notifier  = (*Gateway)(nil)
)

// Traits says that the provider takes cards, also without their security codes, bank payments and PIX, holds money, keeps cards, and finds
// what was created by our key, but captures and voids through the payment only.
func (g *Gateway) Traits() connector.Traits {
	t := connector.Traits{
		Methods: []payment.Method{payment.BasicCard, payment.OpenBanking, payment.PayByLink, payment.Pix}, Timeout: g.timeout, PreAuth: true,
		Recurring: true, WithoutCode: true, ByOriginal: true, MaxInFlight: maxInFlight, Visible: visible,
	}
	if g.sluice {
		t.Visible = 0
	}
	t.Wants.NoCard = g.onPage
	if g.asksPayer {
		t.Wants.Details = []payer.Detail{payer.FirstName, payer.LastName, payer.Email, payer.Phone}
	}
	return t
}

// Start makes a sale, or a hold where PreAuth is set: by card, by a card that was kept, or on the provider's page.
func (g *Gateway) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if err := expressible(&r); err != nil {
		return payment.Fact{}, err
	}
	if r.Amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: an amount is needed", connector.ErrIncomplete)
	}
	switch means := r.Means.(type) {
	case *instrument.Credential:
		return g.charge(ctx, &r, means)
	case *instrument.Card:
		if !g.onPage {
			return g.pay(ctx, &r, means)
		}
	}
	if r.Method.Spec().Means == instrument.KindCode {
		return payment.Fact{}, fmt.Errorf("%w: no codes are taken", connector.ErrIncomplete)
	}
	return g.lead(ctx, &r)
}

// Verify checks a card without money, and has it kept for later charges where StartRecurring is set.
func (g *Gateway) Verify(ctx context.Context, r connector.Request) (payment.Fact, error) {
	card := instrument.CardOf(r.Means)
	if err := expressible(&r); err != nil {
		return payment.Fact{}, err
	}
	if card == nil || !r.Amount.IsZero() || g.onPage {
		return payment.Fact{}, fmt.Errorf("%w: a card and no amount are needed", connector.ErrIncomplete)
	}
	r.PreAuth = true
	return g.pay(ctx, &r, card)
}

// pay names the card to the provider, which moves nothing, and goes ahead with what it has made of it. What fails before the second request
// was not sent: nobody else has the address by which the deposit could be paid.
func (g *Gateway) pay(ctx context.Context, r *connector.Request, card *instrument.Card) (payment.Fact, error) {
	ip := customerIP(r)
	if ip == "" {
		return payment.Fact{}, fmt.Errorf("%w: the customer's address is needed", connector.ErrIncomplete)
	}
	made, fact, err := g.prepare(ctx, r, depositBody(r, card, ip))
	if err != nil || fact.Class != "" {
		return fact, err
	}
	res, err := g.api.Do(ctx, http.MethodPatch, onePath+made.ID, browserBody(&r.Browser, ip), g.under(r.Key))
	if err != nil {
		return payment.Fact{}, fmt.Errorf("gateway deposit: %w", err)
	}
	a := about{kind: payment.AttemptDeposit, key: r.Key, id: made.ID, verifies: r.Amount.IsZero()}
	fact, err = a.judge(res)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("gateway deposit: %w", err)
	}
	return fact, nil
}

// lead has the customer pay on the provider's page.
func (g *Gateway) lead(ctx context.Context, r *connector.Request) (payment.Fact, error) {
	made, fact, err := g.prepare(ctx, r, depositBody(r, nil, customerIP(r)))
	if err != nil || fact.Class != "" {
		return fact, err
	}
	if !provider.Page(made.Redirect) {
		return payment.Fact{}, fmt.Errorf("gateway deposit: %w", provider.Before(provider.Unclear(http.StatusOK, "no_page")))
	}
	return payment.Fact{Class: payment.ClassWaiting, ProviderRef: made.ID, Next: payment.GoTo(made.Redirect)}, nil
}

// prepare creates a deposit in its checkout. A fact is returned where it is beyond that already: it was refused at once, or the provider
// knows the key.
func (g *Gateway) prepare(ctx context.Context, r *connector.Request, body []byte) (*wirePayment, payment.Fact, error) {
	a := about{kind: payment.AttemptDeposit, key: r.Key, verifies: r.Amount.IsZero()}
	res, err := g.api.Post(ctx, allPath, body, g.under(r.Key))
	if err != nil {
		return nil, payment.Fact{}, fmt.Errorf("gateway deposit: %w", provider.Before(err))
	}
	if res.Status != http.StatusOK {
		fact, err := refused(res)
		if err != nil {
			return nil, payment.Fact{}, fmt.Errorf("gateway deposit: %w", provider.Before(err))
		}
		return nil, fact, nil
	}
	p, err := readOne(res.Body)
	if err == nil {
		err = a.check(p)
	}
	if err != nil {
		return nil, payment.Fact{}, fmt.Errorf("gateway deposit: %w", provider.Before(err))
	}
	if p.State == stateCheckout {
		return p, payment.Fact{}, nil
	}
	fact, err := a.fact(p)
	if err != nil {
		return nil, payment.Fact{}, fmt.Errorf("gateway deposit: %w", err)
	}
	return nil, fact, nil
}

// charge takes money from a card that the provider keeps.
func (g *Gateway) charge(ctx context.Context, r *connector.Request, c *instrument.Credential) (payment.Fact, error) {
	body, err := chargeBody(r, c)
	if err != nil {
		return payment.Fact{}, err
	}
	return g.send(ctx, allPath, body, about{kind: payment.AttemptDeposit, key: r.Key})
}

// Capture takes the amount of the hold. The fact is CANCELLED when nothing is held any more.
func (g *Gateway) Capture(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if err := expressible(&r); err != nil {
		return payment.Fact{}, err
	}
	return g.follow(ctx, &r, payment.AttemptCapture, "/capture", provider.NewObject(64).Raw("amount", r.Amount.AppendTo(nil)).Bytes())
}

// Void gives the hold back. The fact is APPROVED as well when it was gone already.
func (g *Gateway) Void(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return g.follow(ctx, &r, payment.AttemptVoid, "/void", nil)
}

func (g *Gateway) follow(ctx context.Context, r *connector.Request, kind payment.AttemptKind, verb string, body []byte) (payment.Fact, error) {
	id, err := g.original(ctx, r)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("gateway %s: %w", kind, err)
	}
	return g.send(ctx, onePath+id+verb, body, about{kind: kind, key: r.Key, of: r.Original.Key, id: id})
}

// Refund gives the amount back to the customer of the original.
func (g *Gateway) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if err := expressible(&r); err != nil {
		return payment.Fact{}, err
	}
	id, err := g.original(ctx, &r)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("gateway refund: %w", err)
	}
	return g.send(ctx, allPath, refundBody(&r, id), about{kind: payment.AttemptRefund, key: r.Key, parent: id})
}

// Payout pays to the card or the account of the customer.
func (g *Gateway) Payout(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if err := expressible(&r); err != nil {
		return payment.Fact{}, err
	}
	card := instrument.CardOf(r.Means)
	if r.Means != nil && card == nil || card == nil && r.Customer.AccountNumber == "" {
		return payment.Fact{}, fmt.Errorf("%w: a card or an account is needed", connector.ErrIncomplete)
	}
	return g.send(ctx, allPath, payoutBody(&r, card), about{kind: payment.AttemptWithdrawal, key: r.Key})
}

// original is the id of what a call refers to. Where it cannot be learned the call has not left.
func (g *Gateway) original(ctx context.Context, r *connector.Request) (string, error) {
	if r.Key == "" {
		return "", fmt.Errorf("%w: a key is needed", connector.ErrIncomplete)
	}
	if id := r.Original.ProviderRef; id != "" {
		return id, known(id)
	}
	p, err := g.find(ctx, about{kind: payment.AttemptDeposit, key: r.Original.Key})
	if err != nil {
		return "", provider.Before(err) //nolint:wrapcheck // by each caller
	}
	return p.ID, nil
}

// known checks an id that goes into an address.
func known(id string) error {
	if !provider.Word(id, mostID) {
		return fmt.Errorf("%w: the id is none of the provider's", outbound.ErrNotSent)
	}
	return nil
}

// send makes the one request of a call that moves money.
func (g *Gateway) send(ctx context.Context, path string, body []byte, a about) (payment.Fact, error) {
	res, err := g.api.Post(ctx, path, body, g.under(a.key))
	if err != nil {
		return payment.Fact{}, fmt.Errorf("gateway %s: %w", a.kind, err)
	}
	fact, err := a.judge(res)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("gateway %s: %w", a.kind, err)
	}
	return fact, nil
}

// under names the request, for a provider that has an ear for it.
func (g *Gateway) under(key string) http.Header { return http.Header{"Idempotency-Key": {key}} }

// Probe lists at most one payment, which moves nothing.
func (g *Gateway) Probe(ctx context.Context) error {
	if _, err := g.list(ctx, "limit=1"); err != nil {
		return fmt.Errorf("gateway probe: %w", err)
	}
	return nil
}

// Format writes the address of the provider whatever the verb, and never the key.
func (g *Gateway) Format(f fmt.State, _ rune) { writeName(f, g.api.Base) }
