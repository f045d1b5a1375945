package main

import (
	"log/slog"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/engine"
)

// maxInFlight is how many requests of merchants run at a time, of which one shop may have as many as it leaves free: half
// of them, if it is alone. One more is answered 429, before anything of it is stored.
const maxInFlight = 2048

// dialects is the registry of merchant APIs: one line a dialect. Requests that wait for
// something to happen end when stopping is closed.
// The first one answers for what is nobody's.
func dialects(e *engine.Engine, auth *api.Auth, log *slog.Logger, stopping <-chan struct{}) (*gateway.Gateway, []api.Dialect) {
	gate := api.NewGate(maxInFlight, time.Now)
	g := gateway.New(e, auth, log)
	g.Stopping, g.Gate = stopping, gate
	y := yandexpay.New(e, auth, log)
	y.Gate = gate
	return g, []api.Dialect{g, y}
}

// renderers words facts in the dialects' events.
func renderers() []engine.Renderer {
	return []engine.Renderer{
		{Dialect: gateway.Dialect, Word: gateway.Render},
		{Dialect: yandexpay.Dialect, OfParent: true, Word: yandexpay.Render},
	}
}
