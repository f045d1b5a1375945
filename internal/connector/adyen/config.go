package adyen

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/provider"
)

// Name is what a terminal names this connector by.
const Name = "adyen"

const (
	// version is the interface that is spoken.
	version = "v72"
	// home is where test accounts are called. Live accounts have an address of their own, see settings.LivePrefix.
	home = "https://checkout-test.adyen.com/" + version
)

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "apiKey", Needed: true, Example: `"AQE_x"`, Text: "an API key of a web service user with the role *Checkout webservice*; to send numbers of cards also *API PCI Payments role*"},
		{Name: "merchantAccount", Needed: true, Shown: true, Example: `"ShopEU"`, Text: "the merchant account that is charged for"},
		{Name: "hmacKey", Example: `"00112233445566778899AABBCCDDEEFF"`, Text: "the HMAC key of the Standard webhook, as the Customer Area shows it; without it no webhooks are taken, and captures, voids and refunds stay open"},
		{Name: "livePrefix", Shown: true, Example: `"1797a841fbb37ca7-ShopCompany"`, Text: "the live URL prefix of the company account; without it the test platform is called"},
		{Name: "threeDSecure", Shown: true, Example: `"always"`, Text: "`automatic` as Adyen sees fit (the default), `always` whenever the card can"},
		{Name: "url", Shown: true, Example: `"https://checkout-test.adyen.com/v72"`, Text: "where Adyen answers, for tests; not together with livePrefix"},
		{Name: "timeoutMs", Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"},
	}}
}

// loggable lists what the record of messages may show. What can be charged, what customers have entered, and texts that hold parts of it,
// such as the reason of an authorisation, stay out, but the ends of a card's number.
func loggable() outbound.Allowlist {
	return outbound.Allowlist{
		Fields: []string{
			"resultCode", "refusalReason", "refusalReasonCode", "refusalReasonRaw", "merchantReference", "reference", "merchantAccount", "merchantAccountCode",
			"status", "errorCode", "errorType", "value", "currency", "eventCode", "eventDate", "success", "live", "type", "method",
			"captureDelayHours", "manualCapture", "shopperInteraction", "recurringProcessingModel", "storePaymentMethod", "channel",
			"nativeThreeDS", "attemptAuthentication", "merchantAdviceCode", "eci", "threeDAuthenticated", "threeDAuthenticatedResponse", "threeDSVersion",
			"liabilityShift", "cardIssuingCountry", "issuerCountry", "cardSummary", "paymentMethodVariant", "avsResultRaw", "cvcResultRaw", "brand",
			"pspReference", "paymentPspReference", "originalReference",
		},
		Cards:   []string{"number"},
		Headers: []string{"Pspreference", "Idempotency-Key", "Transient-Error"},
	}
}

// settings are a terminal's, as they are written.
type settings struct {
	APIKey          string `json:"apiKey"`
	MerchantAccount string `json:"merchantAccount"`
	HMACKey         string `json:"hmacKey"`
	LivePrefix      string `json:"livePrefix"`
	ThreeDSecure    string `json:"threeDSecure"`
	URL             string `json:"url"`
	TimeoutMs       int64  `json:"timeoutMs"`
}

// config is checked settings. It prints as the address alone.
type config struct {
	settings
	timeout time.Duration
	hmacKey []byte
}

// parse reads a terminal's settings; docs/connectors/adyen.md has the table. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var c config
	if err := provider.ReadSettings(raw, &c.settings); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	var err error
	faults := []error{provider.Token("apiKey", c.APIKey), provider.Token("merchantAccount", c.MerchantAccount)}
	switch {
	case c.LivePrefix != "" && c.URL != "":
		faults = append(faults, errors.New("url and livePrefix: only one of them"))
	case c.LivePrefix != "" && !provider.Word(c.LivePrefix, 100):
		faults = append(faults, errors.New("livePrefix: letters, digits and hyphens, such as 1797a841fbb37ca7-ShopCompany"))
	case c.LivePrefix != "":
		c.URL = "https://" + c.LivePrefix + "-checkout-live.adyenpayments.com/checkout/" + version
	case c.URL == "":
		c.URL = home
	}
	c.URL, err = provider.BaseURL(c.URL)
	faults = append(faults, err)
	c.timeout, err = provider.Timeout(c.TimeoutMs)
	faults = append(faults, err)
	if c.HMACKey != "" {
		if c.hmacKey, err = hex.DecodeString(c.HMACKey); err != nil || len(c.hmacKey) < 16 {
			faults = append(faults, errors.New("hmacKey: the hexadecimal digits that the Customer Area shows"))
		}
	}
	if !slices.Contains([]string{"", "automatic", "always"}, c.ThreeDSecure) {
		faults = append(faults, errors.New("threeDSecure: automatic or always"))
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
		return nil, errors.New("adyen needs a client")
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	header := http.Header{"X-Api-Key": {c.APIKey}, "Content-Type": {"application/json"}, "Accept": {"application/json"}}
	return &Adyen{
		api:     provider.API{Client: d.Client, Name: Name, Base: c.URL, Header: header, Log: log},
		account: c.MerchantAccount, hmacKey: c.hmacKey, always: c.ThreeDSecure == "always", timeout: c.timeout,
	}, nil
}

// Format writes the address whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c.URL) }

// LogValue is the address.
func (c *config) LogValue() slog.Value { return slog.StringValue(Name + " at " + c.URL) }

func writeName(f fmt.State, base string) {
	_, _ = io.WriteString(f, Name+" at "+base) // fmt keeps the error of its writer and returns it itself
}
