package main

import (
	"log/slog"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/engine"
)

// dialects is the registry of merchant APIs: one line a dialect.
func dialects(e *engine.Engine, auth *api.Auth, log *slog.Logger) []api.Dialect {
	return []api.Dialect{
		gateway.New(e, auth, log),
	}
}
