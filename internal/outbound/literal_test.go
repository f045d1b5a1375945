package outbound

import (
	"net/netip"
	"testing"

	"github.com/sluicepay/sluice/internal/address"
)

func TestLiteralsOfForbiddenAddresses(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1.", "127.0.0.1..", "127.1", "127.0.1", "2130706433", "0x7f000001", "0X7F.1", "0x7f.0x0.0x0.0x1", "017700000001",
		"0177.0.0.1", "0177.0.0.0x1", "0x", "0", "0.0.0.0", "00000.0", "10.0xffffff", "010.8.8.8", "0251.0376.0251.0376",
		"169.254.43518", "0xa9.0xfe.0xa9fe", "0xa9fea9fe", "4294967295",
		"::1", "::", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::10.0.0.1",
		"2002:7f00:1::", "2001:0:7f00:1::", "fe80::1", "fe80::1%eth0", "2606:4700:4700::1111%eth0", "FD00::1",
		// These are no address at all, and no public name either.
		"4294967296", "256.1.1.1", "1.2.3.4.5", "1.2.3.256", "08.08.08.300", "example.1", "1..2", "0x7f000001.0x", "99999999999999999999999",
		"[::1]", "[::1", "a:b", "127.0.0.1:80", "%31",
	} {
		if !GuardPublicOnly.ForbidsLiteral(host) {
			t.Errorf("%q is let through", host)
		}
	}
	for _, host := range []string{
		"8.8.8.8", "8.8.8.8.", "134744072", "0x08080808", "2606:4700:4700::1111", "shop.example", "shop.example.", "localhost",
		"127.0.0.1.nip.io", "1e100.net", "10.0.0.1x", "0xz", "0x7f.example", "1.2.3.x4", "a", "",
	} {
		if GuardPublicOnly.ForbidsLiteral(host) {
			t.Errorf("%q is refused", host)
		}
	}
}

// FuzzLiteral: whatever an address looks like in its usual form, dialling it and judging its text agree.
func FuzzLiteral(f *testing.F) {
	for _, host := range []string{"127.0.0.1", "8.8.8.8", "::1", "64:ff9b::1", "::ffff:10.0.0.1", "fd00:ec2::254", "2606:4700::1", "0x7f.1", "1.2", "a.b"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		for _, g := range []Guard{GuardPublicOnly, GuardNone, GuardAlso(address.LoopbackNetworks()...), GuardAlso(address.PrivateNetworks()...)} {
			forbidden := g.ForbidsLiteral(host)
			if addr, err := netip.ParseAddr(host); err == nil && forbidden != (g.check(addr) != nil) {
				t.Errorf("%q, %v: refused is %t", host, g, forbidden)
			}
		}
	})
}
