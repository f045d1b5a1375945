package main

import (
	"context"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/web"
)

// newReady is what /readyz looks at. A process that answers at all has brought its database up to date.
func newReady(a *app) *web.Ready {
	return &web.Ready{Now: time.Now, Log: a.log, Checks: map[string]func(context.Context) error{
		"storage":  func(context.Context) error { return a.db.Failure() },
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
func (a *app) writable(ctx context.Context) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		tx.Installation().Probe()
		return nil
	})
}

// mountProbes answers those who want to know whether the process lives, and whether to send it requests.
func (a *app) mountProbes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // the caller is gone if this fails
	})
	mux.Handle("GET /readyz", a.ready)
}

// stopInOrder ends all servers when the process is told to stop: first it says that it is not ready any more, and takes
// requests for as long as load balancers need to hear that.
func (a *app) stopInOrder(told context.Context, g *group) {
	g.run(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-told.Done():
		}
		a.ready.Stop()
		if a.config.DrainDelay > 0 {
			a.log.InfoContext(ctx, "told to stop", "requests_taken_for", a.config.DrainDelay.String())
			wait := time.NewTimer(a.config.DrainDelay)
			defer wait.Stop()
			select {
			case <-wait.C:
			case <-ctx.Done():
			}
		}
		g.cancel()
		return nil
	})
}
