package openbanking

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	// assertionLife is how long a token of ours may be used that tells a bank who we are.
	assertionLife = 5 * time.Minute
	// requestLife is how long a customer may take to arrive at the bank.
	requestLife = time.Hour
	// accessLife bounds how long a customer's access is kept, whatever the bank says.
	accessLife = time.Hour
	// mostKept bounds how many are kept.
	mostKept = 10_000
)

// bank is one of the terminal's.
type bank struct {
	*bankSettings
	of     *OpenBanking
	api    provider.API
	tokens *provider.API
	grant  *provider.Grant
}

// access is what a customer has allowed at the bank: a token for one consent. It is kept in memory alone, so that the same request can be made
// again whose answer got lost.
type access struct {
	token string
	until time.Time
	sent  time.Time // when the payment was sent last
}

func (o *OpenBanking) open(s *bankSettings, client *outbound.Client, log *slog.Logger) *bank {
	b := &bank{bankSettings: s, of: o, tokens: &provider.API{Client: client, Name: Name, Base: s.TokenURL, Log: log}}
	b.api = provider.API{Client: client, Name: Name, Base: s.URL, Header: http.Header{"Accept": {"application/json"}}, Log: log}
	b.grant = &provider.Grant{API: b.tokens, Now: o.now, Form: func() provider.Form {
		return o.asserted(b, provider.NewForm(2048).Text("grant_type", "client_credentials").Text("scope", "payments"))
	}}
	return b
}

// asserted says who we are, by a token of our own (RFC 7523). Without a key it says nothing, and the bank refuses.
func (o *OpenBanking) asserted(b *bank, f provider.Form) provider.Form {
	if o.c.signer == nil {
		return f
	}
	now := o.now()
	claims := provider.NewObject(512).Text("iss", b.ClientID).Text("sub", b.ClientID).Text("aud", b.TokenURL).Text("jti", o.nonce()).
		Number("iat", uint64(now.Unix())).Number("exp", uint64(now.Add(assertionLife).Unix()))
	token, err := o.c.signer.JWT(claims)
	if err != nil {
		return f
	}
	return f.Text("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer").Text("client_assertion", token)
}

// nonce is a new name.
func (o *OpenBanking) nonce() string {
	var b [16]byte
	if _, err := io.ReadFull(o.random, b[:]); err != nil {
		return "" // the bank refuses what has none
	}
	return hex.EncodeToString(b[:])
}

// post sends a signed body under a key.
func (b *bank) post(ctx context.Context, path, key string, body []byte, header http.Header) (*outbound.Response, error) {
	o := b.of
	signature, err := o.c.signer.Detached(func(head provider.Object) provider.Object {
		return head.Text("typ", "JOSE").Text("cty", "application/json").
			Number("http://openbanking.org.uk/iat", uint64(o.now().Unix())).
			Text("http://openbanking.org.uk/iss", o.c.Signer).Text("http://openbanking.org.uk/tan", "openbanking.org.uk").
			Raw("crit", []byte(`["http://openbanking.org.uk/iat","http://openbanking.org.uk/iss","http://openbanking.org.uk/tan"]`))
	}, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connector.ErrIncomplete, err)
	}
	header.Set("Content-Type", "application/json")
	header.Set("X-Idempotency-Key", key)
	header.Set("X-Jws-Signature", signature)
	return b.api.Do(ctx, http.MethodPost, path, body, header) //nolint:wrapcheck // by each caller
}

// get asks under our own token. One that is not accepted is forgotten.
func (b *bank) get(ctx context.Context, path string) (*outbound.Response, error) {
	header, err := b.grant.Bearer(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	res, err := b.api.Do(ctx, http.MethodGet, path, nil, header)
	if err == nil && res.Status == http.StatusUnauthorized {
		b.grant.Forget()
	}
	return res, err //nolint:wrapcheck // by each caller
}

// exchange gets the customer's access against what was brought back, and keeps it. It moves nothing.
func (o *OpenBanking) exchange(ctx context.Context, b *bank, consent, code, redirect string) (access, error) {
	form := o.asserted(b, provider.NewForm(4096).Text("grant_type", "authorization_code").Text("code", code).Text("redirect_uri", redirect))
	res, err := b.tokens.Post(ctx, "", form, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}})
	if err != nil {
		return access{}, fmt.Errorf("the customer's access: %w", err)
	}
	if res.Status != http.StatusOK {
		return access{}, fmt.Errorf("the customer's access: %w", provider.Unclear(res.Status, ""))
	}
	var got struct {
		Token string `json:"access_token"`
		Life  int64  `json:"expires_in"`
	}
	if err := provider.Read(res.Body, &got); err != nil {
		return access{}, fmt.Errorf("the customer's access: %w", err)
	}
	if !provider.Bearable(got.Token) {
		return access{}, fmt.Errorf("the customer's access: %w: no token that may stand in a header", provider.ErrAnswer)
	}
	life := accessLife
	if got.Life > 0 && got.Life < int64(accessLife/time.Second) {
		life = time.Duration(got.Life) * time.Second
	}
	a := access{token: got.Token, until: o.now().Add(life)}
	o.keep(consent, a)
	return a, nil
}

// keep keeps an access, and drops those that have ended.
func (o *OpenBanking) keep(consent string, a access) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.kept) >= mostKept {
		now := o.now()
		for name, old := range o.kept {
			if !now.Before(old.until) {
				delete(o.kept, name)
			}
		}
	}
	if len(o.kept) < mostKept {
		o.kept[consent] = a
	}
}

// accessTo is the access that is kept for a consent.
func (o *OpenBanking) accessTo(consent string) (access, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, ok := o.kept[consent]
	return a, ok && o.now().Before(a.until)
}
