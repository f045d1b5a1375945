// Package app is the object graph of the engine, and the only one: store, vault, engine, dialects, pages, webhooks, due work and
// the operators' desk, put together from one Config. The program builds it and so do the tests, which say by the same Config
// which clock, which provider and which way out they want. It has no flags, prints nothing, listens nowhere and handles no
// signals: that is cmd/sluice's.
//
// An installation on disk is opened by installation.go, which also makes and migrates one; New builds on an open database. Read
// New first, then handler.go for what is served and work.go for what comes due. connectors.go and dialects.go are the registries.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/checkout"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/records"
	"github.com/sluicepay/sluice/internal/risk"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/vault"
	"github.com/sluicepay/sluice/internal/web"
	"github.com/sluicepay/sluice/internal/webhook"
)

// Config is what an App is built of.
type Config struct {
	// DB is open and migrated, and its secrets are sealed (store.DB.UseSafe) where any are to be written. Required.
	DB *store.DB
	// Keys belong to the database. Required.
	Keys vault.Keyring
	// Log gets everything. Required.
	Log *slog.Logger
	// PublicURL is the base of the addresses that customers and providers are given, without a slash at its end. It may be
	// empty where nothing is served.
	PublicURL string

	// Restored is when the installation was last restored from a backup, as LastRestored tells; zero for never.
	Restored time.Time

	// The rest may be left out. First, what an operator may have set:

	// Version of the program, for what names it; "dev" when empty.
	Version string
	// TrustedProxies may say for whom they speak.
	TrustedProxies []netip.Prefix
	// Hooks says where merchants' endpoints may be beside the public internet.
	Hooks outbound.Guard
	// NeverKeepCards is the mode in which no number of a card is kept in the database, however short.
	NeverKeepCards bool
	// InsecureHTTP lets live shops have http addresses that are not of this machine.
	InsecureHTTP bool
	// MaxInFlight is how many requests of merchants run at a time; zero sets no limit, nor a pace for one shop.
	MaxInFlight int
	// Rates are how often pages may be opened; without them as often as anybody likes.
	Rates checkout.Rates
	// Database is the URL of PostgreSQL, for its own programs, which take backups.
	Database string
	// MasterFolder is the data folder whose file is the master key; empty where that stands elsewhere.
	MasterFolder string
	// AuditHeads is the file that the head of the record of acts is written to as well; empty for none.
	AuditHeads string

	// Screen judges payments that are about to be sent; all pass when nil.
	Screen risk.Screener

	// Then the seams, for tests:

	// Now is the clock; the system's when nil.
	Now func() time.Time
	// Random is where keys, ids and jitter come from; the system's when nil.
	Random io.Reader
	// Connectors are the types of terminals; all that the program knows when nil.
	Connectors []connector.Type
	// Transport carries calls to providers and posts to merchants, in the place of connections of our own.
	Transport http.RoundTripper
	// Owner names this process among all on the database; made of the machine, the process and chance when empty.
	Owner string
	// Strangers gets the lines that strangers can cause; Log at a bounded pace when nil.
	Strangers *slog.Logger
	// RequestID names a request in the log and on pages; an id of its own when nil.
	RequestID func() string
	// Timeout replaces every connector's own limit of a provider call, and that of status queries. Zero keeps them.
	Timeout time.Duration
	// Rules are how payments are routed; each goes to the first terminal that can take it when nil.
	Rules route.Rules
	// Patience is how long a caller of the Yandex Pay merchant API waits at most; the dialect's own when zero.
	Patience time.Duration
	// Pause is called instead of waiting until the database may be back.
	Pause func(context.Context, time.Duration)
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() (Config, error) {
	if c.DB == nil || c.Log == nil {
		return c, errors.New("an application needs a database and a log")
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Connectors == nil {
		c.Connectors = connectors()
	}
	if c.Strangers == nil {
		c.Strangers = telemetry.Paced(c.Log, c.Now)
	}
	return c, nil
}

// App is one process's share in an installation. It is safe for concurrent use, and starts nothing by itself.
type App struct {
	// Engine runs commands on payments.
	Engine *engine.Engine
	// Records are what is read of payments.
	Records *records.Records
	// Desk is where operators work.
	Desk *admin.Desk
	// Metrics count what happens.
	Metrics *telemetry.Metrics
	// TokenKeys sign events that are tokens.
	TokenKeys *webhook.KeyRing
	// IDs makes ids and secrets.
	IDs *id.Source
	// Cards holds the cards that wait in memory.
	Cards *vault.Holder
	// Ready answers whether to send requests.
	Ready *web.Ready

	c      Config
	runner atomic.Pointer[job.Runner]        // once there is one
	hooks  atomic.Pointer[webhook.Deliverer] // that it works with
	google *googleRoots
	apple  *appleSessions
}

// New puts an application together. It asks the database nothing.
func New(c Config) (*App, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &App{c: c, Metrics: telemetry.NewMetrics(), IDs: id.NewSource(c.Now, c.Random), Cards: vault.NewHolder(c.Now)}
	if a.c.RequestID == nil {
		a.c.RequestID = func() string { made, _ := a.IDs.New(); return made }
	}
	if a.c.Owner == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("name of this machine: %w", err)
		}
		a.c.Owner = host + ":" + strconv.Itoa(os.Getpid()) + ":" + a.IDs.Letters(8)
	}
	providers := outbound.New(outbound.Options{Now: c.Now, Guard: outbound.GuardNone, Transport: c.Transport}) // their addresses come from the operator
	a.google = newGoogleRoots(outbound.New(outbound.Options{Now: c.Now, Guard: outbound.GuardPublicOnly, Transport: c.Transport}), c.Now)
	a.apple = &appleSessions{shops: map[shop.ID]appleMerchant{}, options: outbound.Options{Now: c.Now, Guard: outbound.GuardNone, Transport: c.Transport}}
	a.Engine = engine.New(engine.Config{
		DB: c.DB, Connectors: c.Connectors, Client: providers, Vault: a.Cards, Keys: c.Keys, IDs: a.IDs, Now: c.Now, Random: c.Random,
		Log: c.Log, Metrics: a.Metrics, PublicURL: c.PublicURL, Owner: a.c.Owner, Exclusive: a.exclusive(), Restored: c.Restored,
		Render: renderers(), Rules: c.Rules, Wake: a.wake, Timeout: c.Timeout, Pause: c.Pause, Screen: c.Screen, NeverKeep: c.NeverKeepCards,
		GoogleRoots: a.google.roots,
	})
	a.Records = records.New(c.DB)
	a.TokenKeys = webhook.NewKeyRing(c.DB, c.Keys.SigningKey, c.Random, c.Now)
	a.Desk = admin.New(admin.Config{
		DB: c.DB, Engine: a.Engine, Records: a.Records, Keys: c.Keys, TokenKeys: a.TokenKeys, IDs: a.IDs, Connectors: c.Connectors, Client: providers,
		Now: c.Now, Random: c.Random, Log: c.Log, PublicURL: c.PublicURL, InsecureHTTP: c.InsecureHTTP, NeverKeepCards: c.NeverKeepCards,
		MasterFolder: c.MasterFolder, Database: c.Database, Version: c.Version, Process: a.c.Owner, Heads: c.AuditHeads,
	})
	a.Ready = a.newReady()
	return a, nil
}

// LastRestored returns when the installation of a database was last restored from a backup; zero for never.
func LastRestored(ctx context.Context, db *store.DB) (time.Time, error) {
	var last store.Restoration
	err := db.View(ctx, func(tx *store.Tx) (err error) {
		last, err = tx.Installation().LastRestored()
		return err
	})
	return last.Restored, err
}

// exclusive reports that no other process can work on the database.
func (a *App) exclusive() bool { return a.c.DB.Kind() == store.SQLite }

// PublicURL is where customers and providers reach the application.
func (a *App) PublicURL() string { return a.c.PublicURL }

// Begin is called once, before anything is served: it takes up what a process that died has left, and forgets what has been
// kept long enough.
func (a *App) Begin(ctx context.Context) error {
	return errors.Join(a.Engine.Relieve(ctx), a.Desk.ForgetTerminals(ctx))
}

// Drain waits for calls to providers that nobody waits for any more. It is called last, when nothing is served.
func (a *App) Drain() { a.Engine.Drain() }
