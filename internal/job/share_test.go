package job

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/store"
)

func TestDivide(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	node := func(id string, left time.Duration) store.Node { return store.Node{ID: id, Expires: now.Add(left)} }
	me, other := node("me", time.Second), node("other", time.Second)
	owned := func(owner string, from, to int64) []store.Lease { // each shard with its own number, plus one, as fence
		var list []store.Lease
		for shard := from; shard < to; shard++ {
			list = append(list, store.Lease{Shard: shard, Owner: owner, Fence: shard + 1})
		}
		return list
	}
	type want struct {
		Join                         bool
		Dead, Take, Release, Held    int
		Surplus, Nodes               int
		FirstTaken, FenceOfFirstHeld int64
	}
	for _, c := range []struct {
		name string
		m    store.Members
		q    request
		want want
	}{
		{
			"the first node of all takes everything",
			store.Members{}, request{},
			want{Join: true, Take: 64, Held: 64, Nodes: 1, FenceOfFirstHeld: 1},
		},
		{
			"what stands is kept with its fence",
			store.Members{Nodes: []store.Node{me}, Leases: owned("me", 0, 64)}, request{},
			want{Held: 64, Nodes: 1, FirstTaken: -1, FenceOfFirstHeld: 1},
		},
		{
			"a late node that nobody removed keeps what it has",
			store.Members{Nodes: []store.Node{node("me", -time.Hour)}, Leases: owned("me", 0, 64)}, request{},
			want{Held: 64, Nodes: 1, FirstTaken: -1, FenceOfFirstHeld: 1},
		},
		{
			"a removed node gives each lease in its name a new fence",
			store.Members{Leases: owned("me", 0, 64)}, request{},
			want{Join: true, Take: 64, Held: 64, Nodes: 1, FenceOfFirstHeld: 2},
		},
		{
			"a removed node releases what it does not take again",
			store.Members{Nodes: []store.Node{other}, Leases: owned("me", 0, 40)}, request{},
			want{Join: true, Take: 32, Release: 8, Held: 32, Nodes: 2, FenceOfFirstHeld: 2},
		},
		{
			"a node that joins waits for what others have",
			store.Members{Nodes: []store.Node{other}, Leases: owned("other", 0, 64)}, request{},
			want{Join: true, Nodes: 2, FirstTaken: -1},
		},
		{
			"one that has too much is told so",
			store.Members{Nodes: []store.Node{me, other}, Leases: owned("me", 0, 64)}, request{},
			want{Held: 64, Surplus: 32, Nodes: 2, FirstTaken: -1, FenceOfFirstHeld: 1},
		},
		{
			"what was dropped is released",
			store.Members{Nodes: []store.Node{me, other}, Leases: owned("me", 0, 64)},
			request{dropped: map[int64]bool{0: true, 1: true}},
			want{Release: 2, Held: 62, Surplus: 30, Nodes: 2, FirstTaken: -1},
		},
		{
			"a dead node is removed and its part taken",
			store.Members{Nodes: []store.Node{me, node("other", -time.Microsecond)}, Leases: append(owned("me", 0, 32), owned("other", 32, 64)...)}, request{},
			want{Dead: 1, Take: 32, Held: 64, Nodes: 1, FirstTaken: 32, FenceOfFirstHeld: 1},
		},
		{
			"a node is alive up to its last microsecond",
			store.Members{Nodes: []store.Node{me, node("other", 0)}, Leases: append(owned("me", 0, 32), owned("other", 32, 64)...)}, request{},
			want{Held: 32, Nodes: 2, FirstTaken: -1, FenceOfFirstHeld: 1},
		},
		{
			"what a node left behind is shared",
			store.Members{Nodes: []store.Node{me, other}, Leases: append(owned("me", 0, 22), owned("gone", 22, 64)...)}, request{},
			want{Take: 10, Held: 32, Nodes: 2, FirstTaken: 22, FenceOfFirstHeld: 1},
		},
		{
			"a leaving node counts no more but keeps what it has",
			store.Members{Nodes: []store.Node{me, {ID: "other", Expires: now, Leaving: true}}, Leases: append(owned("me", 0, 32), owned("other", 63, 64)...)}, request{},
			want{Take: 31, Held: 63, Nodes: 2, FirstTaken: 32, FenceOfFirstHeld: 1},
		},
		{
			"one that stops takes nothing",
			store.Members{Nodes: []store.Node{me}, Leases: owned("me", 0, 3)}, request{stopping: true},
			want{Held: 3, Surplus: 3, Nodes: 1, FirstTaken: -1, FenceOfFirstHeld: 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.node, c.q.now = "me", now
			s := divide(c.m, c.q)
			got := want{
				Join: s.join, Dead: len(s.dead), Take: len(s.take), Release: len(s.release), Held: len(s.held),
				Surplus: s.surplus, Nodes: s.nodes, FirstTaken: -1, FenceOfFirstHeld: s.held[0],
			}
			if len(s.take) > 0 {
				got.FirstTaken = s.take[0].Shard
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
			fences := int64(len(s.take) + len(s.release))
			for _, l := range c.m.Leases {
				fences += l.Fence
			}
			if s.fences != fences {
				t.Errorf("fences add up to %d, want %d", s.fences, fences)
			}
		})
	}
}

// TestNodesWithoutSurplusLeaveNothingFree checks the sums for every number of nodes.
func TestNodesWithoutSurplusLeaveNothingFree(t *testing.T) {
	t.Parallel()
	for n := 1; n <= store.Shards+2; n++ {
		var m store.Members
		for i := range n {
			m.Nodes = append(m.Nodes, store.Node{ID: string(rune('A' + i))})
		}
		for _, node := range m.Nodes {
			s := divide(m, request{node: node.ID})
			for _, l := range s.take {
				m.Leases = append(m.Leases, store.Lease{Shard: l.Shard, Owner: node.ID, Fence: 1})
			}
		}
		if len(m.Leases) != store.Shards {
			t.Errorf("%d nodes hold %d shards", n, len(m.Leases))
		}
		for _, node := range m.Nodes {
			if s := divide(m, request{node: node.ID}); s.surplus > 0 || len(s.take) > 0 {
				t.Errorf("%d nodes: not at rest", n)
			}
		}
	}
}

// TestLeasesStandByBothClocks: a machine that slept, and a wall clock that was set.
func TestLeasesStandByBothClocks(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	now := begin
	s := newShards(func() time.Time { return now })
	s.settle(map[int64]int64{5: 9}, begin.Add(5*time.Second), 0)
	holds := func(what string, want bool) {
		t.Helper()
		if _, ok := s.holds(5); ok != want {
			t.Errorf("%s: holds %t, want %t", what, ok, want)
		}
		if held := s.list(true); (len(held) == 1) != want {
			t.Errorf("%s: holds %v", what, held)
		}
	}
	holds("at once", true)
	now = begin.Add(5*time.Second - 1)
	holds("at the end", true)
	now = begin.Add(5 * time.Second)
	holds("past the end", false)
	now = begin.Round(0).Add(time.Second) // no monotonic reading: the wall clock alone
	holds("by the wall clock", true)
	now = begin.Round(0).Add(time.Hour)
	holds("after a sleep", false)
	if _, _, ok := s.begin(t.Context(), 5); ok {
		t.Error("work was begun without a lease")
	}
}
