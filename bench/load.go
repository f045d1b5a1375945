package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// step does one piece of work on a connection of its own and returns how many units it did.
type step func() (units int, err error)

// work opens the connection of one worker. The deadline is when even a stuck worker must have ended.
type work func(ctx context.Context, worker int, deadline time.Time) (do step, done func(), err error)

// timing is how long a load runs: warm is not counted, count is.
type timing struct{ warm, count time.Duration }

// deadline is when a load that began now must be over, whatever hangs.
func (t timing) deadline() time.Time { return time.Now().Add(t.warm + t.count + time.Minute) }

// sample is what one load of one cell came to.
type sample struct {
	Rate float64       `json:"perSecond"`
	P50  time.Duration `json:"p50ns,omitempty"`
	P99  time.Duration `json:"p99ns,omitempty"`
	// CPU is the processor time of the measured server for one unit, database servers not included.
	CPU time.Duration `json:"serverCpuNs,omitempty"`
}

// load is a number of workers that do the same.
type load struct {
	work  work
	conns int
	cpu   func() time.Duration // processor time that the server has used so far; nil if nobody asks
}

// crew runs the workers of a load and collects what they report.
type crew struct {
	cancel context.CancelCauseFunc // ends the crew's context
	wg     sync.WaitGroup
	units  atomic.Int64
	mu     sync.Mutex
	took   []time.Duration
}

// start opens all connections first and then lets loop run for each of them at once.
func (c *crew) start(ctx context.Context, l *load, deadline time.Time, loop func(step)) error {
	begin := make(chan struct{})
	for i := range l.conns {
		do, done, err := l.work(ctx, i, deadline)
		if err != nil {
			c.cancel(err)
			close(begin)
			c.wg.Wait()
			return fmt.Errorf("connection %d: %w", i, err)
		}
		c.wg.Go(func() {
			defer done()
			<-begin
			loop(do)
		})
	}
	close(begin)
	return nil
}

// end waits for the workers and returns the error of the first that failed.
func (c *crew) end(ctx context.Context) error {
	c.wg.Wait()
	err := context.Cause(ctx)
	c.cancel(nil)
	return err
}

func (c *crew) report(took []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = append(c.took, took...)
}

// closedLoop lets every worker begin its next piece as soon as the last has ended. It counts what ended between the end
// of the warm-up and the end of the time.
func (l *load) closedLoop(ctx context.Context, t timing) (sample, error) {
	var counting, over atomic.Bool
	c := &crew{}
	ctx, c.cancel = context.WithCancelCause(ctx)
	err := c.start(ctx, l, t.deadline(), func(do step) {
		took := make([]time.Duration, 0, 4096)
		for !over.Load() && ctx.Err() == nil {
			began := time.Now()
			n, err := do()
			if err != nil {
				c.cancel(err)
				return
			}
			if counting.Load() && !over.Load() {
				took = append(took, time.Since(began))
				c.units.Add(int64(n))
			}
		}
		c.report(took)
	})
	if err != nil {
		return sample{}, err
	}
	pause(ctx, t.warm)
	before, began := l.used(), time.Now()
	counting.Store(true)
	pause(ctx, t.count)
	for c.units.Load() == 0 && ctx.Err() == nil && time.Since(began) < 10*time.Second { // a very short time on a busy machine
		pause(ctx, time.Millisecond)
	}
	over.Store(true)
	lasted, used := time.Since(began), l.used()-before
	if err := c.end(ctx); err != nil {
		return sample{}, err
	}
	return c.sample(lasted, used), nil
}

// openLoop begins a piece every so often, whether or not the last has been answered, with as many in flight as there are
// workers. The time of a piece runs from the instant at which it should have begun, so that a queue cannot hide.
func (l *load) openLoop(ctx context.Context, t timing, perSecond float64) (sample, error) {
	every := time.Duration(float64(time.Second) / perSecond)
	warm := int64(t.warm / every)
	pieces := max(int64((t.warm+t.count)/every), warm+1)
	var next atomic.Int64
	began := time.Now().Add(20 * time.Millisecond) // when all workers are ready
	before := l.used()
	c := &crew{}
	ctx, c.cancel = context.WithCancelCause(ctx)
	err := c.start(ctx, l, t.deadline(), func(do step) {
		var took []time.Duration
		for i := next.Add(1) - 1; i < pieces && ctx.Err() == nil; i = next.Add(1) - 1 {
			due := began.Add(time.Duration(i) * every)
			pause(ctx, time.Until(due))
			n, err := do()
			if err != nil {
				c.cancel(err)
				return
			}
			if i >= warm {
				took = append(took, time.Since(due))
				c.units.Add(int64(n))
			}
		}
		c.report(took)
	})
	if err != nil {
		return sample{}, err
	}
	if err := c.end(ctx); err != nil {
		return sample{}, err
	}
	return c.sample(time.Since(began)-t.warm, l.used()-before), nil
}

func (l *load) used() time.Duration {
	if l.cpu == nil {
		return 0
	}
	return l.cpu()
}

func (c *crew) sample(lasted, used time.Duration) sample {
	units := c.units.Load()
	s := sample{Rate: float64(units) / lasted.Seconds(), P50: percentile(c.took, 50), P99: percentile(c.took, 99)}
	if units > 0 {
		s.CPU = used / time.Duration(units)
	}
	return s
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// percentile sorts times and returns the one below or at which p of a hundred lie; 0 of none.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min((len(times)*p+99)/100, len(times))-1]
}

// median returns the middle value, or the mean of the middle two; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
