package openbanking

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	// maxInFlight is longer than any request can be under way: a call lasts 30 s at most.
	maxInFlight = time.Minute
	// visible is longer than a customer's access lives: after it nobody can send the payment any more.
	visible = accessLife
	// between is how long the publication wants a caller to wait before the same request is made again.
	between = time.Second
)

// OpenBanking is one initiator of payments at several banks.
type OpenBanking struct {
	c      *config
	banks  []*bank
	now    func() time.Time
	random io.Reader

	mu   sync.Mutex
	kept map[string]access // by consent
}

var (
	_ connector.Connector = (*OpenBanking)(nil)
	_ connector.Resumer   = (*OpenBanking)(nil)
	_ connector.Fencer    = (*OpenBanking)(nil)
	_ connector.Chooser   = (*OpenBanking)(nil)
	_ connector.Prober    = (*OpenBanking)(nil)
)

// Traits says that the banks take payments from accounts.
func (o *OpenBanking) Traits() connector.Traits {
	return connector.Traits{Methods: []payment.Method{payment.OpenBanking}, Timeout: o.c.timeout, MaxInFlight: maxInFlight, Visible: visible}
}

// Banks lists those of the settings. Nobody is asked.
func (o *OpenBanking) Banks(context.Context, connector.Choice) ([]connector.Bank, error) {
	all := make([]connector.Bank, len(o.banks))
	for i, b := range o.banks {
		all[i] = connector.Bank{ID: b.ID, Name: b.Name}
	}
	return all, nil
}

// chosen is the bank that is paid from: the one that the customer has taken or the merchant names, or the only one.
func (o *OpenBanking) chosen(r *connector.Request) (*bank, error) {
	id := r.Customer.BankCode
	if means, is := r.Means.(*instrument.Bank); is {
		id = means.ID
	}
	for _, b := range o.banks {
		if b.ID == id || id == "" && len(o.banks) == 1 {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%w: no such bank, or none was chosen", connector.ErrIncomplete)
}

// Start makes the consent that the customer authorises at the bank. It moves nothing, and without the address that is returned nobody can
// authorise it: so whatever fails here has provably not been sent.
func (o *OpenBanking) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	fact, err := o.start(ctx, &r)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("openbanking consent: %w", provider.Before(err))
	}
	return fact, nil
}

func (o *OpenBanking) start(ctx context.Context, r *connector.Request) (payment.Fact, error) {
	p, err := orderOf(r.Key, r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, err
	}
	b, err := o.chosen(r)
	if err != nil {
		return payment.Fact{}, err
	}
	if o.c.signer == nil {
		return payment.Fact{}, fmt.Errorf("%w: the terminal has no signingKey", connector.ErrIncomplete)
	}
	header, err := b.grant.Bearer(ctx)
	if err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	res, err := b.post(ctx, "/domestic-payment-consents", p.key, o.consentBody(p), header)
	if err != nil {
		return payment.Fact{}, err
	}
	if res.Status == http.StatusUnauthorized {
		b.grant.Forget()
	}
	if res.Status != http.StatusCreated {
		return payment.Fact{}, provider.Unclear(res.Status, errorCode(res.Body)) //nolint:wrapcheck // by the caller
	}
	c, err := p.read(res, "")
	if err != nil {
		return payment.Fact{}, err
	}
	sum, err := c.sum()
	if err != nil {
		return payment.Fact{}, err
	}
	switch c.Data.Status {
	case "AWAU", "AUTH", "COND": // the latter where the same was sent before
	case "RJCT":
		return c.refusal(), nil
	default:
		return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
	}
	page, err := o.page(b, c.Data.ConsentID, r.ReturnURL)
	return payment.Fact{Class: payment.ClassWaiting, Next: payment.GoTo(page), Echoed: sum}, err
}

// errorCode is the first code of an error.
func errorCode(body []byte) string {
	var told struct {
		Errors []struct {
			Code string `json:"ErrorCode"`
		} `json:"Errors"`
	}
	if provider.Read(body, &told) != nil || len(told.Errors) == 0 || !provider.Word(told.Errors[0].Code, 64) {
		return ""
	}
	return told.Errors[0].Code
}

// Resume sends the payment once the customer is back with the bank's code. Without one the consent tells; a customer who says that they have
// refused closes a payment that was not sent.
func (o *OpenBanking) Resume(ctx context.Context, ref connector.Ref, back payment.Brought) (payment.Fact, error) {
	p, err := orderOf(ref.Key, ref.Amount, ref.Currency)
	if err != nil {
		return payment.Fact{}, errors.New("openbanking: the key is none of ours")
	}
	b, consent, redirect := o.sentTo(ref.Page)
	if ref.Kind != payment.AttemptDeposit || ref.ProviderRef != "" || b == nil || o.c.signer == nil || o.over(ref) {
		return o.Status(ctx, ref)
	}
	a, known := o.accessTo(consent)
	if code := brought(back, "code"); !known && code != "" {
		if a, err = o.exchange(ctx, b, consent, code, redirect); err == nil {
			known = true
		}
	}
	if !known {
		fact, err := o.Status(ctx, ref)
		if err == nil && fact.Class == payment.ClassWaiting && fact.ProviderRef == "" && brought(back, "error") == "access_denied" {
			return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeByCustomer, RawCode: "access_denied"}, nil
		}
		return fact, err
	}
	fact, err := o.send(ctx, b, p, consent, a)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("openbanking payment: %w", err)
	}
	return fact, nil
}

// brought is one value that the customer has brought, by query or form.
func brought(back payment.Brought, name string) string {
	if v := back.Query.Get(name); v != "" {
		return v
	}
	return back.Form.Get(name)
}

// send sends the payment, or the same request once more, which the bank answers with the payment that there is.
func (o *OpenBanking) send(ctx context.Context, b *bank, p order, consent string, a access) (payment.Fact, error) {
	now := o.now()
	if !a.sent.IsZero() && now.Sub(a.sent) < between {
		return payment.Fact{}, fmt.Errorf("%w: it was sent a moment ago", provider.ErrAnswer)
	}
	a.sent = now
	o.keep(consent, a)
	res, err := b.post(ctx, "/domestic-payments", p.key, o.paymentBody(p, consent), http.Header{"Authorization": {"Bearer " + a.token}})
	if err != nil {
		return payment.Fact{}, err
	}
	if res.Status != http.StatusCreated {
		return b.refused(ctx, p, consent, res)
	}
	r, err := p.read(res, consent)
	if err != nil {
		return payment.Fact{}, err
	}
	return r.payment(b)
}

// refused judges an error. What it means for the payment the consent tells: one that is still authorised has made none.
func (b *bank) refused(ctx context.Context, p order, consent string, res *outbound.Response) (payment.Fact, error) {
	code := errorCode(res.Body)
	switch res.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		if c, err := b.consent(ctx, p, consent); err == nil && c.Data.Status == "AUTH" {
			return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeAcquirerRequest, RawCode: code}, nil
		}
	}
	return payment.Fact{}, provider.Unclear(res.Status, code) //nolint:wrapcheck // by each caller
}

// Probe gets an access token at each bank, which takes the certificate and the signing key and moves nothing.
func (o *OpenBanking) Probe(ctx context.Context) error {
	if o.c.signer == nil {
		return errors.New("openbanking probe: the terminal has no signingKey")
	}
	var faults []string
	for _, b := range o.banks {
		if _, err := b.grant.Bearer(ctx); err != nil {
			faults = append(faults, b.ID+": "+err.Error())
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("openbanking probe: %s", strings.Join(faults, "; "))
	}
	return nil
}

// Format writes the names of the banks whatever the verb.
func (o *OpenBanking) Format(f fmt.State, _ rune) { writeName(f, o.c) }
