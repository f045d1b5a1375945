package main

import "net"

// urlOf is where this machine reaches a listener of its own. One on all addresses is on loopback, too, and no address by
// itself.
func urlOf(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		a = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}
	}
	return "http://" + a.String()
}
