package main

import (
	"context"
	"fmt"
	"net"
)

// urlOf is where this machine reaches a listener of its own. One on all addresses is on loopback, too, and no address by
// itself.
func urlOf(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		a = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}
	}
	return "http://" + a.String()
}

const warnClear = "a live shop has an http address: who is on the way can read and change what is sent there"

// warnOfClear says which addresses of live shops go on that would be refused now.
func (a *node) warnOfClear(ctx context.Context) error {
	found, err := a.Desk.ClearAddresses(ctx)
	if err != nil {
		return fmt.Errorf("addresses of live shops: %w", err)
	}
	for _, f := range found {
		args := []any{"shop", f.Shop, "setting", f.Setting}
		if f.Terminal != "" {
			args = append(args, "terminal", f.Terminal)
		}
		a.log.WarnContext(ctx, warnClear, args...)
	}
	return nil
}
