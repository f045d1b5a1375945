package job

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

// shards is what this node holds at this moment.
type shards struct {
	now func() time.Time

	mu    sync.Mutex
	open  bool               // held for good, without leases
	until time.Time          // how long the held ones certainly stand
	held  map[int64]*holding // may be past until
	freed func()             // told, without the mutex, that a leaving shard became idle
}

// holding is one held shard.
type holding struct {
	fence   int64
	leaving bool // nothing new is begun
	next    int  // number of the next running handler
	running map[int]context.CancelCauseFunc
}

func newShards(now func() time.Time) *shards {
	return &shards{now: now, held: map[int64]*holding{}}
}

// openAll holds every shard from now on, with fence 0.
func (s *shards) openAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = true
	for shard := range int64(store.Shards) {
		s.held[shard] = newHolding(0)
	}
}

func newHolding(fence int64) *holding {
	return &holding{fence: fence, running: map[int]context.CancelCauseFunc{}}
}

// stand reports that the leases stand. Both clocks must agree: the monotonic one stops
// while a machine sleeps, the wall clock can be set back.
func (s *shards) stand() bool {
	if s.open {
		return true
	}
	now := s.now()
	return now.Before(s.until) && now.Round(0).Before(s.until.Round(0))
}

// holds is Runner.Holds.
func (s *shards) holds(shard int64) (fence int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[shard]
	if h == nil || !s.stand() {
		return 0, false
	}
	return h.fence, true
}

// list returns the held shards, ascending; with leaving also those being given up.
func (s *shards) list(leaving bool) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stand() {
		return nil
	}
	var list []int64
	for shard, h := range s.held {
		if leaving || !h.leaving {
			list = append(list, shard)
		}
	}
	slices.Sort(list)
	return list
}

// begin counts a handler in. Its context ends when the shard is lost. end must be called
// when the handler has returned.
func (s *shards) begin(ctx context.Context, shard int64) (own context.Context, end func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[shard]
	if h == nil || h.leaving || !s.stand() {
		return nil, nil, false
	}
	own, cancel := context.WithCancelCause(ctx)
	n := h.next
	h.next++
	h.running[n] = cancel
	return own, func() { s.end(h, n) }, true
}

func (s *shards) end(h *holding, n int) {
	s.mu.Lock()
	cancel := h.running[n]
	delete(h.running, n)
	idle := h.leaving && len(h.running) == 0
	freed := s.freed
	s.mu.Unlock()
	cancel(nil)
	if idle && freed != nil {
		freed()
	}
}

// settle takes over what was agreed: the shards with their fences, standing until the
// given instant, and how many of them are too many. It reports whether there are new ones
// and whether some can be given up at once.
func (s *shards) settle(agreed map[int64]int64, until time.Time, surplus int) (gained, idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = until
	for shard, h := range s.held {
		if fence, ok := agreed[shard]; !ok || fence != h.fence {
			s.lose(shard, h)
		}
	}
	for shard, fence := range agreed {
		if s.held[shard] == nil {
			s.held[shard] = newHolding(fence)
			gained = true
		}
	}
	return s.markLeaving(surplus) || gained, len(s.idleLeaving()) > 0
}

// extend says that what is held stands longer.
func (s *shards) extend(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = until
}

// markLeaving makes exactly so many shards leaving: those that leave already, then idle
// ones, then the rest. It reports whether one stays after all.
func (s *shards) markLeaving(surplus int) (stays bool) {
	order := slices.SortedFunc(maps.Keys(s.held), func(a, b int64) int {
		if c := s.held[a].reluctance() - s.held[b].reluctance(); c != 0 {
			return c
		}
		return int(b - a)
	})
	for i, shard := range order {
		h := s.held[shard]
		stays = stays || h.leaving && i >= surplus
		h.leaving = i < surplus
	}
	return stays
}

func (h *holding) reluctance() int {
	switch {
	case h.leaving:
		return 0
	case len(h.running) == 0:
		return 1
	}
	return 2
}

// leaveAll begins giving up everything.
func (s *shards) leaveAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.markLeaving(len(s.held))
}

// dropIdle forgets the leaving shards in which nothing runs, and returns them. They are
// no longer held whatever comes of giving them back.
func (s *shards) dropIdle() map[int64]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped := map[int64]bool{}
	for _, shard := range s.idleLeaving() {
		delete(s.held, shard)
		dropped[shard] = true
	}
	return dropped
}

func (s *shards) idleLeaving() []int64 {
	var idle []int64
	for shard, h := range s.held {
		if h.leaving && len(h.running) == 0 {
			idle = append(idle, shard)
		}
	}
	return idle
}

// lapse loses everything if the leases no longer stand; otherwise it returns how long
// they still do.
func (s *shards) lapse() (left time.Duration, lapsed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stand() {
		return s.until.Sub(s.now()), false
	}
	lapsed = len(s.held) > 0
	for shard, h := range s.held {
		s.lose(shard, h)
	}
	return 0, lapsed
}

// close lets everything go for good.
func (s *shards) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
	for shard, h := range s.held {
		s.lose(shard, h)
	}
}

func (s *shards) lose(shard int64, h *holding) {
	delete(s.held, shard)
	for _, cancel := range h.running {
		cancel(ErrLeaseLost)
	}
}
