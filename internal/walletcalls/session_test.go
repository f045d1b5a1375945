package walletcalls_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/walletcalls"
)

// identity makes a merchant identity certificate and its key, in PEM.
func identity(t *testing.T, name string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

// gateway is a server that wants to know who asks, and what asks it by the certificate.
func gateway(t *testing.T, answer http.HandlerFunc) *walletcalls.Sessions {
	t.Helper()
	certificate, key := identity(t, "Merchant Identity")
	pair, err := walletcalls.ParseIdentity(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	known := x509.NewCertPool()
	known.AppendCertsFromPEM([]byte(certificate))
	server := httptest.NewUnstartedServer(answer)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	return walletcalls.NewSessions(walletcalls.Merchant{
		Identifier: "merchant.com.example.shop", DisplayName: "A shop", Certificate: pair, Gateway: server.URL,
	}, outbound.Options{Now: time.Now, Guard: outbound.GuardNone, Authorities: authorities})
}

func TestASessionIsPassedOnAsItCame(t *testing.T) {
	t.Parallel()
	const session = `{ "epochTimestamp":1, "signature":"\u003d", "future": [1e400] }`
	type asked struct {
		Method, Path, Type, By string
		Body                   map[string]string
	}
	seen := make(chan asked, 1)
	s := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		a := asked{Method: r.Method, Path: r.URL.Path, Type: r.Header.Get("Content-Type"), By: r.TLS.PeerCertificates[0].Subject.CommonName}
		if err := json.NewDecoder(r.Body).Decode(&a.Body); err != nil {
			t.Error(err)
		}
		seen <- a
		_, _ = io.WriteString(w, session)
	})
	got, err := s.Start(t.Context(), "https://apple-pay-gateway.apple.com/paymentservices/startSession", "shop.example.com")
	if err != nil || string(got) != session {
		t.Fatalf("%q, %v", got, err)
	}
	a := <-seen
	if a.Method != http.MethodPost || a.Path != "/paymentservices/paymentSession" || a.Type != "application/json" || a.By != "Merchant Identity" {
		t.Errorf("%+v", a)
	}
	for name, want := range map[string]string{
		"merchantIdentifier": "merchant.com.example.shop", "displayName": "A shop", "initiative": "web", "initiativeContext": "shop.example.com",
	} {
		if a.Body[name] != want {
			t.Errorf("%s is %q", name, a.Body[name])
		}
	}
	if len(a.Body) != 4 {
		t.Errorf("%v", a.Body)
	}
}

func TestWhatIsNoSessionIsNotPassedOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"statusCode":"417"}`, http.StatusExpectationFailed)
		}, walletcalls.ErrRefused},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.com/", http.StatusFound)
		}, walletcalls.ErrRefused},
		"empty":  {func(http.ResponseWriter, *http.Request) {}, walletcalls.ErrRefused},
		"a page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, walletcalls.ErrRefused},
		"null":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "null") }, walletcalls.ErrRefused},
		"a list": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") }, walletcalls.ErrRefused},
		"cut":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"a":`) }, walletcalls.ErrRefused},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"a":"`+strings.Repeat("x", 64<<10)+`"}`)
		}, outbound.ErrUnknown},
		"broken": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, outbound.ErrUnknown},
	} {
		got, err := gateway(t, c.answer).Start(t.Context(), "", "shop.example.com")
		if got != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestWithoutTheCertificateThereIsNoSession: the other side closes, and nothing is taken for an answer.
func TestWithoutTheCertificateThereIsNoSession(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked without a certificate") }))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	s := walletcalls.NewSessions(walletcalls.Merchant{Identifier: "m", Gateway: server.URL}, outbound.Options{Now: time.Now, Guard: outbound.GuardNone, Authorities: authorities})
	if got, err := s.Start(t.Context(), "", "shop.example.com"); err == nil {
		t.Errorf("%q", got)
	}
}

// counted counts what leaves, and notes where the last one went.
type counted struct {
	calls atomic.Int32
	host  atomic.Value
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	c.host.Store(r.URL.Scheme + "://" + r.URL.Host + r.URL.Path)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}, Request: r}, nil
}

func TestOnlyApplesGatewaysAreAsked(t *testing.T) {
	t.Parallel()
	way := &counted{}
	s := walletcalls.NewSessions(walletcalls.Merchant{Identifier: "m"}, outbound.Options{Now: time.Now, Transport: way})
	for _, address := range []string{
		"", "x", "//apple-pay-gateway.apple.com/", "http://apple-pay-gateway.apple.com/paymentservices/paymentSession",
		"https://apple-pay-gateway.apple.com:8443/", "https://apple-pay-gateway.apple.com:443/", "https://apple-pay-gateway.apple.com.example.com/",
		"https://example.com/apple-pay-gateway.apple.com", "https://apple-pay-gateway.apple.com@example.com/", "https://u@apple-pay-gateway.apple.com/",
		"https://example.com#apple-pay-gateway.apple.com", "https://example.com?apple-pay-gateway.apple.com", `https://example.com\@apple-pay-gateway.apple.com/`,
		"https://apple-pay-gateway.apple.com\n.example.com/", "https://apple-pay-gateway.apple.com%2eexample.com/", "https://www.apple.com/",
		"https://169.254.169.254/latest/meta-data", "https://localhost/", "https://127.0.0.1/", "https://[::1]/", "file:///etc/passwd", "https://apple-pay-gateway.apple.com./",
		"https://аpple-pay-gateway.apple.com/", // the first letter is not Latin
	} {
		if got, err := s.Start(t.Context(), address, "shop.example.com"); !errors.Is(err, walletcalls.ErrGateway) {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
	if n := way.calls.Load(); n != 0 {
		t.Fatalf("%d calls, the last to %v", n, way.host.Load())
	}
	for _, host := range walletcalls.Gateways() {
		// The path and all else of it are not of the browser's choice.
		if _, err := s.Start(t.Context(), "https://"+host+"/other?x=1#y", "shop.example.com"); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		if got := way.host.Load(); got != "https://"+host+"/paymentservices/paymentSession" {
			t.Errorf("%s: %v", host, got)
		}
	}
}

func TestIdentitiesAreReadInPEM(t *testing.T) {
	t.Parallel()
	certificate, key := identity(t, "a")
	_, other := identity(t, "b")
	if _, err := walletcalls.ParseIdentity(certificate, key); err != nil {
		t.Error(err)
	}
	for _, pair := range [][2]string{{"", ""}, {certificate, ""}, {"", key}, {certificate, other}, {key, certificate}, {certificate, certificate}} {
		if _, err := walletcalls.ParseIdentity(pair[0], pair[1]); err == nil || len(err.Error()) > 150 {
			t.Error(err)
		}
	}
}
