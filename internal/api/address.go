package api

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// ReturnAddress says what is wrong with an address that a customer is sent to after paying, in words for the merchant,
// or "". The address is a template (see payment.ReturnURL): its host may not depend on the payment. The shop may demand
// https and certain hosts.
func ReturnAddress(template string, s *shop.Settings) string {
	if template == "" {
		return "must not be empty"
	}
	sample := payment.Restore(payment.Payment{
		ID: "0123456789abcdef0123456789abcdef", Reference: "reference", Type: payment.Deposit,
	}, payment.Completed)
	if strings.ContainsAny(authority(template), "{}") {
		return notAbsolute
	}
	return Address(payment.ReturnURL(template, &sample), s.RequireHTTPS, s.AllowedReturnHosts)
}

const notAbsolute = "must be an absolute http or https address without user information"

// Address says what is wrong with an address in a request, in words for the merchant, or "". The shop may demand https
// and, where any are given, certain hosts.
func Address(text string, https bool, hosts []string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || !shop.AbsoluteURL(text) || u.Hostname() == "" || !plainHost(u.Host):
		return notAbsolute
	case https && u.Scheme != "https":
		return "must be an https address"
	case len(hosts) > 0 && !slices.ContainsFunc(hosts, func(h string) bool {
		return strings.EqualFold(h, u.Host) || strings.EqualFold(h, u.Hostname())
	}):
		return "must be at a host that the shop allows"
	}
	return ""
}

// authority is the part of an address between // and the path, query or fragment.
func authority(text string) string {
	_, rest, _ := strings.Cut(text, "//")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return rest[:end]
	}
	return rest
}

func plainHost(host string) bool {
	return strings.IndexFunc(host, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\^{|}%`, r)
	}) < 0
}
