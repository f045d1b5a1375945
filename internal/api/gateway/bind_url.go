package gateway

import (
	"net/url"
	"strings"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/shop"
)

// returnURL reads where the customer goes afterwards. It is a template, so what is judged is the address that it
// becomes for a payment like this one.
func (b binder) returnURL(c *engine.Create) string {
	text := b.text("returnUrl", 512)
	if text == "" {
		return ""
	}
	if wrong := api.ReturnAddress(text, &c.Shop.Settings); wrong != "" {
		b.fault("returnUrl", urlForm, wrong)
	}
	return text
}

// webhookURL reads where this payment's events go: an address that a server can post to as it is. Only what is spelled
// as a number is judged here; where a name leads to is judged at each post, for a name server's trouble must not refuse
// a payment.
func (b binder) webhookURL(s *shop.Shop, forbidden func(host string) bool) string {
	text := b.text("webhookUrl", 512)
	if text == "" {
		return ""
	}
	checked := text
	if strings.ContainsAny(text, "# \t") {
		checked = ""
	}
	if u, err := url.Parse(checked); err == nil && forbidden != nil && u.Host != "" && forbidden(u.Hostname()) {
		b.fault("webhookUrl", urlForm, "must not be at an address that is not public")
		return text
	}
	if wrong := api.Address(checked, s.Settings.RequireHTTPS, s.Settings.AllowedWebhookHosts); wrong != "" {
		b.fault("webhookUrl", urlForm, wrong)
	}
	return text
}
