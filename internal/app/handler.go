package app

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/checkout"
	"github.com/sluicepay/sluice/internal/inbound"
	"github.com/sluicepay/sluice/internal/web"
	"github.com/sluicepay/sluice/internal/welcome"
)

// Public is what a handler is told besides.
type Public struct {
	// Stopping ends requests that wait for something to happen when it is closed; nil never does.
	Stopping <-chan struct{}
	// Simulator is its address where this is a demo, which has a page at /.
	Simulator string
}

// Handler serves everything that is public: the dialects, the payment page, notices of providers and the probes.
func (a *App) Handler(ctx context.Context, p Public) http.Handler {
	mux := http.NewServeMux()
	inbound.New(a.Engine, a.c.Strangers, a.c.Now).Mount(mux)
	first, all := a.dialects(p.Stopping)
	for _, d := range all {
		d.Mount(mux)
		a.c.Log.DebugContext(ctx, "dialect mounted", "dialect", d.Name())
	}
	yandexpay.MountKeys(mux, a.TokenKeys.Publish, a.c.Strangers)
	pages := checkout.New(checkout.Deps{
		Engine: a.Engine, Log: a.c.Strangers, PublicURL: a.c.PublicURL, TrustedProxies: a.c.TrustedProxies, Rates: a.c.Rates,
		Sold: a.sold, Logo: a.logo, Session: a.apple.begin,
	})
	pages.Mount(mux)
	a.mountAssociations(mux)
	if p.Simulator != "" {
		welcome.Mount(mux, welcome.Facts{
			BaseURL: a.c.PublicURL, Simulator: p.Simulator, Version: a.c.Version, Icon: pages.Icon(), HTTPS: pages.HTTPS(),
		})
	}
	a.MountProbes(mux)
	served := api.Exact(mux, first.Absent(pages.Absent()), yandexpay.BasePath, gateway.BasePath, checkout.BasePath)
	return web.Wrap(served, web.Common{
		Logger: a.c.Strangers, AccessLevel: slog.LevelDebug, Now: a.c.Now, Observe: a.Metrics.ObserveHTTP,
		NewID: a.c.RequestID,
	})
}
