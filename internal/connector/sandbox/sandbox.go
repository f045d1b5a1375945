package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// maxInFlight is longer than any request can be under way: a call lasts 30 s at most.
const maxInFlight = time.Minute

// Sandbox is one account at the Sandbox provider. It has every capability there is.
type Sandbox struct {
	client       client
	timeout      time.Duration
	noticeSecret string
	asksCode     bool
	wants        payer.Wants
	now          func() time.Time
}

var (
	_ connector.Connector = (*Sandbox)(nil)
	_ connector.Verifier  = (*Sandbox)(nil)
	_ connector.Capturer  = (*Sandbox)(nil)
	_ connector.Voider    = (*Sandbox)(nil)
	_ connector.Refunder  = (*Sandbox)(nil)
	_ connector.Payer     = (*Sandbox)(nil)
	_ connector.Fencer    = (*Sandbox)(nil)
	_ connector.Prober    = (*Sandbox)(nil)
)

// Traits says that the provider knows every method, holds money and stores cards, also without their security codes unless
// the account is one that wants them.
func (s *Sandbox) Traits() connector.Traits {
	return connector.Traits{
		Methods: payment.Methods(), Timeout: s.timeout, PreAuth: true, Recurring: true, MaxInFlight: maxInFlight,
		WithoutCode: !s.asksCode, Wants: s.wants,
	}
}

// Start makes a sale, or an authorization where PreAuth is set: by card, by
// credential, or on the provider's page for every other method.
func (s *Sandbox) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if r.Key == "" || (r.Method.Spec().Means == instrument.KindCard && r.Means == nil) {
		return payment.Fact{}, fmt.Errorf("%w: a key, and a card or a credential are needed", connector.ErrIncomplete)
	}
	t, fact, err := s.send(ctx, "/v1/payments", paymentBody(&r, &s.wants), attempt{payment.AttemptDeposit, r.Key})
	want := kindSale
	if r.PreAuth {
		want = kindAuthorization
	}
	if err == nil && t != nil && t.Kind != kindFence && t.Kind != want {
		return payment.Fact{}, fmt.Errorf("%w: it is another kind than %s", errAnswer, want)
	}
	return fact, err
}

// Verify checks a card without money and stores it where StartRecurring is set.
func (s *Sandbox) Verify(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if r.Key == "" || instrument.CardOf(r.Means) == nil || !r.Method.Spec().Verify || !r.Amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: a key, a card and no amount are needed", connector.ErrIncomplete)
	}
	t, fact, err := s.send(ctx, "/v1/verifications", verificationBody(&r), attempt{payment.AttemptDeposit, r.Key})
	if err == nil && t != nil && t.Kind != kindFence && t.Kind != kindVerification {
		return payment.Fact{}, fmt.Errorf("%w: it is no verification", errAnswer)
	}
	return fact, err
}

// Payout pays to the card, the credential or the account number of the customer,
// whichever comes first.
func (s *Sandbox) Payout(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if r.Key == "" || (r.Means == nil && r.Customer.AccountNumber == "") {
		return payment.Fact{}, fmt.Errorf("%w: a key, and a card or an account are needed", connector.ErrIncomplete)
	}
	_, fact, err := s.send(ctx, "/v1/payouts", payoutBody(&r), attempt{payment.AttemptWithdrawal, r.Key})
	return fact, err
}

// Capture takes the amount of the held original and releases the rest. The fact is
// CANCELLED when the provider says that nothing is held any more.
func (s *Sandbox) Capture(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return s.follow(ctx, r, payment.AttemptCapture, "/capture")
}

// Void releases the held original. The fact is CANCELLED when the provider says that
// nothing is held any more.
func (s *Sandbox) Void(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return s.follow(ctx, r, payment.AttemptVoid, "/void")
}

// Refund gives the amount back to the customer of the original.
func (s *Sandbox) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return s.follow(ctx, r, payment.AttemptRefund, "/refund")
}

// Status asks by key. What the provider does not know is UNKNOWN and NotFound.
func (s *Sandbox) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if ref.Key == "" {
		return payment.Fact{}, errors.New("sandbox status: no key")
	}
	t, err := s.client.find(ctx, byKey(ref.Key))
	if errors.Is(err, errNoSuch) {
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("sandbox status: %w", err)
	}
	return t.factFor(ref)
}

// probeKey is a reference that no attempt has: theirs are longer.
const probeKey = "sluice-probe"

// Probe asks about a reference that nobody has used: the provider knows none, and says so to its own merchants only.
func (s *Sandbox) Probe(ctx context.Context) error {
	_, err := s.client.find(ctx, byKey(probeKey))
	switch {
	case errors.Is(err, errNoSuch):
		return nil
	case err != nil:
		return fmt.Errorf("sandbox probe: %w", err)
	}
	return fmt.Errorf("sandbox probe: %w: it knows a transaction that was never made", errAnswer)
}

// Fence cancels by key. Afterwards a request with the key is refused, whether it had
// been unknown or open; what was final already is told as it is.
func (s *Sandbox) Fence(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if ref.Key == "" {
		return payment.Fact{}, errors.New("sandbox cancel: no key")
	}
	res, err := s.client.post(ctx, byKey(ref.Key)+"/cancel", nil)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("sandbox cancel: %w", err)
	}
	if res.Status != http.StatusOK {
		s.client.warn(ctx, res.Status)
		return payment.Fact{}, fmt.Errorf("sandbox cancel: %w", unclear(res.Status, readRefusal(res.Body)))
	}
	var c cancellation
	if json.Unmarshal(res.Body, &c) != nil || c.Reference != ref.Key || c.Transaction.Reference != ref.Key ||
		!provider.Word(c.Transaction.ID, 64) {
		return payment.Fact{}, fmt.Errorf("sandbox cancel: %w: not about this reference", errAnswer)
	}
	closed := c.Transaction.Status == "cancelled"
	switch {
	case c.Result == "fenced" && closed && c.Transaction.Kind == kindFence:
		return fenced(), nil
	case c.Result == "cancelled" && closed, c.Result == "already_final" && !closed:
		return c.Transaction.factFor(ref)
	}
	return payment.Fact{}, fmt.Errorf("sandbox cancel: %w: the result contradicts the transaction", errAnswer)
}

// Format writes the address of the provider whatever the verb, and never the key.
func (s *Sandbox) Format(f fmt.State, _ rune) { writeName(f, s.client.base) }

// attempt is what an answer has to be about.
type attempt struct {
	kind payment.AttemptKind
	key  string
}

// send posts a money request once and judges the answer. The transaction is nil
// where there is none.
func (s *Sandbox) send(ctx context.Context, path string, body []byte, a attempt) (*transaction, payment.Fact, error) {
	res, err := s.client.post(ctx, path, body)
	if err != nil {
		return nil, payment.Fact{}, fmt.Errorf("sandbox %s: %w", a.kind, err)
	}
	if res.Status != http.StatusOK && res.Status != http.StatusCreated {
		fact, err := s.client.refused(ctx, res)
		if err != nil {
			return nil, fact, fmt.Errorf("sandbox %s: %w", a.kind, err)
		}
		return nil, fact, nil
	}
	t, err := readTransaction(res.Body)
	if err != nil {
		return nil, payment.Fact{}, fmt.Errorf("sandbox %s: %w", a.kind, err)
	}
	fact, err := t.fact(a.kind, a.key)
	if err != nil {
		return nil, payment.Fact{}, fmt.Errorf("sandbox %s: %w", a.kind, err)
	}
	if t.Status == "declined" && t.ResponseCode == codeLate {
		// The issuer may have approved in the meantime. What a later query finds is settled.
		fact.Class, fact.Code = payment.ClassUnknown, ""
	}
	return t, fact, nil
}

// follow makes a capture, void or refund of the original.
func (s *Sandbox) follow(ctx context.Context, r connector.Request, kind payment.AttemptKind, verb string) (payment.Fact, error) {
	if r.Key == "" {
		return payment.Fact{}, fmt.Errorf("%w: a key is needed", outbound.ErrNotSent)
	}
	if r.Original.Key == "" {
		return payment.Fact{}, fmt.Errorf("%w: the original has no key", outbound.ErrNotSent)
	}
	// By our key, never by the id that an answer named: an answer can name another's.
	_, fact, err := s.send(ctx, byKey(r.Original.Key)+verb, followBody(&r, kind), attempt{kind, r.Key})
	if err != nil {
		return payment.Fact{}, err
	}
	if fact.Class == payment.ClassRejected && (fact.RawCode == "not_capturable" || fact.RawCode == "not_voidable") {
		return s.holdOr(ctx, r.Original.Key, fact), nil
	}
	return fact, nil
}

// holdOr tells a refusal apart from a hold that has ended at the provider, which a
// capture or void can only learn by being refused. Where that cannot be told, it is
// the refusal.
func (s *Sandbox) holdOr(ctx context.Context, key string, refusal payment.Fact) payment.Fact {
	t, err := s.client.find(ctx, byKey(key))
	if err != nil || t.Reference != key || t.Kind != kindAuthorization {
		return refusal
	}
	if t.Status == "expired" || t.Status == "voided" {
		return payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeTimeout, RawCode: refusal.RawCode}
	}
	return refusal
}

func byKey(key string) string { return "/v1/transactions/by-reference/" + url.PathEscape(key) }
