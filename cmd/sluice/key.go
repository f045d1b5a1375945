package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

type keyCommands struct {
	Create keyCreateCommand `cmd:"" help:"Create an API key. It is shown this once."`
	List   keyListCommand   `cmd:"" help:"List the API keys of a shop."`
	Revoke keyRevokeCommand `cmd:"" help:"Revoke an API key."`
}

type keyCreateCommand struct {
	config.Common
	createKey
}

type keyListCommand struct {
	config.Common
	listKeys
}

type keyRevokeCommand struct {
	config.Common
	revokeKey
}

// Run creates a key.
func (c *keyCreateCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{CreateKey: &c.createKey})
}

// Run lists keys.
func (c *keyListCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ListKeys: &c.listKeys})
}

// Run revokes a key.
func (c *keyRevokeCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{RevokeKey: &c.revokeKey})
}

// newKey is a key that was just made: its text is nowhere but here.
type newKey struct {
	text string
	row  *shop.Key
}

func (b *base) newKey(sid shop.ID, live bool, label string) (newKey, error) {
	text := b.ids.APIKey(live)
	parsed, err := id.ParseAPIKey(text)
	if err != nil {
		return newKey{}, fmt.Errorf("key just made: %w", err)
	}
	kid, at := b.ids.New()
	return newKey{text, &shop.Key{
		ID: kid, Shop: sid, Prefix: parsed.Prefix(), Hash: b.keys.HashAPIKey(text), Label: label, Created: at,
	}}, nil
}

type createKey struct {
	Shop  string `name:"shop" required:"" placeholder:"ID" help:"The shop that the key is for." json:"shop"`
	Label string `name:"label" help:"What the key is for, in your own words." json:"label"`
}

func (c *createKey) run(ctx context.Context, b *base, out io.Writer) error {
	s, err := b.findShop(ctx, c.Shop)
	if err != nil {
		return err
	}
	key, err := b.newKey(s.ID, s.Live, c.Label)
	if err != nil {
		return err
	}
	err = b.db.Update(ctx, func(tx *store.Tx) error {
		if tx.MaybeCommitted() { // an id is of one run of this command only
			keys, err := tx.Keys(s.ID)
			if err != nil || slices.ContainsFunc(keys, func(k shop.Key) bool { return k.ID == key.row.ID }) {
				return err
			}
		}
		tx.InsertKey(key.row)
		return nil
	})
	if err != nil {
		return err
	}
	return printJSON(out, map[string]string{"keyId": key.row.ID, "apiKey": key.text})
}

func (b *base) findShop(ctx context.Context, sid string) (shop.Shop, error) {
	var s shop.Shop
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		s, err = tx.Shop(shop.ID(sid))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return s, fmt.Errorf("there is no shop %q; \"sluice shop list\" shows them", sid)
	}
	return s, err
}

type listKeys struct {
	Shop string `name:"shop" required:"" placeholder:"ID" help:"The shop whose keys to list." json:"shop"`
}

func (c *listKeys) run(ctx context.Context, b *base, out io.Writer) error {
	s, err := b.findShop(ctx, c.Shop)
	if err != nil {
		return err
	}
	var keys []shop.Key
	err = b.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.Keys(s.ID)
		return err
	})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tSTARTS WITH\tLABEL\tCREATED\tREVOKED")
	for _, k := range keys {
		fmt.Fprintf(w, "%s\t%s…\t%s\t%s\t%s\n", k.ID, k.Prefix, k.Label, shortTime(k.Created), shortTime(k.Revoked))
	}
	return w.Flush()
}

func shortTime(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Format("2006-01-02 15:04:05")
}

type revokeKey struct {
	Shop string `name:"shop" required:"" placeholder:"ID" help:"The shop that the key belongs to." json:"shop"`
	Key  string `arg:"" name:"key" help:"The key's id, as listed." json:"key"`
}

func (c *revokeKey) run(ctx context.Context, b *base, out io.Writer) error {
	s, err := b.findShop(ctx, c.Shop)
	if err != nil {
		return err
	}
	found := false
	err = b.db.Update(ctx, func(tx *store.Tx) error {
		keys, err := tx.Keys(s.ID)
		for _, k := range keys {
			found = found || k.ID == c.Key
		}
		tx.RevokeKey(s.ID, c.Key, tx.Now())
		return err
	})
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("shop %s has no key %q", s.ID, c.Key)
	}
	_, err = fmt.Fprintf(out, "revoked %s\n", c.Key)
	return err
}
