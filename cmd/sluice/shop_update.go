package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

type shopUpdateCommand struct {
	config.Common
	updateShop
}

// Run changes settings of a shop.
func (c *shopUpdateCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{UpdateShop: &c.updateShop})
}

type updateShop struct {
	Shop     string `name:"shop" required:"" help:"Id of the shop." json:"shop"`
	Settings string `name:"settings" placeholder:"JSON" help:"Settings to change, as a JSON object; the others stay." json:"settings"`
	Active   *bool  `name:"active" negatable:"" help:"Whether the shop may call. One that may not is answered 403." json:"active"`
}

func (c *updateShop) run(ctx context.Context, b *base, out io.Writer) error {
	var changed shop.Shop
	err := b.db.Update(ctx, func(tx *store.Tx) (err error) {
		changed, err = tx.ChangeShop(shop.ID(c.Shop), func(s *shop.Shop) error {
			if c.Active != nil {
				s.Active = *c.Active
			}
			return changeSettings(&s.Settings, s.Live, c.Settings)
		})
		return err
	})
	if err != nil {
		return shopError(err, c.Shop)
	}
	shown := changed.Settings
	shown.RetiredKey = nil // a secret
	return printJSON(out, map[string]any{"shopId": c.Shop, "active": changed.Active, "settings": shown})
}

// shopError words what a change of a shop failed with.
func shopError(err error, id string) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("there is no shop %q; \"sluice shop list\" shows them", id)
	case errors.Is(err, store.ErrConflict):
		return fmt.Errorf("shop %s: others changed it each time, so nothing was changed; give the command again: %w", id, err)
	}
	return err
}

// unmarked is a JSON text that may come from a file without the mark of its byte order.
func unmarked(text string) string { return strings.TrimPrefix(text, "\ufeff") }

// changeSettings puts what the JSON object names into the settings. An unknown name is an error: it may be a
// misspelled one.
func changeSettings(s *shop.Settings, live bool, text string) error {
	retired := s.RetiredKey
	if text = unmarked(text); text != "" {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(s); err != nil {
			return fmt.Errorf("settings: %w", err)
		}
		if dec.More() {
			return errors.New("settings: more than one JSON object")
		}
	}
	s.RetiredKey = retired // rotated by a command of its own
	s.Settle()
	if err := s.Check(); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if live && s.YandexPay.MerchantIDAsKey {
		return errors.New("settings: yandexPay.merchantIdAsKey: a merchant id is no secret, so it cannot be the key of a live shop")
	}
	return nil
}
