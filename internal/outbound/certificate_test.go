package outbound_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sluicepay/sluice/internal/outbound"
)

// TestAClientShowsItsCertificate to a server that asks for one, by each way of calling, and nothing without one. Whom the server's own
// leads to is the client's to say.
func TestAClientShowsItsCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Issuer.String())
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	own := server.TLS.Certificates[0] // any will do
	for name, c := range map[string]struct {
		change func(*outbound.Options)
		good   bool
	}{
		"both":           {func(o *outbound.Options) { o.Certificate, o.Authorities = &own, authorities }, true},
		"no certificate": {func(o *outbound.Options) { o.Authorities = authorities }, false},
		"no authorities": {func(o *outbound.Options) { o.Certificate = &own }, false},
	} {
		client := newClient(t, c.change)
		post := &outbound.Request{Method: http.MethodPost, URL: server.URL, Body: []byte("x")}
		for way, call := range map[string]func() (*outbound.Response, error){
			"do": func() (*outbound.Response, error) { return client.Do(t.Context(), post) },
			"get": func() (*outbound.Response, error) {
				return client.Do(t.Context(), &outbound.Request{Method: http.MethodGet, URL: server.URL})
			},
			"without body": func() (*outbound.Response, error) {
				return client.Do(t.Context(), &outbound.Request{Method: http.MethodPost, URL: server.URL})
			},
			"post": func() (*outbound.Response, error) { return client.Post(t.Context(), post) },
		} {
			res, err := call()
			if (err == nil) != c.good || c.good && string(res.Body) != "O=Acme Co" {
				t.Errorf("%s, %s: %v, %v", name, way, res, err)
			}
		}
	}
}
