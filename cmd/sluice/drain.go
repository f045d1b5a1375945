package main

import (
	"context"
	"time"
)

// stopInOrder ends all servers when the process is told to stop: first it says that it is not ready any more, and takes
// requests for as long as load balancers need to hear that.
func (a *node) stopInOrder(told context.Context, g *group) {
	g.run(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-told.Done():
		}
		a.Ready.Stop()
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
