package velocity

import "net/netip"

// shared are addresses that stand for no single customer but for a proxy or a translator of the network's own.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// network is what a customer is counted by: the address, of IP version 6 the network of 64 bits, which one customer has
// to itself. ok is false for what is no address of a customer on the internet: that is a proxy nobody has declared, or
// the merchant's own machine, and blocking it would block everybody.
func network(a netip.Addr) (n netip.Addr, ok bool) {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || shared.Contains(a) {
		return netip.Addr{}, false
	}
	if a.Is4() {
		return a, true
	}
	p, err := a.Prefix(64)
	return p.Addr(), err == nil
}

// Same reports whether two addresses are counted as one.
func Same(a, b netip.Addr) bool {
	x, known := network(a)
	y, ok := network(b)
	return known && ok && x == y
}
