package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/web"
)

const (
	demoShop     = "Demo shop"
	demoTerminal = "sandbox"
	demoFile     = "demo.json"
	demoLedger   = "simulator.ledger"
)

// demo is what a second start has to find again. Keys of a demo are no secrets worth
// hashing; they stand in a file that only the owner of the data folder can read.
type demo struct {
	ShopID       string `json:"shopId"`
	APIKey       string `json:"apiKey"`
	SigningKey   string `json:"signingKey"`
	TerminalID   string `json:"terminalId"`
	SimulatorKey string `json:"simulatorKey"`
	NoticeSecret string `json:"noticeSecret"`
}

// startDemo runs the simulator and makes sure that the demo shop has a terminal there.
func (a *app) startDemo(g *group, ready *readiness) error {
	path := filepath.Join(a.config.Data, demoFile)
	d, err := readDemo(path)
	if err != nil {
		return err
	}
	if d.SimulatorKey == "" {
		d.SimulatorKey, d.NoticeSecret = "sandbox_"+a.ids.Letters(32), "notice_"+a.ids.Letters(32)
	}
	url, err := a.startSimulator(g, d)
	if err != nil {
		return err
	}
	a.simulator = url
	if ready.demands, err = a.demoShop(g, &d, url); err != nil {
		return fmt.Errorf("demo shop: %w", err)
	}
	raw, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("render demo: %w", err)
	}
	if err := private.Write(path, append(raw, '\n')); err != nil {
		return err
	}
	ready.YandexPay = &yandexPayAccess{MerchantID: id.Dashed(id.AsVersion4(d.ShopID)), APIKey: d.APIKey}
	ready.ShopID, ready.APIKey, ready.SigningKey, ready.SimulatorURL = d.ShopID, d.APIKey, d.SigningKey, url
	return nil
}

func readDemo(path string) (demo, error) {
	var d demo
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return d, fmt.Errorf("demo file: %w", err)
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, fmt.Errorf("demo file %s: %w", path, err)
	}
	return d, nil
}

func (a *app) startSimulator(g *group, d demo) (string, error) {
	l, err := new(net.ListenConfig).Listen(g.ctx, "tcp", a.config.SimulatorListen)
	if err != nil {
		return "", fmt.Errorf("listen for the simulator: %w", err)
	}
	url := urlOf(l.Addr())
	sim, err := simulator.New(simulator.Config{
		Now: time.Now, Random: rand.Reader, Logger: a.log, PublicURL: func() string { return url },
		APIKey: d.SimulatorKey, NoticeSecret: d.NoticeSecret,
		LedgerPath: filepath.Join(a.config.Data, demoLedger), NoFsync: true,
	})
	if err != nil {
		return "", errors.Join(err, l.Close())
	}
	serveSimulator(g, sim, l, web.Options{Logger: a.log, DrainTimeout: a.config.DrainTimeout})
	return url, nil
}

// demoShop finds or makes the shop, points its terminal at today's simulator and tells what the shop demands: one that
// was made by an earlier version demands what it did then.
func (a *app) demoShop(g *group, d *demo, url string) (shop.Required, error) {
	settings, err := json.Marshal(map[string]string{"url": url, "apiKey": d.SimulatorKey, "noticeSecret": d.NoticeSecret})
	if err != nil {
		return "", fmt.Errorf("render settings: %w", err)
	}
	var found shop.Shop
	err = a.db.View(g.ctx, func(tx *store.Tx) (err error) {
		found, err = tx.Shops().Get(shop.ID(d.ShopID))
		return err
	})
	if err == nil {
		if err := a.reviveDemo(g.ctx, &found, d); err != nil {
			return "", err
		}
		return found.Settings.Required, a.repointDemo(g, &found, d, settings)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	return shop.RequiredRelaxed, a.createDemo(g, d, settings)
}

// repointDemo gives the demo's terminal today's settings, or makes it again where somebody has removed it.
func (a *app) repointDemo(g *group, found *shop.Shop, d *demo, settings json.RawMessage) error {
	err := a.db.Update(g.ctx, func(tx *store.Tx) error {
		return tx.Terminals().Change(found.ID, d.TerminalID, func(t *shop.Terminal) error {
			t.Config = settings
			return nil
		})
	})
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	name := demoTerminal
	if slices.ContainsFunc(found.Terminals, func(t shop.Terminal) bool { return t.Name == name }) {
		name += " " + a.ids.Letters(6)
	}
	t, err := a.desk.NewTerminal(admin.CreateTerminal{Name: name, Connector: "sandbox", Settings: string(settings)})
	if err != nil {
		return err
	}
	d.TerminalID = t.ID
	return a.db.Update(g.ctx, func(tx *store.Tx) error {
		tx.Terminals().Insert(found.ID, t)
		return nil
	})
}

func (a *app) createDemo(g *group, d *demo, settings json.RawMessage) error {
	name := demoShop
	if d.ShopID != "" { // the folder knows a shop that this database does not
		name += " " + a.ids.Letters(6)
	}
	made, key, err := a.desk.NewShop(admin.CreateShop{Name: name})
	if err != nil {
		return err
	}
	terminal, err := a.desk.NewTerminal(admin.CreateTerminal{Name: demoTerminal, Connector: "sandbox", Settings: string(settings)})
	if err != nil {
		return err
	}
	insert := func() error {
		return a.db.Update(g.ctx, func(tx *store.Tx) error {
			tx.Shops().Insert(made)
			tx.APIKeys().Insert(key.Row)
			tx.Terminals().Insert(made.ID, terminal)
			return nil
		})
	}
	if err = insert(); errors.Is(err, store.ErrUnique) { // another folder made one on the same database
		made.Name += " " + a.ids.Letters(6)
		err = insert()
	}
	if err != nil {
		return err
	}
	d.ShopID, d.APIKey, d.SigningKey, d.TerminalID = string(made.ID), key.Text, made.SigningKey, terminal.ID
	return nil
}
