package api

import (
	"net"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/address"
	"github.com/sluicepay/sluice/internal/shop"
)

// ReturnAddress reads an address that a customer is sent to after paying: as it is used, and what is wrong with it in
// words for the merchant, or "". The address is a template (see checkout.ReturnURL). The shop may demand https and
// certain hosts or schemes of apps.
func ReturnAddress(template string, s *shop.Settings) (used, wrong string) {
	a, err := address.Return(template)
	if err != nil {
		return "", err.Error()
	}
	return a.Text, narrowed(&a, s.RequireHTTPS, s.AllowedReturnHosts)
}

// Hooks are the operator's rules for addresses that events are posted to.
type Hooks struct {
	// Forbidden, if given, tells which hosts, spelled as numbers, none may have.
	Forbidden func(host string) bool
	// Clear lets live shops have their events posted in clear.
	Clear bool
}

// Address reads an address that a shop's events are posted to, as ReturnAddress does.
func (h *Hooks) Address(text string, s *shop.Shop) (used, wrong string) {
	a, err := address.Hook(text)
	switch {
	case err != nil:
		return "", err.Error()
	case h.Forbidden != nil && h.Forbidden(a.Host):
		return "", "must not be at an address that is not public"
	case s.Live && !h.Clear && a.Clear():
		return "", shop.ErrClear.Error()
	}
	return a.Text, narrowed(&a, s.Settings.RequireHTTPS, s.Settings.AllowedWebhookHosts)
}

// narrowed says which wish of the shop an address does not meet, or "".
func narrowed(a *address.Address, https bool, allowed []string) string {
	if https && a.Scheme != "https" {
		return "must be an https address"
	}
	if len(allowed) == 0 {
		return ""
	}
	names := []string{a.Scheme + ":"}
	if a.Web() {
		names = []string{a.Host, "[" + a.Host + "]", net.JoinHostPort(a.Host, a.Port)}
	}
	for _, name := range names {
		if slices.ContainsFunc(allowed, func(entry string) bool { return strings.EqualFold(entry, name) }) {
			return ""
		}
	}
	return "must be at a host that the shop allows"
}
