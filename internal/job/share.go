package job

import (
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

// share is what a node makes of one look at all nodes and leases: pure, so that the body
// of a transaction may compute it as often as it must.
type share struct {
	join    bool            // the node has no row, or has none any more
	dead    []store.Node    // rows to remove
	take    []store.Lease   // free ones, as read
	release []store.Lease   // own ones, as read
	held    map[int64]int64 // shard to fence, once all this is written
	surplus int             // how many of the held ones are more than the node's part
	nodes   int             // rows of nodes, once all this is written
	fences  int64           // sum of all fences then
}

// request is what the node brings to the look.
type request struct {
	node     string
	now      time.Time
	dropped  map[int64]bool // shards that it no longer holds, whatever the leases say
	stopping bool           // it wants none
}

// divide decides the part of the node that asks. Each live node that is not leaving aims at
// an equal part, rounded up. A lease stands as long as its owner has a row, so what a dead node had is
// free once its row is removed; and a node that had lost its own row touches all leases
// in its name, because others may be about to take them.
func divide(m store.Members, q request) share {
	s := share{join: true, held: map[int64]int64{}}
	alive, leaving := map[string]bool{}, 0
	for _, n := range m.Nodes {
		switch {
		case n.ID == q.node:
			s.join = false
		case n.Expires.Before(q.now):
			s.dead = append(s.dead, n)
		default:
			alive[n.ID] = true
			if n.Leaving {
				leaving++
			}
		}
	}
	s.nodes = len(alive) + 1
	target := 0
	if sharing := s.nodes - leaving; !q.stopping {
		target = (store.Shards + sharing - 1) / sharing
	}
	leases := make([]store.Lease, store.Shards)
	for i := range leases {
		leases[i].Shard = int64(i)
	}
	for _, l := range m.Leases {
		s.fences += l.Fence
		if l.Shard < store.Shards {
			leases[l.Shard] = l
		}
	}
	var free, own []store.Lease
	for _, l := range leases {
		switch {
		case l.Owner == q.node && !s.join && !q.dropped[l.Shard]:
			s.held[l.Shard] = l.Fence
		case l.Owner == q.node:
			own = append(own, l)
		case !alive[l.Owner]:
			free = append(free, l)
		}
	}
	s.grab(own, free, target)
	s.surplus = max(0, len(s.held)-target)
	return s
}

// grab takes what is missing to the target from the own leases that need a new fence,
// then from the free ones, and releases the rest of the own.
func (s *share) grab(own, free []store.Lease, target int) {
	if !s.join { // own ones were dropped on purpose
		s.release, own = own, nil
	}
	for i, l := range append(own, free...) {
		switch {
		case len(s.held) < target:
			s.take = append(s.take, l)
			s.held[l.Shard] = l.Fence + 1
		case i < len(own):
			s.release = append(s.release, l)
		}
	}
	s.fences += int64(len(s.take) + len(s.release))
}

// write queues all that the share changes.
func (s *share) write(tx *store.Tx, self store.Node) {
	if s.join {
		tx.Nodes().Insert(self)
	} else {
		tx.Nodes().Renew(self)
	}
	for _, n := range s.dead {
		tx.Nodes().Remove(n)
	}
	for _, l := range s.release {
		tx.Leases().Release(l)
	}
	for _, l := range s.take {
		tx.Leases().Take(l, self.ID)
	}
}
