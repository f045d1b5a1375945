package app

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/web"
)

const (
	// sampleEvery bounds how often the database is asked, however often the page is read.
	sampleEvery   = time.Second
	sampleTimeout = 2 * time.Second
)

// sampler fills in the metrics whose sources keep the numbers themselves, when the page is read and not before: an engine
// that nobody watches asks the database nothing for them.
type sampler struct {
	app    *App
	public func() *web.Server
	mu     sync.Mutex
	asked  time.Time
}

// MountMetrics serves the page of metrics. public returns the server of the public address, nil before there is one.
func (a *App) MountMetrics(mux *http.ServeMux, public func() *web.Server) {
	s := &sampler{app: a, public: public}
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		s.take(r.Context())
		a.Metrics.Handler().ServeHTTP(w, r)
	})
}

func (s *sampler) take(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store()
	s.work()
	if public := s.public(); public != nil {
		s.app.Metrics.Connections.Set(int64(public.Open()), "public")
	}
	if now := s.app.c.Now(); now.Sub(s.asked) >= sampleEvery {
		s.asked = now
		s.backlog(ctx, now)
	}
}

// total is a count as counters hold it.
func total(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

func (s *sampler) store() {
	m, now := s.app.Metrics, s.app.c.DB.Stats()
	m.StoreGroups.Reach(total(now.Groups))
	m.StoreBodies.Reach(total(now.Sets))
	m.StoreReruns.Reach(total(now.Reruns))
}

func (s *sampler) work() {
	runner := s.app.runner.Load()
	if runner == nil {
		return
	}
	m, now := s.app.Metrics, runner.Stats()
	m.WorkShards.Set(int64(now.Shards))
	m.WorkQueries.Reach(total(now.Queries))
	for _, k := range now.Kinds {
		m.WorkRunning.Set(int64(k.Running), k.Name)
		m.WorkWaiting.Set(int64(k.Waiting), k.Name)
		m.WorkDone.Reach(total(k.Done), k.Name, "done")
		m.WorkDone.Reach(total(k.Failed-k.Parked), k.Name, "failed")
		m.WorkDone.Reach(total(k.Parked), k.Name, "parked")
	}
}

// backlog asks the database what waits. Numbers that cannot be had are not shown.
func (s *sampler) backlog(ctx context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
	defer cancel()
	m := s.app.Metrics
	var found store.Backlog
	err := s.app.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.Work().Backlog(now)
		return err
	})
	if err != nil {
		s.app.c.Log.WarnContext(ctx, "the backlog is not known", "error", err)
		m.WorkLate.Clear()
		m.HookBacklog.Clear()
		return
	}
	m.HookBacklog.Set(found.Deliveries)
	for kind, due := range map[string]time.Time{
		engine.WorkPayments: found.Payment, engine.WorkNotices: found.Notice, engine.WorkUntold: found.Untold, workDeliveries: found.Delivery,
	} {
		late := time.Duration(0)
		if !due.IsZero() {
			late = max(now.Sub(due), 0)
		}
		m.WorkLate.Set(int64(late/time.Second), kind)
	}
}
