package pix

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	// maxInFlight is longer than any request can be under way: a call lasts 30 s at most.
	maxInFlight = time.Minute
	// visible is how long a query may not find what was booked. The publication says nothing of it.
	visible = time.Hour
	// lasts is how long a code can be paid where nothing ends the customer's time: what the publication takes, too.
	lasts = 24 * time.Hour
	// mostText is how long what is said to the payer may be, in characters.
	mostText = 140
)

// Pix is one account at a bank.
type Pix struct {
	api   provider.API
	grant *provider.Grant
	c     *config
	now   func() time.Time
}

var (
	_ connector.Connector = (*Pix)(nil)
	_ connector.Refunder  = (*Pix)(nil)
	_ connector.Fencer    = (*Pix)(nil)
	_ connector.Prober    = (*Pix)(nil)
	_ connector.Notifier  = (*Pix)(nil)
)

// units is the publication's: up to ten digits and two decimals, in BRL alone.
var units = provider.Units{Of: map[money.Currency]provider.Unit{"BRL": {Digits: 2}}, Most: 999_999_999_999}

// value writes an amount.
func value(a money.Amount, c money.Currency) (string, error) {
	n, err := units.Number(a, c)
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: an amount is needed", connector.ErrIncomplete)
	}
	if err != nil {
		return "", err //nolint:wrapcheck // by each caller
	}
	return fmt.Sprintf("%d.%02d", n/100, n%100), nil
}

// Traits says that the account takes Pix, gives it back, and finds charges by our key and returns through the charge that they refer to.
func (p *Pix) Traits() connector.Traits {
	t := connector.Traits{Methods: []payment.Method{payment.Pix}, Timeout: p.c.timeout, ByOriginal: true, MaxInFlight: maxInFlight, Visible: visible}
	if p.c.Payer {
		t.Wants = payer.Wants{Details: []payer.Detail{payer.FirstName, payer.LastName}, Documents: []string{cpf, cnpj}}
	}
	return t
}

// Start makes a charge and gives its code, which the customer takes to an app.
func (p *Pix) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	txid, err := provider.ShortKey(r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix charge: %w", err)
	}
	amount, err := value(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix charge: %w", err)
	}
	body, err := p.asks(&r, amount)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix charge: %w", err)
	}
	res, err := p.call(ctx, http.MethodPut, "/cob/"+txid, body)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix charge: %w", err)
	}
	of := want{txid: txid, amount: amount}
	if made(res.Status) {
		fact, err := p.charged(res, of)
		if err != nil {
			return payment.Fact{}, fmt.Errorf("pix charge: %w", err)
		}
		return fact, nil
	}
	fact, err := p.refused(ctx, res, func(ctx context.Context) (payment.Fact, error) { return p.charge(ctx, of) })
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix charge: %w", err)
	}
	return fact, nil
}

// Refund gives the amount back to whoever paid the original, within the scheme's 90 days.
func (p *Pix) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	id, err := provider.ShortKey(r.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix return: %w", err)
	}
	amount, err := value(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix return: %w", err)
	}
	e2e, err := p.paidBy(ctx, r.Original.ProviderRef, r.Original.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix return: %w", provider.Before(err))
	}
	path := "/pix/" + e2e + "/devolucao/" + id
	res, err := p.call(ctx, http.MethodPut, path, provider.NewObject(32).Text("valor", amount).Bytes())
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix return: %w", err)
	}
	if made(res.Status) {
		fact, err := returned(res, e2e, id)
		if err != nil {
			return payment.Fact{}, fmt.Errorf("pix return: %w", err)
		}
		return fact, nil
	}
	fact, err := p.refused(ctx, res, func(ctx context.Context) (payment.Fact, error) { return p.givenBack(ctx, e2e, id) })
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix return: %w", err)
	}
	return fact, nil
}

// Probe asks about a charge that never was, which takes the token, the certificate and the right that all else begins with.
func (p *Pix) Probe(ctx context.Context) error {
	_, err := p.charge(ctx, want{txid: strings.Repeat("0", 26)})
	if err == nil || errors.Is(err, errNoSuch) {
		return nil
	}
	return fmt.Errorf("pix probe: %w", err)
}

// Format writes the address of the bank whatever the verb.
func (p *Pix) Format(f fmt.State, _ rune) { writeName(f, p.c.URL) }

// call makes a call under an access token. One that is not accepted is forgotten.
func (p *Pix) call(ctx context.Context, method, path string, body []byte) (*outbound.Response, error) {
	header, err := p.grant.Bearer(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if len(body) > 0 {
		header.Set("Content-Type", "application/json")
	}
	res, err := p.api.Do(ctx, method, path, body, header)
	if err == nil && res.Status == http.StatusUnauthorized {
		p.grant.Forget()
	}
	return res, err //nolint:wrapcheck // by each caller
}

// made reports a status of what was done. Some banks answer 200 where the publication has 201.
func made(status int) bool { return status == http.StatusOK || status == http.StatusCreated }
