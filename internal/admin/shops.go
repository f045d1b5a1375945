package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// CreateShop says what shop to make.
type CreateShop struct {
	Name     string `name:"name" required:"" placeholder:"NAME" help:"Name of the shop, unique in this installation; customers see it." json:"name"`
	Merchant string `name:"merchant" placeholder:"NAME" help:"Name of the merchant that owns it; the shop's name when not given." json:"merchant,omitempty"`
	Live     bool   `name:"live" help:"A live shop. Otherwise a test shop." json:"live,omitempty"`
	Settings string `name:"settings" placeholder:"JSON" type:"input" help:"Settings that differ from the defaults, as a JSON object. Also @FILE, - for standard input, or env:NAME." json:"settings,omitempty"`
}

// ShopCreated is a shop that was made, with its secrets, which are shown this once.
type ShopCreated struct {
	Shop       shop.ID `json:"shopId"`
	APIKey     string  `json:"apiKey"`
	SigningKey string  `json:"signingKey"`
}

// Made implements what the log names.
func (s ShopCreated) Made() string { return string(s.Shop) }

// createShop makes a shop with its first API key and its signing key. It needs the right ManageShops.
func (d *Desk) createShop(ctx context.Context, c CreateShop) (ShopCreated, error) {
	made, key, err := d.NewShop(c)
	if err != nil {
		return ShopCreated{}, err
	}
	err = d.c.DB.Update(ctx, func(tx *store.Tx) error {
		if tx.MaybeCommitted() { // an id is of one run of this command only
			if _, err := tx.Shops().Get(made.ID); !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		tx.Shops().Insert(made)
		tx.APIKeys().Insert(key.Row)
		return nil
	})
	if errors.Is(err, store.ErrUnique) {
		return ShopCreated{}, fmt.Errorf("there is a shop named %q already", c.Name)
	}
	if err != nil {
		return ShopCreated{}, err
	}
	return ShopCreated{made.ID, key.Text, made.SigningKey}, nil
}

// NewShop makes a shop with its first key; nothing is stored yet.
func (d *Desk) NewShop(c CreateShop) (*shop.Shop, NewKey, error) {
	c.Merchant = cmp.Or(c.Merchant, c.Name)
	if err := errors.Join(shop.CheckName("name", c.Name), shop.CheckName("merchant", c.Merchant)); err != nil {
		return nil, NewKey{}, err
	}
	sid, at := d.c.IDs.New()
	made := &shop.Shop{
		ID: shop.ID(sid), Name: c.Name, Merchant: c.Merchant, Live: c.Live, Active: true,
		SigningKey: d.c.IDs.Letters(32), Settings: shop.Defaults(c.Live), Created: at,
	}
	if err := changeSettings(&made.Settings, made.Live, c.Settings); err != nil {
		return nil, NewKey{}, err
	}
	if err := d.checkKept(&made.Settings, new(shop.Settings)); err != nil {
		return nil, NewKey{}, err
	}
	if err := made.Settings.CheckHosts(new(shop.Settings), outbound.GuardNone.ForbidsLiteral); err != nil {
		return nil, NewKey{}, err
	}
	if err := d.checkHTTPS(made.CheckServed(d.c.PublicURL), made.CheckClear(new(shop.Settings))); err != nil {
		return nil, NewKey{}, err
	}
	key, err := d.newKey(made.ID, made.Live, "first")
	return made, key, err
}

// Shop is a shop as lists show it.
type Shop struct {
	ID       shop.ID   `json:"shopId"`
	Name     string    `json:"name"`
	Merchant string    `json:"merchant"`
	Live     bool      `json:"live"`
	Active   bool      `json:"active"`
	Created  time.Time `json:"created"`
}

// ListShops lists the shops, oldest first. It needs the right ReadShops.
func (d *Desk) listShops(ctx context.Context, _ Nothing) (List[Shop], error) {
	found, err := view(ctx, d, func(tx *store.Tx) ([]shop.Shop, error) { return tx.Shops().List() })
	return listOf(found, func(s *shop.Shop) Shop {
		return Shop{s.ID, s.Name, s.Merchant, s.Live, s.Active, s.Created}
	}), err
}

// UpdateShop says what to change of a shop.
type UpdateShop struct {
	OfShop
	Settings string `name:"settings" placeholder:"JSON" type:"input" help:"Settings to change, as a JSON object; the others stay. Also @FILE, - for standard input, or env:NAME." json:"settings,omitempty"`
	Active   *bool  `name:"active" negatable:"" help:"Whether the shop may call. One that may not is answered 403." json:"active,omitempty"`
}

// ShopSettings is all that can be set of a shop.
type ShopSettings struct {
	Shop     shop.ID       `json:"shopId"`
	Active   bool          `json:"active"`
	Settings shop.Settings `json:"settings"`
	Effect
}

// updateShop changes settings of a shop. It needs the right ManageShops.
func (d *Desk) updateShop(ctx context.Context, c UpdateShop) (ShopSettings, error) {
	var was, is shop.Shop
	err := d.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		is, err = tx.Shops().Change(shop.ID(c.Shop), func(s *shop.Shop) error {
			was = *s
			if c.Active != nil {
				s.Active = *c.Active
			}
			before := s.Settings
			if err := changeSettings(&s.Settings, s.Live, c.Settings); err != nil {
				return err
			}
			if err := d.checkKept(&s.Settings, &before); err != nil {
				return err
			}
			if err := s.Settings.CheckHosts(&before, outbound.GuardNone.ForbidsLiteral); err != nil {
				return err
			}
			return d.checkHTTPS(s.CheckClear(&before))
		})
		return err
	})
	if err != nil {
		return ShopSettings{}, shopError(err, c.Shop)
	}
	shown := settingsShown(&is)
	changed(ctx, settingsShown(&was), shown)
	shown.Effect = d.effect()
	return shown, nil
}

// settingsShown is what is shown of a shop's settings: all but secrets.
func settingsShown(s *shop.Shop) ShopSettings {
	shown := ShopSettings{Shop: s.ID, Active: s.Active, Settings: s.Settings}
	shown.Settings.RetiredKey, shown.Settings.Wallets.Keys = nil, ""
	return shown
}

// RenameShop says what a shop is to be called.
type RenameShop struct {
	OfShop
	Name     string `arg:"" name:"name" help:"New name of the shop, unique in this installation; customers see it." json:"name"`
	Merchant string `name:"merchant" placeholder:"NAME" help:"New name of the merchant that owns it; it stays when not given." json:"merchant,omitempty"`
}

// ShopRenamed is a shop under its new name.
type ShopRenamed struct {
	Shop     shop.ID `json:"shopId"`
	Name     string  `json:"name"`
	Merchant string  `json:"merchant"`
	Effect
}

// renameShop gives a shop another name. It needs the right ManageShops.
func (d *Desk) renameShop(ctx context.Context, c RenameShop) (ShopRenamed, error) {
	if err := errors.Join(shop.CheckName("name", c.Name), shop.CheckName("merchant", cmp.Or(c.Merchant, c.Name))); err != nil {
		return ShopRenamed{}, err
	}
	var was, is shop.Shop
	err := d.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		is, err = tx.Shops().Change(shop.ID(c.Shop), func(s *shop.Shop) error {
			was = *s
			s.Name, s.Merchant = c.Name, cmp.Or(c.Merchant, s.Merchant)
			return nil
		})
		return err
	})
	if errors.Is(err, store.ErrUnique) {
		return ShopRenamed{}, fmt.Errorf("there is a shop named %q already", c.Name)
	}
	if err != nil {
		return ShopRenamed{}, shopError(err, c.Shop)
	}
	changed(ctx, ShopRenamed{Name: was.Name, Merchant: was.Merchant}, ShopRenamed{Name: is.Name, Merchant: is.Merchant})
	return ShopRenamed{is.ID, is.Name, is.Merchant, d.effect()}, nil
}

// changeSettings puts what the JSON object names into the settings. An unknown name is an error: it may be a
// misspelled one.
func changeSettings(s *shop.Settings, live bool, text string) error {
	retired, logo, wallets := s.RetiredKey, s.Brand.Logo, s.Wallets
	s.Wallets = shop.Wallets{}
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
	if s.Wallets != (shop.Wallets{}) {
		return errors.New("settings: wallets: an account is given with its keys, by \"sluice shop wallet set\"")
	}
	s.Wallets = wallets
	if s.Brand.Logo != logo {
		return errors.New("settings: brand.logo: a logo is given with its picture, by \"sluice shop logo set\"")
	}
	s.Settle()
	if err := s.Check(); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if live && s.YandexPay.MerchantIDAsKey {
		return errors.New("settings: yandexPay.merchantIdAsKey: a merchant id is no secret, so it cannot be the key of a live shop")
	}
	return nil
}
