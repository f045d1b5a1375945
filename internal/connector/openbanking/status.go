package openbanking

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// Status asks how the attempt stands: by the payment's id where there is one, else by the consent. Whom nobody has sent to a bank, of those
// there is neither.
func (o *OpenBanking) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	fact, err := o.status(ctx, ref)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("openbanking status: %w", err)
	}
	return fact, nil
}

var notFound = payment.Fact{Class: payment.ClassUnknown, NotFound: true}

func (o *OpenBanking) status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	p, err := orderOf(ref.Key, ref.Amount, ref.Currency)
	if err != nil {
		return payment.Fact{}, errors.New("the key is none of ours") // and nothing was to be sent
	}
	b, consent, _ := o.sentTo(ref.Page)
	switch {
	case ref.Kind != payment.AttemptDeposit:
		return notFound, nil
	case ref.ProviderRef != "":
		return o.paid(ctx, p, ref.ProviderRef)
	case b == nil:
		return notFound, nil
	}
	over := o.over(ref)
	c, err := b.consent(ctx, p, consent)
	if errors.Is(err, errNoSuch) && over {
		return notFound, nil
	}
	if err != nil {
		return payment.Fact{}, err
	}
	a, known := o.accessTo(consent)
	sum, err := c.sum()
	if err != nil {
		return payment.Fact{}, err
	}
	waiting := payment.Fact{Class: payment.ClassWaiting, Echoed: sum}
	switch c.Data.Status {
	case "AWAU":
		if over {
			return closed(), nil
		}
		waiting.Next = payment.GoTo(ref.Page)
		return waiting, nil
	case "AUTH": // nothing was carried out; what is under way is for the engine to wait for
		if known && !a.sent.IsZero() || over {
			return notFound, nil
		}
		return waiting, nil
	case "RJCT":
		fact := c.refusal()
		if len(c.Data.Reasons) == 0 {
			fact.Code = payment.CodeAbandoned
		}
		return fact, nil
	case "COND": // there is a payment: the same request under the same key tells which
		if known {
			return o.send(ctx, b, p, consent, a)
		}
		return payment.Fact{Class: payment.ClassUnknown}, nil
	}
	return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
}

// Fence closes what nobody wants any more and what was not sent: it is sent by Resume alone, which is not asked about what is closed, and by the
// customer's access, which there cannot be before the customer has authorised the consent. Of what may have been sent it only asks.
func (o *OpenBanking) Fence(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	b, consent, _ := o.sentTo(ref.Page)
	if ref.Kind != payment.AttemptDeposit || ref.ProviderRef != "" {
		return o.Status(ctx, ref)
	}
	if b == nil && ref.Page == "" { // nobody was sent to a bank
		return closed(), nil
	}
	fact, err := o.Status(ctx, ref)
	if _, known := o.accessTo(consent); err == nil && !known && fact.Class == payment.ClassWaiting && fact.Next.Leads() {
		return closed(), nil
	}
	return fact, err
}

func closed() payment.Fact {
	return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeCommunication}
}

// over reports that the payment can be sent no more: the address at which it is authorised has ended, and so has every access that came of it.
// What has not been carried out a while later never will be.
func (o *OpenBanking) over(ref connector.Ref) bool {
	return !ref.Started.IsZero() && o.now().Sub(ref.Started) > requestLife+accessLife
}

// errNoSuch is the bank's clear word that it does not know something.
var errNoSuch = fmt.Errorf("%w: the bank does not know it", provider.ErrAnswer)

// consent asks for a consent.
func (b *bank) consent(ctx context.Context, p order, id string) (*resource, error) {
	res, err := b.get(ctx, "/domestic-payment-consents/"+id)
	if err != nil {
		return nil, err
	}
	if res.Status == http.StatusBadRequest && errorCode(res.Body) == "U011" {
		return nil, errNoSuch
	}
	if res.Status != http.StatusOK {
		return nil, provider.Unclear(res.Status, errorCode(res.Body)) //nolint:wrapcheck // by each caller
	}
	return p.read(res, id)
}

// paid asks for a payment by its id, before which stands the bank's.
func (o *OpenBanking) paid(ctx context.Context, p order, ref string) (payment.Fact, error) {
	at, id, _ := strings.Cut(ref, ".")
	i := slices.IndexFunc(o.banks, func(b *bank) bool { return b.ID == at })
	if i < 0 || !provider.Word(id, 40) {
		return payment.Fact{}, fmt.Errorf("%w: the bank is not in the settings any more", provider.ErrAnswer)
	}
	b := o.banks[i]
	res, err := b.get(ctx, "/domestic-payments/"+id)
	if err != nil {
		return payment.Fact{}, err
	}
	if res.Status != http.StatusOK {
		return payment.Fact{}, provider.Unclear(res.Status, errorCode(res.Body)) //nolint:wrapcheck // by each caller
	}
	r, err := p.read(res, "")
	if err != nil {
		return payment.Fact{}, err
	}
	fact, err := r.payment(b)
	if err == nil && fact.ProviderRef != ref {
		err = errOther
	}
	return fact, err
}
