package stripe

import (
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
const Name = "stripe"

const (
	// version is the interface that is asked for, whatever the account's default is. All of a release line have the same shapes.
	version = "2026-03-25.dahlia"
	// home is where Stripe is called unless the settings say otherwise.
	home = "https://api.stripe.com"
)

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "apiKey", Needed: true, Example: `"sk_test_x"`, Text: "the account's secret key, or a restricted one that may write PaymentIntents, SetupIntents, PaymentMethods, Customers and Refunds"},
		{Name: "webhookSecret", Example: `"whsec_x"`, Text: "the signing secret of the webhook endpoint; without it no notices are taken"},
		{Name: "account", Shown: true, Example: `"acct_x"`, Text: "the connected account for which a platform acts"},
		{Name: "threeDSecure", Shown: true, Example: `"any"`, Text: "when Stripe is to ask the holder of a card: `automatic` as it sees fit (the default), `any` whenever possible, `challenge` always with a challenge"},
		{Name: "testCards", Shown: true, Example: "true", Text: "with a test key: Stripe's published test numbers are sent by their names, for accounts that may not send numbers"},
		{Name: "url", Shown: true, Example: `"https://api.stripe.com"`, Text: "where Stripe answers, for tests; else the address in the example"},
		{Name: "timeoutMs", Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"},
	}}
}

// loggable lists what the record of messages may show. Stripe's names of cards and customers, which together are what can be charged, and with
// them every id, the secret of a payment's page and all that customers have entered stay out, but the ends of a card's number.
func loggable() outbound.Allowlist {
	return outbound.Allowlist{
		Fields: []string{
			"object", "status", "amount", "amount_received", "amount_capturable", "amount_to_capture", "amount_refunded", "currency", "confirm",
			"capture_method", "confirmation_method", "off_session", "setup_future_usage", "usage", "type", "code", "decline_code", "advice_code",
			"network_decline_code", "network_advice_code", "param", "created", "livemode", "cancellation_reason", "payment_intent", "reason",
			"failure_reason", "fee", "net", "has_more", "api_version", "brand", "country", "last4", "result", "authentication_flow",
			"electronic_commerce_indicator", "captured", "paid", "refunded", metaKey, metaCapture, metaFence, "metadata[" + metaKey + "]",
			"metadata[" + metaCapture + "]", "metadata[" + metaFence + "]", "payment_method_types[]", "payment_method_data[type]", "expand[]",
			"payment_method_options[card][request_three_d_secure]",
		},
		Cards:   []string{"card[number]"},
		Headers: []string{"Request-Id", "Idempotency-Key", "Idempotent-Replayed", "Stripe-Version", "Stripe-Should-Retry", "Retry-After"},
		Query:   []string{"query", "payment_intent", "limit", "expand[]", "created[gte]", "created[lte]"},
	}
}

// settings are a terminal's, as they are written.
type settings struct {
	APIKey        string `json:"apiKey"`
	WebhookSecret string `json:"webhookSecret"`
	URL           string `json:"url"`
	Account       string `json:"account"`
	ThreeDSecure  string `json:"threeDSecure"`
	TestCards     bool   `json:"testCards"`
	TimeoutMs     int64  `json:"timeoutMs"`
}

// config is checked settings. It prints as the address alone.
type config struct {
	settings
	timeout time.Duration
}

// parse reads a terminal's settings; docs/connectors/stripe.md has the table. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var c config
	if err := provider.ReadSettings(raw, &c.settings); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	var err error
	faults := []error{provider.Token("apiKey", c.APIKey)}
	if c.URL == "" {
		c.URL = home
	}
	c.URL, err = provider.BaseURL(c.URL)
	faults = append(faults, err)
	c.timeout, err = provider.Timeout(c.TimeoutMs)
	faults = append(faults, err)
	if c.WebhookSecret != "" {
		faults = append(faults, provider.Token("webhookSecret", c.WebhookSecret))
	}
	if c.Account != "" && !provider.Word(c.Account, 64) {
		faults = append(faults, errors.New("account: the id of a connected account, such as acct_…"))
	}
	if !slices.Contains([]string{"", "automatic", "any", "challenge"}, c.ThreeDSecure) {
		faults = append(faults, errors.New("threeDSecure: automatic, any or challenge"))
	}
	if c.TestCards && !strings.Contains(c.APIKey, "_test_") {
		faults = append(faults, errors.New("testCards: only with a test key"))
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
		return nil, errors.New("stripe needs a client and a clock")
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	header := http.Header{
		"Authorization": {"Bearer " + c.APIKey}, "Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"},
		"Stripe-Version": {version},
	}
	if c.Account != "" {
		header.Set("Stripe-Account", c.Account)
	}
	return &Stripe{
		api:     provider.API{Client: d.Client, Name: Name, Base: c.URL, Header: header, Log: log},
		timeout: c.timeout, webhookSecret: c.WebhookSecret, threeDS: c.ThreeDSecure, testCards: c.TestCards, now: d.Now,
	}, nil
}

// Format writes the address whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c.URL) }

// LogValue is the address.
func (c *config) LogValue() slog.Value { return slog.StringValue(Name + " at " + c.URL) }

func writeName(f fmt.State, base string) {
	_, _ = io.WriteString(f, Name+" at "+base) // fmt keeps the error of its writer and returns it itself
}
