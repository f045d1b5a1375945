package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/checkout"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/inbound"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/vault"
	"github.com/sluicepay/sluice/internal/web"
	"github.com/sluicepay/sluice/internal/webhook"
	"github.com/sluicepay/sluice/internal/welcome"
)

// base is what every command that touches the database works with.
type base struct {
	config config.Config
	env    []string
	log    *slog.Logger
	db     *store.DB
	keys   vault.Keyring
	ids    *id.Source

	tokenKeys *webhook.KeyRing
	restored  store.Restoration // the last, if any
	inPod     bool              // of Kubernetes
}

// openBase reads the configuration, makes the data folder and opens the database, which it makes or brings up to date.
// Only a server and a migration do so.
func openBase(s *surroundings, flags config.Flags) (*base, error) { return openOrMake(s, flags, true) }

// openOrMake is openBase, and makes the master key of an installation that has none only where serves is set, or where it makes
// the installation: what migrates may do so in a folder that is thrown away.
func openOrMake(s *surroundings, flags config.Flags, serves bool) (*base, error) {
	c, err := config.Load(flags, s.env)
	if err != nil {
		return nil, err
	}
	b := newBase(s, c)
	b.secureMemory(s.ctx)
	if err := b.secureFolder(s.ctx, true); err != nil {
		return nil, err
	}
	if err := b.open(s.ctx, true); err != nil {
		return nil, err
	}
	serves = serves || !b.inFolder(vault.KeyringFile)
	if b.keys, err = vault.LoadKeyring(c.Data, rand.Reader); err == nil {
		err = b.checkKeys(s.ctx, true)
	}
	if err == nil {
		err = b.openVault(s.ctx, serves || c.MasterKey != "" || b.inFolder(vault.MasterFile))
	}
	if err != nil {
		_ = b.db.Close() // the first error says more
		return nil, err
	}
	return b, nil
}

// openKnown opens an installation that is there and as this program has it. It makes and migrates nothing.
func openKnown(s *surroundings, c config.Config) (_ *base, err error) {
	b := newBase(s, c)
	b.secureMemory(s.ctx)
	if err := b.secureFolder(s.ctx, false); err != nil {
		return nil, err
	}
	if b.keys, err = vault.ReadKeyring(c.Data); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no installation in %s: it has no %s. --data names the folder of the server; \"sluice serve\" and \"sluice migrate\" make one",
			folderOf(&c), vault.KeyringFile)
	}
	if err != nil {
		return nil, err
	}
	if err := b.open(s.ctx, false); err != nil {
		return nil, err
	}
	if err = b.checkKeys(s.ctx, false); err == nil {
		err = b.openVault(s.ctx, c.MasterKey != "" || b.inFolder(vault.MasterFile))
	}
	if err != nil {
		_ = b.db.Close() // the first error says more
		return nil, err
	}
	return b, nil
}

func newBase(s *surroundings, c config.Config) *base {
	return &base{config: c, env: s.env, log: telemetry.Logger(c.LogLevel, c.LogFormat, s.err), ids: id.NewSource(time.Now, rand.Reader), inPod: inPod(s.env)}
}

// open opens the database; only where fresh is set it may be new or old.
func (b *base) open(ctx context.Context, fresh bool) error {
	place, err := placeOf(&b.config)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	err = b.openStore(ctx, fresh)
	switch {
	case errors.Is(err, store.ErrNoDatabase) && place.Kind == store.SQLite:
		return fmt.Errorf("%s: %w; where the server of this folder has PostgreSQL, --database has to name it", place, store.ErrNoDatabase)
	case errors.Is(err, store.ErrNoDatabase):
		return fmt.Errorf("%s: %w; \"sluice serve\" and \"sluice migrate\" make one", place, store.ErrNoDatabase)
	case errors.Is(err, store.ErrSchemaOld):
		return fmt.Errorf("%s: %w; \"sluice migrate\" brings it up to date, which other commands do not", place, err)
	case err != nil:
		return fmt.Errorf("open database %s: %w", place, err)
	}
	if err = b.db.Resume(ctx); err != nil {
		_ = b.db.Close() // the first error says more
		return fmt.Errorf("open database %s: %w", place, err)
	}
	return nil
}

// checkKeys makes sure that the keys of the data folder are the ones that belong to the database: with others no API key
// would be known and no page be found. A fresh database gets them.
func (b *base) checkKeys(ctx context.Context, fresh bool) error {
	place, err := placeOf(&b.config)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	var proof string
	known := func(tx *store.Tx) (err error) {
		if b.restored, err = tx.Installation().LastRestored(); err != nil {
			return err
		}
		proof, err = tx.Installation().KnownProof()
		return err
	}
	err = b.db.View(ctx, known)
	if fresh && errors.Is(err, store.ErrNotFound) {
		err = b.db.Update(ctx, func(tx *store.Tx) (err error) {
			proof, err = tx.Installation().Proof(b.keys.Proof())
			return err
		})
	}
	if errors.Is(err, store.ErrUnique) { // another node was first
		err = b.db.View(ctx, known)
	}
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%s was never set up: \"sluice serve\" and \"sluice migrate\" do", place)
	}
	if err != nil {
		return fmt.Errorf("keys of the database: %w", err)
	}
	if proof != b.keys.Proof() {
		return fmt.Errorf("%s in %s belongs to another database than %s: copy the one that this database was set up with",
			vault.KeyringFile, folderOf(&b.config), place)
	}
	b.tokenKeys = webhook.NewKeyRing(b.db, b.keys.SigningKey, rand.Reader, time.Now)
	return nil
}

// app is the running engine with everything that answers for it.
type app struct {
	*base
	engine    *engine.Engine
	desk      *admin.Desk
	metrics   *telemetry.Metrics
	simulator string // its address, in a demo
	limits    limits
	paced     *slog.Logger               // for what strangers can cause
	public    atomic.Pointer[web.Server] // once it serves
	ready     *web.Ready
	runner    atomic.Pointer[job.Runner] // once there is one
}

// newClient is the client for providers. Their addresses come from the operator, so
// they may be anywhere.
func newClient() *outbound.Client {
	return outbound.New(outbound.Options{Now: time.Now, Guard: outbound.GuardNone})
}

// newApp builds the object graph. publicURL is where customers and providers reach it.
func newApp(b *base, publicURL string) (*app, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name of this machine: %w", err)
	}
	a := &app{base: b, metrics: telemetry.NewMetrics(), paced: telemetry.Paced(b.log, time.Now)}
	a.engine = engine.New(engine.Config{
		DB: b.db, Connectors: connectors(), Client: newClient(), Vault: vault.NewHolder(time.Now), Keys: b.keys,
		IDs: b.ids, Now: time.Now, Random: rand.Reader, Log: b.log, Metrics: a.metrics, PublicURL: publicURL,
		Owner:     host + ":" + strconv.Itoa(os.Getpid()) + ":" + b.ids.Letters(8),
		Exclusive: b.db.Kind() == store.SQLite, Render: renderers(),
		Restored:      b.restored.Restored,
		ForbiddenHook: hookGuard(&b.config).ForbidsLiteral, InsecureHTTP: b.config.InsecureHTTP,
	})
	a.desk = admin.New(a.engine, b.tokenKeys)
	a.ready = newReady(a)
	a.desk.Database, a.desk.Version = b.config.Database.Reveal(), version
	if b.config.MasterKey == "" {
		a.desk.MasterFolder = b.config.Data
	}
	return a, nil
}

// handler mounts the dialects and the payment page.
func (a *app) handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	auth := api.NewAuth(a.engine)
	inbound.New(a.engine, a.paced, time.Now).Mount(mux)
	first, all := dialects(a.engine, auth, a.paced, ctx.Done())
	first.TrustedProxies = a.config.TrustedProxies
	for _, d := range all {
		d.Mount(mux)
		a.log.DebugContext(ctx, "dialect mounted", "dialect", d.Name())
	}
	yandexpay.MountKeys(mux, a.tokenKeys.Publish, a.paced)
	pages := checkout.New(checkout.Deps{
		Engine: a.engine, Log: a.paced, TrustedProxies: a.config.TrustedProxies,
		Rates: checkout.DefaultRates(), HTTPS: len(a.engine.PublicURL) > 5 && a.engine.PublicURL[:5] == "https",
	})
	pages.Mount(mux)
	if a.simulator != "" {
		welcome.Mount(mux, welcome.Facts{
			BaseURL: a.engine.PublicURL, Simulator: a.simulator, Version: version, Icon: pages.Icon(), HTTPS: pages.HTTPS(),
		})
	}
	a.mountProbes(mux)
	served := api.Exact(mux, first.Absent(pages.Absent()), yandexpay.BasePath, gateway.BasePath, checkout.BasePath)
	return web.Wrap(served, web.Common{
		Logger: a.paced, AccessLevel: slog.LevelDebug, Now: time.Now, Observe: a.metrics.ObserveHTTP,
		NewID: func() string { made, _ := a.ids.New(); return made },
	})
}
