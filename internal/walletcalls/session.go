package walletcalls

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
)

const (
	sessionTimeout = 10 * time.Second // the sheet waits for 30
	largestSession = 64 << 10         // bytes of the answer; Apple's have about 5,000
	sessionPath    = "/paymentservices/paymentSession"
)

// gateways are Apple's, as its page on servers names them: everywhere, in China, for its sandbox, and the regional ones of before.
var gateways = []string{
	"apple-pay-gateway.apple.com", "cn-apple-pay-gateway.apple.com",
	"apple-pay-gateway-cert.apple.com", "cn-apple-pay-gateway-cert.apple.com",
	"apple-pay-gateway-nc-pod1.apple.com", "apple-pay-gateway-nc-pod2.apple.com", "apple-pay-gateway-nc-pod3.apple.com",
	"apple-pay-gateway-nc-pod4.apple.com", "apple-pay-gateway-nc-pod5.apple.com",
	"apple-pay-gateway-pr-pod1.apple.com", "apple-pay-gateway-pr-pod2.apple.com", "apple-pay-gateway-pr-pod3.apple.com",
	"apple-pay-gateway-pr-pod4.apple.com", "apple-pay-gateway-pr-pod5.apple.com",
	"cn-apple-pay-gateway-sh-pod1.apple.com", "cn-apple-pay-gateway-sh-pod2.apple.com", "cn-apple-pay-gateway-sh-pod3.apple.com",
	"cn-apple-pay-gateway-tj-pod1.apple.com", "cn-apple-pay-gateway-tj-pod2.apple.com", "cn-apple-pay-gateway-tj-pod3.apple.com",
}

// Gateways lists the hosts that a session may be asked of.
func Gateways() []string { return slices.Clone(gateways) }

var (
	// ErrGateway: the browser has named a host that is none of Apple's gateways. Nothing was sent.
	ErrGateway = errors.New("not a gateway of Apple Pay")
	// ErrRefused: the gateway has answered, and gives no session.
	ErrRefused = errors.New("the gateway gives no session")
)

// Merchant is who asks for sessions.
type Merchant struct {
	Identifier  string // such as merchant.com.example.shop
	DisplayName string // what the sheet shows: at most 64 characters
	// Certificate is the merchant identity certificate, by which the gateway knows who asks. It is another one than that for
	// processing payments.
	Certificate tls.Certificate `json:"-"`
	// Gateway is asked in place of Apple's, whatever the browser names: the simulator's, by the operator's own setting. It is an
	// address without a path; empty for Apple's.
	Gateway string
}

// Sessions asks for sessions of one merchant. It is safe for concurrent use; keep it, since it pools connections.
type Sessions struct {
	merchant Merchant
	client   *outbound.Client
}

// NewSessions returns what asks for a merchant. Options are those of the calls, whose limits and certificate are set here, and the
// guard, too, where Apple is asked.
func NewSessions(m Merchant, o outbound.Options) *Sessions {
	o.Timeout, o.MaxBody = sessionTimeout, largestSession
	if len(m.Certificate.Certificate) > 0 {
		o.Certificate = &m.Certificate
	}
	if m.Gateway == "" {
		o.Guard = outbound.GuardPublicOnly
	}
	return &Sessions{merchant: m, client: outbound.New(o)}
}

// Start asks for a session for a page of the domain. validationURL is what the browser's event names; of it the host alone is taken,
// and only if it is one of Gateways. The session is a JSON object for that browser, good for one sheet within five minutes.
//
// Errors are ErrGateway, ErrRefused and those of package outbound. A session that was asked for in vain costs nothing: ask again.
func (s *Sessions) Start(ctx context.Context, validationURL, domain string) ([]byte, error) {
	base, err := s.gateway(validationURL)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]string{
		"merchantIdentifier": s.merchant.Identifier, "displayName": s.merchant.DisplayName,
		"initiative": "web", "initiativeContext": domain,
	})
	if err != nil {
		return nil, fmt.Errorf("asking for a session: %w", err)
	}
	res, err := s.client.Do(ctx, &outbound.Request{
		Method: http.MethodPost, URL: base + sessionPath, Body: body,
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
	})
	if err != nil {
		return nil, fmt.Errorf("asking for a session: %w", err)
	}
	if res.Status != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", ErrRefused, res.Status)
	}
	var object map[string]json.RawMessage // what is in it is between Apple and the browser
	if json.Unmarshal(res.Body, &object) != nil || object == nil {
		return nil, fmt.Errorf("%w: its answer is no JSON object", ErrRefused)
	}
	return res.Body, nil
}

// gateway is the address that is asked.
func (s *Sessions) gateway(validationURL string) (string, error) {
	if s.merchant.Gateway != "" {
		return s.merchant.Gateway, nil
	}
	u, err := url.Parse(validationURL)
	if err != nil || u.Scheme != "https" || u.User != nil || !slices.Contains(gateways, u.Host) { // Host: no port either
		return "", ErrGateway
	}
	return "https://" + u.Host, nil
}

// ParseIdentity reads a merchant identity certificate and its private key, both in PEM. Its error tells nothing of the key.
func ParseIdentity(certificate, key string) (tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		return tls.Certificate{}, errors.New("merchant identity certificate: it and its key are not in PEM, or are not of each other")
	}
	return pair, nil
}
