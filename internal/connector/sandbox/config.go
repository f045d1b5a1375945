package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
)

// Name is what a terminal names this connector by.
const Name = "sandbox"

const maxTimeoutMs = 30_000

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "url", Needed: true, Shown: true, Example: `"http://127.0.0.1:8090"`, Text: "where the sandbox provider answers"},
		{Name: "apiKey", Needed: true, Example: `"x"`, Text: "the key that it was started with"},
		{Name: "noticeSecret", Example: `"x"`, Text: "what signs its notices; without it none are taken"},
		{Name: "askSecurityCode", Shown: true, Example: "true", Text: "the account wants the security code of a card that came with one"},
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
}

// config is checked settings. It prints as the address alone.
type config struct {
	base         string // without a final slash
	apiKey       string
	noticeSecret string
	timeout      time.Duration
	asksCode     bool
}

// parse reads a terminal's settings: url and apiKey, and if wanted noticeSecret,
// timeoutMs (1 to 30000), and askSecurityCode for an account that wants the code of a card which came with one. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var s settings
	if err := jsonv2.Unmarshal(raw, &s, jsonv2.RejectUnknownMembers(true)); err != nil {
		return nil, decodeFault(err)
	}
	base, err := baseURL(s.URL)
	faults := []error{err}
	if !headerSafe(s.APIKey) {
		faults = append(faults, errors.New("apiKey: 1 to 256 printable characters without spaces"))
	}
	if s.NoticeSecret != "" && !headerSafe(s.NoticeSecret) {
		faults = append(faults, errors.New("noticeSecret: at most 256 printable characters without spaces"))
	}
	if s.TimeoutMs < 0 || s.TimeoutMs > maxTimeoutMs {
		faults = append(faults, fmt.Errorf("timeoutMs: 1 to %d", maxTimeoutMs))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &config{base: base, apiKey: s.APIKey, noticeSecret: s.NoticeSecret, timeout: time.Duration(s.TimeoutMs) * time.Millisecond,
		asksCode: s.AskCode}, nil
}

// decodeFault says where settings are wrong without what stands there, which may be
// a secret.
func decodeFault(err error) error {
	var semantic *jsonv2.SemanticError
	if errors.As(err, &semantic) && len(semantic.JSONPointer) < 64 {
		return fmt.Errorf("settings: %s is unknown or of the wrong type", semantic.JSONPointer)
	}
	return errors.New("settings are not one JSON object with distinct names")
}

func baseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("url: an absolute http or https address without user, query and fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func headerSafe(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
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
		timeout: c.timeout, noticeSecret: c.noticeSecret, now: d.Now, asksCode: c.asksCode,
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
