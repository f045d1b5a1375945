package app

import (
	"net/netip"
	"testing"

	"github.com/sluicepay/sluice/internal/address"
	"github.com/sluicepay/sluice/internal/config"
)

// TestWhereEndpointsMayBe: the demo opens loopback and nothing else; what is listed opens what is listed.
func TestWhereEndpointsMayBe(t *testing.T) {
	listed := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	all := address.PrivateNetworks()
	for _, c := range []struct {
		name            string
		config          config.Config
		allows, refuses []string
	}{
		{"by default", config.Config{}, []string{"8.8.8.8"}, []string{"127.0.0.1", "10.1.0.1", "192.168.0.1", "169.254.169.254"}},
		{"demo", config.Config{Demo: true}, []string{"127.0.0.1", "::1", "8.8.8.8"}, []string{"10.1.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "fd12::1"}},
		{"a list", config.Config{PrivateWebhooks: listed}, []string{"10.1.0.1", "8.8.8.8"}, []string{"127.0.0.1", "10.2.0.1", "169.254.169.254"}},
		{"a list in a demo", config.Config{Demo: true, PrivateWebhooks: listed}, []string{"127.0.0.1", "10.1.0.1"}, []string{"10.2.0.1", "0.0.0.0"}},
		{"all that is private", config.Config{PrivateWebhooks: all}, []string{"127.0.0.1", "10.2.0.1", "fd12::1", "100.64.0.1"}, []string{"169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.2.1"}},
	} {
		g := hookGuard(&c.config)
		for _, host := range c.allows {
			if g.ForbidsLiteral(host) {
				t.Errorf("%s: %s is refused", c.name, host)
			}
		}
		for _, host := range c.refuses {
			if !g.ForbidsLiteral(host) {
				t.Errorf("%s: %s is let through", c.name, host)
			}
		}
	}
}
