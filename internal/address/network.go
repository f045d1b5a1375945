package address

import (
	"net/netip"
	"slices"
	"strings"
)

// LoopbackNetworks returns the networks of this machine alone.
func LoopbackNetworks() []netip.Prefix { return prefixes("127.0.0.0/8", "::1/128") }

// PrivateNetworks returns the networks that an operator has to himself: loopback, those set aside for private use, and the
// one behind providers' address translation, which private networks use as well.
func PrivateNetworks() []netip.Prefix {
	return append(LoopbackNetworks(), prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")...)
}

// never lists what nothing is sent to, whoever asks: it leads to no server that somebody can have meant, but in a cloud to
// what hands out the machine's own credentials.
var never = prefixes(
	"0.0.0.0/8", "::/128", // unspecified: this machine, to most systems
	"169.254.0.0/16", "fe80::/10", // link-local, with the metadata of nearly all clouds
	"224.0.0.0/4", "ff00::/8", "255.255.255.255/32", // multicast and broadcast
	"100.100.100.200/32", // metadata: Alibaba Cloud
	"168.63.129.16/32",   // Azure
	"192.0.0.192/32",     // Oracle Cloud
	"fd00:ec2::/32",      // Amazon, with its other local services
	"fd20:ce::254/128",   // Google Cloud
	"fd00:42::42/128",    // Scaleway
)

// Never reports an address that nothing is ever sent to, whatever is configured: unspecified, link-local, multicast and
// broadcast ones and those of the metadata services of clouds, and what a network may translate to one.
func Never(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return Within(never, addr) || slices.ContainsFunc(embedded(addr), func(a netip.Addr) bool { return Within(never, a) })
}

// NeverAny reports a network all of whose addresses are of that kind.
func NeverAny(network netip.Prefix) bool {
	return slices.ContainsFunc(never, func(p netip.Prefix) bool { return p.Bits() <= network.Bits() && p.Contains(network.Addr()) })
}

// Within reports whether one of the networks holds the address. One with a zone is in none.
func Within(networks []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Local reports a host of this machine: localhost, or a loopback address with or without brackets.
func Local(host string) bool {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// embedded returns the addresses of IP version 4 to which a network may translate one of version 6: by NAT64, with the
// prefix set aside for it or the one of local use, 6to4, Teredo, ISATAP, or as the addresses that were once compatible and
// translated.
func embedded(addr netip.Addr) []netip.Addr {
	if !addr.Is6() || addr.IsLoopback() {
		return nil
	}
	b := addr.As16()
	last := netip.AddrFrom4([4]byte(b[12:]))
	switch {
	case sixToFour.Contains(addr):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:]))}
	case teredo.Contains(addr): // a server, and a client with every bit turned
		return []netip.Addr{netip.AddrFrom4([4]byte(b[4:])), netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})}
	case localNAT64.Contains(addr) && b[8] == 0 && last == netip.IPv4Unspecified(): // where a prefix of this length puts it
		return []netip.Addr{netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]})}
	case localNAT64.Contains(addr), Within(translated, addr), b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe:
		return []netip.Addr{last}
	}
	return nil
}

var (
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")
	translated = prefixes("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}
