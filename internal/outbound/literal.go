package outbound

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// ForbidsLiteral reports whether the guard would refuse the numeric address that host spells, in any of the spellings
// that some program or other takes for one: decimal, octal or hexadecimal, in one to four parts, with dots at its end.
// host is the host of an address without its port and brackets. What ends in a number and spells no address is refused
// too, because no public name does. A name is never refused here: what it leads to is judged at each dial.
func (g Guard) ForbidsLiteral(host string) bool {
	if strings.ContainsAny(host, ":[]%") {
		addr, err := netip.ParseAddr(host)
		return err != nil || g.check(addr) != nil
	}
	parts := strings.Split(strings.TrimRight(host, "."), ".")
	if !isNumber(parts[len(parts)-1]) {
		return false
	}
	spells := false
	for _, leadingZero := range []int{8, 10} { // it means octal to some and nothing to others
		addr, ok := parseIPv4(parts, leadingZero)
		if ok && g.check(addr) != nil {
			return true
		}
		spells = spells || ok
	}
	return !spells
}

// isNumber reports whether a label can be meant as a number: digits, or hexadecimal ones after 0x.
func isNumber(label string) bool {
	if digits, ok := cutHex(label); ok {
		return strings.Trim(digits, "0123456789abcdefABCDEF") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

func cutHex(label string) (digits string, ok bool) {
	if len(label) < 2 || label[0] != '0' || label[1] != 'x' && label[1] != 'X' {
		return "", false
	}
	return label[2:], true
}

// parseIPv4 reads one to four numbers, of which the last fills the bytes that the others leave, the way inet_aton does.
func parseIPv4(parts []string, leadingZero int) (netip.Addr, bool) {
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var all uint64
	for i, part := range parts {
		n, ok := parsePart(part, leadingZero)
		most, shift := uint64(math.MaxUint8), 8*(3-i)
		if i == len(parts)-1 {
			most, shift = math.MaxUint32>>(8*i), 0
		}
		if !ok || n > most {
			return netip.Addr{}, false
		}
		all |= n << shift
	}
	return netip.AddrFrom4([4]byte{byte(all >> 24), byte(all >> 16), byte(all >> 8), byte(all)}), true
}

func parsePart(part string, leadingZero int) (uint64, bool) {
	base := 10
	if digits, ok := cutHex(part); ok {
		part, base = "0"+digits, 16 // 0x alone is nought
	} else if len(part) > 1 && part[0] == '0' {
		base = leadingZero
	}
	n, err := strconv.ParseUint(part, base, 64)
	return n, err == nil
}
