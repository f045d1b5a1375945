package adyen

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// Adyen is one merchant account at Adyen.
type Adyen struct {
	api     provider.API
	account string
	hmacKey []byte
	always  bool // 3-D Secure
	timeout time.Duration
}

var (
	_ connector.Connector    = (*Adyen)(nil)
	_ connector.Verifier     = (*Adyen)(nil)
	_ connector.Capturer     = (*Adyen)(nil)
	_ connector.Voider       = (*Adyen)(nil)
	_ connector.Refunder     = (*Adyen)(nil)
	_ connector.Resumer      = (*Adyen)(nil)
	_ connector.Prober       = (*Adyen)(nil)
	_ connector.Notifier     = (*Adyen)(nil)
	_ connector.Acknowledger = (*Adyen)(nil)
)

// Traits says that Adyen takes cards, also without their security codes, and BLIK, holds money, keeps cards for later charges, can be
// asked about nothing, and answers what is sent again as it did at first.
func (a *Adyen) Traits() connector.Traits {
	return connector.Traits{
		Methods: []payment.Method{payment.BasicCard, payment.Blik}, Timeout: a.timeout, PreAuth: true, Recurring: true, WithoutCode: true,
		NoAskByKey: true, Told: true, Resend: connector.Resend{Within: keyLife},
	}
}

// purpose is what a request was for. It stands at the end of its reference, so that a webhook about it is understood by itself.
type purpose string

const (
	toSell    purpose = "-sale"
	toHold    purpose = "-hold"
	toVerify  purpose = "-check"
	toCapture purpose = "-capture"
	toCancel  purpose = "-cancel"
	toRefund  purpose = "-refund"
)

const (
	// keyHeader is the name of the header that has our key, and mostKey the longest that Adyen takes.
	keyHeader = "Idempotency-Key"
	mostKey   = 64
	// keyLife is how long Adyen remembers a key at the least: seven days, of which an hour is left for clocks that differ.
	keyLife = 7*24*time.Hour - time.Hour
)

// Start makes a sale, or a hold where PreAuth is set: by card, by a card that was kept, or by BLIK.
func (a *Adyen) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if r.Amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: an amount is needed", connector.ErrIncomplete)
	}
	what := toSell
	if r.PreAuth {
		what = toHold
	}
	return a.pay(ctx, &r, what)
}

// Verify checks a card without money, and keeps it for later charges where StartRecurring is set.
func (a *Adyen) Verify(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if instrument.CardOf(r.Means) == nil || !r.Amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: a card and no amount are needed", connector.ErrIncomplete)
	}
	return a.pay(ctx, &r, toVerify)
}

func (a *Adyen) pay(ctx context.Context, r *connector.Request, what purpose) (payment.Fact, error) {
	if !provider.Word(r.Key, mostKey) {
		return payment.Fact{}, fmt.Errorf("%w: a key of at most %d letters, digits and hyphens is needed", connector.ErrIncomplete, mostKey)
	}
	amount, err := units.Number(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("adyen payment: %w", err)
	}
	body, err := a.payment(r, amount, what)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("adyen payment: %w", err)
	}
	res, err := a.post(ctx, "/payments", body, r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("adyen payment: %w", err)
	}
	fact, err := judge(res, r.Key, what, false)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("adyen payment: %w", err)
	}
	if !r.StartRecurring { // told of the card that was charged once more, too
		fact.Credential = ""
	}
	return fact, nil
}

// Resume hands over what Adyen's page gave the customer to bring back, against which Adyen goes on with the payment. What is about another
// payment proves nothing about this one.
func (a *Adyen) Resume(ctx context.Context, ref connector.Ref, back payment.Brought) (payment.Fact, error) {
	result := back.Query.Get("redirectResult")
	if result == "" {
		result = back.Form.Get("redirectResult")
	}
	if ref.Kind != payment.AttemptDeposit || result == "" || len(result) > 20_000 || !provider.Word(ref.Key, mostKey) {
		return a.Status(ctx, ref)
	}
	sum := sha256.Sum256([]byte(result))
	body := provider.NewObject(6*len(result)+64).Nest("details", provider.NewObject(6*len(result)+32).Text("redirectResult", result)).Bytes()
	res, err := a.post(ctx, "/payments/details", body, detailsKey(ref.Key, sum))
	if err != nil {
		return payment.Fact{}, fmt.Errorf("adyen details: %w", err)
	}
	fact, err := judge(res, ref.Key, "", true)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("adyen details: %w", err)
	}
	return fact, nil
}

// detailsKey is the same for the same result, and another for another.
func detailsKey(key string, sum [32]byte) string {
	whole := sha256.Sum256(append([]byte(key), sum[:]...))
	return "details-" + hex.EncodeToString(whole[:16])
}

// Status knows nothing: Adyen has no query.
func (a *Adyen) Status(context.Context, connector.Ref) (payment.Fact, error) {
	return payment.Fact{Class: payment.ClassUnknown}, nil
}

// Capture asks for the amount of the hold; what is not captured is released when the hold ends. The answer is to wait.
func (a *Adyen) Capture(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return a.change(ctx, &r, toCapture, "/captures")
}

// Void asks for the hold to be given back. The answer is to wait.
func (a *Adyen) Void(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return a.change(ctx, &r, toCancel, "/cancels")
}

// Refund asks for the amount to be given back to the customer of the original. The answer is to wait.
func (a *Adyen) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return a.change(ctx, &r, toRefund, "/refunds")
}

func (a *Adyen) change(ctx context.Context, r *connector.Request, what purpose, path string) (payment.Fact, error) {
	of := r.Original.ProviderRef
	if !provider.Word(r.Key, mostKey) || !provider.Word(of, 64) {
		return payment.Fact{}, fmt.Errorf("%w: a key and Adyen's reference of the payment are needed", connector.ErrIncomplete)
	}
	c := change{reference: r.Key + string(what), of: of}
	body := provider.NewObject(400).Text("merchantAccount", a.account).Text("reference", c.reference)
	if what != toCancel {
		amount, err := units.Number(r.Amount, r.Currency)
		if err != nil {
			return payment.Fact{}, fmt.Errorf("adyen%s: %w", what, err)
		}
		c.amount = &sum{Currency: string(r.Currency), Value: int64(amount)}
		body = body.Nest("amount", amountOf(amount, r.Currency))
	}
	res, err := a.post(ctx, "/payments/"+of+path, body.Bytes(), r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("adyen%s: %w", what, err)
	}
	fact, err := c.judge(res)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("adyen%s: %w", what, err)
	}
	return fact, nil
}

// Probe asks which ways to pay the merchant account has, which moves nothing.
func (a *Adyen) Probe(ctx context.Context) error {
	res, err := a.api.Post(ctx, "/paymentMethods", provider.NewObject(100).Text("merchantAccount", a.account).Bytes(), nil)
	if err != nil {
		return fmt.Errorf("adyen probe: %w", err)
	}
	var told struct {
		Methods []struct{} `json:"paymentMethods"`
	}
	if res.Status != http.StatusOK {
		return fmt.Errorf("adyen probe: %w", readFailure(res).unclear(res.Status))
	}
	if err := provider.Read(res.Body, &told); err != nil {
		return fmt.Errorf("adyen probe: %w", err)
	}
	if told.Methods == nil {
		return fmt.Errorf("adyen probe: %w", errors.New("no list of ways to pay"))
	}
	return nil
}

// Format writes the address of the provider whatever the verb, and never the key.
func (a *Adyen) Format(f fmt.State, _ rune) { writeName(f, a.api.Base) }

// post sends a request under a key, by which Adyen answers the same request as before.
func (a *Adyen) post(ctx context.Context, path string, body []byte, key string) (*outbound.Response, error) {
	return a.api.PostOnce(ctx, path, body, keyHeader, http.Header{keyHeader: {key}}) //nolint:wrapcheck // by each caller
}
