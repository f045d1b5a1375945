package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientIP returns the address of the machine that the request came from. If the direct peer is one of the trusted
// proxies, that is the last address in X-Forwarded-For that no trusted proxy has; an entry that is not an address ends
// the search at the proxy that passed it on. Entries to the left of it may be invented and are never looked at. The
// result is the zero Addr only if the server does not know its peer.
func ClientIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap().WithZone("")
	for _, line := range slices.Backward(r.Header["X-Forwarded-For"]) {
		rest, more := line, true
		for more {
			if !contains(trusted, addr) {
				return addr
			}
			var entry string
			rest, entry, more = cutLast(rest)
			next, err := parseHop(entry)
			if err != nil {
				return addr
			}
			addr = next
		}
	}
	return addr
}

func cutLast(list string) (rest, last string, more bool) {
	if at := strings.LastIndexByte(list, ','); at >= 0 {
		return list[:at], list[at+1:], true
	}
	return "", list, false
}

// parseHop reads one entry: an address, or an address with a port as some proxies write it.
func parseHop(entry string) (netip.Addr, error) {
	entry = strings.TrimSpace(entry)
	if addr, err := netip.ParseAddr(entry); err == nil {
		return addr.Unmap().WithZone(""), nil
	}
	ap, err := netip.ParseAddrPort(entry)
	return ap.Addr().Unmap().WithZone(""), err
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
