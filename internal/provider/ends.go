package provider

import (
	"crypto/x509"
	"encoding/pem"

	"github.com/sluicepay/sluice/internal/connector"
)

// Ends lists when the certificates end that stand, as PEM, in the setting of that name. What is no certificate is passed over: whoever opens
// the settings says so.
func Ends(setting, text string) (all []connector.Expiry) {
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all
		}
		read, err := x509.ParseCertificate(block.Bytes)
		if block.Type == "CERTIFICATE" && err == nil {
			all = append(all, connector.Expiry{Setting: setting, Subject: read.Subject.String(), At: read.NotAfter})
		}
	}
}
