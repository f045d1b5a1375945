package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

const (
	demoShop     = "Demo shop"
	demoTerminal = "sandbox"
)

// Demo is what a second start of a demo has to find again. Its keys are no secrets worth hashing.
type Demo struct {
	ShopID       string `json:"shopId"`
	APIKey       string `json:"apiKey"`
	SigningKey   string `json:"signingKey"`
	TerminalID   string `json:"terminalId"`
	SimulatorKey string `json:"simulatorKey"`
	NoticeSecret string `json:"noticeSecret"`
}

// MerchantID is the shop's name in the Yandex Pay merchant API.
func (m *Demo) MerchantID() string { return id.Dashed(id.AsVersion4(m.ShopID)) }

// DemoAccount makes up the demo's account at the simulator, where there is none yet.
func (d *Desk) DemoAccount(m *Demo) {
	if m.SimulatorKey == "" {
		m.SimulatorKey, m.NoticeSecret = "sandbox_"+d.c.IDs.Letters(32), "notice_"+d.c.IDs.Letters(32)
	}
}

// SetUpDemo finds or makes the demo's shop, points its terminal at today's simulator, makes sure that its keys are good, and
// tells what the shop demands: one that was made by an earlier version demands what it did then. It is no operation: a server
// that runs a demo does it at its start.
func (d *Desk) SetUpDemo(ctx context.Context, m *Demo, simulator string, wallets DemoWallets) (shop.Required, error) {
	demands, err := d.setUpDemo(ctx, m, simulator)
	if err == nil {
		err = d.equipDemo(ctx, shop.ID(m.ShopID), simulator, wallets)
	}
	return demands, err
}

func (d *Desk) setUpDemo(ctx context.Context, m *Demo, simulator string) (shop.Required, error) {
	settings, err := json.Marshal(map[string]string{"url": simulator, "apiKey": m.SimulatorKey, "noticeSecret": m.NoticeSecret})
	if err != nil {
		return "", fmt.Errorf("render settings: %w", err)
	}
	found, err := view(ctx, d, func(tx *store.Tx) (shop.Shop, error) { return tx.Shops().Get(shop.ID(m.ShopID)) })
	if err == nil {
		if err := d.reviveDemo(ctx, &found, m); err != nil {
			return "", err
		}
		return found.Settings.Required, d.repointDemo(ctx, &found, m, settings)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	return shop.RequiredRelaxed, d.createDemo(ctx, m, settings)
}

// reviveDemo makes sure that the keys which are about to be shown are good: somebody may have revoked or replaced them since
// the last start.
func (d *Desk) reviveDemo(ctx context.Context, s *shop.Shop, m *Demo) error {
	m.SigningKey = s.SigningKey
	hash := d.c.Keys.HashAPIKey(m.APIKey)
	good := func(k shop.Key) bool { return bytes.Equal(k.Hash, hash) && k.Revoked.IsZero() }
	keys, err := view(ctx, d, func(tx *store.Tx) ([]shop.Key, error) { return tx.APIKeys().List(s.ID) })
	if err != nil || slices.ContainsFunc(keys, good) {
		return err
	}
	made, err := d.createKey(ctx, CreateKey{OfShop: OfShop{Shop: string(s.ID)}, Label: "demo"})
	if err != nil {
		return err
	}
	m.APIKey = made.APIKey
	return nil
}

// repointDemo gives the demo's terminal today's settings, or makes it again where somebody has removed it.
func (d *Desk) repointDemo(ctx context.Context, found *shop.Shop, m *Demo, settings json.RawMessage) error {
	err := d.c.DB.Update(ctx, func(tx *store.Tx) error {
		return tx.Terminals().Change(found.ID, m.TerminalID, func(t *shop.Terminal) error {
			t.Config = settings
			return nil
		})
	})
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	name := demoTerminal
	if slices.ContainsFunc(found.Terminals, func(t shop.Terminal) bool { return t.Name == name }) {
		name += " " + d.c.IDs.Letters(6)
	}
	t, err := d.NewTerminal(CreateTerminal{Name: name, Connector: "sandbox", Settings: string(settings)})
	if err != nil {
		return err
	}
	m.TerminalID = t.ID
	return d.c.DB.Update(ctx, func(tx *store.Tx) error {
		tx.Terminals().Insert(found.ID, t)
		return nil
	})
}

func (d *Desk) createDemo(ctx context.Context, m *Demo, settings json.RawMessage) error {
	name := demoShop
	if m.ShopID != "" { // the folder knows a shop that this database does not
		name += " " + d.c.IDs.Letters(6)
	}
	made, key, err := d.NewShop(CreateShop{Name: name})
	if err != nil {
		return err
	}
	terminal, err := d.NewTerminal(CreateTerminal{Name: demoTerminal, Connector: "sandbox", Settings: string(settings)})
	if err != nil {
		return err
	}
	insert := func() error {
		return d.c.DB.Update(ctx, func(tx *store.Tx) error {
			tx.Shops().Insert(made)
			tx.APIKeys().Insert(key.Row)
			tx.Terminals().Insert(made.ID, terminal)
			return nil
		})
	}
	if err = insert(); errors.Is(err, store.ErrUnique) { // another folder made one on the same database
		made.Name += " " + d.c.IDs.Letters(6)
		err = insert()
	}
	if err != nil {
		return err
	}
	m.ShopID, m.APIKey, m.SigningKey, m.TerminalID = string(made.ID), key.Text, made.SigningKey, terminal.ID
	return nil
}
