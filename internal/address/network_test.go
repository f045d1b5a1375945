package address_test

import (
	"net/netip"
	"testing"

	"github.com/sluicepay/sluice/internal/address"
)

func TestLocal(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "::ffff:127.0.0.1"} {
		if !address.Local(host) {
			t.Errorf("%q is not of this machine", host)
		}
	}
	for _, host := range []string{"", "127.1", "2130706433", "localhost.example", "shop.localhost", "0.0.0.0", "::", "10.0.0.1", "fe80::1", "[", "pay.example"} {
		if address.Local(host) {
			t.Errorf("%q is of this machine", host)
		}
	}
}

// TestNetworksThatNothingIsSentTo: a network is one of them only with all of its addresses.
func TestNetworksThatNothingIsSentTo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"169.254.0.0/16": true, "169.254.169.254/32": true, "169.0.0.0/8": false, "0.0.0.0/8": true, "0.0.0.0/7": false, "fe80::/10": true,
		"fe80::/9": false, "fd00:ec2::/32": true, "fd00:ec2::/31": false, "fc00::/7": false, "100.100.100.200/32": true,
		"100.64.0.0/10": false, "224.0.0.0/4": true, "10.0.0.0/8": false, "127.0.0.0/8": false, "::/128": true, "::1/128": false,
	} {
		if got := address.NeverAny(netip.MustParsePrefix(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	for _, n := range address.PrivateNetworks() {
		if address.NeverAny(n) || address.Never(n.Addr()) {
			t.Errorf("%s is private and never sent to", n)
		}
	}
	if !address.Never(netip.MustParseAddr("::ffff:169.254.169.254")) || address.Never(netip.MustParseAddr("::1")) {
		t.Error("a form of another address, or loopback")
	}
}
