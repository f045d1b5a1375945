package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sluicepay/sluice/internal/address"
)

// Networks is a flag that can be given alone, with networks or addresses separated by commas, or as true or false.
type Networks string

// IsBool lets the flag stand alone.
func (*Networks) IsBool() bool { return true }

// Decode reads what follows the flag, if anything does.
func (n *Networks) Decode(ctx *kong.DecodeContext) error {
	*n = "true"
	if token := ctx.Scan.Peek(); token.Type == kong.FlagValueToken || token.IsValue() {
		*n = Networks(fmt.Sprint(ctx.Scan.Pop().Value))
	}
	return nil
}

// setPrivateWebhooks reads true, which stands for all that is private, false, or a list.
func setPrivateWebhooks(c *Config, s string) error {
	switch s {
	case "true":
		c.PrivateWebhooks = address.PrivateNetworks()
		return nil
	case "false":
		return nil
	}
	networks, err := parseNetworks(s)
	if err != nil {
		return err
	}
	for _, n := range networks {
		switch {
		case n.Bits() == 0:
			return errors.New("must not be everything: give the networks in which receivers are")
		case n.Addr().Is4In6():
			return fmt.Errorf("must name networks of IP version 4 as such (%s is written as one of version 6)", n)
		case address.NeverAny(n):
			return fmt.Errorf("must not be link-local, multicast, unspecified or a cloud's metadata: %s is never posted to", n)
		}
	}
	c.PrivateWebhooks = networks
	return nil
}

// parseNetworks reads networks and addresses separated by commas.
func parseNetworks(s string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for entry := range strings.SplitSeq(s, ",") {
		entry = strings.TrimSpace(entry)
		prefix, err := netip.ParsePrefix(entry)
		if addr, addrErr := netip.ParseAddr(entry); addrErr == nil {
			prefix, err = addr.WithZone("").Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("must be networks or addresses separated by commas (%s is none)", strconv.Quote(entry))
		}
		networks = append(networks, prefix.Masked())
	}
	return networks, nil
}
