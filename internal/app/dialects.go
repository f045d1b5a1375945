package app

import (
	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/outbox"
	"github.com/sluicepay/sluice/internal/webhook"
)

// dialects is the registry of merchant APIs: one line a dialect. Requests that wait for
// something to happen end when stopping is closed.
// The first one answers for what is nobody's.
func (a *App) dialects(stopping <-chan struct{}) (*gateway.Gateway, []api.Dialect) {
	var gate *api.Gate
	if a.c.MaxInFlight > 0 {
		gate = api.NewGate(a.c.MaxInFlight, a.c.Now)
	}
	auth := api.NewAuth(a.Engine)
	g := gateway.New(a.Engine, a.Records, auth, a.c.Strangers)
	g.Stopping, g.Gate, g.TrustedProxies = stopping, gate, a.c.TrustedProxies
	g.Hooks = api.Hooks{Forbidden: a.c.Hooks.ForbidsLiteral, Clear: a.c.InsecureHTTP}
	y := yandexpay.New(a.Engine, a.Records, auth, a.c.Strangers)
	y.Gate = gate
	if a.c.Patience > 0 {
		y.MostPatience = a.c.Patience
	}
	return g, []api.Dialect{g, y}
}

// renderers words facts in the dialects' events.
func renderers() []outbox.Renderer {
	return []outbox.Renderer{
		{Dialect: gateway.Dialect, Word: gateway.Render},
		{Dialect: yandexpay.Dialect, OfParent: true, Word: yandexpay.Render},
	}
}

// protocols posts the events of each dialect as its merchants expect them.
func (a *App) protocols() map[string]webhook.Protocol {
	return map[string]webhook.Protocol{gateway.Dialect: webhook.Gateway(), yandexpay.Dialect: webhook.YandexPay(a.TokenKeys)}
}
