package web

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientIP returns the address of the machine that the request came from. If the direct peer is one of the trusted
// proxies, that is the last address in X-Forwarded-For that no trusted proxy has; an entry that is not an address ends
// the search at the proxy that passed it on, and an empty one says nothing. Entries to the left of it may be invented and
// are never looked at. The header Forwarded (RFC 7239) is not read: a proxy that writes only one of the two passes the
// other on as the caller sent it. The result is the zero Addr only if the server does not know its peer.
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
			if entry = strings.TrimSpace(entry); entry == "" {
				continue
			}
			next, err := parseHop(entry)
			if err != nil {
				return addr
			}
			addr = next
		}
	}
	return addr
}

var errHop = errors.New("not an address")

func cutLast(list string) (rest, last string, more bool) {
	if at := strings.LastIndexByte(list, ','); at >= 0 {
		return list[:at], list[at+1:], true
	}
	return "", list, false
}

// parseHop reads one entry: an address, or an address with a port as some proxies write it; one of IP version 6 in
// brackets or without them, and any of them in quotes.
func parseHop(entry string) (netip.Addr, error) {
	if inner, ok := strings.CutPrefix(entry, `"`); ok {
		if entry, ok = strings.CutSuffix(inner, `"`); !ok {
			return netip.Addr{}, errHop
		}
		entry = strings.TrimSpace(entry)
	}
	if inner, ok := strings.CutPrefix(entry, "["); ok && strings.HasSuffix(inner, "]") {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err == nil && !addr.Is6() {
			err = errHop
		}
		return addr.Unmap().WithZone(""), err
	}
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
