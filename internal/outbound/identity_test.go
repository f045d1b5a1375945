package outbound_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
)

// TestAClientWithAnIdentityShowsIt, and the one that it was made of does not.
func TestAClientWithAnIdentityShowsIt(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	plain := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Authorities: trusted})
	known := plain.WithIdentity(&server.TLS.Certificates[0], nil)
	for client, want := range map[*outbound.Client]int{plain: http.StatusForbidden, known: http.StatusOK, known.WithLoggable(outbound.Allowlist{}): http.StatusOK} {
		res, err := client.Do(t.Context(), &outbound.Request{Method: http.MethodGet, URL: server.URL})
		if err != nil || res.Status != want {
			t.Errorf("%+v, %v; want %d", res, err, want)
		}
		client.CloseIdle()
	}
	stranger := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now}).WithIdentity(&server.TLS.Certificates[0], trusted)
	defer stranger.CloseIdle()
	if res, err := stranger.Do(t.Context(), &outbound.Request{Method: http.MethodGet, URL: server.URL}); err != nil || res.Status != http.StatusOK {
		t.Errorf("%+v, %v", res, err)
	}
}
