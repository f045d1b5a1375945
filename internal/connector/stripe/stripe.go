package stripe

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	// keyHeader is the name of the header that has our key.
	keyHeader = "Idempotency-Key"
	// keyLife is how long Stripe remembers a key at the least: "at least 24 hours", of which an hour is left for clocks that differ.
	keyLife = 23 * time.Hour
	// maxInFlight is longer than any request can be under way: a call lasts 30 s at most.
	maxInFlight = time.Minute
	// visible is how long a search may not find what was made: Stripe names less than a minute, and an hour during outages.
	visible = 6 * time.Hour
)

// Stripe is one account at Stripe.
type Stripe struct {
	api           provider.API
	timeout       time.Duration
	webhookSecret string
	threeDS       string
	testCards     bool
	now           func() time.Time
}

var (
	_ connector.Connector = (*Stripe)(nil)
	_ connector.Verifier  = (*Stripe)(nil)
	_ connector.Capturer  = (*Stripe)(nil)
	_ connector.Voider    = (*Stripe)(nil)
	_ connector.Refunder  = (*Stripe)(nil)
	_ connector.Fencer    = (*Stripe)(nil)
	_ connector.Prober    = (*Stripe)(nil)
	_ connector.Notifier  = (*Stripe)(nil)
)

// Traits says that Stripe takes cards, also without their security codes, and BLIK, holds money, keeps cards for later charges, and
// finds a payment by a search for our key, but captures, voids and refunds through the payment only.
func (s *Stripe) Traits() connector.Traits {
	return connector.Traits{
		Methods: []payment.Method{payment.BasicCard, payment.Blik}, Timeout: s.timeout, PreAuth: true, Recurring: true, WithoutCode: true,
		ByOriginal: true, MaxInFlight: maxInFlight, Visible: visible, Resend: connector.Resend{Within: keyLife},
	}
}

// Start makes a sale, or a hold where PreAuth is set: by card, by a card that was kept, or by BLIK.
func (s *Stripe) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if r.Key == "" || len(r.Key) > 200 || r.Amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: a key and an amount are needed", connector.ErrIncomplete)
	}
	amount, err := units.Number(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe sale: %w", err)
	}
	with, fact, err := s.means(ctx, &r)
	if err != nil || fact.Class != "" {
		return fact, err
	}
	res, err := s.post(ctx, "/v1/payment_intents", saleForm(&r, amount, with, s.threeDS), r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe sale: %w", err)
	}
	if res.Status == http.StatusOK {
		var in intent
		if err := provider.Read(res.Body, &in); err != nil {
			return payment.Fact{}, fmt.Errorf("stripe sale: %w", err)
		}
		fact, err = in.fact(r.Key)
	} else {
		fact, err = refused(res, r.Key)
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe sale: %w", err)
	}
	return fact, nil
}

// Verify checks a card without money, and keeps it for later charges where StartRecurring is set.
func (s *Stripe) Verify(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if r.Key == "" || len(r.Key) > 200 || instrument.CardOf(r.Means) == nil || !r.Amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: a key, a card and no amount are needed", connector.ErrIncomplete)
	}
	with, fact, err := s.means(ctx, &r)
	if err != nil || fact.Class != "" {
		return fact, err
	}
	res, err := s.post(ctx, "/v1/setup_intents", verificationForm(&r, with, s.threeDS), r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe verification: %w", err)
	}
	if res.Status == http.StatusOK {
		var in setup
		if err := provider.Read(res.Body, &in); err != nil {
			return payment.Fact{}, fmt.Errorf("stripe verification: %w", err)
		}
		fact, err = in.fact(r.Key)
	} else {
		fact, err = refused(res, r.Key)
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe verification: %w", err)
	}
	return fact, nil
}

// Capture takes the amount of the hold; Stripe releases the rest. The fact is CANCELLED when nothing is held any more.
func (s *Stripe) Capture(ctx context.Context, r connector.Request) (payment.Fact, error) {
	amount, err := units.Number(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe capture: %w", err)
	}
	form := provider.NewForm(400).Number("amount_to_capture", amount).Text("metadata["+metaCapture+"]", r.Key).Text("expand[]", withFees)
	return s.follow(ctx, r, payment.AttemptCapture, "/capture", form)
}

// Void gives the hold back. The fact is APPROVED as well when it was gone already.
func (s *Stripe) Void(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return s.follow(ctx, r, payment.AttemptVoid, "/cancel", provider.NewForm(64).Text("cancellation_reason", "requested_by_customer"))
}

// follow captures or cancels the intent of the original.
func (s *Stripe) follow(ctx context.Context, r connector.Request, kind payment.AttemptKind, verb string, form provider.Form) (payment.Fact, error) {
	if r.Key == "" {
		return payment.Fact{}, fmt.Errorf("%w: a key is needed", connector.ErrIncomplete)
	}
	id, err := s.found(ctx, r.Original.ProviderRef, r.Original.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe %s: %w", kind, provider.Before(err))
	}
	res, err := s.post(ctx, "/v1/payment_intents/"+id+verb, form, r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe %s: %w", kind, err)
	}
	of := follower{kind: kind, key: r.Key, of: r.Original.Key}
	fact, err := of.judge(res)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe %s: %w", kind, err)
	}
	return fact, nil
}

// Refund gives the amount back to the customer of the original.
func (s *Stripe) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if r.Key == "" {
		return payment.Fact{}, fmt.Errorf("%w: a key is needed", connector.ErrIncomplete)
	}
	amount, err := units.Number(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe refund: %w", err)
	}
	id, err := s.found(ctx, r.Original.ProviderRef, r.Original.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe refund: %w", provider.Before(err))
	}
	form := provider.NewForm(300).Text("payment_intent", id).Number("amount", amount).Text("metadata["+metaKey+"]", r.Key)
	res, err := s.post(ctx, "/v1/refunds", form, r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe refund: %w", err)
	}
	fact, err := judgeRefund(res, r.Key, id)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe refund: %w", err)
	}
	return fact, nil
}

// Probe lists at most one payment, which takes the right that all other calls need as well and moves nothing.
func (s *Stripe) Probe(ctx context.Context) error {
	var l list[intent]
	if err := s.get(ctx, "/v1/payment_intents?limit=1", &l); err != nil {
		return fmt.Errorf("stripe probe: %w", err)
	}
	if err := l.whole("list"); err != nil {
		return fmt.Errorf("stripe probe: %w", err)
	}
	return nil
}

// Format writes the address of the provider whatever the verb, and never the key.
func (s *Stripe) Format(f fmt.State, _ rune) { writeName(f, s.api.Base) }

// post sends a request under a key, by which Stripe answers the same request as before and refuses any other.
func (s *Stripe) post(ctx context.Context, path string, form provider.Form, key string) (*outbound.Response, error) {
	return s.api.PostOnce(ctx, path, form, keyHeader, http.Header{keyHeader: {key}}) //nolint:wrapcheck // by each caller
}
