package sandbox

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
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/provider"
)

// Name is what a terminal names this connector by.
const Name = "sandbox"

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "url", Needed: true, Shown: true, Example: `"http://127.0.0.1:8090"`, Text: "where the sandbox provider answers"},
		{Name: "apiKey", Needed: true, Example: `"x"`, Text: "the key that it was started with"},
		{Name: "noticeSecret", Example: `"x"`, Text: "what signs its notices; without it none are taken"},
		{Name: "askSecurityCode", Shown: true, Example: "true", Text: "the account wants the security code of a card that came with one"},
		{Name: "customerDetails", Shown: true, Example: `["firstName", "email"]`, Text: "what the account wants to know of who pays: firstName, lastName, email, phone, addressLine1, postalCode, city, countryCode"},
		{Name: "documentTypes", Shown: true, Example: `["BR_CPF", "BR_CNPJ"]`, Text: "types of documents of which the account wants one"},
		{Name: "timeoutMs", Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"},
	}}
}

// loggable lists what the record of messages may show. The credential of a recurring
// chain, the address of the customer's page and all of a card but its ends stay out.
func loggable() outbound.Allowlist {
	return outbound.Allowlist{
		Fields: []string{
			"reference", "amount", "currency", "capture", "method", "threeDS", "storeCredential", "testAmounts", "expiresAt",
			"id", "parentId", "bank", "show", "actionKind", "kind", "status", "responseCode", "responseMessage", "declineReason",
			"authorizedAmount", "capturedAmount", "refundedAmount", "brand", "first6", "last4", "issuerCountry",
			"eci", "version", "createdAt", "updatedAt", "result", "type", "code", "param", "processed",
		},
		Cards:   []string{"number"},
		Headers: []string{"Idempotent-Replayed", "Retry-After"},
	}
}

// settings are a terminal's, as they are written.
type settings struct {
	URL          string `json:"url"`
	APIKey       string `json:"apiKey"`
	NoticeSecret string `json:"noticeSecret"`
	TimeoutMs    int64  `json:"timeoutMs"`
	AskCode      bool   `json:"askSecurityCode"`

	Details   []payer.Detail `json:"customerDetails"`
	Documents []string       `json:"documentTypes"`
}

// config is checked settings. It prints as the address alone.
type config struct {
	base         string // without a final slash
	apiKey       string
	noticeSecret string
	timeout      time.Duration
	asksCode     bool
	wants        payer.Wants
}

// parse reads a terminal's settings: url and apiKey, and if wanted noticeSecret,
// timeoutMs (1 to 30000), askSecurityCode for an account that wants the code of a card which came with one, and for one that wants to know
// who pays customerDetails, and documentTypes of which one is to be given. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var s settings
	if err := provider.ReadSettings(raw, &s); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	base, err := provider.BaseURL(s.URL)
	timeout, late := provider.Timeout(s.TimeoutMs)
	faults := []error{err, provider.Token("apiKey", s.APIKey), late}
	if s.NoticeSecret != "" {
		faults = append(faults, provider.Token("noticeSecret", s.NoticeSecret))
	}
	wants := payer.Wants{Details: s.Details, Documents: s.Documents}
	if wants.Check() != nil { // without what stands there
		faults = append(faults, errors.New("customerDetails, documentTypes: names of details, and types of documents, as the documentation lists them"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &config{base: base, apiKey: s.APIKey, noticeSecret: s.NoticeSecret, timeout: timeout,
		asksCode: s.AskCode, wants: wants}, nil
}

// Addresses is the address of the provider.
func (c *config) Addresses() []string { return []string{c.base} }

// Open returns the connector. It checks nothing at the provider.
func (c *config) Open(d connector.Deps) (connector.Connector, error) {
	if d.Client == nil || d.Now == nil {
		return nil, errors.New("sandbox needs a client and a clock")
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Sandbox{
		timeout: c.timeout, noticeSecret: c.noticeSecret, now: d.Now, asksCode: c.asksCode, wants: c.wants,
		client: client{
			http: d.Client, base: c.base, log: log,
			header: http.Header{
				"Authorization": {"Bearer " + c.apiKey}, "Content-Type": {"application/json"}, "Accept": {"application/json"},
			},
		},
	}, nil
}

// Format writes the address whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c.base) }

// LogValue is the address.
func (c *config) LogValue() slog.Value { return slog.StringValue(Name + " at " + c.base) }

func writeName(f fmt.State, base string) {
	_, _ = io.WriteString(f, Name+" at "+base) // fmt keeps the error of its writer and returns it itself
}
