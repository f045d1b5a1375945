package pix

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/pix"
	"github.com/sluicepay/sluice/internal/provider"
)

// Name is what a terminal names this connector by.
const Name = "pix"

// scopes are the rights that its calls take.
const scopes = "cob.read cob.write pix.read pix.write"

// Type is the entry of the registry of connectors.
func Type() connector.Type {
	return connector.Type{Name: Name, Parse: parse, Expires: expires, Loggable: loggable(), Settings: []connector.Setting{
		{Name: "url", Needed: true, Shown: true, Example: `"https://pix.bank.example/api/v2"`, Text: "the address of the bank's API, up to what comes before `/cob`"},
		{Name: "tokenUrl", Needed: true, Shown: true, Example: `"https://pix.bank.example/oauth/token"`, Text: "where the bank gives access tokens"},
		{Name: "clientId", Needed: true, Shown: true, Example: `"client"`, Text: "the application's id at the bank"},
		{Name: "clientSecret", Needed: true, Example: `"secret"`, Text: "its secret"},
		{Name: "clientIn", Shown: true, Example: `"body"`, Text: "where id and secret stand when a token is asked for: `header` (the default) or `body`"},
		{Name: "scope", Shown: true, Example: `"` + scopes + `"`, Text: "the rights that are asked for; else those of the example"},
		{Name: "key", Needed: true, Shown: true, Example: `"123e4567-e12b-12d1-a456-426655440000"`, Text: "the account's key in the directory of Pix keys"},
		{Name: "certificate", Example: `"-----BEGIN CERTIFICATE-----\n…"`, Text: "the certificate of this client, and those that it leads to, as PEM: banks take no call without one"},
		{Name: "privateKey", Example: `"-----BEGIN PRIVATE KEY-----\n…"`, Text: "its key, as PEM"},
		{Name: "authorities", Example: `"-----BEGIN CERTIFICATE-----\n…"`, Text: "whom the bank's own certificate leads to, as PEM; else whom the system trusts"},
		{Name: "payer", Shown: true, Example: "true", Text: "the bank is told who is to pay, by name and CPF or CNPJ; customers are asked for what is missing of it"},
		{Name: "name", Shown: true, Example: `"Loja"`, Text: "the payee's name, for banks that give no code: up to 25 letters"},
		{Name: "city", Shown: true, Example: `"Recife"`, Text: "the payee's city, likewise: up to 15 letters"},
		{Name: "noticeToken", Example: `"a-long-secret"`, Text: "what the proxy that has checked the bank's certificate says in `X-Notice-Token`; without it no notices are taken"},
		{Name: "timeoutMs", Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"},
	}}
}

// loggable lists what the record of messages may show. Tokens, who pays, and codes by which anybody could pay stay out.
func loggable() outbound.Allowlist {
	return outbound.Allowlist{
		Fields: []string{
			"txid", "status", "revisao", "original", "modalidadeAlteracao", "criacao", "expiracao", "chave", "endToEndId", "valor", "horario", "id", "rtrId",
			"natureza", "motivo", "solicitacao", "liquidacao", "type", "title", "razao", "propriedade", "correlationId", "error", "grant_type", "scope",
			"token_type", "expires_in",
		},
		Headers: []string{"Retry-After", "WWW-Authenticate"},
	}
}

// settings are a terminal's, as they are written.
type settings struct {
	URL          string `json:"url"`
	TokenURL     string `json:"tokenUrl"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	ClientIn     string `json:"clientIn"`
	Scope        string `json:"scope"`
	Key          string `json:"key"`
	Certificate  string `json:"certificate"`
	PrivateKey   string `json:"privateKey"`
	Authorities  string `json:"authorities"`
	Payer        bool   `json:"payer"`
	Name         string `json:"name"`
	City         string `json:"city"`
	NoticeToken  string `json:"noticeToken"`
	TimeoutMs    int64  `json:"timeoutMs"`
}

// config is checked settings. It prints as the address alone.
type config struct {
	settings
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

// parse reads a terminal's settings; docs/connectors/pix.md has the table. All faults are told at once, and none repeats a value.
func parse(raw json.RawMessage) (connector.Config, error) {
	var c config
	if err := provider.ReadSettings(raw, &c.settings); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	faults := append(c.addresses(), provider.Token("clientId", c.ClientID), provider.Token("clientSecret", c.ClientSecret), c.identity())
	if _, err := pix.KindOf(c.Key); err != nil {
		faults = append(faults, errors.New("key: a key of Pix, as it stands in the directory"))
	}
	if !slices.Contains([]string{"", "header", "body"}, c.ClientIn) {
		faults = append(faults, errors.New("clientIn: header or body"))
	}
	if c.Scope == "" {
		c.Scope = scopes
	}
	if c.NoticeToken != "" {
		faults = append(faults, provider.Token("noticeToken", c.NoticeToken))
	}
	faults = append(faults, fits("name", &c.Name, pix.MostName), fits("city", &c.City, pix.MostCity))
	if (c.Name == "") != (c.City == "") {
		faults = append(faults, errors.New("name and city: both or neither"))
	}
	var err error
	c.timeout, err = provider.Timeout(c.TimeoutMs)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	return &c, nil
}

func (c *config) addresses() (faults []error) {
	for name, address := range map[string]*string{"url": &c.URL, "tokenUrl": &c.TokenURL} {
		base, err := provider.BaseURL(*address)
		if err != nil && name != "url" {
			err = fmt.Errorf("%s, as %w", name, err)
		}
		*address, faults = base, append(faults, err)
	}
	return faults
}

// fits writes a name in the letters that a code can hold.
func fits(name string, text *string, most int) error {
	plain, ok := pix.Plain(*text)
	if !ok || utf8.RuneCountInString(plain) > most {
		return fmt.Errorf("%s: up to %d plain letters", name, most)
	}
	*text = plain
	return nil
}

// identity reads the certificates.
func (c *config) identity() error {
	if c.Certificate != "" || c.PrivateKey != "" {
		own, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.PrivateKey))
		if err != nil { // its text may show what stands there
			return errors.New("certificate and privateKey: PEM of a certificate and of the key that belongs to it")
		}
		c.own = &own
	}
	if c.Authorities != "" {
		c.trusted = x509.NewCertPool()
		if !c.trusted.AppendCertsFromPEM([]byte(c.Authorities)) {
			return errors.New("authorities: PEM of certificates")
		}
	}
	return nil
}

// Addresses are those of the API and of the tokens.
func (c *config) Addresses() []string { return []string{c.URL, c.TokenURL} }

// Open returns the connector. It checks nothing at the bank.
func (c *config) Open(d connector.Deps) (connector.Connector, error) {
	if d.Client == nil || d.Now == nil {
		return nil, errors.New("pix needs a client and a clock")
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	client := d.Client
	if c.own != nil || c.trusted != nil {
		client = client.WithIdentity(c.own, c.trusted)
	}
	tokens := &provider.API{Client: client, Name: Name, Base: c.TokenURL, Log: log}
	if c.ClientIn != "body" {
		q := http.Request{Header: http.Header{}}
		q.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret)) // RFC 6749, 2.3.1
		tokens.Header = q.Header
	}
	return &Pix{
		api:   provider.API{Client: client, Name: Name, Base: c.URL, Header: http.Header{"Accept": {"application/json, application/problem+json"}}, Log: log},
		grant: &provider.Grant{API: tokens, Form: c.form, Now: d.Now},
		c:     c, now: d.Now,
	}, nil
}

// form asks for an access token.
func (c *config) form() provider.Form {
	f := provider.NewForm(1024).Text("grant_type", "client_credentials").Text("scope", c.Scope)
	if c.ClientIn == "body" {
		f = f.Text("client_id", c.ClientID).Text("client_secret", c.ClientSecret)
	}
	return f
}

// Format writes the address whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c.URL) }

// LogValue is the address.
func (c *config) LogValue() slog.Value { return slog.StringValue(Name + " at " + c.URL) }

func writeName(f fmt.State, base string) {
	_, _ = io.WriteString(f, Name+" at "+base) // fmt keeps the error of its writer and returns it itself
}
