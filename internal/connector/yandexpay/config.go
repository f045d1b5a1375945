package yandexpay

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
const Name = "yandexpay"

// home is where Yandex Pay is called unless the settings say otherwise.
const home = "https://pay.yandex.ru"

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "apiKey", Needed: true, Example: `"x"`, Text: "the merchant's API key; in Yandex Pay's sandbox the merchant id"},
		{Name: "merchantId", Shown: true, Example: `"789a1b23-0c4d-4e5f-8a6b-7c8d9e0f1a2b"`, Text: "the merchant id: events and orders of any other are not believed. Without it no events are taken"},
		{Name: "twoStage", Shown: true, Example: "true", Text: "the account holds money first and takes it by a call, as its support has set it: then all payments are holds, else none is"},
		{Name: "tax", Shown: true, Example: "6", Text: "the account sends receipts: the tax of each, 1 to 12, as published; they go to the customer's e-mail"},
		{Name: "url", Shown: true, Example: `"https://pay.yandex.ru"`, Text: "where the provider answers, without `/api/merchant`, such as the sandbox or another installation of Sluice; else the address in the example"},
		{Name: "sluice", Shown: true, Example: "true", Text: "the provider is an installation of Sluice, whose queries show at once what was made"},
		{Name: "timeoutMs", Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"},
	}}
}

// loggable lists what the record of messages may show. Addresses of pages and all that customers have entered stay out.
func loggable() outbound.Allowlist {
	return outbound.Allowlist{
		Fields: []string{
			"status", "code", "reasonCode", "orderId", "parentOrderId", "merchantId", "currencyCode", "paymentStatus", "orderAmount", "amount", "refundAmount",
			"total", "count", "productId", "operationId", "operationType", "externalOperationId", "methodType", "cardNetwork", "created", "updated", "ttl",
			"event", "eventTime", "tax", "intervalUnit", "intervalCount", "isPrepayment", "metadata",
		},
		Headers: []string{"X-Request-Id", "X-Request-Attempt", "X-Request-Timeout", "Idempotency-Replayed", "Retry-After"},
	}
}

// settings are a terminal's, as they are written.
type settings struct {
	APIKey    string `json:"apiKey"`
	Merchant  string `json:"merchantId"`
	TwoStage  bool   `json:"twoStage"`
	Tax       int    `json:"tax"`
	Sluice    bool   `json:"sluice"`
	URL       string `json:"url"`
	TimeoutMs int64  `json:"timeoutMs"`
}

// config is checked settings. It prints as the address alone.
type config struct {
	settings
	timeout time.Duration
}

// parse reads a terminal's settings; docs/connectors/yandexpay.md has the table. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var c config
	if err := provider.ReadSettings(raw, &c.settings); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	if c.URL == "" {
		c.URL = home
	}
	var err error
	faults := []error{provider.Token("apiKey", c.APIKey)}
	c.URL, err = provider.BaseURL(c.URL)
	faults = append(faults, err)
	c.timeout, err = provider.Timeout(c.TimeoutMs)
	faults = append(faults, err)
	if c.Merchant != "" && !provider.Word(c.Merchant, 64) {
		faults = append(faults, errors.New("merchantId: the id of the merchant, a UUID"))
	}
	if c.Tax < 0 || c.Tax > 12 {
		faults = append(faults, errors.New("tax: 1 to 12"))
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
	if d.Client == nil || d.Now == nil {
		return nil, errors.New("yandexpay needs a client and a clock")
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	header := http.Header{"Authorization": {"Api-Key " + c.APIKey}, "Content-Type": {"application/json"}, "Accept": {"application/json"}}
	return &YandexPay{
		api:     provider.API{Client: d.Client, Name: Name, Base: c.URL + "/api/merchant", Header: header, Log: log},
		timeout: c.timeout, merchant: c.Merchant, twoStage: c.TwoStage, tax: c.Tax, sluice: c.Sluice, now: d.Now,
		signers: &signers{api: provider.API{Client: d.Client, Name: Name, Base: c.URL, Header: http.Header{"Accept": {"application/json"}}, Log: log}, now: d.Now},
	}, nil
}

// Format writes the address whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c.URL) }

// LogValue is the address.
func (c *config) LogValue() slog.Value { return slog.StringValue(Name + " at " + c.URL) }

func writeName(f fmt.State, base string) {
	_, _ = io.WriteString(f, Name+" at "+base) // fmt keeps the error of its writer and returns it itself
}
