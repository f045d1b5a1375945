package outbound

import "crypto/x509"

// TrustForTest has Post trust a certificate.
func TrustForTest(c *Client, certificate *x509.Certificate) {
	c.wires.tls.RootCAs = x509.NewCertPool()
	c.wires.tls.RootCAs.AddCert(certificate)
}

// KeptForTest is how many destinations Post remembers.
func KeptForTest(c *Client) int {
	c.wires.mu.Lock()
	defer c.wires.mu.Unlock()
	return len(c.wires.to)
}
