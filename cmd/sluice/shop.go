package main

import (
	"strconv"

	"github.com/sluicepay/sluice/internal/admin"
)

type shopCommands struct {
	Create shopCreateCommand  `cmd:"" help:"Create a shop with its first API key and its signing key."`
	List   shopListCommand    `cmd:"" help:"List the shops."`
	Update shopUpdateCommand  `cmd:"" help:"Change settings of a shop, and print them all."`
	Rename shopRenameCommand  `cmd:"" help:"Give a shop another name, and its merchant."`
	Logo   shopLogoCommands   `cmd:"" help:"Show a picture beside a shop's name on its payment page."`
	Wallet shopWalletCommands `cmd:"" help:"Have a shop paid by Google Pay and Apple Pay."`
}

type shopCreateCommand struct {
	operator
	admin.CreateShop
}

// Run creates a shop.
func (c *shopCreateCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpCreateShop, c.CreateShop, document)
}

type shopListCommand struct{ operator }

// Run lists the shops.
func (c *shopListCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListShops, admin.Nothing{},
		listed("SHOP|NAME|MERCHANT|KIND|ACTIVE|CREATED", func(i *admin.Shop) []string {
			kind := "test"
			if i.Live {
				kind = "live"
			}
			return []string{string(i.ID), oneLine(i.Name), oneLine(i.Merchant), kind, strconv.FormatBool(i.Active), shortTime(i.Created)}
		}))
}

type shopUpdateCommand struct {
	operator
	admin.UpdateShop
}

// Run changes settings of a shop.
func (c *shopUpdateCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpUpdateShop, c.UpdateShop, document)
}

type shopRenameCommand struct {
	operator
	admin.RenameShop
}

// Run renames a shop.
func (c *shopRenameCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpRenameShop, c.RenameShop,
		sentence("%s is named %s, its merchant %s", func(r admin.ShopRenamed) []any { return []any{r.Shop, oneLine(r.Name), oneLine(r.Merchant)} }))
}
