package paypal

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/provider"
)

// Name is what a terminal names this connector by.
const Name = "paypal"

// home and sandboxHome are where PayPal is called, and where its certificates are.
const (
	home        = "https://api-m.paypal.com"
	sandboxHome = "https://api-m.sandbox.paypal.com"
)

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "clientId", Needed: true, Example: `"AX1"`, Text: "the client id of the app in PayPal's dashboard"},
		{Name: "clientSecret", Needed: true, Example: `"EX1"`, Text: "its secret"},
		{Name: "webhookId", Example: `"1JE4291016473214C"`, Text: "the id of the webhook; without it no notices are taken"},
		{Name: "sandbox", Shown: true, Example: "true", Text: "the app is one of PayPal's sandbox"},
		{Name: "threeDSecure", Shown: true, Example: `"always"`, Text: "when PayPal is to ask the holder of a card: `required` where the law wants it (the default), `always`"},
		{Name: "url", Shown: true, Example: `"` + home + `"`, Text: "where PayPal answers, for tests; else the address in the example, or that of the sandbox"},
		{Name: "timeoutMs", Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"},
	}}
}

// loggable lists what the record of messages may show. Access tokens, PayPal's names of cards that are kept and with them every id, the
// addresses that customers are sent to and all that they have entered stay out, but the ends of a card's number.
func loggable() outbound.Allowlist {
	return outbound.Allowlist{
		Fields: []string{
			"intent", "status", "custom_id", "invoice_id", "reference_id", "currency_code", "value", "processing_instruction", "create_time",
			"update_time", "expiration_time", "final_capture", "response_code", "avs_code", "cvv_code", "payment_advice_code", "reason", "issue",
			"debug_id", "field", "store_in_vault", "payment_initiator", "payment_type", "usage", "brand", "last_digits", "liability_shift",
			"authentication_status", "enrollment_status", "event_type", "resource_type", "error", "expires_in", "order_id", "grant_type",
			"seller_transaction_id", "custom", "invoice_number", "op", "path", "rel",
		},
		Cards:   []string{"number"},
		Headers: []string{"Paypal-Request-Id", "Paypal-Debug-Id", "Paypal-Transmission-Id", "Paypal-Transmission-Time", "Paypal-Auth-Algo", "Prefer", "Retry-After"},
	}
}

// settings are a terminal's, as they are written.
type settings struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	WebhookID    string `json:"webhookId"`
	Sandbox      bool   `json:"sandbox"`
	ThreeDSecure string `json:"threeDSecure"`
	URL          string `json:"url"`
	TimeoutMs    int64  `json:"timeoutMs"`
}

// config is checked settings. It prints as the address alone.
type config struct {
	settings
	timeout time.Duration
}

// parse reads a terminal's settings; docs/connectors/paypal.md has the table. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var c config
	if err := provider.ReadSettings(raw, &c.settings); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	var err error
	faults := []error{provider.Token("clientId", c.ClientID), provider.Token("clientSecret", c.ClientSecret)}
	if strings.Contains(c.ClientID, ":") {
		faults = append(faults, errors.New("clientId: without a colon"))
	}
	if c.URL != "" && c.Sandbox {
		faults = append(faults, errors.New("url: not together with sandbox"))
	}
	switch {
	case c.URL == "" && c.Sandbox:
		c.URL = sandboxHome
	case c.URL == "":
		c.URL = home
	}
	c.URL, err = provider.BaseURL(c.URL)
	faults = append(faults, err)
	c.timeout, err = provider.Timeout(c.TimeoutMs)
	faults = append(faults, err)
	if c.WebhookID != "" && !provider.Word(c.WebhookID, 50) {
		faults = append(faults, errors.New("webhookId: the id of a webhook in PayPal's dashboard"))
	}
	if !slices.Contains([]string{"", "required", "always"}, c.ThreeDSecure) {
		faults = append(faults, errors.New("threeDSecure: required or always"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &c, nil
}

// Addresses are that of the provider and, for notices, those at which it shows certificates.
func (c *config) Addresses() []string {
	all := []string{c.URL}
	if c.WebhookID == "" {
		return all
	}
	for _, base := range certificatesOf(c.URL) {
		if base != c.URL {
			all = append(all, base)
		}
	}
	return all
}

// Open returns the connector. It checks nothing at the provider.
func (c *config) Open(d connector.Deps) (connector.Connector, error) {
	if d.Client == nil || d.Now == nil {
		return nil, errors.New("paypal needs a client and a clock")
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.ClientID+":"+c.ClientSecret))
	tokens := &provider.API{Client: d.Client, Name: Name, Base: c.URL, Header: http.Header{"Authorization": {basic}}, Log: log}
	return &PayPal{
		api: provider.API{Client: d.Client, Name: Name, Base: c.URL, Log: log, Header: http.Header{
			"Content-Type": {"application/json"}, "Accept": {"application/json"},
		}},
		grant: &provider.Grant{API: tokens, Path: "/v1/oauth2/token", Now: d.Now, Form: func() provider.Form {
			return provider.NewForm(40).Text("grant_type", "client_credentials")
		}},
		certificates: &certificates{client: d.Client, bases: certificatesOf(c.URL), now: d.Now},
		timeout:      c.timeout, webhookID: c.WebhookID, alwaysAsk: c.ThreeDSecure == "always", now: d.Now,
	}, nil
}

// Format writes the address whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c.URL) }

// LogValue is the address.
func (c *config) LogValue() slog.Value { return slog.StringValue(Name + " at " + c.URL) }

func writeName(f fmt.State, base string) {
	_, _ = io.WriteString(f, Name+" at "+base) // fmt keeps the error of its writer and returns it itself
}
