package payu

import (
	"cmp"
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
const Name = "payu"

// Where PayU is called unless the settings say otherwise.
const (
	home    = "https://secure.payu.com"
	sandbox = "https://secure.snd.payu.com"
)

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "posId", Needed: true, Shown: true, Example: `"145227"`, Text: "the number of the point of sale"},
		{Name: "clientId", Shown: true, Example: `"145227"`, Text: "the OAuth client, where it is not the point of sale's number"},
		{Name: "clientSecret", Needed: true, Example: `"0123456789abcdef"`, Text: "the OAuth client's secret"},
		{Name: "secondKey", Needed: true, Example: `"fedcba9876543210"`, Text: "the second key (MD5), by which notices are signed"},
		{Name: "sandbox", Shown: true, Example: "true", Text: "the point of sale is one of the sandbox"},
		{Name: "minutes", Shown: true, Example: "30", Text: "how long a customer may take, 1 to 1440; 30 unless it is set"},
		{Name: "url", Shown: true, Example: `"https://secure.payu.com"`, Text: "where PayU answers, for tests; else the address in the example, or the sandbox's"},
		{Name: "tokenUrl", Shown: true, Example: `"https://secure.payu.com"`, Text: "where PayU gives access tokens, for tests; else as `url`"},
		{Name: "timeoutMs", Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"},
	}}
}

// loggable lists what the record of messages may show. Tokens and secrets, addresses of PayU's pages, which hold one, BLIK codes and all
// that customers have entered stay out.
func loggable() outbound.Allowlist {
	return outbound.Allowlist{
		Fields: []string{
			"merchantPosId", "extOrderId", "orderId", "currencyCode", "totalAmount", "validityTime", "type", "statusCode", "severity", "code", "codeLiteral", "statusDesc",
			"status", "orderStatus", "refundId", "extRefundId", "amount", "resultCode", "paymentFlow", "quantity", "unitPrice", "token_type", "expires_in", "grant_type", "language",
			"orderCreateDate", "localReceiptDateTime", "creationDateTime", "statusDatetime", "error",
		},
		Headers: []string{"Correlation-Id", "Retry-After"},
		Query:   []string{"lang"},
	}
}

// settings are a terminal's, as they are written.
type settings struct {
	POSID        string `json:"posId"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	SecondKey    string `json:"secondKey"`
	Sandbox      bool   `json:"sandbox"`
	Minutes      int64  `json:"minutes"`
	URL          string `json:"url"`
	TokenURL     string `json:"tokenUrl"`
	TimeoutMs    int64  `json:"timeoutMs"`
}

// config is checked settings. It prints as the address alone.
type config struct {
	settings
	timeout time.Duration
}

// The bounds of the setting minutes, and what is taken without it.
const (
	mostMinutes  = 1440
	usualMinutes = 30
)

// parse reads a terminal's settings; docs/connectors/payu.md has the table. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var c config
	if err := provider.ReadSettings(raw, &c.settings); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	c.ClientID = cmp.Or(c.ClientID, c.POSID)
	faults := []error{
		provider.Token("posId", c.POSID), provider.Token("clientId", c.ClientID), provider.Token("clientSecret", c.ClientSecret), provider.Token("secondKey", c.SecondKey),
	}
	if c.Minutes < 0 || c.Minutes > mostMinutes {
		faults = append(faults, fmt.Errorf("minutes: 1 to %d", mostMinutes))
	}
	c.Minutes = cmp.Or(c.Minutes, usualMinutes)
	if c.URL == "" {
		c.URL = map[bool]string{false: home, true: sandbox}[c.Sandbox]
	}
	var err error
	c.URL, err = provider.BaseURL(c.URL)
	faults = append(faults, err)
	c.TokenURL, err = provider.BaseURL(cmp.Or(c.TokenURL, c.URL))
	faults = append(faults, err)
	c.timeout, err = provider.Timeout(c.TimeoutMs)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	return &c, nil
}

// Addresses are those of the provider.
func (c *config) Addresses() []string { return []string{c.URL, c.TokenURL} }

// Open returns the connector. It checks nothing at the provider.
func (c *config) Open(d connector.Deps) (connector.Connector, error) {
	if d.Client == nil || d.Now == nil {
		return nil, errors.New("payu needs a client and a clock")
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	tokens := &provider.API{Client: d.Client, Name: Name, Base: c.TokenURL, Log: log}
	form := func() provider.Form {
		return provider.NewForm(900).Text("grant_type", "client_credentials").Text("client_id", c.ClientID).Text("client_secret", c.ClientSecret)
	}
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}
	return &PayU{
		api:   provider.API{Client: d.Client, Name: Name, Base: c.URL, Header: header, Log: log},
		grant: &provider.Grant{API: tokens, Path: "/pl/standard/user/oauth/authorize", Form: form, Now: d.Now},
		pos:   c.POSID, secondKey: c.SecondKey, patience: time.Duration(c.Minutes) * time.Minute, timeout: c.timeout, now: d.Now,
	}, nil
}

// Format writes the address whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c.URL) }

// LogValue is the address.
func (c *config) LogValue() slog.Value { return slog.StringValue(Name + " at " + c.URL) }

func writeName(f fmt.State, base string) {
	_, _ = io.WriteString(f, Name+" at "+base) // fmt keeps the error of its writer and returns it itself
}
