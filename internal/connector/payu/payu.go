package payu

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// PayU is one point of sale there.
type PayU struct {
	api       provider.API
	grant     *provider.Grant
	pos       string
	secondKey string
	patience  time.Duration
	timeout   time.Duration
	now       func() time.Time
}

var (
	_ connector.Connector = (*PayU)(nil)
	_ connector.Refunder  = (*PayU)(nil)
	_ connector.Fencer    = (*PayU)(nil)
	_ connector.Chooser   = (*PayU)(nil)
	_ connector.Prober    = (*PayU)(nil)
	_ connector.Notifier  = (*PayU)(nil)
)

const (
	// maxInFlight is longer than any request can be under way: a call lasts 30 s at most.
	maxInFlight = time.Minute
	// visible is how long the list of an order's refunds may lack one. Nothing is published about that.
	visible = 5 * time.Minute
)

// Traits says that PayU takes BLIK and bank links, and that refunds are found through their order. What is proved by two answers that nothing
// was found are refunds only: whenever an order is not known to have arrived, it is closed.
func (p *PayU) Traits() connector.Traits {
	return connector.Traits{
		Methods: []payment.Method{payment.Blik, payment.PayByLink}, Timeout: p.timeout, ByName: true, ByOriginal: true, MaxInFlight: maxInFlight, Visible: visible,
	}
}

// do makes a call with an access token. That there is none is an error of a request that has not left.
func (p *PayU) do(ctx context.Context, method, path string, body []byte) (*outbound.Response, error) {
	header, err := p.grant.Bearer(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	res, err := p.api.Do(ctx, method, path, body, header)
	if err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if res.Status == http.StatusUnauthorized {
		p.grant.Forget()
	}
	return res, nil
}

// made is the answer to an order.
type made struct {
	Status struct {
		Code string `json:"statusCode"`
	} `json:"status"`
	Order string `json:"orderId"`
	Ext   string `json:"extOrderId"`
	Page  string `json:"redirectUri"`
}

// Start makes an order: with a BLIK code it is asked of the bank's app at once, else the customer is sent to the bank. PayU sends customers
// away by a redirect, which is read and not followed.
func (p *PayU) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	body, err := p.order(&r)
	if err != nil {
		return payment.Fact{}, err
	}
	res, err := p.do(ctx, http.MethodPost, "/api/v2_1/orders", body)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("payu order: %w", err)
	}
	if res.Status != http.StatusCreated && res.Status != http.StatusFound && res.Status != http.StatusOK {
		f := readFailure(res.Body)
		if fact, is := f.rejected(res.Status, r.Method); is {
			return fact, nil
		}
		return payment.Fact{}, fmt.Errorf("payu order: %w", f.unclear(res.Status))
	}
	var m made
	if err := provider.Read(res.Body, &m); err != nil {
		return payment.Fact{}, fmt.Errorf("payu order: %w", err)
	}
	if !strings.HasPrefix(m.Status.Code, "SUCCESS") && m.Status.Code != "WARNING_CONTINUE_REDIRECT" || !provider.Word(m.Order, 64) || m.Ext != "" && m.Ext != r.Key {
		return payment.Fact{}, fmt.Errorf("payu order: %w", errOther)
	}
	next := payment.Next{Kind: payment.NextWait}
	if m.Page != "" {
		if next = payment.GoTo(m.Page); !provider.Page(m.Page) {
			return payment.Fact{}, fmt.Errorf("payu order: %w: it leads nowhere", provider.ErrAnswer)
		}
	} else if _, byCode := r.Means.(*instrument.Code); !byCode {
		return payment.Fact{}, fmt.Errorf("payu order: %w: it leads nowhere", provider.ErrAnswer)
	}
	return payment.Fact{Class: payment.ClassWaiting, ProviderRef: m.Order, Next: next}, nil
}

// noBanks are published values of the list that are no banks on whose pages customers pay at once.
var noBanks = []string{"c", "blik", "jp", "ap", "vc", "ma", "b", "t", "ai", "dp", "dpt", "dpcz", "dpts", "dpkl", "dpklczk", "dpkleur", "dpklhuf", "dpklron", "dpp", "dppron", "ppf", "pp"}

// Banks lists those that can be paid from now.
func (p *PayU) Banks(ctx context.Context, of connector.Choice) ([]connector.Bank, error) {
	if of.Method != payment.PayByLink {
		return nil, fmt.Errorf("payu banks: it has none for %s", of.Method)
	}
	res, err := p.do(ctx, http.MethodGet, "/api/v2_1/paymethods?lang=pl", nil)
	if err != nil {
		return nil, fmt.Errorf("payu banks: %w", err)
	}
	var told struct {
		Links []struct {
			Value  string `json:"value"`
			Name   string `json:"name"`
			Status string `json:"status"`
		} `json:"payByLinks"`
	}
	if res.Status != http.StatusOK {
		return nil, fmt.Errorf("payu banks: %w", readFailure(res.Body).unclear(res.Status))
	}
	if err := provider.Read(res.Body, &told); err != nil || told.Links == nil {
		return nil, fmt.Errorf("payu banks: %w: no list", provider.ErrAnswer)
	}
	var up []connector.Bank
	for _, b := range told.Links {
		if b.Status == "ENABLED" && provider.Word(b.Value, 20) && b.Name != "" && !slices.Contains(noBanks, b.Value) {
			up = append(up, connector.Bank{ID: b.Value, Name: b.Name})
		}
	}
	return up, nil
}

// Probe asks for the list of ways of paying, which takes a token and moves nothing.
func (p *PayU) Probe(ctx context.Context) error {
	if _, err := p.Banks(ctx, connector.Choice{Method: payment.PayByLink, Currency: "PLN"}); err != nil {
		return fmt.Errorf("payu probe: %w", err)
	}
	return nil
}

// Format writes the address of the provider whatever the verb, and never a secret.
func (p *PayU) Format(f fmt.State, _ rune) { writeName(f, p.api.Base) }
