package tx

import (
	"os"
	"sync/atomic"
)

// Stats are counters since Open, for metrics and tests.
type Stats struct {
	Groups       uint64 // groups given to the database
	Sets         uint64 // sets of writes in them, each one run of a body
	LargestGroup uint64 // most sets in one group
	Reruns       uint64 // runs of bodies beyond their first
	Conflicts    uint64 // sets that a writer sent back for another run
	Waiting      int    // sets waiting for a writer now
	Lines        int    // things that bodies stand in line for now, see package turns
	InLine       int    // bodies that stand in these lines, without those whose turn it is
	Restamps     uint64 // times that rows were stamped again because their commit came late, see stamp.go
	WALBytes     int64  // length of SQLite's write-ahead log now; 0 on PostgreSQL
}

// Stats returns the counters as they are now; they are not one snapshot.
func (db *DB) Stats() Stats {
	s := Stats{
		Groups:       db.stats.groups.Load(),
		Sets:         db.stats.sets.Load(),
		LargestGroup: db.stats.largest.Load(),
		Reruns:       db.stats.reruns.Load(),
		Conflicts:    db.stats.conflicts.Load(),
		Restamps:     db.stats.restamps.Load(),
	}
	s.Lines, s.InLine = db.turns.Count()
	for _, q := range db.queues {
		s.Waiting += q.length()
	}
	if info, err := os.Stat(db.walPath); err == nil {
		s.WALBytes = info.Size()
	}
	return s
}

type counters struct {
	groups, sets, largest, reruns, conflicts, restamps atomic.Uint64
}

func (c *counters) group(sets int) {
	n := uint64(sets)
	c.groups.Add(1)
	c.sets.Add(n)
	for {
		old := c.largest.Load()
		if n <= old || c.largest.CompareAndSwap(old, n) {
			return
		}
	}
}
