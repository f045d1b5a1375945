package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/address"
)

func TestGuardJudgesTheResolvedAddress(t *testing.T) {
	t.Parallel()
	for _, a := range []string{
		"127.0.0.1:80", "127.255.255.254:443", "0.0.0.0:80", "0.1.2.3:80", "10.0.0.1:443", "10.255.255.255:443",
		"172.16.0.1:443", "172.31.255.255:443", "192.168.0.1:443", "100.64.0.1:443", "100.127.255.255:443",
		"169.254.169.254:80", "169.254.0.1:80", "192.0.0.170:80", "192.0.2.1:80", "192.88.99.1:80", "198.18.0.1:80",
		"198.19.255.255:80", "198.51.100.1:80", "203.0.113.9:80", "224.0.0.1:80", "239.255.255.255:80", "240.0.0.1:80",
		"255.255.255.255:80",
		"[::1]:80", "[::]:80", "[::ffff:127.0.0.1]:80", "[::ffff:10.0.0.1]:443", "[::127.0.0.1]:80",
		"[64:ff9b::7f00:1]:80", "[64:ff9b::808:808]:80", "[64:ff9b:1::1]:80", "[2002:7f00:1::1]:80", "[2001::1]:80",
		"[2001:0:5ef5:79fb::1]:443", "[2001:10::1]:80", "[2001:db8::1]:80", "[3fff::1]:80", "[fc00::1]:80",
		"[fd00:ec2::254]:80", "[fe80::1]:80", "[fe80::1%eth0]:80", "[fec0::1]:80", "[ff02::1]:80", "[100::1]:80",
		"[5f00::1]:80", "[4000::1]:80", "localhost:80", "", "127.0.0.1", "2130706433:80",
	} {
		if err := GuardPublicOnly.control("tcp", a, nil); !errors.Is(err, ErrBlocked) {
			t.Errorf("%s was let through: %v", a, err)
		}
	}
	for _, a := range []string{
		"8.8.8.8:443", "1.1.1.1:443", "100.63.255.255:443", "100.128.0.1:443", "172.15.0.1:443", "172.32.0.1:443",
		"192.167.255.255:443", "223.255.255.255:443", "[2606:4700:4700::1111]:443", "[2a00:1450:4001::1]:8443",
		"[::ffff:8.8.8.8]:80", // it is dialled as 8.8.8.8
	} {
		if err := GuardPublicOnly.control("tcp", a, nil); err != nil {
			t.Errorf("%s was refused: %v", a, err)
		}
	}
	if err := GuardNone.control("tcp", "127.0.0.1:80", nil); err != nil {
		t.Errorf("GuardNone refused: %v", err)
	}
}

// neverDialled has an address of each network that nothing is sent to, and the edges of some.
var neverDialled = []string{
	"0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2", "169.254.0.1", "169.254.255.255", "224.0.0.1", "239.255.255.250",
	"255.255.255.255", "100.100.100.200", "168.63.129.16", "192.0.0.192",
	"::", "fe80::1", "fe80::a9fe:a9fe", "febf:ffff::1", "ff02::1", "ff05::2", "fd00:ec2::254", "fd00:ec2::23", "fd00:ec2:0:1::1",
	"fd20:ce::254", "fd00:42::42",
}

// TestNobodyDialsMetadata: no guard lets anything to these addresses, in no form that leads there, neither when it dials nor
// when it judges the text.
func TestNobodyDialsMetadata(t *testing.T) {
	t.Parallel()
	everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/1"), netip.MustParsePrefix("128.0.0.0/1"),
		netip.MustParsePrefix("::/1"), netip.MustParsePrefix("8000::/1")}
	guards := map[string]Guard{
		"public": GuardPublicOnly, "none": GuardNone, "demo": GuardAlso(address.LoopbackNetworks()...),
		"private": GuardAlso(address.PrivateNetworks()...), "everything": GuardAlso(everything...),
	}
	for _, text := range neverDialled {
		forms := []string{text, text + "%eth0"}
		if addr := netip.MustParseAddr(text); addr.Is4() {
			b := addr.As4()
			hi, lo := uint(b[0])<<8|uint(b[1]), uint(b[2])<<8|uint(b[3])
			forms = []string{
				text, "::ffff:" + text, fmt.Sprintf("::ffff:%x:%x%%eth0", hi, lo), "64:ff9b::" + text, fmt.Sprintf("64:ff9b:1::%x:%x", hi, lo),
				fmt.Sprintf("64:ff9b:1:%x:%x:%x::", hi, b[2], uint(b[3])<<8), fmt.Sprintf("2002:%x:%x::", hi, lo), fmt.Sprintf("2002:%x:%x::1", hi, lo),
				fmt.Sprintf("2001:0:808:808:0:0:%x:%x", hi^0xffff, lo^0xffff), fmt.Sprintf("2001:0:%x:%x::1", hi, lo), "::ffff:0:" + text,
				"2606:4700::5efe:" + text, "2606:4700::200:5efe:" + text,
			}
			if text != "0.0.0.0" && text != "0.1.2.3" { // there it is loopback, or nothing at all
				forms = append(forms, "::"+text)
			}
		}
		for name, g := range guards {
			for _, form := range forms {
				if err := g.control("tcp", net.JoinHostPort(form, "80"), nil); !errors.Is(err, ErrBlocked) {
					t.Errorf("%s: %s is dialled", name, form)
				}
				if !g.ForbidsLiteral(form) {
					t.Errorf("%s: %s is no forbidden text", name, form)
				}
			}
		}
	}
}

// TestGuardAlsoAllowsNothingElse: what was asked for is allowed beside public addresses, and no neighbour of it.
func TestGuardAlsoAllowsNothingElse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		guard           Guard
		allows, refuses []string
	}{
		{
			"demo", GuardAlso(address.LoopbackNetworks()...),
			[]string{"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "8.8.8.8", "2606:4700:4700::1111"},
			[]string{"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fc00::1", "fd12::1", "192.0.2.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "::2", "fec0::1", "240.0.0.1"},
		},
		{
			"private", GuardAlso(address.PrivateNetworks()...),
			[]string{"127.0.0.1", "::1", "10.0.0.1", "10.255.255.255", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.100.100.199", "fc00::1", "fd00:ec1::254", "::ffff:10.0.0.1", "1.1.1.1"},
			[]string{"172.32.0.1%eth0", "64:ff9b::10.0.0.1", "2002:0a00:1::", "2001:0:a00:1::", "::ffff:0:10.0.0.1", "fec0::1", "192.0.2.1", "198.18.0.1", "240.0.0.1", "fd00::1%eth0"},
		},
		{
			"a list", GuardAlso(netip.MustParsePrefix("10.1.2.0/24"), netip.MustParsePrefix("fd12:3456::/32")),
			[]string{"10.1.2.3", "fd12:3456::7", "::ffff:10.1.2.3", "9.9.9.9"},
			[]string{"10.1.3.1", "10.1.1.255", "127.0.0.1", "::1", "192.168.0.1", "fd12:3457::1", "64:ff9b::10.1.2.3"},
		},
		{"none", GuardNone, []string{"127.0.0.1", "::1", "10.0.0.1", "fd12::1", "192.0.2.1", "64:ff9b::10.0.0.1", "fec0::1"}, nil},
	} {
		for _, host := range c.allows {
			if err := c.guard.control("tcp", net.JoinHostPort(host, "443"), nil); err != nil || c.guard.ForbidsLiteral(host) {
				t.Errorf("%s: %s is refused: %v", c.name, host, err)
			}
		}
		for _, host := range c.refuses {
			if err := c.guard.control("tcp", net.JoinHostPort(host, "443"), nil); !errors.Is(err, ErrBlocked) || !c.guard.ForbidsLiteral(host) {
				t.Errorf("%s: %s is let through: %v", c.name, host, err)
			}
		}
	}
}

// TestTheProvidersClientDialsNoMetadata: what may reach every configured address still does not reach these, by either way
// of sending.
func TestTheProvidersClientDialsNoMetadata(t *testing.T) {
	t.Parallel()
	c := New(Options{Guard: GuardNone, Now: time.Now})
	for _, host := range []string{"169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "[::]", "[::ffff:169.254.169.254]"} {
		r := &Request{Method: http.MethodPost, URL: "http://" + host + ":1/latest/", Body: []byte("{}")}
		if _, err := c.Do(t.Context(), r); !errors.Is(err, ErrBlocked) || !errors.Is(err, ErrNotSent) {
			t.Errorf("%s: %v", host, err)
		}
		if _, err := c.Post(t.Context(), r); !errors.Is(err, ErrBlocked) || !errors.Is(err, ErrNotSent) {
			t.Errorf("%s, by Post: %v", host, err)
		}
	}
}
