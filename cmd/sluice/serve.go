package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/web"
)

type serveCommand struct{ config.Flags }

// garbagePercent is how much may be allocated between two collections, as a share of what lives. Little does, so that
// the usual 100 means a collection every few megabytes and an eighth of the processor time.
const garbagePercent = 200

// Run serves until the process is told to stop or the storage fails, then lets running requests finish.
func (c *serveCommand) Run(s *surroundings) (err error) {
	if was := debug.SetGCPercent(garbagePercent); was != 100 {
		debug.SetGCPercent(was) // the operator's GOGC
	}
	if _, err := config.LoadServer(c.Flags, s.env); err != nil {
		return err
	}
	b, err := load(s, c.Flags, app.Make)
	if err != nil {
		return err
	}
	defer func() {
		if failed := b.Close(); err == nil { // else it is in err already
			err = failed
		}
	}()
	return b.serve(s)
}

// serve listens and begins. What the process that was here before has left is taken up first.
func (b *base) serve(s *surroundings) error {
	share, err := shareOut(descriptors(), &b.config)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(s.ctx, "tcp", b.config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	ready := readiness{BaseURL: urlOf(listener.Addr()), PID: os.Getpid()}
	publicURL := b.config.PublicURL
	if publicURL == "" {
		publicURL = ready.BaseURL
	}
	a, err := newNode(b, strings.TrimSuffix(publicURL, "/"))
	if err == nil {
		a.limits = share
		err = errors.Join(a.Begin(s.ctx), a.warnOfShops(s.ctx))
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return a.serve(s, listener, ready)
}

// serve answers on the listener, and does everything else that a server does, until the process is told to stop.
func (a *node) serve(s *surroundings, listener net.Listener, ready readiness) (err error) {
	g := group{}
	g.ctx, g.cancel = context.WithCancel(context.WithoutCancel(s.ctx))
	g.public, g.served = context.WithCancel(context.WithoutCancel(s.ctx))
	defer func() {
		err = errors.Join(err, g.wait())
		a.Drain()
	}()
	a.stopInOrder(s.ctx, &g)
	g.run(a.Fails)
	if a.config.Demo {
		if err := a.startDemo(&g, &ready); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	runner, err := a.NewRunner(app.Work{Endpoints: a.limits.endpoints, DrainFor: a.config.DrainTimeout})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer serveAdmin(g.ctx, a)()
	if err := a.serveMetrics(&g); err != nil {
		return errors.Join(err, listener.Close())
	}
	g.run(runner.Run)
	g.run(a.FetchGoogleRoots)
	server := a.server(a.Handler(g.ctx, app.Public{Stopping: g.ctx.Done(), Simulator: a.simulator}), a.caps("public", a.limits.connections, a.limits.perClient))
	a.public.Store(server)
	g.run(func(ctx context.Context) error {
		defer g.served()
		return server.Serve(ctx, listener)
	})
	return a.announce(s, &g, ready)
}

// announce tells people and scripts that the server answers, then waits for the end.
func (a *node) announce(s *surroundings, g *group, ready readiness) error {
	if a.config.Demo {
		ready.print(s.out)
	}
	a.log.InfoContext(g.ctx, "serving", "address", ready.BaseURL, "public_url", a.PublicURL(),
		"database", a.Kind(), "version", version, "connections", a.limits.connections)
	if path := a.config.ReadyFile; path != "" {
		if err := ready.write(path); err != nil {
			return err
		}
		defer func() { _ = os.Remove(path) }() // it says "answers now"; a missing file is as good
	}
	<-g.ctx.Done()
	a.log.InfoContext(context.WithoutCancel(g.ctx), "draining")
	return nil
}

// group runs servers until the first fails or all are told to stop.
type group struct {
	ctx    context.Context //nolint:containedctx // ends the servers
	cancel context.CancelFunc
	public context.Context //nolint:containedctx // ends when the public address is served no more
	served context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	errs   []error
}

func (g *group) run(f func(context.Context) error) {
	g.wg.Go(func() {
		if err := rescue.Call(func() error { return f(g.ctx) }); err != nil { // a panic ends the process in order
			g.mu.Lock()
			g.errs = append(g.errs, err)
			g.mu.Unlock()
			g.cancel()
		}
	})
}

func (g *group) wait() error {
	g.cancel()
	g.wg.Wait()
	return errors.Join(g.errs...)
}

func (a *node) server(h http.Handler, c web.Caps) *web.Server {
	return web.New(web.Options{Handler: h, Logger: a.strangers, DrainTimeout: a.config.DrainTimeout, Caps: c})
}

// serveMetrics answers on a listener of its own, never on the public one, and until that one is served no more: who asks
// there can see that the process is stopping.
func (a *node) serveMetrics(g *group) error {
	if a.config.MetricsListen == "" {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(g.ctx, "tcp", a.config.MetricsListen)
	if err != nil {
		return fmt.Errorf("listen for metrics: %w", err)
	}
	mux := http.NewServeMux()
	a.MountMetrics(mux, a.public.Load)
	a.MountProbes(mux)
	server := a.server(mux, a.caps("metrics", metricsConnections, 0))
	g.run(func(context.Context) error { return server.Serve(g.public, l) }) //nolint:contextcheck // it outlasts the others
	return nil
}

// readiness is what scripts learn when the server answers.
type readiness struct {
	BaseURL      string `json:"baseUrl"`
	ShopID       string `json:"shopId,omitempty"`
	APIKey       string `json:"apiKey,omitempty"`
	SigningKey   string `json:"signingKey,omitempty"`
	SimulatorURL string `json:"simulatorUrl,omitempty"`
	// YandexPay is the same shop in the words of the Yandex Pay merchant API.
	YandexPay *yandexPayAccess `json:"yandexPay,omitempty"`
	PID       int              `json:"pid"`

	demands shop.Required // of the demo shop
}

// yandexPayAccess is what a client of the Yandex Pay merchant API is configured with.
type yandexPayAccess struct {
	MerchantID string `json:"merchantId"`
	APIKey     string `json:"apiKey"`
}

// write renders the facts into the file; it holds keys.
func (r *readiness) write(path string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("render ready file: %w", err)
	}
	return private.Write(path, append(raw, '\n'))
}

// print is what a person sees who started the demo.
func (r *readiness) print(w io.Writer) {
	fmt.Fprintf(w, `Sluice is ready.

  API          %s
  API key      %s
  signing key  %s
  merchant id  %s   (Yandex Pay merchant API, the same key)
  simulator    %s   (ledger: %s/ledger)

Create a payment:

  curl -s %s/api/v1/payments \
    -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \
    -d '{"paymentType":"DEPOSIT","amount":11.12,"currency":"EUR","referenceId":"order-1"%s}'

(requiredParameters of this shop: %s. Under contract it demands customer and billingAddress, too.)

Or an order, as Yandex Pay has it:

  curl -s %s/api/merchant/v1/orders \
    -H 'Authorization: Api-Key %s' -H 'Content-Type: application/json' \
    -d '{"orderId":"A-1","currencyCode":"RUB","cart":{"total":{"amount":"180.00"},"items":[
         {"productId":"p1","title":"Tea","quantity":{"count":"2"},"total":"180.00"}]}}'

Open the "redirectUrl" or "paymentUrl" of the answer in a browser and pay with 4000 0000 0000 0408
(approved), 4000 0000 0000 0002 (3-D Secure) or 4000 0000 0000 0416 (declined).
Ctrl-C stops; the same command finds everything again.

`, r.BaseURL, r.APIKey, r.SigningKey, r.YandexPay.MerchantID, r.SimulatorURL, r.SimulatorURL, r.BaseURL, r.APIKey,
		r.demanded(), r.demands, r.BaseURL, r.APIKey)
}

// demanded is what the printed request needs besides where the shop demands all that is published.
func (r *readiness) demanded() string {
	if r.demands != shop.RequiredContract {
		return ""
	}
	return `,
         "customer":{"firstName":"John","lastName":"Doe","email":"john@example.com","phone":"44 2072243688","ip":"192.0.2.1"},
         "billingAddress":{"countryCode":"GB","city":"London","addressLine1":"221b Baker St","postalCode":"NW1 6XE"}`
}
