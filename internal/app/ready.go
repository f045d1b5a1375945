package app

import (
	"context"
	"net/http"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/web"
)

// newReady is what /readyz looks at. A process that answers at all has brought its database up to date.
func (a *App) newReady() *web.Ready {
	return &web.Ready{Now: a.c.Now, Log: a.c.Log, Checks: map[string]func(context.Context) error{
		"storage":  func(context.Context) error { return a.c.DB.Failure() },
		"database": a.writable,
		"work": func(context.Context) error {
			if runner := a.runner.Load(); runner != nil {
				return runner.Alive()
			}
			return (&job.Runner{}).Alive()
		},
	}}
}

// writable writes something that changes nothing: that a database answers does not say that it takes anything.
func (a *App) writable(ctx context.Context) error {
	return a.c.DB.Update(ctx, func(tx *store.Tx) error {
		tx.Installation().Probe()
		return nil
	})
}

// MountProbes answers those who want to know whether the process lives, and whether to send it requests.
func (a *App) MountProbes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // the caller is gone if this fails
	})
	mux.Handle("GET /readyz", a.Ready)
}
