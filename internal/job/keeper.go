package job

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
)

// keeper keeps a node alive in the eyes of the others and its leases in line with theirs.
//
// A lease rests on two clocks: the expiry stored with the node, after which others may
// take over, and the instant until which the node itself relies on it, earlier by a
// margin for clocks that differ and for a node that is slow to notice. The second counts
// from before the transaction that sets the first.
type keeper struct {
	db     *store.DB
	node   string
	log    *slog.Logger
	shards *shards
	gained func()      // told when there are new shards to work on
	frozen atomic.Bool // set by tests only: skips renewals

	stored time.Duration // how far the stored expiry lies ahead
	relied time.Duration // how long the node relies on its leases
	every  time.Duration // between renewals

	signal   chan struct{} // a tick is wanted
	renewed  chan struct{} // the leases stand longer
	settled  bool          // nothing is to be done but to renew
	last     share         // what the last look came to
	renewals int           // since that look
	stopping atomic.Bool
	lapsed   atomic.Bool
	queries  atomic.Uint64
	trouble  trouble
	stands   atomic.Int64 // until when the node counts as alive, in microseconds
}

// lookAfter is the number of quiet renewals after which the members are read all the
// same, in case two changes cancelled out.
const lookAfter = 10

func newKeeper(o Options, s *shards) *keeper {
	k := &keeper{
		db: o.DB, node: o.Node, log: o.Log, shards: s,
		stored:  o.LeaseFor * 4 / 5,
		relied:  o.LeaseFor * 11 / 20,
		every:   o.LeaseFor / 5,
		signal:  make(chan struct{}, 1),
		renewed: make(chan struct{}, 1),
	}
	s.freed = k.nudge
	return k
}

func (k *keeper) nudge() { notify(k.signal) }

// loop renews and divides until ctx ends.
func (k *keeper) loop(ctx context.Context) {
	for ctx.Err() == nil {
		sleep(ctx, k.tick(ctx), k.signal)
	}
}

// watch lets everything go at the instant after which others may take over, however long
// the renewal takes that should have come before. It runs until ctx ends.
func (k *keeper) watch(ctx context.Context) {
	for ctx.Err() == nil {
		left, lapsed := k.shards.lapse()
		if lapsed {
			k.lost()
		}
		if left <= 0 {
			left = k.every // nothing to lose before something is gained, which tells
		}
		sleep(ctx, left, k.renewed)
	}
}

func (k *keeper) lost() {
	k.lapsed.Store(true)
	k.log.Warn("leases not renewed in time, due work let go", "node", k.node)
	k.nudge()
}

// tick renews the node, looks at the others where there is reason to, and returns how
// long to wait for the next.
func (k *keeper) tick(ctx context.Context) time.Duration {
	if k.frozen.Load() {
		return k.every
	}
	dropped := k.shards.dropIdle()
	lapsed := k.lapsed.Swap(false)
	quiet := k.settled && !lapsed && len(dropped) == 0 && k.renewals < lookAfter
	start := k.shards.now()
	looked := false
	err := rescue.Call(func() (err error) {
		looked, err = k.renew(ctx, dropped, quiet)
		return err
	})
	k.trouble.note(ctx, k.log, "renewing leases", err)
	if err != nil {
		k.settled = false
		return k.every / 4
	}
	defer notify(k.renewed)
	until := start.Add(k.relied)
	k.stands.Store(until.UnixMicro())
	if !looked {
		k.renewals++
		k.shards.extend(until)
		return k.every
	}
	k.renewals = 0
	gained, idle := k.shards.settle(k.last.held, until, k.last.surplus)
	k.settled = k.last.surplus == 0
	if gained {
		k.gained()
	}
	if idle {
		return 0
	}
	return k.every
}

// renew is the transaction of a tick. A quiet one tries without looking; if the renewal
// then misses, something has changed and the body runs again, looking.
func (k *keeper) renew(ctx context.Context, dropped map[int64]bool, quiet bool) (looked bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, k.stored)
	defer cancel()
	var s share
	err = k.db.Update(ctx, func(tx *store.Tx) error {
		self := store.Node{ID: k.node, Expires: tx.Now().Add(k.stored), Leaving: k.stopping.Load()}
		k.queries.Add(1)
		if quiet {
			quiet = false
			tx.Nodes().RenewQuiet(self, k.last.nodes, k.last.fences)
			return nil
		}
		looked = true
		k.queries.Add(1)
		m, err := tx.Nodes().Members()
		if err != nil {
			return err
		}
		s = divide(m, request{node: k.node, now: tx.Now(), dropped: dropped, stopping: self.Leaving})
		s.write(tx, self)
		return nil
	})
	if err == nil && looked {
		k.last = s
	}
	return looked, err
}

// stop begins giving everything up; the loop goes on until what runs has finished.
func (k *keeper) stop() {
	k.stopping.Store(true)
	k.lapsed.Store(true) // look at the next tick
	k.shards.leaveAll()
	k.nudge()
}

// leave ends the node's part, so that others need not wait for its expiry.
func (k *keeper) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.stored)
	defer cancel()
	k.queries.Add(1)
	return k.db.Update(ctx, func(tx *store.Tx) error {
		tx.Nodes().Delete(k.node)
		return nil
	})
}
