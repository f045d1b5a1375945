package main

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/admin"
)

type keyCommands struct {
	Create keyCreateCommand `cmd:"" help:"Create an API key. It is shown this once."`
	List   keyListCommand   `cmd:"" help:"List the API keys of a shop."`
	Revoke keyRevokeCommand `cmd:"" help:"Revoke an API key."`
}

type keyCreateCommand struct {
	operator
	admin.CreateKey
}

// Run creates a key.
func (c *keyCreateCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpCreateKey, c.CreateKey, document)
}

type keyListCommand struct {
	operator
	admin.OfShop
}

// Run lists keys.
func (c *keyListCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListKeys, c.OfShop,
		listed("KEY|STARTS WITH|LABEL|CREATED|REVOKED", func(k *admin.Key) []string {
			return []string{k.ID, k.Prefix + "…", oneLine(k.Label), toMinute(k.Created), shortTime(k.Revoked)}
		}))
}

type keyRevokeCommand struct {
	operator
	admin.RevokeKey
}

// Run revokes a key.
func (c *keyRevokeCommand) Run(s *surroundings) error {
	err := perform(s, &c.operator, admin.OpRevokeKey, c.RevokeKey,
		sentence("revoked %s", func(r admin.KeyRevoked) []any { return []any{r.Key} }))
	if err == nil && c.Key.Whole() {
		_, err = fmt.Fprintln(s.err, "sluice: the whole key stood among the arguments, where every user of this machine can see it; its id is enough")
	}
	return err
}
