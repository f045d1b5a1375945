package openbanking

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/provider"
)

// Name is what a terminal names this connector by.
const Name = "openbanking"

// Limits of settings.
const (
	mostBanks = 200
	mostName  = 80
)

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Expires: expires, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "banks", Needed: true, Shown: true, Example: `[{"id":"bank","name":"A bank","url":"https://api.bank.example/open-banking/v4.0/pisp","tokenUrl":"https://auth.bank.example/token","authorizeUrl":"https://auth.bank.example/authorize","issuer":"https://auth.bank.example","clientId":"client"}]`,
			Text: "the banks that customers can choose, in their order: an `id` and a `name` of ours, the addresses of the API, of its tokens and of the page, the `issuer` that the bank names itself by, and the client id that it has given"},
		{Name: "account", Needed: true, Shown: true, Example: `{"number":"20000012345678","name":"Shop Ltd"}`, Text: "who is paid: sort code and account number in 14 digits, and the account's name"},
		{Name: "signer", Needed: true, Shown: true, Example: `"organisation/software"`, Text: "the organisation and the software as the directory has them, with a slash between"},
		{Name: "keyId", Needed: true, Shown: true, Example: `"key"`, Text: "what the directory knows the signing key by"},
		{Name: "signingKey", Example: `"-----BEGIN PRIVATE KEY-----\n…"`, Text: "the key that signs requests, RSA of 2048 bits or more, as PEM; without it nothing can be sent"},
		{Name: "certificate", Example: `"-----BEGIN CERTIFICATE-----\n…"`, Text: "the transport certificate, and those that it leads to, as PEM: banks take no call without one"},
		{Name: "privateKey", Example: `"-----BEGIN PRIVATE KEY-----\n…"`, Text: "its key, as PEM"},
		{Name: "authorities", Example: `"-----BEGIN CERTIFICATE-----\n…"`, Text: "whom the banks' own certificates lead to, as PEM; else whom the system trusts"},
		{Name: "returnUrl", Shown: true, Example: `"https://pay.shop.example/payment/back"`, Text: "the address that is registered with the banks, at which customers come back: PUBLIC-URL/payment/back; without it each payment's own, which few banks take"},
		{Name: "timeoutMs", Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"},
	}}
}

// loggable lists what the record of messages may show. Tokens, codes, signatures, accounts and names stay out.
func loggable() outbound.Allowlist {
	return outbound.Allowlist{
		Fields: []string{
			"ConsentId", "DomesticPaymentId", "Status", "StatusUpdateDateTime", "CreationDateTime", "InstructionIdentification", "EndToEndIdentification", "Amount",
			"Currency", "LocalInstrument", "SchemeName", "StatusReasonCode", "ErrorCode", "Path", "PaymentContextCode", "ExpectedExecutionDateTime",
			"ExpectedSettlementDateTime", "error", "grant_type", "scope", "token_type", "expires_in",
		},
		Headers: []string{"X-Fapi-Interaction-Id", "X-Idempotency-Key", "Retry-After"},
	}
}

// settings are a terminal's, as they are written.
type settings struct {
	Banks   []bankSettings `json:"banks"`
	Account struct {
		Number string `json:"number"`
		Name   string `json:"name"`
	} `json:"account"`
	Signer      string `json:"signer"`
	KeyID       string `json:"keyId"`
	SigningKey  string `json:"signingKey"`
	Certificate string `json:"certificate"`
	PrivateKey  string `json:"privateKey"`
	Authorities string `json:"authorities"`
	ReturnURL   string `json:"returnUrl"`
	TimeoutMs   int64  `json:"timeoutMs"`
}

type bankSettings struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	URL          string `json:"url"`
	TokenURL     string `json:"tokenUrl"`
	AuthorizeURL string `json:"authorizeUrl"`
	Issuer       string `json:"issuer"`
	ClientID     string `json:"clientId"`
}

// config is checked settings. It prints as the names of its banks alone.
type config struct {
	settings
	signer  *provider.Signer
	own     *tls.Certificate
	trusted *x509.CertPool
	timeout time.Duration
}

// expires lists when the certificates of settings end: ours, and those of whom the bank's lead to.
func expires(raw json.RawMessage) []connector.Expiry {
	var c settings
	if provider.ReadSettings(raw, &c) != nil {
		return nil
	}
	return append(provider.Ends("certificate", c.Certificate), provider.Ends("authorities", c.Authorities)...)
}

// parse reads a terminal's settings; docs/connectors/openbanking.md has the table. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var c config
	if err := provider.ReadSettings(raw, &c.settings); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	faults := append(c.bankFaults(), c.identity()...)
	if n := c.Account.Number; len(n) != 14 || strings.Trim(n, "0123456789") != "" || c.Account.Name == "" || utf8.RuneCountInString(c.Account.Name) > mostName {
		faults = append(faults, fmt.Errorf("account: a number of 14 digits, sort code first, and a name of up to %d characters", mostName))
	}
	faults = append(faults, provider.Token("signer", c.Signer), provider.Token("keyId", c.KeyID))
	if c.ReturnURL != "" && !provider.Page(c.ReturnURL) {
		faults = append(faults, errors.New("returnUrl: an absolute address"))
	}
	var err error
	c.timeout, err = provider.Timeout(c.TimeoutMs)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	return &c, nil
}

func (c *config) bankFaults() (faults []error) {
	if len(c.Banks) == 0 || len(c.Banks) > mostBanks {
		faults = append(faults, fmt.Errorf("banks: 1 to %d", mostBanks))
	}
	seen := map[string]bool{}
	for i := range c.Banks {
		b, at := &c.Banks[i], fmt.Sprintf("banks[%d]", i)
		if !provider.Word(b.ID, 64) || seen[b.ID] {
			faults = append(faults, fmt.Errorf("%s.id: letters, digits, underscores and hyphens, and another than of those before", at))
		}
		seen[b.ID] = true
		if b.Name == "" || utf8.RuneCountInString(b.Name) > mostName {
			faults = append(faults, fmt.Errorf("%s.name: 1 to %d characters", at, mostName))
		}
		for name, address := range map[string]*string{"url": &b.URL, "tokenUrl": &b.TokenURL, "authorizeUrl": &b.AuthorizeURL} {
			base, err := provider.BaseURL(*address)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s.%s, as %w", at, name, err))
			}
			*address = base
		}
		faults = append(faults, provider.Token(at+".issuer", b.Issuer), provider.Token(at+".clientId", b.ClientID))
	}
	return faults
}

// identity reads the keys.
func (c *config) identity() (faults []error) {
	if c.SigningKey != "" {
		signer, err := provider.NewSigner(c.SigningKey, c.KeyID, rand.Reader)
		if err != nil {
			faults = append(faults, fmt.Errorf("signingKey: %w", err))
		}
		c.signer = signer
	}
	if c.Certificate != "" || c.PrivateKey != "" {
		own, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.PrivateKey))
		if err != nil { // its text may show what stands there
			faults = append(faults, errors.New("certificate and privateKey: PEM of a certificate and of the key that belongs to it"))
		}
		c.own = &own
	}
	if c.Authorities != "" {
		c.trusted = x509.NewCertPool()
		if !c.trusted.AppendCertsFromPEM([]byte(c.Authorities)) {
			faults = append(faults, errors.New("authorities: PEM of certificates"))
		}
	}
	return faults
}

// Addresses are those of all banks' APIs and tokens.
func (c *config) Addresses() (all []string) {
	for _, b := range c.Banks {
		all = append(all, b.URL, b.TokenURL)
	}
	return all
}

// Open returns the connector. It checks nothing at the banks.
func (c *config) Open(d connector.Deps) (connector.Connector, error) {
	if d.Client == nil || d.Now == nil {
		return nil, errors.New("openbanking needs a client and a clock")
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	client := d.Client
	if c.own != nil || c.trusted != nil {
		client = client.WithIdentity(c.own, c.trusted)
	}
	o := &OpenBanking{c: c, now: d.Now, random: d.Random, kept: map[string]access{}}
	if o.random == nil {
		o.random = rand.Reader
	}
	for i := range c.Banks {
		o.banks = append(o.banks, o.open(&c.Banks[i], client, log))
	}
	return o, nil
}

// Format writes the names whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c) }

// LogValue is the names.
func (c *config) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

func writeName(f fmt.State, c *config) {
	names := make([]string, len(c.Banks))
	for i, b := range c.Banks {
		names[i] = b.ID
	}
	_, _ = io.WriteString(f, Name+" at "+strings.Join(names, ", ")) // fmt keeps the error of its writer and returns it itself
}
