package job

import "time"

// Stats is a runner's state for metrics.
type Stats struct {
	Shards  int    // held now
	Queries uint64 // questions to the store and renewals of leases since the start, handlers' own not counted
	Kinds   []KindStats
}

// KindStats is the state of one kind of work in this node. Counters count since the start.
type KindStats struct {
	Name    string
	Running int       // handlers
	Waiting int       // items that were read and wait for a handler
	Oldest  time.Time // since when the longest due of both has been due; zero when there is none
	Done    uint64
	Failed  uint64
	Parked  uint64 // those failures that were the last
}

// Stats returns the state now; kinds are in the order in which they were given.
func (r *Runner) Stats() Stats {
	s := Stats{Shards: len(r.Held()), Queries: r.polls.Load()}
	if r.keeper != nil {
		s.Queries += r.keeper.queries.Load()
	}
	for _, l := range r.lanes {
		kind, queries := l.stats()
		s.Kinds = append(s.Kinds, kind)
		s.Queries += queries
	}
	return s
}

// running counts handlers.
func (r *Runner) running() int {
	n := 0
	for _, k := range r.Stats().Kinds {
		n += k.Running
	}
	return n
}

func (l *lane) stats() (KindStats, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := KindStats{
		Name: l.kind.Name, Running: l.count.running, Waiting: l.queue.count,
		Done: l.count.done, Failed: l.count.failed, Parked: l.count.parked,
	}
	for _, t := range l.tasks {
		s.Oldest = earlier(s.Oldest, t.item.Due)
	}
	return s, l.count.queries
}
