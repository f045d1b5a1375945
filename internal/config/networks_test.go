package config_test

import (
	"net/netip"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluicepay/sluice/internal/address"
	"github.com/sluicepay/sluice/internal/config"
)

// TestPrivateWebhooks: the setting means the same by whichever way it comes.
func TestPrivateWebhooks(t *testing.T) {
	t.Parallel()
	all := address.PrivateNetworks()
	some := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::7/128")}
	for name, c := range map[string]struct {
		args []string
		env  string
		file string
		want []netip.Prefix
	}{
		"nothing":                {},
		"alone":                  {args: []string{"--private-webhooks"}, want: all},
		"alone, before a flag":   {args: []string{"--private-webhooks", "--listen", "127.0.0.1:1"}, want: all},
		"true":                   {args: []string{"--private-webhooks=true"}, want: all},
		"false":                  {args: []string{"--private-webhooks=false"}},
		"negated":                {args: []string{"--no-private-webhooks"}, env: "true"},
		"a list":                 {args: []string{"--private-webhooks=10.1.2.3/16,fd12::7"}, want: some},
		"a list after a blank":   {args: []string{"--private-webhooks", "10.1.0.0/16, fd12::7", "--demo"}, want: some},
		"environment":            {env: "10.1.0.0/16,fd12::7", want: some},
		"true by environment":    {env: "true", want: all},
		"flag before the others": {args: []string{"--private-webhooks=10.1.0.0/16,fd12::7"}, env: "true", file: `true`, want: some},
		"file":                   {file: `["10.1.0.0/16","fd12::7"]`, want: some},
		"text in the file":       {file: `"10.1.0.0/16,fd12::7"`, want: some},
		"true in the file":       {file: `true`, want: all},
		"false in the file":      {file: `false`},
	} {
		var cli struct{ config.Flags }
		parser, err := kong.New(&cli)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(c.args); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.file != "" {
			cli.Config = file(t, `{"private-webhooks":`+c.file+`}`)
		}
		got, err := config.Load(cli.Flags, []string{"SLUICE_PRIVATE_WEBHOOKS=" + c.env})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got.PrivateWebhooks, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
