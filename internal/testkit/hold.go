package testkit

import (
	"context"
	"sync"
	"time"
)

// Held is a delay of the simulator, as simulator.Effect.DelayMs, that does not end by time but by Release.
const Held = int64(time.Hour / time.Millisecond)

// Release lets go what the simulator delays by Held, and what comes until Hold.
func (a *App) Release() {
	a.gate.Lock()
	defer a.gate.Unlock()
	close(a.gate.shut)
}

// Hold takes back a Release.
func (a *App) Hold() {
	a.gate.Lock()
	defer a.gate.Unlock()
	a.gate.shut = make(chan struct{})
}

// Holding is how many calls the simulator delays by Held now.
func (a *App) Holding() int {
	a.gate.Lock()
	defer a.gate.Unlock()
	return a.gate.holds
}

type gate struct {
	sync.Mutex
	shut  chan struct{}
	holds int // calls that wait for shut
}

// enter returns what is closed when the delays by Held end.
func (g *gate) enter() chan struct{} {
	g.Lock()
	defer g.Unlock()
	g.holds++
	return g.shut
}

func (g *gate) leave() {
	g.Lock()
	defer g.Unlock()
	g.holds--
}

// wait is how the simulator waits.
func (g *gate) wait(ctx context.Context, d time.Duration) error {
	var over <-chan time.Time
	var open chan struct{}
	if d.Milliseconds() == Held {
		open = g.enter()
		defer g.leave()
	} else {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-open:
		return nil
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
