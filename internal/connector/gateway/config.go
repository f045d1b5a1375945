package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/provider"
)

// Name is what a terminal names this connector by.
const Name = "gateway"

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "url", Needed: true, Shown: true, Example: `"https://engine.convergegate.com"`, Text: "where the provider answers, without `/api/v1`"},
		{Name: "apiKey", Needed: true, Example: `"sk_test_x"`, Text: "the Shop Api Key there"},
		{Name: "signingKey", Example: `"k7Qm2VtR9xLcB4nWz8HsD3fJ6yPaE5uG"`, Text: "the Shop Signing Key there; without it no notices are taken"},
		{Name: "page", Shown: true, Example: "true", Text: "cards are entered on the provider's page, for a shop that may not send their numbers"},
		{Name: "payer", Shown: true, Example: "true", Text: "the provider demands names, e-mail and phone of who pays: what is missing our page asks for"},
		{Name: "sluice", Shown: true, Example: "true", Text: "the provider is an installation of Sluice, whose queries show at once what was made"},
		{Name: "timeoutMs", Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"},
	}}
}

// loggable lists what the record of messages may show. Tokens, addresses of pages and all that customers have entered stay out.
func loggable() outbound.Allowlist {
	return outbound.Allowlist{
		Fields: []string{
			"id", "referenceId", "paymentType", "paymentMethod", "state", "amount", "currency", "customerAmount", "customerCurrency", "created",
			"parentPaymentId", "preAuth", "startRecurring", "errorCode", "errorMessage", "externalResultCode", "externalFeeAmount", "externalFeeCurrency",
			"terminalName", "cardBrand", "cardIssuingCountryCode", "status", "error", "timestamp", "hasMore", "field", "path",
		},
		Cards:   []string{"cardNumber"},
		Headers: []string{"Idempotency-Key", "Idempotency-Replayed", "X-Request-Id", "Retry-After"},
		Query:   []string{"referenceId.eq", "created.gte", "limit"},
	}
}

// settings are a terminal's, as they are written.
type settings struct {
	URL        string `json:"url"`
	APIKey     string `json:"apiKey"`
	SigningKey string `json:"signingKey"`
	Page       bool   `json:"page"`
	Payer      bool   `json:"payer"`
	Sluice     bool   `json:"sluice"`
	TimeoutMs  int64  `json:"timeoutMs"`
}

// config is checked settings. It prints as the address alone.
type config struct {
	settings
	timeout time.Duration
}

// parse reads a terminal's settings; docs/connectors/gateway.md has the table. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var c config
	if err := provider.ReadSettings(raw, &c.settings); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	var err error
	faults := []error{provider.Token("apiKey", c.APIKey)}
	c.URL, err = provider.BaseURL(c.URL)
	faults = append(faults, err)
	c.timeout, err = provider.Timeout(c.TimeoutMs)
	faults = append(faults, err)
	if c.SigningKey != "" {
		faults = append(faults, provider.Token("signingKey", c.SigningKey))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &c, nil
}

// Addresses is the address of the provider.
func (c *config) Addresses() []string { return []string{c.URL} }

// Open returns the connector. It checks nothing at the provider.
func (c *config) Open(d connector.Deps) (connector.Connector, error) {
	if d.Client == nil {
		return nil, errors.New("gateway needs a client")
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	header := http.Header{"Authorization": {"Bearer " + c.APIKey}, "Content-Type": {"application/json"}, "Accept": {"application/json"}}
	return &Gateway{
		api:     provider.API{Client: d.Client, Name: Name, Base: c.URL, Header: header, Log: log},
		timeout: c.timeout, signingKey: c.SigningKey, onPage: c.Page, asksPayer: c.Payer, sluice: c.Sluice,
	}, nil
}

// Format writes the address whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c.URL) }

// LogValue is the address.
func (c *config) LogValue() slog.Value { return slog.StringValue(Name + " at " + c.URL) }

func writeName(f fmt.State, base string) {
	_, _ = io.WriteString(f, Name+" at "+base) // fmt keeps the error of its writer and returns it itself
}
