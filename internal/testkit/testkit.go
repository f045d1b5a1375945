// Package testkit is the whole application for tests: a migrated database of either
// kind, the engine, the simulator over real HTTP, the dialects and the payment page on
// one server, with a clock that can be moved. It holds no assertions about any of them
// but the one that ends every test: the log of every payment folds to its state.
//
// Only tests import it. Start with New; golden is its neighbour for files.
package testkit

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/risk"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/vault"
	"github.com/sluicepay/sluice/internal/web"
)

// App is a running application.
type App struct {
	*app.App
	DB        *store.DB
	Simulator *simulator.Simulator
	Clock     *Clock
	Keys      vault.Keyring
	Log       *slog.Logger
	Runner    *job.Runner // started by Work

	config  app.Config // of the application
	masters vault.Masters

	gate gate // of the calls that the simulator delays by Held

	URL          string // of the merchant API and the page
	SimulatorURL string
	Client       *http.Client // follows no redirects

	shops sync.Map // shop.ID to true, of the shops made by NewShop
}

// Member is a shop with the key that its merchant holds.
type Member struct {
	*shop.Shop
	APIKey string
}

// Options changes the application under test.
type Options struct {
	Clock   *Clock
	Timeout time.Duration // of provider calls and status queries, longer than the slowest machine needs; 30 s when zero
	Hang    time.Duration // after which the simulator ends a call that it lets hang; 2 s when zero
	Log     *slog.Logger
	Rules   route.Rules   // of the engine
	Screen  risk.Screener // judges payments that are about to be sent; all pass when nil

	Connectors []connector.Type // beside those to the simulator

	// For an installation that was there before:
	Keys      *vault.Keyring          // its own; new ones when nil
	Masters   vault.Masters           // its master keys; the one that all applications of tests share when empty
	PublicURL string                  // which it is known by; the server's address when empty
	Transport http.RoundTripper       // of calls to providers, of webhooks and of notices, where their addresses are others now
	Simulate  func(*simulator.Config) // changes the provider before it starts
}

// New starts an application on an open database and stops it when the test ends.
func New(t testing.TB, db *store.DB, o Options) *App {
	t.Helper()
	if o.Clock == nil {
		o.Clock = &Clock{}
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Hang == 0 {
		o.Hang = 2 * time.Second
	}
	if o.Log == nil {
		o.Log = telemetry.Logger(slog.LevelError, "text", t.Output())
	}
	if o.Keys == nil {
		keys, err := vault.NewKeyring(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		o.Keys = &keys
	}
	a := &App{
		DB: db, Clock: o.Clock, Keys: *o.Keys, Log: o.Log, masters: o.Masters,
		Client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 128},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	t.Cleanup(a.Client.CloseIdleConnections)
	a.Seal(t)
	a.Hold()
	a.startSimulator(t, &o)
	a.start(t, &o)
	t.Cleanup(func() { a.audit(t) })
	return a
}

// Seal has the database's secrets sealed, by the installation's master keys or the one that all applications of tests share.
func (a *App) Seal(t testing.TB) {
	t.Helper()
	masters := func() (vault.Masters, error) {
		if len(a.masters) > 0 {
			return a.masters, nil
		}
		return vault.ParseMasters(strings.Repeat("5ea1", 16))
	}
	safe, err := vault.NewSafe(masters, a.Clock.Now)
	if err == nil {
		err = a.DB.UseSafe(t.Context(), safe, rand.Reader, true)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (a *App) startSimulator(t testing.TB, o *Options) {
	config := simulator.Config{
		Now: a.Clock.Now, PublicURL: func() string { return a.SimulatorURL }, Logger: a.Log, MaxHang: o.Hang,
		Wait: a.gate.wait, NoticeClient: o.Transport,
	}
	if o.Simulate != nil {
		o.Simulate(&config)
	}
	sim, err := simulator.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	a.Simulator, a.SimulatorURL = sim, server.URL
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Errorf("close simulator: %v", err)
		}
		server.Close()
	})
}

func (a *App) start(t testing.TB, o *Options) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config.MaxHeaderBytes = web.MaxHeaderBytes
	server.Config.ErrorLog = slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn)
	a.URL = "http://" + server.Listener.Addr().String()
	if o.PublicURL == "" {
		o.PublicURL = a.URL
	}
	restored, err := app.LastRestored(t.Context(), a.DB)
	if err != nil {
		t.Fatal(err)
	}
	a.config = app.Config{
		DB: a.DB, Keys: a.Keys, Restored: restored, Log: a.Log, Strangers: a.Log, PublicURL: o.PublicURL, Now: a.Clock.Now,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, // tests are one
		Hooks:          outbound.GuardNone,
		Connectors:     append([]connector.Type{sandbox.Type(), plainType()}, o.Connectors...), Transport: o.Transport, Timeout: o.Timeout, Rules: o.Rules, Screen: o.Screen,
		Patience: 5 * time.Minute,                         // a test says by X-Request-Timeout that it wants its answer before the provider has one
		Pause:    func(context.Context, time.Duration) {}, // what does not come back at once does not come back
	}
	if a.App, err = app.New(a.config); err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = a.Handler(t.Context(), app.Public{})
	server.Start()
	t.Cleanup(server.Close)
}

// Beside is the application as another process would run it, on its own connection to the database: with the same provider and
// the same clock. It serves nothing.
func (a *App) Beside(t testing.TB, db *store.DB) *App {
	t.Helper()
	c := a.config
	c.DB = db
	built, err := app.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &App{App: built, DB: db, Simulator: a.Simulator, Clock: a.Clock, Keys: a.Keys, Log: a.Log, URL: a.URL, SimulatorURL: a.SimulatorURL,
		Client: a.Client, config: c}
}

// Work starts what comes due: checkouts, status queries, notices that wait. It ends with the test.
func (a *App) Work(t testing.TB) {
	t.Helper()
	runner, err := a.NewRunner(app.Work{PollEvery: 20 * time.Millisecond, LeaseFor: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	a.Runner = runner
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("runner: %v", err)
		}
	})
}

// NewShop makes a test shop with one terminal at the simulator; edit, when given,
// changes it before it is stored.
func (a *App) NewShop(t testing.TB, edit func(*shop.Shop)) Member {
	t.Helper()
	sid, at := a.IDs.New()
	tid, _ := a.IDs.New()
	config, err := json.Marshal(map[string]string{
		"url": a.SimulatorURL, "apiKey": a.Simulator.APIKey(), "noticeSecret": a.Simulator.NoticeSecret(),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &shop.Shop{
		ID: shop.ID(sid), Merchant: "Test", Name: "Shop " + sid, Active: true, SigningKey: a.IDs.Letters(32),
		Settings: shop.Defaults(false), Created: at, Version: 1,
		Terminals: []shop.Terminal{{
			ID: tid, Name: "sandbox", Connector: "sandbox", Config: config, Types: payment.Types(),
			Methods: payment.Methods(), PreAuth: true, Recurring: true, Enabled: true, Version: 1,
		}},
	}
	if edit != nil {
		edit(s)
	}
	key := a.IDs.APIKey(s.Live)
	parsed, err := id.ParseAPIKey(key)
	if err != nil {
		t.Fatal(err)
	}
	kid, _ := a.IDs.New()
	err = a.DB.Update(t.Context(), func(tx *store.Tx) error {
		if tx.MaybeCommitted() { // the store may be one that fails by chance
			if _, err := tx.Shops().Get(s.ID); !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		tx.Shops().Insert(s)
		for i := range s.Terminals {
			tx.Terminals().Insert(s.ID, &s.Terminals[i])
		}
		tx.APIKeys().Insert(&shop.Key{
			ID: kid, Shop: s.ID, Prefix: parsed.Prefix(), Hash: a.Keys.HashAPIKey(key), Label: "test", Created: at,
		})
		return nil
	})
	if err != nil {
		t.Fatalf("shop: %v", err)
	}
	a.shops.Store(s.ID, true)
	return Member{s, key}
}
