package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/address"
	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/webhook"
)

// workDeliveries names the deliveries among the kinds of due work.
const workDeliveries = "deliveries"

// hookGuard says where merchants' endpoints may be.
func hookGuard(c *config.Config) outbound.Guard {
	networks := slices.Clone(c.PrivateWebhooks)
	if c.Demo { // its receivers are on the developer's machine
		networks = append(networks, address.LoopbackNetworks()...)
	}
	return outbound.GuardAlso(networks...)
}

// newRunner plugs what comes due together: payments and notices are the engine's,
// deliveries the webhooks'.
func (a *app) newRunner() (*job.Runner, error) {
	deliverer := webhook.New(webhook.Config{
		DB: a.db, Client: webhook.NewClient(hookGuard(&a.config), time.Now), Shop: a.engine.Shop, Now: time.Now, Random: rand.Reader,
		Log: a.log, Bell: a.engine.Bell, Protocols: map[string]webhook.Protocol{
			gateway.Dialect: webhook.Gateway(), yandexpay.Dialect: webhook.YandexPay(a.tokenKeys),
		},
		Observe: func(outcome string, took time.Duration) { a.metrics.HookPosts.Observe(took, outcome) },
		Changed: func(state store.EndpointState) { a.metrics.HookEndpoints.Inc(string(state)) },
	})
	runner, err := job.New(job.Options{
		DB: a.db, Node: a.engine.Owner, Exclusive: a.engine.Exclusive, Now: time.Now, Random: rand.Reader, Log: a.log,
		Kinds: append(a.engine.Kinds(), deliveries(deliverer, a.engine.Bell, a.limits.endpoints)), Next: a.engine.NextWork(workDeliveries),
		DrainFor: a.config.DrainTimeout, PollEvery: pollEvery(a.engine.Exclusive), Alarm: a.engine.WorkUnread,
	})
	if err != nil {
		return nil, err
	}
	a.engine.Wake = func(k store.EndpointKey) {
		deliverer.Wake(k)
		runner.Wake(workDeliveries, k.String(), k.Shard())
	}
	return runner, nil
}

// pollEvery is how often an idle process looks for work that others have put into the
// database. With the renewal of leases that makes one small query a second; work of its
// own wakes a process at once.
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
func deliveries(d *webhook.Deliverer, bell *alarm.Bell, atOnce int) job.Kind {
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
			if err == nil && !next.IsZero() && !next.After(time.Now()) {
				return job.ErrMore
			}
			return err
		},
		// An endpoint's deliveries keep their own times; a database that failed is tried
		// again at the next look. What is wrong with the endpoint's rows passes by no waiting.
		Failed: func(ctx context.Context, i job.Item, err error, _ time.Time) error {
			k, ok := store.ParseEndpointKey(i.Key)
			last, _ := told.Load(i.Key)
			if at, again := last.(time.Time); again && time.Since(at) < tellEvery {
				return nil
			}
			if ok && !errors.Is(err, store.ErrUnavailable) {
				told.Store(i.Key, time.Now())
				bell.Raise(ctx, alarm.Alarm{Shop: k.Shop, About: alarm.Endpoint, Subject: k.ID, Why: whyEndpointFails}.Of(err))
			}
			return nil
		},
	}
}
