package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/certificates"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/kept"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/sealing"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/tally"
	"github.com/sluicepay/sluice/internal/webhook"
)

// workDeliveries names the deliveries among the kinds of due work.
const workDeliveries = "deliveries"

// Work says how what comes due is done.
type Work struct {
	// Endpoints is how many of merchants' endpoints are worked on at a time. With none nothing is posted.
	Endpoints int
	// DrainFor is how long what runs may go on when the runner stops; the runner's own when zero.
	DrainFor time.Duration
	// PollEvery is how often an idle process looks for work that others have put into the database; as fits it when zero. Work
	// of its own wakes a process at once.
	PollEvery time.Duration
	// LeaseFor is within what time the work of a process that died is done by others; the runner's own when zero.
	LeaseFor time.Duration
}

// NewRunner plugs what comes due together: payments and notices are the engine's, deliveries the webhooks'. There is one for each
// App; it does nothing until it runs.
func (a *App) NewRunner(w Work) (*job.Runner, error) {
	due := a.Engine.DueWork(sealing.Name, workDeliveries)
	lists := tally.New(tally.Config{DB: a.c.DB, Now: a.c.Now, Log: a.c.Log, Bell: a.Engine.Bell()})
	cards := &kept.Forgetter{DB: a.c.DB, Now: a.c.Now, Log: a.c.Log}
	ends := &certificates.Watch{DB: a.c.DB, Bell: a.Engine.Bell(), Types: a.c.Connectors, Now: a.c.Now, Log: a.c.Log}
	kinds := slices.Concat(due.Kinds, []job.Kind{a.Sealing(), lists.Kind(), cards.Kind(), ends.Kind()})
	deliverer := a.NewDeliverer()
	if w.Endpoints > 0 {
		kinds = append(kinds, a.deliveries(deliverer, w.Endpoints))
	}
	if w.PollEvery == 0 {
		w.PollEvery = pollEvery(a.exclusive())
	}
	runner, err := job.New(job.Options{
		DB: a.c.DB, Node: a.c.Owner, Exclusive: a.exclusive(), Now: a.c.Now, Random: a.c.Random, Log: a.c.Log,
		Kinds: kinds, Next: ends.After(cards.After(lists.After(due.Next))),
		DrainFor: w.DrainFor, PollEvery: w.PollEvery, LeaseFor: w.LeaseFor, Alarm: due.Unread,
	})
	if err != nil {
		return nil, err
	}
	if w.Endpoints > 0 {
		a.hooks.Store(deliverer)
	}
	a.runner.Store(runner)
	return runner, nil
}

// Sealing is the work of sealing anew what stands in the database.
func (a *App) Sealing() job.Kind {
	return sealing.Kind(sealing.Config{DB: a.c.DB, Now: a.c.Now, Log: a.c.Log, Bell: a.Engine.Bell()})
}

// NewDeliverer returns what posts the events of every dialect. Its Drain posts what is due without a runner.
func (a *App) NewDeliverer() *webhook.Deliverer {
	client := webhook.NewClient(a.c.Hooks, a.c.Now)
	if a.c.Transport != nil {
		client = outbound.New(outbound.Options{Now: a.c.Now, Transport: a.c.Transport})
	}
	return webhook.New(webhook.Config{
		DB: a.c.DB, Client: client, Shop: a.Engine.Shop, Now: a.c.Now, Random: a.c.Random, Log: a.c.Log, Bell: a.Engine.Bell(),
		Protocols: a.protocols(),
		Observe:   func(outcome string, took time.Duration) { a.Metrics.HookPosts.Observe(took, outcome) },
		Changed:   func(state store.EndpointState) { a.Metrics.HookEndpoints.Inc(string(state)) },
	})
}

// wake has a new delivery posted at once, where this process posts any.
func (a *App) wake(k store.EndpointKey) {
	deliverer := a.hooks.Load()
	if deliverer == nil {
		return
	}
	deliverer.Wake(k)
	if runner := a.runner.Load(); runner != nil {
		runner.Wake(workDeliveries, k.String(), k.Shard())
	}
}

// pollEvery is how often an idle process looks for work that others have put into the
// database. With the renewal of leases that makes one small query a second.
func pollEvery(exclusive bool) time.Duration {
	if exclusive {
		return time.Second
	}
	return 2 * time.Second
}

// tellEvery is how often a human is told of an endpoint that fails turn after turn, a second apart.
const tellEvery = time.Hour

// whyEndpointFails is what a human is told where a turn of work on an endpoint fails by itself.
const whyEndpointFails = "work on the endpoint fails"

// deliveries makes one endpoint the unit of work.
func (a *App) deliveries(d *webhook.Deliverer, atOnce int) job.Kind {
	var told sync.Map // when a human was told about an endpoint whose turns fail, by key
	return job.Kind{
		Name: workDeliveries, Concurrency: atOnce,
		Due: func(ctx context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
			due, err := d.Due(ctx, shards, before, limit)
			items := make([]job.Item, len(due))
			for i, e := range due {
				items[i] = job.Item{Key: e.String(), Owner: string(e.Shop), Shard: e.Shard(), Due: e.Due}
			}
			return items, err
		},
		Run: func(ctx context.Context, i job.Item) error {
			k, ok := store.ParseEndpointKey(i.Key)
			if !ok {
				return fmt.Errorf("no endpoint: %q", i.Key)
			}
			next, err := d.Run(ctx, k)
			if errors.Is(err, webhook.ErrRunning) {
				return nil
			}
			if err == nil && !next.IsZero() && !next.After(a.c.Now()) {
				return job.ErrMore
			}
			return err
		},
		// An endpoint's deliveries keep their own times; a database that failed is tried
		// again at the next look. What is wrong with the endpoint's rows passes by no waiting.
		Failed: func(ctx context.Context, i job.Item, err error, _ time.Time) error {
			k, ok := store.ParseEndpointKey(i.Key)
			last, _ := told.Load(i.Key)
			if at, again := last.(time.Time); again && a.c.Now().Sub(at) < tellEvery {
				return nil
			}
			if ok && !errors.Is(err, store.ErrUnavailable) {
				told.Store(i.Key, a.c.Now())
				a.Engine.Bell().Raise(ctx, alarm.Alarm{Shop: k.Shop, About: alarm.Endpoint, Subject: k.ID, Why: whyEndpointFails}.Of(err))
			}
			return nil
		},
	}
}
