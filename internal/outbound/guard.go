package outbound

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/sluicepay/sluice/internal/address"
)

// Guard chooses which addresses a client may connect to. The choice is made at each dial on the resolved address, so
// that a name that changes its address between a check and the connection gains nothing. Its zero value is
// GuardPublicOnly. No guard allows what address.Never names.
type Guard struct {
	any  bool
	also []netip.Prefix
}

var (
	// GuardPublicOnly allows global unicast addresses of the public internet and refuses all else. It is the default.
	GuardPublicOnly = Guard{}
	// GuardNone allows every address that a server can be at; it is for addresses that the operator configured, such as the
	// simulator's.
	GuardNone = Guard{any: true}
)

// GuardAlso allows the addresses of the networks beside public ones.
func GuardAlso(networks ...netip.Prefix) Guard { return Guard{also: slices.Clone(networks)} }

// forbidden lists what is routable in form but not a public host: local networks, translation prefixes that lead back
// to them, documentation and benchmark ranges. Link-local (with the cloud metadata address), loopback, multicast and
// unspecified addresses are judged by their kind in check.
var forbidden = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.31.196.0/24"),
	netip.MustParsePrefix("192.52.193.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), // 6to4 relays
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("192.175.48.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("240.0.0.0/4"), // reserved, with the broadcast address
	netip.MustParsePrefix("2001::/23"),   // protocol assignments: Teredo, ORCHID, benchmarks
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4
	netip.MustParsePrefix("3fff::/20"),
}

// globalIPv6 is the only block of IPv6 handed out to public hosts; being inside it is required, so NAT64, compatible
// IPv4, unique-local and anything invented later are refused without a rule each.
var globalIPv6 = netip.MustParsePrefix("2000::/3")

// control is a net.Dialer's Control function; address is the numeric address about to be connected to.
func (g Guard) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: not a numeric address", ErrBlocked)
	}
	return g.check(ap.Addr())
}

// check returns an error wrapping ErrBlocked unless the guard allows the address. One of IP version 4 that is written as
// one of version 6 is judged as what it is dialled as.
func (g Guard) check(addr netip.Addr) error {
	addr = addr.Unmap()
	switch {
	case address.Never(addr):
		return fmt.Errorf("%w: %s is not public, and never connected to", ErrBlocked, addr)
	case g.any, address.Within(g.also, addr):
		return nil
	case addr.Zone() != "", !addr.IsGlobalUnicast(), addr.IsPrivate(), addr.Is6() && !globalIPv6.Contains(addr),
		address.Within(forbidden, addr):
		return fmt.Errorf("%w: %s is not public", ErrBlocked, addr)
	}
	return nil
}
