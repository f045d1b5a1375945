package paypal

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	certsPath = "/v1/notifications/certs/"
	// mostCertificates bounds how many addresses are remembered: anybody can name one.
	mostCertificates = 8
	// certificateWait is how long one may take to come, and certificatePause how long after a failure nobody asks for another.
	certificateWait, certificatePause = 5 * time.Second, 10 * time.Second
)

// certificatesOf lists the addresses below which PayPal shows the certificates that its notices are signed by: PayPal's own, and no others,
// because whoever can choose the certificate can sign.
func certificatesOf(base string) []string {
	switch base {
	case home:
		return []string{"https://api.paypal.com", home}
	case sandboxHome:
		return []string{"https://api.sandbox.paypal.com", sandboxHome}
	}
	return []string{base}
}

// certificates are fetched when a notice names them, and kept.
type certificates struct {
	client *outbound.Client
	bases  []string
	now    func() time.Time

	mu    sync.Mutex
	known map[string]*x509.Certificate
	pause time.Time
}

// verify checks a signature by the certificate at that address.
func (c *certificates) verify(address string, signed, signature []byte) error {
	cert, err := c.at(address)
	if err != nil {
		return err
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if now := c.now(); !ok || now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return errors.New("the certificate is not valid now, or of another kind")
	}
	sum := sha256.Sum256(signed)
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) != nil {
		return errors.New("wrong signature")
	}
	return nil
}

// pinned reports whether the address is one at which PayPal shows certificates.
func (c *certificates) pinned(address string) bool {
	for _, base := range c.bases {
		if id, found := strings.CutPrefix(address, base+certsPath); found && provider.Word(id, 100) {
			return true
		}
	}
	return false
}

// at returns the certificate at that address. One that waits for another's fetch gets what that brought.
func (c *certificates) at(address string) (*x509.Certificate, error) {
	if !c.pinned(address) {
		return nil, errors.New("the certificate is not at PayPal's")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cert := c.known[address]; cert != nil {
		return cert, nil
	}
	if c.now().Before(c.pause) {
		return nil, errors.New("no certificate could be had just now")
	}
	cert, err := c.fetch(address)
	if err != nil {
		c.pause = c.now().Add(certificatePause)
		return nil, err
	}
	if c.known == nil || len(c.known) >= mostCertificates {
		c.known = make(map[string]*x509.Certificate)
	}
	c.known[address] = cert
	return cert, nil
}

func (c *certificates) fetch(address string) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(context.Background(), certificateWait)
	defer cancel()
	res, err := c.client.Do(ctx, &outbound.Request{Method: http.MethodGet, URL: address})
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	block, _ := pem.Decode(res.Body)
	if res.Status != http.StatusOK || block == nil {
		return nil, fmt.Errorf("certificate: %w", provider.Unclear(res.Status, ""))
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return cert, nil
}
