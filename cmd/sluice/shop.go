package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

type shopCommands struct {
	Create shopCreateCommand `cmd:"" help:"Create a shop with its first API key and its signing key."`
	List   shopListCommand   `cmd:"" help:"List the shops."`
	Update shopUpdateCommand `cmd:"" help:"Change settings of a shop, and print them all."`
}

type shopCreateCommand struct {
	config.Common
	createShop
}

type shopListCommand struct{ config.Common }

// Run creates a shop.
func (c *shopCreateCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{CreateShop: &c.createShop})
}

// Run lists the shops.
func (c *shopListCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ListShops: &listShops{}})
}

type createShop struct {
	Name     string `name:"name" required:"" help:"Name of the shop, unique in this installation; customers see it." json:"name"`
	Merchant string `name:"merchant" help:"Name of the merchant that owns it; the shop's name when not given." json:"merchant"`
	Live     bool   `name:"live" help:"A live shop. Otherwise a test shop." json:"live"`
	Settings string `name:"settings" placeholder:"JSON" help:"Settings that differ from the defaults, as a JSON object." json:"settings"`
}

func (c *createShop) run(ctx context.Context, b *base, out io.Writer) error {
	made, key, err := b.newShop(c)
	if err != nil {
		return err
	}
	err = b.db.Update(ctx, func(tx *store.Tx) error {
		if tx.MaybeCommitted() { // an id is of one run of this command only
			if _, err := tx.Shop(made.ID); !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		tx.InsertShop(made)
		tx.InsertKey(key.row)
		return nil
	})
	if errors.Is(err, store.ErrUnique) {
		return fmt.Errorf("there is a shop named %q already", c.Name)
	}
	if err != nil {
		return err
	}
	return printJSON(out, map[string]string{
		"shopId": string(made.ID), "apiKey": key.text, "signingKey": made.SigningKey,
	})
}

// newShop makes a shop with its first key; nothing is stored yet.
func (b *base) newShop(c *createShop) (*shop.Shop, newKey, error) {
	sid, at := b.ids.New()
	made := &shop.Shop{
		ID: shop.ID(sid), Name: c.Name, Merchant: c.Merchant, Live: c.Live, Active: true,
		SigningKey: b.ids.Letters(32), Settings: shop.Defaults(c.Live), Created: at,
	}
	if made.Merchant == "" {
		made.Merchant = made.Name
	}
	if err := changeSettings(&made.Settings, made.Live, c.Settings); err != nil {
		return nil, newKey{}, err
	}
	key, err := b.newKey(made.ID, made.Live, "first")
	return made, key, err
}

type listShops struct{}

func (*listShops) run(ctx context.Context, b *base, out io.Writer) error {
	var shops []shop.Shop
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		shops, err = tx.Shops()
		return err
	})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SHOP\tNAME\tMERCHANT\tKIND\tACTIVE\tCREATED")
	for _, s := range shops {
		kind := "test"
		if s.Live {
			kind = "live"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%t\t%s\n", s.ID, s.Name, s.Merchant, kind, s.Active, s.Created.Format("2006-01-02 15:04:05"))
	}
	return w.Flush()
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
