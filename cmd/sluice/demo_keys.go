package main

import (
	"bytes"
	"context"
	"slices"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// reviveDemo makes sure that the keys which are about to be shown are good: somebody may have revoked or replaced them since
// the last start.
func (a *app) reviveDemo(ctx context.Context, s *shop.Shop, d *demo) error {
	d.SigningKey = s.SigningKey
	hash := a.keys.HashAPIKey(d.APIKey)
	good := func(k shop.Key) bool { return bytes.Equal(k.Hash, hash) && k.Revoked.IsZero() }
	var keys []shop.Key
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.APIKeys().List(s.ID)
		return err
	})
	if err != nil || slices.ContainsFunc(keys, good) {
		return err
	}
	made, err := a.desk.CreateKey(ctx, admin.CreateKey{OfShop: admin.OfShop{Shop: string(s.ID)}, Label: "demo"})
	if err != nil {
		return err
	}
	d.APIKey = made.APIKey
	return nil
}
