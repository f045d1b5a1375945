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
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/checkout"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/inbound"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/vault"
	"github.com/sluicepay/sluice/internal/web"
	"github.com/sluicepay/sluice/internal/webhook"
)

// Clock runs like the real one and can be moved forward. The zero value is ready.
type Clock struct {
	ahead  atomic.Int64
	began  time.Time
	slower time.Duration
}

// SlowClock returns a clock that runs so many times slower than the real one, for tests that say by Advance when
// something comes due: however long the machine takes for what they do before, nothing does by itself.
func SlowClock(times int) *Clock { return &Clock{began: time.Now(), slower: time.Duration(times)} }

// Now returns the moved time.
func (c *Clock) Now() time.Time {
	now := time.Now()
	if c.slower > 0 {
		now = c.began.Add(now.Sub(c.began) / c.slower)
	}
	return now.Add(time.Duration(c.ahead.Load()))
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

// App is a running application.
type App struct {
	DB        *store.DB
	Engine    *engine.Engine
	Simulator *simulator.Simulator
	Clock     *Clock
	Keys      vault.Keyring
	IDs       *id.Source
	Log       *slog.Logger
	Runner    *job.Runner // started by Work
	TokenKeys *webhook.KeyRing

	transport http.RoundTripper // of Options

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

	// For an installation that was there before:
	Keys      *vault.Keyring          // its own; new ones when nil
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
		DB: db, Clock: o.Clock, Keys: *o.Keys, transport: o.Transport, IDs: id.NewSource(o.Clock.Now, rand.Reader), Log: o.Log,
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

// Seal has the database's secrets sealed, by the master key that all applications of tests share.
func (a *App) Seal(t testing.TB) {
	t.Helper()
	safe, err := vault.NewSafe(func() (vault.Masters, error) { return vault.ParseMasters(strings.Repeat("5ea1", 16)) }, a.Clock.Now)
	if err == nil {
		err = a.DB.UseSafe(t.Context(), safe, rand.Reader, true)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Held is a delay of the simulator, as simulator.Effect.DelayMs, that does not end by time but by Release.
const Held = int64(time.Hour / time.Millisecond)

// Release lets go what the simulator delays by Held, and what comes until Hold.
func (a *App) Release() {
	a.gate.Lock()
	defer a.gate.Unlock()
	close(a.gate.shut)
}

// Hold takes back a Release.
func (a *App) Hold() {
	a.gate.Lock()
	defer a.gate.Unlock()
	a.gate.shut = make(chan struct{})
}

// Holding is how many calls the simulator delays by Held now.
func (a *App) Holding() int {
	a.gate.Lock()
	defer a.gate.Unlock()
	return a.gate.holds
}

type gate struct {
	sync.Mutex
	shut  chan struct{}
	holds int // calls that wait for shut
}

// enter returns what is closed when the delays by Held end.
func (g *gate) enter() chan struct{} {
	g.Lock()
	defer g.Unlock()
	g.holds++
	return g.shut
}

func (g *gate) leave() {
	g.Lock()
	defer g.Unlock()
	g.holds--
}

// wait is how the simulator waits.
func (g *gate) wait(ctx context.Context, d time.Duration) error {
	var over <-chan time.Time
	var open chan struct{}
	if d.Milliseconds() == Held {
		open = g.enter()
		defer g.leave()
	} else {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-open:
		return nil
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
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
	mux := http.NewServeMux()
	var absent api.Nothing
	missing := func(w http.ResponseWriter, r *http.Request, status int) { absent(w, r, status) }
	server := httptest.NewUnstartedServer(web.Wrap(api.Exact(mux, missing, yandexpay.BasePath, gateway.BasePath, checkout.BasePath), web.Common{
		Logger: a.Log, AccessLevel: slog.LevelDebug, Now: a.Clock.Now,
		NewID: func() string { made, _ := a.IDs.New(); return made },
	}))
	server.Config.MaxHeaderBytes = web.MaxHeaderBytes
	server.Config.ErrorLog = slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn)
	server.Start()
	t.Cleanup(server.Close)
	a.URL = server.URL
	var restored store.Restoration
	err := a.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		restored, err = tx.Installation().LastRestored()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.PublicURL == "" {
		o.PublicURL = server.URL
	}
	a.Engine = engine.New(engine.Config{
		DB: a.DB, Connectors: []connector.Type{sandbox.Type(), plainType()}, Keys: a.Keys, IDs: a.IDs, Now: a.Clock.Now,
		Client: outbound.New(outbound.Options{Now: a.Clock.Now, Guard: outbound.GuardNone, Transport: o.Transport}),
		Vault:  vault.NewHolder(a.Clock.Now), Random: rand.Reader, Log: a.Log, Metrics: telemetry.NewMetrics(),
		Restored: restored.Restored, PublicURL: o.PublicURL, Owner: "test:" + a.IDs.Letters(8), Exclusive: a.DB.Kind() == store.SQLite, Timeout: o.Timeout,
		Render: []engine.Renderer{{Dialect: gateway.Dialect, Word: gateway.Render}, {Dialect: yandexpay.Dialect, OfParent: true, Word: yandexpay.Render}},
		Pause:  func(context.Context, time.Duration) {}, // what does not come back at once does not come back
	})
	g := gateway.New(a.Engine, api.NewAuth(a.Engine), a.Log)
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} // tests are one
	g.TrustedProxies = proxies
	g.Mount(mux)
	y := yandexpay.New(a.Engine, api.NewAuth(a.Engine), a.Log)
	y.MostPatience = 5 * time.Minute // a test says by X-Request-Timeout that it wants its answer before the provider has one
	y.Mount(mux)
	a.TokenKeys = webhook.NewKeyRing(a.DB, a.Keys.SigningKey, rand.Reader, a.Clock.Now)
	yandexpay.MountKeys(mux, a.TokenKeys.Publish, a.Log)
	inbound.New(a.Engine, a.Log, a.Clock.Now).Mount(mux)
	pages := checkout.New(checkout.Deps{
		Engine: a.Engine, Log: a.Log, TrustedProxies: proxies,
	})
	pages.Mount(mux)
	absent = g.Absent(pages.Absent())
}

// Deliverer returns one that posts the events of every dialect, to this machine too. Its Drain posts what is due.
func (a *App) Deliverer() *webhook.Deliverer {
	client := webhook.NewClient(outbound.GuardNone, a.Clock.Now)
	if a.transport != nil {
		client = outbound.New(outbound.Options{Now: a.Clock.Now, Transport: a.transport})
	}
	return webhook.New(webhook.Config{
		DB: a.DB, Client: client, Shop: a.Engine.Shop, Now: a.Clock.Now,
		Random: rand.Reader, Log: a.Log, Bell: a.Engine.Bell, Protocols: map[string]webhook.Protocol{
			gateway.Dialect: webhook.Gateway(), yandexpay.Dialect: webhook.YandexPay(a.TokenKeys),
		},
	})
}

// Work starts what comes due: checkouts, status queries, notices that wait and, with the
// deliverer, webhooks. It ends with the test.
func (a *App) Work(t testing.TB, kinds ...job.Kind) {
	t.Helper()
	runner, err := job.New(job.Options{
		DB: a.DB, Node: a.Engine.Owner, Exclusive: a.Engine.Exclusive, Now: a.Clock.Now, Random: rand.Reader, Log: a.Log,
		Kinds: append(a.Engine.Kinds(), kinds...), Alarm: a.Engine.WorkUnread, PollEvery: 20 * time.Millisecond, LeaseFor: 2 * time.Second,
	})
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

// audit refolds the log of every payment of the test's shops and checks its money.
func (a *App) audit(t testing.TB) {
	a.Engine.Drain()
	ctx := context.WithoutCancel(t.Context())
	a.shops.Range(func(k, _ any) bool {
		for offset := 0; ; offset += payment.MaxLimit {
			list, more, err := a.Engine.List(ctx, payment.Filter{
				Shop: k.(shop.ID), Limit: payment.MaxLimit, Offset: offset,
			})
			if err != nil {
				t.Errorf("audit: %v", err)
				return false
			}
			for i := range list {
				if err := Audit(ctx, a.DB, list[i].Shop, list[i].ID); err != nil {
					t.Error(err)
				}
			}
			if !more {
				return true
			}
		}
	})
}

// Audit checks one payment at rest: its log folds to its state, its money is within
// its bounds, its attempts agree with it. The payment and its log are two reads, so what
// looks wrong is looked at again: a payment may not have been at rest.
func Audit(ctx context.Context, db *store.DB, s payment.ShopID, pid payment.ID) (err error) {
	for range 3 {
		if err = audit(ctx, db, s, pid); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

func audit(ctx context.Context, db *store.DB, s payment.ShopID, pid payment.ID) error {
	var p payment.Payment
	var log []payment.Operation
	err := db.View(ctx, func(tx *store.Tx) (err error) {
		if p, err = tx.Payments().Get(s, pid); err != nil {
			return err
		}
		log, err = tx.Operations().List(s, pid)
		return err
	})
	if err != nil {
		return err
	}
	return p.Check(log)
}
