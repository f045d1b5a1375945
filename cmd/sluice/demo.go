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

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/web"
)

// Files of a demo in the data folder.
const (
	demoFile   = "demo.json"
	demoLedger = "simulator.ledger"
)

// startDemo runs the simulator and makes sure that the demo shop has a terminal there.
func (a *node) startDemo(g *group, ready *readiness) error {
	path := filepath.Join(a.config.Data, demoFile)
	d, err := readDemo(path)
	if err != nil {
		return err
	}
	a.Desk.DemoAccount(&d)
	url, wallets, err := a.startSimulator(g, &d)
	if err != nil {
		return err
	}
	a.simulator = url
	if ready.demands, err = a.Desk.SetUpDemo(g.ctx, &d, url, wallets); err != nil {
		return fmt.Errorf("demo shop: %w", err)
	}
	raw, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("render demo: %w", err)
	}
	if err := private.Write(path, append(raw, '\n')); err != nil {
		return err
	}
	ready.YandexPay = &yandexPayAccess{MerchantID: d.MerchantID(), APIKey: d.APIKey}
	ready.ShopID, ready.APIKey, ready.SigningKey, ready.SimulatorURL = d.ShopID, d.APIKey, d.SigningKey, url
	return nil
}

func readDemo(path string) (admin.Demo, error) {
	var d admin.Demo
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

func (a *node) startSimulator(g *group, d *admin.Demo) (url string, wallets admin.DemoWallets, err error) {
	l, err := new(net.ListenConfig).Listen(g.ctx, "tcp", a.config.SimulatorListen)
	if err != nil {
		return "", wallets, fmt.Errorf("listen for the simulator: %w", err)
	}
	url = urlOf(l.Addr())
	sim, err := simulator.New(simulator.Config{
		Now: clock, Random: rand.Reader, Logger: a.log, PublicURL: func() string { return url },
		APIKey: d.SimulatorKey, NoticeSecret: d.NoticeSecret,
		LedgerPath: filepath.Join(a.config.Data, demoLedger), NoFsync: true,
	})
	if err != nil {
		return "", wallets, errors.Join(err, l.Close())
	}
	if wallets.GoogleRoots, wallets.AppleRoot, err = sim.WalletRoots(); err != nil {
		return "", wallets, errors.Join(err, l.Close(), sim.Close())
	}
	serveSimulator(g, sim, l, web.Options{Logger: a.log, DrainTimeout: a.config.DrainTimeout})
	return url, wallets, nil
}
