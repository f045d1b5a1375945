package przelewy24

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/provider"
)

// Name is what a terminal names this connector by.
const Name = "przelewy24"

// Where Przelewy24 is called unless the settings say otherwise.
const (
	home    = "https://secure.przelewy24.pl"
	sandbox = "https://sandbox.przelewy24.pl"
)

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "merchantId", Needed: true, Shown: true, Example: "123456", Text: "the account's number"},
		{Name: "posId", Shown: true, Example: "123456", Text: "the shop's number, where it is not the account's"},
		{Name: "apiKey", Needed: true, Example: `"0123456789abcdef"`, Text: "the key for reports, which is that of the REST API"},
		{Name: "crc", Needed: true, Example: `"fedcba9876543210"`, Text: "the key by which requests and notices are signed"},
		{Name: "sandbox", Shown: true, Example: "true", Text: "the account is one of the sandbox"},
		{Name: "minutes", Shown: true, Example: "30", Text: "how long a customer may take on Przelewy24's page, 1 to 99; 30 unless it is set"},
		{Name: "url", Shown: true, Example: `"https://secure.przelewy24.pl"`, Text: "where Przelewy24 answers, for tests; else the address in the example, or the sandbox's"},
		{Name: "timeoutMs", Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"},
	}}
}

// loggable lists what the record of messages may show. Tokens, which are enough to pay or to see a payment, BLIK codes, signatures, all that
// customers have entered and all texts of people stay out.
func loggable() outbound.Allowlist {
	return outbound.Allowlist{
		Fields: []string{
			"merchantId", "posId", "sessionId", "orderId", "amount", "originAmount", "currency", "country", "language", "method", "methodId", "paymentMethod",
			"channel", "timeLimit", "waitForResult", "regulationAccept", "encoding", "requestId", "refundsUuid", "status", "code", "responseCode", "batchId", "date",
			"dateOfTransaction", "fee", "timestamp", "error", "id", "group",
		},
		Headers: []string{"Retry-After"},
		Query:   []string{"amount", "currency"},
	}
}

// settings are a terminal's, as they are written.
type settings struct {
	MerchantID int64  `json:"merchantId"`
	POSID      int64  `json:"posId"`
	APIKey     string `json:"apiKey"`
	CRC        string `json:"crc"`
	Sandbox    bool   `json:"sandbox"`
	Minutes    int64  `json:"minutes"`
	URL        string `json:"url"`
	TimeoutMs  int64  `json:"timeoutMs"`
}

// config is checked settings. It prints as the address alone.
type config struct {
	settings
	timeout time.Duration
}

// The bounds of the setting minutes, and what is taken without it.
const (
	mostMinutes  = 99
	usualMinutes = 30
)

// parse reads a terminal's settings; docs/connectors/przelewy24.md has the table. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var c config
	if err := provider.ReadSettings(raw, &c.settings); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	faults := []error{provider.Token("apiKey", c.APIKey), provider.Token("crc", c.CRC)}
	if c.MerchantID < 1 || c.POSID < 0 {
		faults = append(faults, errors.New("merchantId, posId: numbers that Przelewy24 has given"))
	}
	c.POSID = cmp.Or(c.POSID, c.MerchantID)
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
	c.timeout, err = provider.Timeout(c.TimeoutMs)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	return &c, nil
}

// Addresses is the address of the provider.
func (c *config) Addresses() []string { return []string{c.URL} }

// Open returns the connector. It checks nothing at the provider.
func (c *config) Open(d connector.Deps) (connector.Connector, error) {
	if d.Client == nil || d.Now == nil {
		return nil, errors.New("przelewy24 needs a client and a clock")
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	login := base64.StdEncoding.EncodeToString([]byte(strconv.FormatInt(c.POSID, 10) + ":" + c.APIKey))
	header := http.Header{"Authorization": {"Basic " + login}, "Content-Type": {"application/json"}, "Accept": {"application/json"}}
	return &Przelewy24{
		api:      provider.API{Client: d.Client, Name: Name, Base: c.URL, Header: header, Log: log},
		merchant: c.MerchantID, pos: c.POSID, crc: c.CRC, patience: time.Duration(c.Minutes) * time.Minute, timeout: c.timeout, now: d.Now,
	}, nil
}

// Format writes the address whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c.URL) }

// LogValue is the address.
func (c *config) LogValue() slog.Value { return slog.StringValue(Name + " at " + c.URL) }

func writeName(f fmt.State, base string) {
	_, _ = io.WriteString(f, Name+" at "+base) // fmt keeps the error of its writer and returns it itself
}
