package main

import (
	"log/slog"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/engine"
)

// maxInFlight is how many requests of a dialect run at a time. One more is answered 429,
// before anything of it is stored.
const maxInFlight = 1024

// dialects is the registry of merchant APIs: one line a dialect. Requests that wait for
// something to happen end when stopping is closed.
// The first one answers for what is nobody's.
func dialects(e *engine.Engine, auth *api.Auth, log *slog.Logger, stopping <-chan struct{}) (*gateway.Gateway, []api.Dialect) {
	g := gateway.New(e, auth, log)
	g.Stopping, g.MaxInFlight = stopping, maxInFlight
	y := yandexpay.New(e, auth, log)
	y.MaxInFlight = maxInFlight
	return g, []api.Dialect{g, y}
}

// renderers words facts in the dialects' events.
func renderers() []engine.Renderer {
	return []engine.Renderer{
		{Dialect: gateway.Dialect, Word: gateway.Render},
		{Dialect: yandexpay.Dialect, OfParent: true, Word: yandexpay.Render},
	}
}
