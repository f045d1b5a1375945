package gateway

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// returnURL reads where the customer goes afterwards. It is a template, so what is judged is the address that it
// becomes for a payment like this one.
func (b binder) returnURL(c *engine.Create) string {
	text := b.text("returnUrl", 512)
	if text == "" {
		return ""
	}
	sample := payment.Restore(payment.Payment{
		ID: "0123456789abcdef0123456789abcdef", Reference: c.Reference, Type: c.Type,
	}, payment.Completed)
	filled := payment.ReturnURL(text, &sample)
	if strings.ContainsAny(authority(text), "{}") {
		filled = "" // the host must not depend on the payment
	}
	b.address("returnUrl", filled, &c.Shop.Settings, c.Shop.Settings.AllowedReturnHosts)
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
	b.address("webhookUrl", checked, &s.Settings, s.Settings.AllowedWebhookHosts)
	return text
}

// authority is the part of an address between // and the path, query or fragment.
func authority(text string) string {
	_, rest, _ := strings.Cut(text, "//")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return rest[:end]
	}
	return rest
}

// address judges an address that the shop's own rules may restrict further.
func (b binder) address(name, text string, settings *shop.Settings, hosts []string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || !shop.AbsoluteURL(text) || u.Hostname() == "" || !asciiHost(u.Host):
		b.fault(name, urlForm, "must be an absolute http or https address without user information")
	case settings.RequireHTTPS && u.Scheme != "https":
		b.fault(name, urlForm, "must be an https address")
	case len(hosts) > 0 && !slices.ContainsFunc(hosts, func(h string) bool {
		return strings.EqualFold(h, u.Host) || strings.EqualFold(h, u.Hostname())
	}):
		b.fault(name, urlForm, "must be at a host that the shop allows")
	}
}

func asciiHost(host string) bool {
	return strings.IndexFunc(host, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\^{|}%`, r) }) < 0
}
